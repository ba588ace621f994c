//! What an engine is asked, and how its answers are taken: words between a call and whoever carries them. Carries nothing.

use crate::base::id::CallId;
use crate::domain::flow::act::RouteReason;
use crate::domain::flow::value::Value;
use crate::domain::routing::lease::Token;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Which question of which call: a call may ask several times, and each question once more where its engine is lost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RouteId {
    pub call: CallId,
    /// Which of the call's flows asks, and as which of its wishes.
    pub run: u8,
    pub wish: u32,
}

/// As messages write it: `CALL.RUN.WISH`.
impl fmt::Display for RouteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.call, self.run, self.wish)
    }
}

impl RouteId {
    pub fn parse(text: &str) -> Option<RouteId> {
        let mut parts = text.split('.');
        let (call, run, wish) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        Some(RouteId { call: CallId::parse(call)?, run: run.parse().ok()?, wish: wish.parse().ok()? })
    }
}

/// One question to an engine, with everything that is known of the call.
#[derive(Clone, PartialEq, Debug)]
pub struct RouteRequest {
    pub id: RouteId,
    /// The declaration that asks, and the name that the engine attaches with.
    pub engine: Arc<str>,
    pub client: Arc<str>,
    pub why: RouteReason,
    /// How much time is left.
    pub patience: Duration,
    /// What happens when nobody decides, in words.
    pub fallback: Box<str>,
    /// 1 at first.
    pub attempt: u8,
    pub party: Box<str>,
    /// As received, and as E.164 where it is such a number.
    pub dialled: (Box<str>, Option<Box<str>>),
    pub caller: (Box<str>, Option<Box<str>>),
    pub headers: Vec<(&'static str, Box<str>)>,
    pub is_answered: bool,
    /// What flows know: attributes, flow attributes, what was keyed, the queue.
    pub details: Value,
}

/// Why a question got no decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoDecision {
    /// No engine of that name is attached, or none that takes more questions.
    NotAttached,
    /// It said itself that it cannot decide.
    Refused,
    /// It was lost after it had been asked.
    Gone,
}

impl NoDecision {
    pub fn name(self) -> &'static str {
        match self {
            NoDecision::NotAttached => "not attached",
            NoDecision::Refused => "refused",
            NoDecision::Gone => "gone",
        }
    }
}

/// How a question ended, for whoever counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AskEnd {
    Decided,
    /// Nobody decided in time.
    Late,
    NoDecision(NoDecision),
    /// The caller is gone, or something else happened to the call first.
    Dropped,
}

impl AskEnd {
    pub const ALL: [AskEnd; 6] = [
        AskEnd::Decided,
        AskEnd::Late,
        AskEnd::NoDecision(NoDecision::NotAttached),
        AskEnd::NoDecision(NoDecision::Refused),
        AskEnd::NoDecision(NoDecision::Gone),
        AskEnd::Dropped,
    ];

    /// As metrics write it.
    pub fn name(self) -> &'static str {
        match self {
            AskEnd::Decided => "decided",
            AskEnd::Late => "late",
            AskEnd::NoDecision(NoDecision::NotAttached) => "not-attached",
            AskEnd::NoDecision(NoDecision::Refused) => "refused",
            AskEnd::NoDecision(NoDecision::Gone) => "gone",
            AskEnd::Dropped => "dropped",
        }
    }
}

/// A question that is over: of which engine, how, and how long it was open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    pub id: RouteId,
    pub engine: Arc<str>,
    pub end: AskEnd,
    pub took: Duration,
}

/// Whom an answer goes back to. The owner of calls keeps who that is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ReplyTo(pub u64);

/// Why a decision or an order was not taken. It has changed nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderFault {
    pub code: &'static str,
    /// The field at fault, as messages write it; empty where it is none.
    pub path: Box<str>,
    pub words: Box<str>,
}

impl OrderFault {
    pub fn new(code: &'static str, path: &str, words: impl Into<Box<str>>) -> OrderFault {
        OrderFault { code, path: path.into(), words: words.into() }
    }
}

/// A decision or an order that was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Taken {
    /// The right that goes with it, where there is one.
    pub lease: Option<Token>,
}

/// What the holder of a lease is told besides events: its last order is over, the lease is its or its no more.
#[derive(Clone, PartialEq, Debug)]
pub enum HolderWord {
    /// The next order may come.
    Ready { came: &'static str, details: Value },
    /// Another holder has handed the call over.
    Granted { token: Token },
    /// The call is under no lease any more.
    Ended { why: &'static str },
}
