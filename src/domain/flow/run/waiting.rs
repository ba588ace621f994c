//! What a flow can be waiting for, and until when. Decides nothing.

use super::collector::Collector;
use crate::domain::flow::act::StreamWhat;
use crate::domain::flow::interface::Ticket;
use crate::domain::flow::memory::QueueName;
use std::time::Instant;

/// One thing at a time.
pub enum Waiting {
    Begin,
    Play {
        ticket: Ticket,
        until: Instant,
    },
    /// Music; the interrupt is due at `until`, and late where an agent is being offered the call.
    Loop {
        ticket: Ticket,
        until: Option<Instant>,
        is_due: bool,
    },
    Ask(Asking),
    Collect(Box<Collecting>),
    /// Whether what was keyed is a telephone number.
    Number {
        ticket: Ticket,
        until: Instant,
        keyed: Keyed,
    },
    Encrypt {
        ticket: Ticket,
        until: Instant,
    },
    Confirm(Confirming),
    /// `until` of the whole message, and `is_stopping` when it was ended and its place is awaited.
    Record {
        ticket: Ticket,
        until: Instant,
        is_stopping: bool,
    },
    Pause {
        until: Instant,
    },
    Told {
        ticket: Ticket,
        until: Instant,
    },
    Fetch(Fetching),
    Route(Routing),
    /// For the next order of the engine that has control.
    Control,
    /// `None` while both talk: the call's own limits end that.
    Dial {
        ticket: Ticket,
        until: Option<Instant>,
    },
    Queue {
        ticket: Ticket,
        until: Instant,
        queue: QueueName,
        is_callback: bool,
    },
    Done {
        ticket: Ticket,
        until: Instant,
        what: Doing,
    },
    Ended,
}

/// What `Done` is awaited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    Answer,
    Hold,
    Stream(Option<StreamWhat>),
    SendDigits,
    CallOut,
    Transfer,
}

pub struct Asking {
    pub heard: Heard,
    pub retries: u8,
}

pub struct Collecting {
    pub heard: Heard,
    pub collector: Collector,
    /// How often it may still be keyed again, where its confirmation fails.
    pub retries: u8,
}

/// What was keyed, while others are asked about it.
pub struct Keyed {
    pub keys: Box<str>,
    pub retries: u8,
}

pub struct Confirming {
    pub heard: Heard,
    pub retries: u8,
}

/// A question: first it is said, then it is listened.
pub enum Heard {
    Saying { ticket: Ticket, until: Instant },
    Listening { until: Instant },
}

pub struct Fetching {
    pub ticket: Ticket,
    pub comfort: Option<Ticket>,
    pub since: Instant,
    pub until: Instant,
}

pub struct Routing {
    pub ticket: Ticket,
    pub comfort: Option<Ticket>,
    pub until: Instant,
}

impl Heard {
    pub fn deadline(&self) -> Instant {
        match self {
            Heard::Saying { until, .. } | Heard::Listening { until } => *until,
        }
    }

    pub fn is_saying(&self, played: Ticket) -> bool {
        matches!(self, Heard::Saying { ticket, .. } if *ticket == played)
    }

    pub fn saying(&self) -> Option<Ticket> {
        match self {
            Heard::Saying { ticket, .. } => Some(*ticket),
            Heard::Listening { .. } => None,
        }
    }
}

impl Waiting {
    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Waiting::Begin | Waiting::Ended | Waiting::Control => None,
            Waiting::Loop { is_due: true, .. } => None,
            Waiting::Loop { until, .. } | Waiting::Dial { until, .. } => *until,
            Waiting::Ask(asking) => Some(asking.heard.deadline()),
            Waiting::Collect(collecting) => Some(collecting.heard.deadline()),
            Waiting::Confirm(confirming) => Some(confirming.heard.deadline()),
            Waiting::Fetch(fetching) => Some(fetching.until),
            Waiting::Route(routing) => Some(routing.until),
            Waiting::Play { until, .. }
            | Waiting::Number { until, .. }
            | Waiting::Record { until, .. }
            | Waiting::Pause { until }
            | Waiting::Told { until, .. }
            | Waiting::Encrypt { until, .. }
            | Waiting::Queue { until, .. }
            | Waiting::Done { until, .. } => Some(*until),
        }
    }

    /// What sounds now.
    pub fn sounding(&self) -> Option<Ticket> {
        match self {
            Waiting::Play { ticket, .. } | Waiting::Loop { ticket, .. } => Some(*ticket),
            Waiting::Ask(asking) => asking.heard.saying(),
            Waiting::Collect(collecting) => collecting.heard.saying(),
            Waiting::Confirm(confirming) => confirming.heard.saying(),
            Waiting::Fetch(fetching) => fetching.comfort,
            Waiting::Route(routing) => routing.comfort,
            _ => None,
        }
    }
}
