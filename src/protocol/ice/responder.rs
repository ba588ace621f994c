//! Answers a peer's connectivity checks (RFC 8445 as a lite agent): learns by them where the peer is, for how long it
//! consents (RFC 7675), and which way it has chosen. Sends nothing of its own accord.

use super::credentials::Credentials;
use super::stun::{Class, Message, Role};
use super::write::{self, Rejection};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// RFC 7675 5.1: without a check for so long the peer wants nothing any more.
pub const CONSENT: Duration = Duration::from_secs(30);
/// Ways that a peer may have proven at once: its addresses times ours, and some it has left.
const WAYS_MAX: usize = 8;
/// A chosen way that is checked no more gives way to another of less priority after this.
const CHOICE_HOLDS: Duration = Duration::from_secs(3);

/// What both sides have described for one stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terms {
    pub own: Credentials,
    /// The peer's fragment; its password is never needed by who sends no check.
    pub peer: Box<str>,
}

/// Why a message was not taken as a check. One variant, one label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    Broken,
    /// Neither signed nor named for us: a stranger, who gets no answer.
    Stranger,
    /// Named for us and not signed by our password.
    Credentials,
    /// Signed, but not to be taken: the answer says why.
    Unacceptable,
    /// An answer or an indication; we have asked nothing.
    NotAsked,
}

impl Refused {
    pub const ALL: [Refused; 5] =
        [Refused::Broken, Refused::Stranger, Refused::Credentials, Refused::Unacceptable, Refused::NotAsked];

    pub fn name(self) -> &'static str {
        match self {
            Refused::Broken => "broken",
            Refused::Stranger => "stranger",
            Refused::Credentials => "credentials",
            Refused::Unacceptable => "unacceptable",
            Refused::NotAsked => "not-asked",
        }
    }
}

/// What came of one message: an answer of so many bytes, if any, and whether it was a check that counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checked {
    pub answer: Option<usize>,
    pub outcome: Result<(), Refused>,
}

#[derive(Clone, Copy, Debug)]
struct Way {
    address: SocketAddr,
    checked_at: Instant,
    /// The priority under which it was chosen, and when it was last.
    chosen: Option<(u32, Instant)>,
}

#[derive(Debug)]
pub struct Responder {
    terms: Terms,
    /// After an ICE restart the old terms hold until the new way is chosen (RFC 8445 9).
    before: Option<Terms>,
    ways: Vec<Way>,
    chosen: Option<SocketAddr>,
}

impl Responder {
    pub fn new(terms: Terms) -> Responder {
        Responder { terms, before: None, ways: Vec::new(), chosen: None }
    }

    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// New terms are an ICE restart; the same again change nothing.
    pub fn agree(&mut self, terms: &Terms) {
        if self.terms != *terms {
            self.before = Some(std::mem::replace(&mut self.terms, terms.clone()));
        }
    }

    /// Where ours go: the way that the peer has chosen, as long as it consents.
    pub fn chosen(&self) -> Option<SocketAddr> {
        self.chosen
    }

    /// Whether somebody has proven by a check that it is the peer and can be reached there.
    pub fn is_proven(&self, from: SocketAddr) -> bool {
        self.ways.iter().any(|way| way.address == from)
    }

    /// Reads what came and writes the answer.
    pub fn take(&mut self, now: Instant, from: SocketAddr, bytes: &[u8], room: &mut [u8]) -> Checked {
        let refused = |why| Checked { answer: None, outcome: Err(why) };
        let Ok(message) = Message::parse(bytes) else { return refused(Refused::Broken) };
        if message.class != Class::Request {
            return refused(Refused::NotAsked);
        }
        let Some((is_current, password)) = self.named(&message) else { return refused(Refused::Stranger) };
        if !message.is_authentic(password.as_bytes()) {
            let answer = write::rejection(room, &message.transaction, Rejection::Unauthorized, None);
            // Never more to an unproven address than came from there.
            let answer = answer.filter(|length| *length <= bytes.len());
            return Checked { answer, outcome: Err(Refused::Credentials) };
        }
        let rejection = match (message.unknown, message.role) {
            (Some(unknown), _) => Some(Rejection::Unknown(unknown)),
            // A lite agent is always controlled: a peer that is so too has to change (RFC 8445 7.3.1.1).
            (None, Some(Role::Controlled)) => Some(Rejection::RoleConflict),
            (None, _) => None,
        };
        if let Some(rejection) = rejection {
            let answer = write::rejection(room, &message.transaction, rejection, Some(password));
            return Checked { answer, outcome: Err(Refused::Unacceptable) };
        }
        let answer = write::success(room, &message.transaction, from, password);
        self.proven(now, from, &message, is_current);
        Checked { answer, outcome: Ok(()) }
    }

    /// Whose terms the user name speaks of, and the password that must have signed it.
    fn named(&self, message: &Message<'_>) -> Option<(bool, &str)> {
        let name = message.username.filter(|_| message.has_integrity())?;
        let own = |terms: &Terms| {
            let rest = name.strip_prefix(terms.own.fragment.as_bytes())?;
            (rest.strip_prefix(b":")? == terms.peer.as_bytes()).then_some(())
        };
        if own(&self.terms).is_some() {
            return Some((true, &self.terms.own.password));
        }
        let before = self.before.as_ref().filter(|before| own(before).is_some())?;
        Some((false, &before.own.password))
    }

    fn proven(&mut self, now: Instant, from: SocketAddr, message: &Message<'_>, is_current: bool) {
        let chosen = message.use_candidate.then(|| (message.priority.unwrap_or(0), now));
        match self.ways.iter_mut().find(|way| way.address == from) {
            Some(way) => {
                way.checked_at = now;
                way.chosen = chosen.or(way.chosen);
            }
            None => {
                if self.ways.len() >= WAYS_MAX {
                    let spare = self.ways.iter().enumerate().filter(|(_, way)| Some(way.address) != self.chosen);
                    let oldest = spare.min_by_key(|(_, way)| way.checked_at).map(|(at, _)| at);
                    oldest.map(|at| self.ways.swap_remove(at));
                }
                self.ways.push(Way { address: from, checked_at: now, chosen });
            }
        }
        if message.use_candidate && self.is_better(now, from) {
            self.chosen = Some(from);
        }
        if message.use_candidate && is_current {
            self.before = None;
        }
    }

    /// Some choose every way that works (RFC 5245 8.1.1.2): then the highest priority counts, as long as it is checked.
    fn is_better(&self, now: Instant, from: SocketAddr) -> bool {
        let choice = |address| self.ways.iter().find(|way| way.address == address).and_then(|way| way.chosen);
        let Some((held, last)) = self.chosen.and_then(choice) else { return true };
        let priority = choice(from).map_or(0, |(priority, _)| priority);
        priority >= held || now.saturating_duration_since(last) > CHOICE_HOLDS
    }

    /// When the peer's consent ends, unless it checks again.
    pub fn deadline(&self) -> Option<Instant> {
        self.ways.iter().map(|way| way.checked_at + CONSENT).min()
    }

    /// Forgets ways that were not checked for too long; `true` when the chosen one was among them and none is left.
    pub fn expire(&mut self, now: Instant) -> bool {
        self.ways.retain(|way| way.checked_at + CONSENT > now);
        let Some(chosen) = self.chosen.filter(|chosen| !self.is_proven(*chosen)) else { return false };
        let other = self.ways.iter().filter(|way| way.chosen.is_some()).max_by_key(|way| way.chosen);
        self.chosen = other.map(|way| way.address);
        self.chosen.is_none_or(|other| other == chosen)
    }
}
