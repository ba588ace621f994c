//! What the tasks of the daemon reach each other by. Holds no state of its own.

use crate::base::id::CallId;
use crate::edge::callback_ledger::CallbackLedger;
use crate::edge::control::engines::Engines;
use crate::edge::control::requests::Requests;
use crate::edge::dispatch::Dispatch;
use crate::edge::events::EventLog;
use crate::edge::journal::Journal;
use crate::edge::live::LiveCalls;
use crate::edge::media::MediaPlane;
use crate::edge::metrics::Metrics;
use crate::edge::outside::Outside;
use crate::edge::resolver::Resolver;
use crate::edge::softphone::seats::Seats;
use crate::edge::store::Store;
use crate::edge::store::numbers::Numbers;
use crate::edge::transport::Transports;
use crate::media::command::Command;
use crate::protocol::sip::path::Outgoing;
use std::sync::Arc;

pub struct Ports {
    pub dispatch: Arc<Dispatch>,
    pub transports: Transports,
    pub resolver: Resolver,
    pub metrics: Metrics,
    pub journal: Journal,
    pub live: LiveCalls,
    pub media: MediaPlane,
    pub outside: Arc<Outside>,
    pub numbers: Numbers,
    /// What has happened, for whoever follows it.
    pub events: EventLog,
    /// Who decides from outside where calls go.
    pub engines: Arc<Engines>,
    pub callbacks: CallbackLedger,
    /// What they are asked, and what they say to it.
    pub requests: Arc<Requests>,
    /// Agents at their pages.
    pub seats: Arc<Seats>,
    /// The database, for whoever keeps something in it.
    pub store: Store,
}

impl Ports {
    /// Hands a command to the worker of a call's streams. `false`: it did not take it.
    pub fn to_worker(&self, command: Command) -> bool {
        self.media.send(command).is_ok()
    }

    /// Counts a message and gives it to the transports. Never waits.
    pub fn send(&self, owner: CallId, outgoing: Outgoing) {
        self.metrics.message_out(&outgoing.bytes, outgoing.target.path.transport);
        self.transports.send(owner, outgoing);
    }
}
