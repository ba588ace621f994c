//! The two doors of a running flow: what it is told and what it wishes. Decides nothing.

use super::act::{HoldWho, Recorded, Reply, RouteReason, Spoken, Staffing, StreamWhat, Tone};
use super::definition::Flow;
use super::key::Key;
use super::log::Entry;
use super::memory::QueueName;
use super::value::{Map, Value};
use crate::base::cause::Cause;
use crate::base::e164::E164;
use crate::base::secret::Secret;
use std::sync::Arc;
use std::time::Duration;

/// Which wish an input answers. An answer to a wish that is no longer waited for does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u32);

/// What happened to the call that a flow serves.
#[derive(Clone, Debug, PartialEq)]
pub enum FlowInput {
    /// The first input, once.
    Begin,
    /// At any moment, also before the answer.
    Key(Key),
    /// To `Answer`, `Hold`, `Stream`, `SendDigits`, `CallOut`, `TransferToAgent`: it was done, or could not be.
    Done { ticket: Ticket, ok: bool },
    /// To `Play`: the last sound has left, or could not be had. Not told after `StopPlaying`.
    Played { ticket: Ticket, ok: bool },
    /// To `Fetch`.
    Fetched { ticket: Ticket, outcome: Result<Value, FetchFault> },
    /// To `Ask`; without an answer the step is an error.
    Told { ticket: Ticket, answer: Option<Answer> },
    /// To `Dial`: `Joined` first where the far end answers, then its end.
    Dialled { ticket: Ticket, outcome: DialOutcome },
    /// To `Queue` and `Callback`.
    Queued { ticket: Ticket, outcome: QueueOutcome },
    /// To `Record`: where it is kept.
    Recorded { ticket: Ticket, place: Option<Box<str>> },
    /// To `Encrypt`: the envelope as text.
    Encrypted { ticket: Ticket, envelope: Option<Box<str>> },
    /// To `Route`: the flow that the engine's decision makes; without one nobody has decided.
    Decided { ticket: Ticket, flow: Option<Arc<Flow>> },
    /// Instead of what the flow does now: an engine that has control says so.
    Order(Arc<Flow>),
    /// The waiting caller is, or is no longer, being offered to an agent.
    Offer { is_open: bool },
    /// The audience hung up: the flow ends, without a wish but the last.
    CallerGone,
    /// The owner needs the flow no more: an agent was joined, the hold is over, the whisper took too long.
    Stop,
}

/// What a flow wants of its call.
#[derive(Clone, Debug, PartialEq)]
pub enum FlowWish {
    /// Take the call. Only for an explicit step `Done` is awaited.
    Answer {
        ticket: Ticket,
    },
    /// What comes next is to be heard, or keyed, before the answer. Once.
    EarlyMedia,
    /// Instead of all that sounds now. Without `times` until it is stopped.
    Play {
        ticket: Ticket,
        sounds: Vec<Sound>,
        times: Option<u16>,
    },
    /// At once. No `Played` comes for it.
    StopPlaying {
        ticket: Ticket,
    },
    Fetch {
        ticket: Ticket,
        order: Box<FetchOrder>,
    },
    /// The answer is of no use any more.
    CancelFetch {
        ticket: Ticket,
    },
    Ask {
        ticket: Ticket,
        question: Question,
    },
    /// An engine is to decide.
    Route {
        ticket: Ticket,
        order: Box<RouteOrder>,
    },
    /// A decision is of no use any more.
    CancelRoute {
        ticket: Ticket,
    },
    /// The engine that has control may say what comes; what came of its last order.
    Control {
        came: &'static str,
        details: Value,
    },
    Dial {
        ticket: Ticket,
        order: Box<DialOrder>,
    },
    /// Nobody waits for the far end any more.
    CancelDial {
        ticket: Ticket,
    },
    /// The agent who accepted waits for this callee (outbound whisper).
    CallOut {
        ticket: Ticket,
        caller: CallerId,
    },
    Queue {
        ticket: Ticket,
        order: QueueOrder,
    },
    Callback {
        ticket: Ticket,
        order: Box<CallbackOrder>,
    },
    TransferToAgent {
        ticket: Ticket,
        agent: Option<Box<str>>,
    },
    Hold {
        ticket: Ticket,
        who: HoldWho,
    },
    /// `None` stops it.
    Stream {
        ticket: Ticket,
        what: Option<StreamWhat>,
    },
    Record {
        ticket: Ticket,
        order: RecordOrder,
    },
    /// What was said until now is kept; `Recorded` follows.
    StopRecording {
        ticket: Ticket,
    },
    SendDigits {
        ticket: Ticket,
        digits: Box<str>,
    },
    /// What was keyed, to be written under a public key. It is forgotten here.
    Encrypt {
        ticket: Ticket,
        key: Box<str>,
        digits: Secret,
    },
    /// From now on: it already stands in the memory too.
    Priority {
        priority: u8,
        age: i64,
    },
    /// From now on, and once an agent is joined.
    Recording(Recorded),
    Log(Box<Entry>),
    /// The last wish. All that this flow had started was stopped before.
    Ended(FlowEnd),
}

/// How a flow ended, for its owner to act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowEnd {
    /// Back to what the flow was part of: waiting, hold, the join after a whisper.
    Resume,
    HangUp(Cause),
    /// The call waits in the queue that the memory names.
    Queued,
    /// The call belongs to whom it was given to: a number that was dialled without coming back, an agent.
    Handed,
    CallerGone,
    Stopped,
    /// A caller who was not answered is sent there.
    Redirect(Box<str>),
    /// It broke one of its limits or ran into something that the check had to find.
    Broken(Break),
}

/// What can break a running flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// More steps without waiting for anything than any sensible flow has.
    Spinning,
    /// More steps in one call than allowed.
    TooManySteps,
    /// An outcome leads nowhere.
    NotWired,
    /// The callee of an outbound flow was not reached.
    NotReached,
}

/// What is heard, ready to be fetched from a library or spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sound {
    Prompt(Box<str>),
    /// What holds a secret is spoken and never kept.
    Text {
        text: Box<str>,
        is_ssml: bool,
        language: Box<str>,
        voice: Option<Box<str>>,
        is_secret: bool,
    },
    Say {
        how: Spoken,
        value: Box<str>,
        language: Box<str>,
        voice: Option<Box<str>>,
        is_secret: bool,
    },
    Tone(Tone),
    Silence(Duration),
}

/// One question to somebody outside.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchOrder {
    pub to: FetchFrom,
    /// The whole body: call and parameters.
    pub body: Value,
    pub reply: Reply,
    /// Of one try.
    pub each: Duration,
    /// Of all tries; the flow itself waits no longer.
    pub total: Duration,
    pub tries: u8,
    pub bytes_max: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchFrom {
    Url(Box<str>),
    Engine(Box<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchFault {
    Unreachable,
    TimedOut,
    /// The other side said no, or failed.
    Refused(u16),
    TooLarge,
    NotUnderstood,
    /// The address is none that the configuration allows.
    NotAllowed,
}

impl FetchFault {
    /// As logs write it.
    pub fn name(self) -> &'static str {
        match self {
            FetchFault::Unreachable => "unreachable",
            FetchFault::TimedOut => "timed-out",
            FetchFault::Refused(_) => "refused",
            FetchFault::TooLarge => "too-large",
            FetchFault::NotUnderstood => "not-understood",
            FetchFault::NotAllowed => "not-allowed",
        }
    }
}

/// What an engine is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteOrder {
    pub engine: Box<str>,
    pub why: RouteReason,
    /// After that nobody has decided.
    pub patience: Duration,
    /// What comes then, in words.
    pub fallback: Box<str>,
    /// What is known of the call.
    pub details: Value,
    /// Whether the caller hears something of the flow meanwhile.
    pub has_comfort: bool,
}

/// What only others know, at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    Hours(HoursOf),
    Queue(QueueName),
    Number { text: Box<str>, country: Option<Box<str>> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoursOf {
    Named(Box<str>),
    Queue(QueueName),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Hours { is_open: bool },
    Queue(QueueFigures),
    Number(Dialability),
}

/// How a queue and its agents stand. Without agents there are no figures of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueFigures {
    pub name: Box<str>,
    pub size: u32,
    pub oldest: Option<Duration>,
    pub agents: Option<AgentFigures>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgentFigures {
    pub online: u32,
    pub available: u32,
    pub staffed: u32,
    pub after_contact_work: u32,
    pub busy: u32,
    pub missed: u32,
    pub non_productive: u32,
}

impl AgentFigures {
    pub fn has(&self, state: Staffing) -> bool {
        match state {
            Staffing::Available => self.available > 0,
            Staffing::Staffed => self.staffed > 0,
            Staffing::Online => self.online > 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialability {
    Dialable(E164),
    /// A number, but none that we may call.
    NotDialable(E164),
    Invalid,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialOrder {
    pub to: Box<str>,
    pub timeout: Duration,
    pub resumes: bool,
    /// Only keys and commas.
    pub digits: Box<str>,
    pub caller: CallerId,
    /// The trunk group to go by, instead of as the dialplan says.
    pub via: Option<Box<str>>,
}

/// Whose number the called party sees; without one, the caller's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerId {
    pub number: Option<Box<str>>,
    pub name: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialOutcome {
    /// Caller and far end talk.
    Joined,
    /// The far end hung up after it had been joined.
    Ended,
    TimedOut,
    /// Busy, rejected, unreachable.
    Failed,
    /// Not dialled at all: no number, not allowed.
    Refused,
}

#[derive(Clone, Debug, PartialEq)]
pub struct QueueOrder {
    pub queue: QueueName,
    /// The call already waits in a queue, and moves.
    pub is_move: bool,
    pub priority: u8,
    /// Seconds that the call counts as older.
    pub age: i64,
    pub criteria: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CallbackOrder {
    pub queue: QueueOrder,
    pub number: Box<str>,
    pub delay: Duration,
    pub retries: u8,
    pub gap: Duration,
    pub attributes: Map,
}

impl CallbackOrder {
    /// How often the customer is called in all: once, and once more for each retry.
    pub fn dials(&self) -> u32 {
        u32::from(self.retries) + 1
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueOutcome {
    Accepted,
    AtCapacity,
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordOrder {
    pub limit: Duration,
    pub silence: Option<Duration>,
}
