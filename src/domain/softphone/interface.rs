//! The doors of the softphone: what its agent orders, what it answers. Moves nothing itself.

use crate::base::cause::Cause;
use bytes::Bytes;
use std::time::Duration;

/// One call of the phone; never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TalkId(pub u32);

/// Which order an answer is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket(pub u64);

/// Who the phone is.
#[derive(Clone, Debug)]
pub struct Account {
    /// The phone's name, which is its address of record.
    pub name: Box<str>,
    pub realm: Box<str>,
    pub user: Box<str>,
    pub password: crate::base::secret::Secret,
    /// How long its calls wait for a page that is gone.
    pub resume: Duration,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Order {
    /// With the page's answer to the offer.
    Accept {
        description: Box<str>,
    },
    /// Ends the call, in whichever stage it is.
    HangUp,
    Hold {
        is_held: bool,
    },
    Mute {
        is_muted: bool,
    },
    /// A new offer of a page for a call that goes on.
    Attach {
        description: Box<str>,
    },
    /// Elsewhere, without asking there.
    Transfer {
        to: Box<str>,
    },
    /// This call was to ask somebody: they are joined with whom they were asked for.
    Complete,
    Keys {
        keys: Box<str>,
    },
}

/// Whom to call, with the page's offer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dialling {
    pub to: Box<str>,
    pub description: Box<str>,
    /// The call for whose sake this one is made.
    pub consults: Option<TalkId>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    UnknownTalk,
    WrongStage,
    /// The page's description cannot be read.
    Description,
    /// Not a number, agent or queue.
    Destination,
    /// More calls than one agent has.
    TooMany,
    /// The exchange said no.
    Status(u16),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// To the exchange.
    Say(Bytes),
    /// An order is done; with what the exchange has described, where a page waits for it.
    Done {
        ticket: Ticket,
        description: Option<Box<str>>,
    },
    Refused {
        ticket: Ticket,
        why: Refused,
    },
    /// Something about a call is not as it was.
    Changed,
    /// The audio of a call is back.
    Resumed,
}

/// How a call came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ending {
    pub cause: Cause,
    /// Whether it was ever answered.
    pub was_answered: bool,
    pub at: u64,
}
