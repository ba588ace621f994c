//! One call of the softphone: where it stands, and what its page and the exchange have said of its audio.

use crate::base::id::CallId;
use crate::domain::softphone::description::{Origin, Role};
use crate::domain::softphone::interface::{Ending, TalkId, Ticket};
use crate::protocol::sip::dialog::Dialog;
use crate::protocol::sip::message::Message;
use crate::protocol::sip::transaction::set::{ClientKey, ServerKey};
use std::collections::VecDeque;
use std::time::Instant;

/// Where a call stands.
#[derive(Debug)]
pub enum Stage {
    /// It rings at the agent.
    Ringing {
        server: ServerKey,
        invite: Box<Message>,
    },
    /// The agent calls.
    Dialling(Box<Invite>),
    Talking,
    Over(Ending),
}

/// An INVITE of ours, as it is written again with credentials.
#[derive(Debug)]
pub struct Invite {
    pub client: ClientKey,
    pub branch: Box<str>,
    pub call_id: Box<str>,
    pub uri: Box<str>,
    pub cseq: u32,
    /// Credentials were asked for and given.
    pub is_proven: bool,
    /// The exchange has said something: only then it may be told to stop (RFC 3261 9.1).
    pub is_proceeding: bool,
    pub is_cancelled: bool,
}

/// A re-INVITE of ours that is under way.
#[derive(Debug)]
pub struct Asking {
    pub client: ClientKey,
    pub cseq: u32,
    pub is_held: bool,
    /// The page's own new description, and whose order it is.
    pub attached: Option<(Ticket, Box<str>)>,
}

#[derive(Debug)]
pub struct Talk {
    pub id: TalkId,
    pub is_inbound: bool,
    /// The call of the exchange that it is a leg of, once that is known.
    pub call: Option<CallId>,
    pub stage: Stage,
    /// When it came into this stage, as milliseconds since 1970.
    pub since: u64,
    /// When it was answered.
    pub answered: Option<u64>,
    pub from: Option<Box<str>>,
    pub to: Option<Box<str>>,
    pub name: Option<Box<str>>,
    pub consults: Option<TalkId>,
    /// Of the exchange, for the page to answer.
    pub offer: Option<Box<str>>,
    /// Of the exchange, to the page's own offer.
    pub answer: Option<Box<str>>,
    pub is_held: bool,
    pub is_muted: bool,
    /// Its page is gone: the other side is on hold until one comes.
    pub is_parked: bool,
    pub needs_attach: bool,
    pub(super) tag: Box<str>,
    pub(super) dialog: Option<Dialog>,
    /// What the page has described last.
    pub(super) stored: Option<Box<str>>,
    /// What the exchange has described last.
    pub(super) remote: Option<Box<str>>,
    pub(super) role: Option<Role>,
    pub(super) version: u32,
    /// Whether the exchange takes it for held.
    pub(super) told_held: bool,
    pub(super) asking: Option<Asking>,
    pub(super) attach: Option<(Ticket, Box<str>)>,
    /// Orders to hold or go on that are not done yet.
    pub(super) waiting: Vec<Ticket>,
    pub(super) when_again: Option<Instant>,
    /// A transfer that is under way, and the consulting call that ends with it.
    pub(super) referring: Option<(Ticket, Option<TalkId>)>,
    pub(super) keys: VecDeque<char>,
    pub(super) when_key: Option<Instant>,
    /// A key is on its way.
    pub(super) is_keying: bool,
}

impl Talk {
    pub(super) fn new(id: TalkId, tag: String, stage: Stage, since: u64) -> Talk {
        Talk {
            id,
            is_inbound: matches!(stage, Stage::Ringing { .. }),
            call: None,
            stage,
            since,
            answered: None,
            from: None,
            to: None,
            name: None,
            consults: None,
            offer: None,
            answer: None,
            is_held: false,
            is_muted: false,
            is_parked: false,
            needs_attach: false,
            tag: tag.into(),
            dialog: None,
            stored: None,
            remote: None,
            role: None,
            version: 0,
            told_held: false,
            asking: None,
            attach: None,
            waiting: Vec::new(),
            when_again: None,
            referring: None,
            keys: VecDeque::new(),
            when_key: None,
            is_keying: false,
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over(_))
    }

    pub fn is_talking(&self) -> bool {
        matches!(self.stage, Stage::Talking)
    }

    pub(super) fn wants_held(&self) -> bool {
        self.is_held || self.is_parked
    }

    /// For the next description of this call.
    pub(super) fn next_origin(&mut self) -> Origin {
        self.version = self.version.wrapping_add(1);
        Origin { id: self.id.0, version: self.version }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let both = [self.when_again, self.when_key];
        both.into_iter().flatten().min()
    }
}
