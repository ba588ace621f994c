//! What all legs of a call share to speak: transactions, chance, our names on each listener. Knows no leg's state.

use crate::base::entropy::Entropy;
use crate::base::id::{CallId, LegId};
use crate::base::limits;
use crate::base::now::Now;
use crate::domain::leg::event::LegEvent;
use crate::domain::leg::headers;
use crate::domain::leg::hop::{Held, NameToResolve, Spare};
use crate::domain::leg::leg::Line;
use crate::domain::profile::{Listener, Profile, Profiles};
use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::message::writer::Writer;
use crate::protocol::sip::path::{ListenerId, Path, Target, Transport};
use crate::protocol::sip::stamp;
use crate::protocol::sip::transaction::set::{ClientKey, ServerKey, TimerValues, Transactions};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// What a request of ours was sent for, so that its answer finds its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Errand {
    Invite,
    Cancel,
    Reinvite,
    Update,
    /// An UPDATE in an early dialog, with its fork.
    EarlyUpdate(u8),
    /// With the fork that it belongs to.
    Prack(u8),
    Bye,
    /// An INVITE that nobody waits for any more.
    Abandoned,
    /// The BYE of a fork that answered too late.
    StrayBye,
    Info,
    Notify,
}

#[derive(Clone, Copy, Debug)]
struct Errands {
    client: ClientKey,
    leg: LegId,
    errand: Errand,
}

/// One call's voice.
pub struct Wire {
    pub now: Now,
    pub call: CallId,
    pub transactions: Transactions,
    pub entropy: Entropy,
    pub profiles: Arc<Profiles>,
    pub events: VecDeque<(LegId, LegEvent)>,
    /// Names that have to be looked up.
    pub questions: Vec<(LegId, NameToResolve)>,
    pub(super) held: Vec<Held>,
    pub(super) spares: Vec<Spare>,
    errands: Vec<Errands>,
}

/// The number, branch and Via of a request that is about to be written.
#[derive(Clone)]
pub struct Stamp {
    pub key: ClientKey,
    pub branch: String,
    pub via: String,
}

/// A written request.
#[derive(Clone)]
pub struct Ready {
    pub stamp: Stamp,
    pub method: Method,
    pub target: Target,
    pub bytes: Bytes,
    pub no_response: Option<Duration>,
}

impl Wire {
    pub fn new(now: Now, call: CallId, entropy: Entropy, profiles: Arc<Profiles>, timers: TimerValues) -> Wire {
        let transactions = Transactions::new(timers, limits::CALL_TRANSACTIONS);
        Wire {
            now,
            call,
            transactions,
            entropy,
            profiles,
            events: VecDeque::new(),
            questions: Vec::new(),
            held: Vec::new(),
            spares: Vec::new(),
            errands: Vec::new(),
        }
    }

    pub fn emit(&mut self, leg: LegId, event: LegEvent) {
        self.events.push_back((leg, event));
    }

    pub fn listener(&self, id: ListenerId) -> Option<(&Arc<Profile>, &Listener)> {
        self.profiles.listener(id)
    }

    /// The host that we show on a listener.
    pub fn host(&self, id: ListenerId) -> &str {
        self.listener(id).map_or("offhook.invalid", |(_, listener)| &listener.advertised_host)
    }

    pub fn product(&self, id: ListenerId) -> &str {
        self.listener(id).map_or("", |(profile, _)| &profile.product)
    }

    /// Our Contact on a path. Its user part says nothing of the call (topology hiding).
    pub fn contact(&self, path: &Path) -> String {
        let Some((_, listener)) = self.listener(path.listener) else { return "<sip:offhook@offhook.invalid>".into() };
        let (host, port) = (&*listener.advertised_host, &*listener.advertised_port.to_string());
        match path.transport {
            Transport::Udp => ["<sip:offhook@", host, ":", port, ">"].concat(),
            other => ["<sip:offhook@", host, ":", port, ";transport=", other.name(), ">"].concat(),
        }
    }

    /// Number, branch and Via of the next request over a path.
    pub fn stamp(&mut self, path: &Path) -> Stamp {
        let key = self.transactions.next_key();
        let branch = stamp::branch(self.call, key.0, &mut self.entropy);
        let via = self.via(path, &branch);
        Stamp { key, branch, via }
    }

    pub fn via(&self, path: &Path, branch: &str) -> String {
        let name = path.transport.via_name();
        // RFC 3581 3: rport asks that answers come back to where the request came from.
        match self.listener(path.listener) {
            Some((_, listener)) => {
                let (host, port) = (&*listener.advertised_host, &*listener.advertised_port.to_string());
                ["SIP/2.0/", name, " ", host, ":", port, ";branch=", branch, ";rport"].concat()
            }
            None => ["SIP/2.0/", name, " offhook.invalid;branch=", branch, ";rport"].concat(),
        }
    }

    /// Sends a request of a leg, and notes what it is for.
    pub fn send(&mut self, line: &Line, errand: Errand, ready: Ready) -> ClientKey {
        let (client, leg) = (ready.stamp.key, line.id);
        if errand == Errand::Reinvite {
            self.errands.retain(|known| known.leg != leg || known.errand != Errand::Reinvite);
        }
        self.errands.push(Errands { client, leg, errand });
        self.send_or_hold(line, errand, ready);
        client
    }

    /// Sends a request to where it is addressed, for nobody who is still in the call.
    pub fn send_bare(&mut self, leg: LegId, errand: Errand, ready: Ready) {
        self.errands.push(Errands { client: ready.stamp.key, leg, errand });
        self.start(ready);
    }

    /// Whose answer this is. `is_last` forgets the errand: nothing more can come of it.
    pub fn errand(&mut self, client: ClientKey, is_last: bool) -> Option<(LegId, Errand)> {
        let at = self.errands.iter().position(|known| known.client == client)?;
        let found = self.errands.get(at).map(|known| (known.leg, known.errand))?;
        if is_last && !matches!(found.1, Errand::Invite | Errand::Abandoned) {
            self.errands.swap_remove(at);
            self.spares.retain(|spare| spare.client != client);
        }
        Some(found)
    }

    /// From now on the answers to this INVITE are for who cleans up after it.
    pub fn abandon(&mut self, client: ClientKey) {
        if let Some(known) = self.errands.iter_mut().find(|known| known.client == client) {
            known.errand = Errand::Abandoned;
        }
    }

    /// Nothing is under way and nothing waits to be sent.
    pub fn is_idle(&self) -> bool {
        self.transactions.is_empty() && self.held.is_empty()
    }

    /// Forgets what can no longer be answered; an idle call holds nothing here.
    pub fn settle(&mut self) {
        if self.is_idle() && self.events.is_empty() {
            self.errands = Vec::new();
            self.spares = Vec::new();
            self.held = Vec::new();
            self.events = VecDeque::new();
            self.entropy.rest();
        }
    }

    /// The start of an answer to a request in a dialog.
    pub fn reply(&self, request: &Message, from: &Path, status: u16, phrase: &str) -> Writer {
        let mut writer = Writer::reply(request, from.remote, status, phrase, None);
        self.server_header(&mut writer, from.listener);
        writer
    }

    pub fn server_header(&self, writer: &mut Writer, listener: ListenerId) {
        let product = self.product(listener);
        if !product.is_empty() {
            writer.text(HeaderName::Server, &[product]);
        }
    }

    pub fn agent_header(&self, writer: &mut Writer, listener: ListenerId) {
        let product = self.product(listener);
        if !product.is_empty() {
            writer.text(HeaderName::UserAgent, &[product]);
        }
    }

    /// Answers with nothing but a status. 405 and 501 say what is allowed (RFC 3261 8.2.1).
    pub fn respond_plain(&mut self, server: ServerKey, request: &Message, from: &Path, answer: (u16, &str)) {
        let (status, phrase) = answer;
        let mut writer = self.reply(request, from, status, phrase);
        if matches!(status, 405 | 501) {
            writer.header(HeaderName::Allow, headers::ALLOW);
        }
        self.transactions.respond(self.now, server, status, writer.finish());
    }
}
