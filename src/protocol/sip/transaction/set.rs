//! All transactions of one owner (a call, or the switchboard): matches what arrives, retransmits, times out.
//!
//! It absorbs retransmissions, answers CANCEL, acknowledges non-2xx finals and retransmits 2xx by itself, so that its owner
//! sees each thing once.

use super::client_invite::ClientInvite;
use super::client_other::ClientOther;
use super::key::{self, Key};
use super::server_invite::ServerInvite;
use super::server_other::ServerOther;
use super::turn::Turn;
use crate::base::now::Now;
use crate::protocol::sip::message::value::Via;
use crate::protocol::sip::message::{HeaderName, Message, Method, Writer};
use crate::protocol::sip::path::{Outgoing, Path, Target};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// One client transaction of this owner. The number also stands in its branch (see `stamp::branch`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ClientKey(pub u32);

/// One server transaction of this owner.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ServerKey(pub u32);

/// RFC 3261 section 17 base timers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TimerValues {
    pub t1: Duration,
    pub t2: Duration,
    pub t4: Duration,
}

#[derive(PartialEq, Debug)]
pub enum TransactionOutput {
    Send(Outgoing),
    /// A request that is new to us (neither retransmission nor ACK nor CANCEL). Answer it with `respond`.
    Request {
        server: ServerKey,
        from: Path,
        message: Box<Message>,
    },
    /// The INVITE that this server transaction holds was cancelled; the CANCEL has its 200 already. Answer the INVITE with 487.
    Cancelled {
        server: ServerKey,
        message: Box<Message>,
    },
    /// The ACK of a 2xx that we sent: retransmission has stopped.
    Acknowledged {
        server: ServerKey,
        message: Box<Message>,
    },
    /// An ACK that belongs to no server transaction.
    StrayAck {
        from: Path,
        message: Box<Message>,
    },
    /// A response to a request of ours, each once; for INVITE also every further 2xx with another To tag (fork).
    Response {
        client: ClientKey,
        from: Path,
        message: Box<Message>,
    },
    /// Nothing at all came for an INVITE within `no_response`. It is not repeated any more, and may be answered until timer B.
    Silent {
        client: ClientKey,
    },
    /// No final response within timer B or F (or, for what is no INVITE, none at all within `no_response`).
    TimedOut {
        client: ClientKey,
    },
    /// The edge could not deliver the request, or the set was full.
    Unreachable {
        client: ClientKey,
    },
    /// Our 2xx was never acknowledged within 64*T1 (timer H for a non-2xx is silent: RFC 3261 17.2.1).
    Unacknowledged {
        server: ServerKey,
    },
}

/// A request as it goes out for the first time.
pub struct ClientRequest {
    pub method: Method,
    pub target: Target,
    /// The branch that stands in its Via.
    pub branch: Box<str>,
    pub bytes: Bytes,
    /// Wait no longer when nothing at all, not even 100, came within this time; timer B or F where absent.
    pub no_response: Option<Duration>,
}

/// What had to be said twice since somebody last asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Repeats {
    /// Messages that we sent again.
    pub sent: u32,
    /// Messages that came again and were absorbed.
    pub received: u32,
}

/// The token of what is sent once and belongs to no transaction: the answer to a CANCEL, a refusal for lack of room.
const NO_TOKEN: u32 = 0;

/// How many of the oldest are looked at for one that can be forgotten: all of a call's.
const LOOKED_AT: usize = 64;

/// The set. Not a `Machine` by trait, because it has several inputs; the contract is the same.
///
/// Three ordered indexes over boxed machines: for the handful of a call each is one small node, and the switchboard's tens of
/// thousands stay logarithmic.
pub struct Transactions {
    timers: TimerValues,
    entries_max: u32,
    last_id: u32,
    entries: BTreeMap<u32, Entry>,
    ids_by_key: BTreeMap<Key, u32>,
    deadlines: BTreeSet<(Instant, u32)>,
    outputs: VecDeque<TransactionOutput>,
    repeats: Repeats,
}

struct Entry {
    /// What stands in `deadlines` for it.
    deadline: Option<Instant>,
    one: One,
}

enum One {
    ClientInvite(Box<ClientInvite>),
    ClientOther(Box<ClientOther>),
    ServerInvite(Box<ServerInvite>),
    ServerOther(Box<ServerOther>),
}

impl Transactions {
    pub fn new(timers: TimerValues, entries_max: u32) -> Transactions {
        Transactions {
            timers,
            entries_max,
            last_id: NO_TOKEN,
            entries: BTreeMap::new(),
            ids_by_key: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            outputs: VecDeque::new(),
            repeats: Repeats::default(),
        }
    }

    /// What had to be said twice since this was last asked.
    pub fn take_repeats(&mut self) -> Repeats {
        std::mem::take(&mut self.repeats)
    }

    /// Whatever arrived for this owner.
    pub fn receive(&mut self, now: Now, from: Path, message: Box<Message>) {
        if !message.is_request() {
            return self.receive_response(now, from, message);
        }
        match message.method() {
            Method::Ack => self.receive_ack(now, from, message),
            Method::Cancel => self.receive_cancel(now, from, message),
            _ => self.receive_request(now, from, message),
        }
    }

    /// The number for the branch of the next request: build the bytes with it, then call `request`.
    pub fn next_key(&mut self) -> ClientKey {
        ClientKey(self.next_id())
    }

    pub fn timers(&self) -> TimerValues {
        self.timers
    }

    /// How many transactions there may be where so many places are kept for others.
    fn room_but(&self, kept: u32) -> usize {
        usize::try_from(self.entries_max.saturating_sub(kept)).unwrap_or(usize::MAX)
    }

    /// Starts a client transaction (not for ACK).
    pub fn request(&mut self, now: Now, key: ClientKey, request: ClientRequest) {
        if self.entries.len() >= self.room_but(0) {
            self.outputs.push_back(TransactionOutput::Unreachable { client: key });
            return;
        }
        if request.method == Method::Cancel {
            self.step(now, self.find(key::client_key(&request.branch, Method::Invite)), |one, turn| {
                if let One::ClientInvite(invite) = one {
                    invite.on_cancel(turn);
                }
            });
        }
        let ClientRequest { method, target, branch, bytes, no_response } = request;
        let own = key::client_key(&branch, method);
        let mut turn = turn(now, self.timers, key.0, &mut self.outputs);
        let one = if method == Method::Invite {
            One::ClientInvite(Box::new(ClientInvite::start(&mut turn, own, target, bytes, no_response)))
        } else {
            One::ClientOther(Box::new(ClientOther::start(&mut turn, own, target, bytes, no_response)))
        };
        self.insert(key.0, own, one);
    }

    /// Sends something that has no transaction: the ACK of a 2xx. It is sent again for each retransmission of that 2xx
    /// (same To tag) that the INVITE's client transaction sees.
    pub fn acknowledge(&mut self, now: Now, invite: ClientKey, to_tag: &str, target: Target, ack: Bytes) {
        turn(now, self.timers, invite.0, &mut self.outputs).send(&target, &ack);
        if let Some(Entry { one: One::ClientInvite(machine), .. }) = self.entries.get_mut(&invite.0) {
            machine.on_acknowledge(to_tag, target, ack);
        }
    }

    /// Answers a request; provisional and final. A 2xx to INVITE is retransmitted until acknowledged.
    pub fn respond(&mut self, now: Now, server: ServerKey, status: u16, bytes: Bytes) {
        // Only now, because the same INVITE may have come before by another way and been refused.
        if (200..300).contains(&status)
            && let Some(Entry { one: One::ServerInvite(invite), .. }) = self.entries.get(&server.0)
            && let Some(key) = invite.acknowledgement_key
        {
            self.ids_by_key.insert(key, server.0);
        }
        self.step(now, Some(server.0), |one, turn| match one {
            One::ServerInvite(invite) => invite.on_respond(turn, status, bytes),
            One::ServerOther(other) => other.on_respond(turn, status, bytes),
            One::ClientInvite(_) | One::ClientOther(_) => {}
        });
    }

    /// The edge could not deliver what carried this token.
    pub fn undeliverable(&mut self, now: Now, token: u32) {
        self.step(now, Some(token), |one, turn| match one {
            One::ClientInvite(invite) => invite.on_undeliverable(turn),
            One::ClientOther(other) => other.on_undeliverable(turn),
            One::ServerInvite(invite) => invite.on_undeliverable(turn),
            One::ServerOther(other) => other.on_undeliverable(turn),
        });
    }

    pub fn handle_deadline(&mut self, now: Now) {
        while let Some(&(when, id)) = self.deadlines.first()
            && when <= now.instant
        {
            let done = self.step(now, Some(id), |one, turn| match one {
                One::ClientInvite(invite) => invite.on_deadline(turn),
                One::ClientOther(other) => other.on_deadline(turn),
                One::ServerInvite(invite) => invite.on_deadline(turn),
                One::ServerOther(other) => other.on_deadline(turn),
            });
            self.repeats.sent += done.sent;
        }
    }

    /// Drain to `None` after every other method.
    #[must_use]
    pub fn poll_output(&mut self) -> Option<TransactionOutput> {
        let output = self.outputs.pop_front();
        if output.is_none() && self.entries.is_empty() && self.outputs.capacity() > 0 {
            // A held call has no transactions: give back what the indexes and the queue hold.
            self.outputs = VecDeque::new();
            self.entries = BTreeMap::new();
            self.ids_by_key = BTreeMap::new();
            self.deadlines = BTreeSet::new();
        }
        output
    }

    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(when, _)| *when)
    }

    /// Nothing left, not even lingering entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether this response answers a request of ours.
    pub fn is_awaited(&self, response: &Message) -> bool {
        let Ok(via) = response.top_via() else { return false };
        let (Some(branch), Ok(cseq)) = (via.branch(), response.cseq()) else { return false };
        self.find(key::client_key(branch, cseq.method)).is_some()
    }

    fn receive_response(&mut self, now: Now, from: Path, message: Box<Message>) {
        let Ok(via) = message.top_via() else { return };
        let (Some(branch), Ok(cseq)) = (via.branch(), message.cseq()) else { return };
        let id = self.find(key::client_key(branch, cseq.method));
        let done = self.step(now, id, |one, turn| match one {
            One::ClientInvite(invite) => invite.on_response(turn, from, message),
            One::ClientOther(other) => other.on_response(turn, from, message),
            One::ServerInvite(_) | One::ServerOther(_) => {}
        });
        if id.is_some() && !done.told {
            self.repeats.received += 1;
            self.repeats.sent += done.sent;
        }
    }

    fn receive_request(&mut self, now: Now, from: Path, message: Box<Message>) {
        let Ok(via) = message.top_via() else { return };
        let own = key::server_key(&message, &via, message.method_text());
        if let Some(id) = self.find(own) {
            let done = self.step(now, Some(id), |one, turn| match one {
                One::ServerInvite(invite) => invite.on_retransmission(turn),
                One::ServerOther(other) => other.on_retransmission(turn),
                One::ClientInvite(_) | One::ClientOther(_) => {}
            });
            self.repeats.received += 1;
            self.repeats.sent += done.sent;
            return;
        }
        // A quarter is kept for what we ask ourselves, half of it for a BYE: either side must be able to hang up.
        let kept = if message.method() == Method::Bye { self.entries_max / 8 } else { self.entries_max / 4 };
        let room = self.room_but(kept);
        if self.entries.len() >= room {
            self.forget_an_answered_one();
        }
        if self.entries.len() >= room {
            let mut refusal = Writer::reply(&message, from.remote, 503, "Service Unavailable", None);
            refusal.header(HeaderName::RetryAfter, 5);
            return self.send_once(now, from, &via, refusal.finish());
        }
        let (target, second) = (key::reply_target(from, &via), key::second_target(from, &via));
        let id = self.next_id();
        let turn = turn(now, self.timers, id, &mut self.outputs);
        if message.method() == Method::Invite {
            let acknowledgement = key::acknowledgement_key(&message);
            let machine = ServerInvite::new(&turn, own, acknowledgement, target, second);
            self.insert(id, own, One::ServerInvite(Box::new(machine)));
        } else {
            let machine = ServerOther::new(&turn, own, target, second);
            self.insert(id, own, One::ServerOther(Box::new(machine)));
        }
        self.outputs.push_back(TransactionOutput::Request { server: ServerKey(id), from, message });
    }

    /// By branch for a non-2xx (RFC 3261 17.2.3), by dialog and CSeq for a 2xx (13.3.1.4).
    fn receive_ack(&mut self, now: Now, from: Path, message: Box<Message>) {
        let Ok(via) = message.top_via() else { return };
        let id = self
            .find(key::server_key(&message, &via, Method::Invite.name()))
            .or_else(|| self.find(key::acknowledgement_key(&message)?));
        match id {
            None => self.outputs.push_back(TransactionOutput::StrayAck { from, message }),
            Some(_) => {
                self.step(now, id, |one, turn| {
                    if let One::ServerInvite(invite) = one {
                        invite.on_acknowledge(turn, message);
                    }
                });
            }
        }
    }

    /// Answered without a transaction of its own (RFC 3261 9.2): a retransmitted CANCEL finds the same INVITE and gets the
    /// same answer.
    fn receive_cancel(&mut self, now: Now, from: Path, message: Box<Message>) {
        let Ok(via) = message.top_via() else { return };
        let own = key::server_key(&message, &via, Method::Invite.name());
        let invite = self.find(own).and_then(|id| match self.entries.get_mut(&id) {
            Some(Entry { one: One::ServerInvite(invite), .. }) => Some((id, invite)),
            _ => None,
        });
        let Some((id, invite)) = invite else {
            let tag = own.as_tag();
            let reply = Writer::reply(&message, from.remote, 481, "Call/Transaction Does Not Exist", Some(&tag));
            return self.send_once(now, from, &via, reply.finish());
        };
        // RFC 3261 9.2: the To tag of the answer to the INVITE, if it has one yet.
        let answered = Message::parse(invite.last_response()).ok();
        let tag = answered.as_ref().and_then(|response| response.to_tag().map(String::from));
        let tag = tag.unwrap_or_else(|| own.as_tag());
        let is_news = invite.on_cancel();
        let reply = Writer::reply(&message, from.remote, 200, "OK", Some(&tag)).finish();
        self.send_once(now, from, &via, reply);
        if is_news {
            self.outputs.push_back(TransactionOutput::Cancelled { server: ServerKey(id), message });
        } else {
            self.repeats = Repeats { sent: self.repeats.sent + 1, received: self.repeats.received + 1 };
        }
    }

    fn send_once(&mut self, now: Now, from: Path, via: &Via<'_>, bytes: Bytes) {
        turn(now, self.timers, NO_TOKEN, &mut self.outputs).send(&key::reply_target(from, via), &bytes);
    }

    fn next_id(&mut self) -> u32 {
        loop {
            self.last_id = self.last_id.wrapping_add(1);
            if self.last_id != NO_TOKEN && !self.entries.contains_key(&self.last_id) {
                return self.last_id;
            }
        }
    }

    fn find(&self, key: Key) -> Option<u32> {
        self.ids_by_key.get(&key).copied()
    }

    fn insert(&mut self, id: u32, key: Key, one: One) {
        let deadline = one.deadline();
        self.deadlines.extend(deadline.map(|when| (when, id)));
        self.ids_by_key.insert(key, id);
        self.entries.insert(id, Entry { deadline, one });
    }

    /// A retransmission that comes all the same is answered anew. So a flood of requests that each get their refusal cannot keep
    /// out the one that matters.
    fn forget_an_answered_one(&mut self) {
        let answered = |entry: &Entry| matches!(&entry.one, One::ServerOther(other) if other.is_answered());
        let oldest = self.entries.iter().take(LOOKED_AT).find(|(_, entry)| answered(entry)).map(|(id, _)| *id);
        if let Some(id) = oldest {
            self.remove(id);
        }
    }

    fn remove(&mut self, id: u32) {
        let Some(entry) = self.entries.remove(&id) else { return };
        if let Some(when) = entry.deadline {
            self.deadlines.remove(&(when, id));
        }
        for key in entry.one.keys().into_iter().flatten() {
            if self.ids_by_key.get(&key) == Some(&id) {
                self.ids_by_key.remove(&key);
            }
        }
    }

    /// One step of one machine, after which the indexes agree with it again.
    fn step(&mut self, now: Now, id: Option<u32>, action: impl FnOnce(&mut One, &mut Turn<'_>)) -> Done {
        let before = self.outputs.len();
        let Some((id, entry)) = id.and_then(|id| Some((id, self.entries.get_mut(&id)?))) else {
            return Done::default();
        };
        action(&mut entry.one, &mut turn(now, self.timers, id, &mut self.outputs));
        let deadline = entry.one.deadline();
        if deadline != entry.deadline {
            if let Some(old) = std::mem::replace(&mut entry.deadline, deadline) {
                self.deadlines.remove(&(old, id));
            }
            self.deadlines.extend(deadline.map(|when| (when, id)));
        }
        if entry.one.is_ended() {
            self.remove(id);
        }
        let mut done = Done::default();
        for output in self.outputs.iter().skip(before) {
            match output {
                TransactionOutput::Send(_) => done.sent += 1,
                _ => done.told = true,
            }
        }
        done
    }
}

/// What one step of one machine led to.
#[derive(Default)]
struct Done {
    sent: u32,
    /// The owner hears of something.
    told: bool,
}

impl One {
    fn deadline(&self) -> Option<Instant> {
        match self {
            One::ClientInvite(invite) => invite.deadline(),
            One::ClientOther(other) => other.deadline(),
            One::ServerInvite(invite) => invite.deadline(),
            One::ServerOther(other) => other.deadline(),
        }
    }

    fn is_ended(&self) -> bool {
        match self {
            One::ClientInvite(invite) => invite.is_ended(),
            One::ClientOther(other) => other.is_ended(),
            One::ServerInvite(invite) => invite.is_ended(),
            One::ServerOther(other) => other.is_ended(),
        }
    }

    fn keys(&self) -> [Option<Key>; 2] {
        match self {
            One::ClientInvite(invite) => [Some(invite.key), None],
            One::ClientOther(other) => [Some(other.key), None],
            One::ServerInvite(invite) => [Some(invite.key), invite.acknowledgement_key],
            One::ServerOther(other) => [Some(other.key), None],
        }
    }
}

fn turn(now: Now, timers: TimerValues, id: u32, out: &mut VecDeque<TransactionOutput>) -> Turn<'_> {
    Turn { now: now.instant, timers, id, out }
}
