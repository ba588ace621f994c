//! What an engine may say, about a call that it was asked about or that it has control of. Does none of it.

use crate::base::cause::Cause;
use crate::domain::flow::act::SoundSpec;
use crate::domain::flow::key::Key;
use crate::domain::flow::value::Value;
use std::time::Duration;

/// A decision, or an order under a lease: one thing, and what is noted with it.
#[derive(Clone, PartialEq, Debug)]
pub struct Decision {
    pub order: Order,
    /// Into the call's attributes first.
    pub attributes: Vec<(Box<str>, Value)>,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Order {
    /// A flow of the configuration goes on with the caller.
    Flow(Box<str>),
    /// The caller waits.
    Queue(QueueOrder),
    /// One agent after the other is offered the caller.
    Offer {
        agents: Vec<Box<str>>,
        each: Duration,
    },
    Dial(DialOrder),
    /// The end, after something was heard, where there is something.
    Reject {
        cause: Cause,
        sounds: Vec<SoundSpec>,
    },
    /// Somebody else is to take the call; only before the answer.
    Redirect(Box<str>),
    Collect(CollectOrder),
    /// The engine is asked again after that time.
    Wait {
        time: Duration,
        sounds: Vec<SoundSpec>,
    },
    /// The engine says from now on what happens, order by order.
    Control,
    Answer,
    Play {
        sounds: Vec<SoundSpec>,
        times: u8,
    },
    /// What the caller says is kept as a message.
    Record {
        limit: Duration,
        silence: Option<Duration>,
    },
    SendDigits(Box<str>),
    /// Whatever is under way for the caller ends; nothing else happens.
    Stop,
    /// Only what is noted with it.
    Note,
}

#[derive(Clone, PartialEq, Debug)]
pub struct QueueOrder {
    pub queue: Box<str>,
    pub priority: Option<u8>,
    /// Seconds that the caller counts as longer waiting.
    pub age: Option<i64>,
    pub criteria: Option<Value>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct DialOrder {
    pub to: Box<str>,
    /// A trunk group, instead of what the dialplan says.
    pub via: Option<Box<str>>,
    pub timeout: Duration,
    pub digits: Option<Box<str>>,
    pub caller_number: Option<Box<str>>,
    pub caller_name: Option<Box<str>>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct CollectOrder {
    pub sounds: Vec<SoundSpec>,
    pub digits_max: u16,
    pub first_timeout: Duration,
    pub next_timeout: Duration,
    pub terminator: Vec<Key>,
    /// Whether the caller is answered first: keys before the answer reach us from few networks.
    pub answers: bool,
}

impl Order {
    /// As messages write it.
    pub fn name(&self) -> &'static str {
        match self {
            Order::Flow(_) => "flow",
            Order::Queue(_) => "queue",
            Order::Offer { .. } => "offer",
            Order::Dial(_) => "dial",
            Order::Reject { .. } => "reject",
            Order::Redirect(_) => "redirect",
            Order::Collect(_) => "collect",
            Order::Wait { .. } => "wait",
            Order::Control => "control",
            Order::Answer => "answer",
            Order::Play { .. } => "play",
            Order::Record { .. } => "record",
            Order::SendDigits(_) => "send_digits",
            Order::Stop => "stop",
            Order::Note => "note",
        }
    }

    /// Only for whoever has control.
    pub fn needs_lease(&self) -> bool {
        matches!(
            self,
            Order::Answer
                | Order::Play { .. }
                | Order::Record { .. }
                | Order::SendDigits(_)
                | Order::Stop
                | Order::Note
        )
    }

    /// Gives the caller to others, so that a lease ends with it.
    pub fn gives_away(&self) -> bool {
        matches!(self, Order::Flow(_) | Order::Queue(_) | Order::Offer { .. } | Order::Redirect(_))
    }
}
