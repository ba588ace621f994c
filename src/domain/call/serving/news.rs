//! What comes from outside for a flow, and which wish of which run it answers. Asks nobody.

use crate::domain::call::parts::Parts;
use crate::domain::call::serving::Serving;
use crate::domain::call::serving::sounding::Heard;
use crate::domain::flow::interface::{Answer, FetchFault, FlowInput, QueueOutcome, Ticket};
use crate::domain::flow::value::Value;
use crate::media::command::TapId;
use crate::media::prompt::Prompt;
use std::sync::Arc;
use std::time::Duration;

/// Which wish of which run of a call's flows: a call may have several flows one after the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Slip {
    pub run: u8,
    pub ticket: Ticket,
}

/// A text to be spoken by an engine of the house.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Speech {
    pub text: Box<str>,
    pub is_ssml: bool,
    pub language: Box<str>,
    pub voice: Option<Box<str>>,
    /// It holds what the flow marked as sensitive: it must not be kept anywhere.
    pub is_secret: bool,
}

/// An answer from outside.
#[derive(Debug)]
pub enum News {
    Fetched(Result<Value, FetchFault>),
    /// One part of what is to be played; `None`: it cannot be spoken.
    Spoken {
        part: u16,
        prompt: Option<Arc<Prompt>>,
    },
    Told(Option<Answer>),
    Queued(QueueOutcome),
    Encrypted(Option<Box<str>>),
    /// A recording has begun, there; or cannot.
    Taping {
        tap: TapId,
        place: Option<Box<str>>,
    },
    /// Nothing was said for as long as the order allows.
    Quiet {
        tap: TapId,
    },
}

impl Serving {
    pub(super) fn take_news(&mut self, parts: &mut Parts, slip: Slip, news: News) {
        let (now, ticket) = (parts.wire.now, slip.ticket);
        let input = match news {
            News::Taping { tap, place } => match self.taping.began(parts, tap, place) {
                Some(input) => input,
                None => return,
            },
            News::Quiet { tap } => match self.taping.quiet(parts, tap) {
                Some(input) => input,
                None => return,
            },
            _ if !self.attendant.is_for(slip) => return,
            News::Fetched(outcome) => FlowInput::Fetched { ticket, outcome },
            News::Spoken { part, prompt } => match self.attendant.sounding.on_spoken(parts, ticket, (part, prompt)) {
                Some(Heard { ticket, ok }) => FlowInput::Played { ticket, ok },
                None => return,
            },
            News::Told(answer) => FlowInput::Told { ticket, answer },
            News::Queued(outcome) => FlowInput::Queued { ticket, outcome },
            News::Encrypted(envelope) => FlowInput::Encrypted { ticket, envelope },
        };
        self.attendant.hear(now, input);
    }
}

/// What a recording is to hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tape {
    /// Caller left, party right.
    Talk,
    /// What the caller says, until nothing is said for so long.
    Message { silence: Option<Duration> },
}
