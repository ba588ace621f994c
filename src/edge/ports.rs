//! What the tasks of the daemon reach each other by. Holds no state of its own.

use crate::base::id::CallId;
use crate::edge::dispatch::Dispatch;
use crate::edge::journal::Journal;
use crate::edge::live::LiveCalls;
use crate::edge::media::MediaPlane;
use crate::edge::metrics::Metrics;
use crate::edge::resolver::Resolver;
use crate::edge::transport::Transports;
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
}

impl Ports {
    /// Counts a message and gives it to the transports. Never waits.
    pub fn send(&self, owner: CallId, outgoing: Outgoing) {
        self.metrics.message_out(&outgoing.bytes, outgoing.target.path.transport);
        self.transports.send(owner, outgoing);
    }
}
