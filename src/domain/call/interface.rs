//! The doors of a call: what it is started with, what goes in, what comes out.

use crate::base::cause::Cause;
use crate::base::entropy::Entropy;
use crate::base::id::{CallId, LegId};
use crate::base::now::Now;
use crate::base::secret::Secret;
pub use crate::domain::call::handover::Handover;
pub use crate::domain::call::serving::Script;
pub use crate::domain::call::serving::asking::Verdict;
pub use crate::domain::call::serving::commanding::{Command, Wanted};
pub use crate::domain::call::serving::news::{News, Slip, Speech, Tape};
use crate::domain::contact::Record;
use crate::domain::flow::interface::CallerId;
use crate::domain::flow::interface::{FetchOrder, Question};
use crate::domain::flow::log::Entry;
pub use crate::domain::leg::hop::NameToResolve;
pub use crate::domain::leg::party::Party;
pub use crate::domain::profile::Profiles;
use crate::domain::queue::callback::Callback;
use crate::domain::queue::interface::{QueueInput, QueueOutput};
use crate::domain::queue::settings::QueueFlows;
use crate::domain::routing::request::{Asked, HolderWord, OrderFault, ReplyTo, RouteRequest, Taken};
use crate::domain::trunk::attributes::Attributes;
use crate::domain::trunk::identity::{Dialled, Identity};
use crate::media::command::{Command as MediaCommand, TapChoice, TapId};
use crate::media::event::{Event, Quality};
use crate::protocol::sip::message::Message;
use crate::protocol::sip::path::{Outgoing, Path, Target};
use std::sync::Arc;
use std::time::Duration;

/// Everything that was decided before the call's task began.
#[derive(Debug)]
pub struct CallStart {
    pub id: CallId,
    pub entropy: Entropy,
    pub now: Now,
    pub beginning: Beginning,
    pub caller: Party,
    pub profiles: Arc<Profiles>,
    pub dialled: Dialled,
    pub identity: Identity,
    /// The twelve inbound attributes.
    pub attributes: Attributes,
    /// What is tried, in order. Empty with `refusal` set.
    pub route: Vec<Stage>,
    /// The flow that serves the caller: at once, or when all of the route has failed.
    pub script: Option<Box<Script>>,
    /// Set when the call is refused outright: it answers with this and writes its record.
    pub refusal: Option<Refused>,
    pub emergency: bool,
    pub max_duration: Duration,
    /// Why it came this far, in words.
    pub trail: Vec<Box<str>>,
}

/// What a call begins with.
#[derive(Debug)]
pub enum Beginning {
    /// Somebody calls us.
    Invite { message: Box<Message>, from: Path },
    /// We call, because it was promised: what is owed, and the agent to whom it is offered.
    Callback { due: Box<Callback>, word: Box<QueueWord> },
}

impl Beginning {
    /// The INVITE, where there is one.
    pub fn invite(&self) -> Option<&Message> {
        match self {
            Beginning::Invite { message, .. } => Some(message),
            Beginning::Callback { .. } => None,
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Refused {
    pub cause: Cause,
    pub retry_after: Option<u32>,
    pub words: Box<str>,
}

/// Targets that are dialled together. The first answer wins; when all have failed the next stage begins.
#[derive(Clone, PartialEq, Debug)]
pub struct Stage {
    pub dials: Vec<Dial>,
    pub ring_timeout: Duration,
}

/// Where a transfer target, a redirection or a number of a flow leads.
#[derive(Clone, PartialEq, Debug)]
pub struct Led {
    pub stages: Vec<Stage>,
    /// Who serves the party that is sent there, where nobody is dialled.
    pub script: Option<Box<Script>>,
}

impl Led {
    /// For those who can only dial.
    pub fn dialled(self) -> Result<Vec<Stage>, Refused> {
        if !self.stages.is_empty() {
            return Ok(self.stages);
        }
        let words = "the number leads to a flow, which serves callers only".into();
        Err(Refused { cause: Cause::Unreachable, retry_after: None, words })
    }
}

/// One leg to be made.
#[derive(Clone, PartialEq, Debug)]
pub struct Dial {
    pub party: Party,
    /// The Request-URI, without what depends on the resolved target.
    pub uri: Box<str>,
    /// User part of To and the number shown in the record.
    pub number: Box<str>,
    /// Route set to pre-load (Path of a registration), outermost first.
    pub routes: Vec<Box<str>>,
    pub place: Place,
    /// Which of the trunk's targets this is, for health; 0 for phones.
    pub target_index: u16,
    /// Who the caller is toward this party, where that is not what the caller said.
    pub shown: Option<Arc<Identity>>,
    /// Whether the switchboard has taken a place in the trunk's limits already.
    pub seized: bool,
}

/// Where a leg's INVITE goes.
#[derive(Clone, PartialEq, Debug)]
pub enum Place {
    At(Target),
    /// To be resolved by RFC 3263 first.
    Name(NameToResolve),
}

/// What a call is told. Boxed in its inbox, so that the inbox stays small.
#[derive(Debug)]
pub enum CallInput {
    Sip {
        from: Path,
        message: Box<Message>,
    },
    /// The edge could not send what carried this token.
    Undeliverable {
        token: u32,
    },
    /// The answer to `CallOutput::Resolve`; empty when the name leads nowhere. In the order in which to try.
    Resolved {
        leg: LegId,
        targets: Vec<Target>,
    },
    /// The answer to `CallOutput::Seize`.
    Seized {
        leg: LegId,
        outcome: Result<(), Refused>,
    },
    /// An operator, an engine or the drain wants it ended.
    HangUp {
        cause: Cause,
    },
    /// What the queues say.
    Queue(Box<QueueWord>),
    /// What the worker of its streams tells.
    Media(Box<Event>),
    /// The answer to `CallOutput::Route`: where a transfer target leads.
    Routed {
        leg: LegId,
        outcome: Result<Led, Refused>,
    },
    /// Another call has something to say, carried by the switchboard.
    Handover {
        from: CallId,
        word: Handover,
    },
    /// What an engine says to a question of the call's, or why it says nothing.
    Verdict(Box<Verdict>),
    /// What the holder of the call's lease wants.
    Command(Box<Command>),
    /// An engine cannot be reached any more.
    HolderGone {
        holder: Arc<str>,
    },
    /// The answer to a wish of the flow that serves the caller.
    News {
        slip: Slip,
        news: Box<News>,
    },
}

/// What the queues say to a call that waits in one.
#[derive(Debug)]
pub struct QueueWord {
    pub said: QueueOutput,
    /// With `Entered` and `Offer`: the flows of the queue.
    pub flows: QueueFlows,
    /// With `Offer`: where the agent is reached just now. With `Dial`: where the customer is.
    pub stages: Vec<Stage>,
    /// With `Dial`: why the customer cannot be called at all.
    pub refusal: Option<Refused>,
}

/// By whose rights a route is asked for.
#[derive(Clone, Debug)]
pub enum OnBehalf {
    Party(Party),
    /// A flow's, which writes numbers as its caller's side does.
    Flow {
        name: Arc<str>,
        caller: Party,
        /// Whose number the called party is to see.
        shown: CallerId,
        /// The trunk group to go by, instead of as the dialplan says.
        via: Option<Box<str>>,
    },
}

/// What a call wants done.
#[derive(Debug)]
pub enum CallOutput {
    Send(Outgoing),
    Resolve {
        leg: LegId,
        name: NameToResolve,
    },
    /// May a call go out over this trunk now? Answered with `Seized`.
    Seize {
        leg: LegId,
        trunk: Arc<str>,
        target_index: u16,
    },
    /// A seized place is free again, and how the attempt went.
    Release {
        trunk: Arc<str>,
        target_index: u16,
        outcome: TrunkOutcome,
    },
    /// Where would a call to `uri` go? For transfers and flows. Answered with `Routed`.
    Route {
        leg: LegId,
        by: OnBehalf,
        uri: Box<str>,
    },
    /// A question of a flow to somebody outside. Answered with `News::Fetched`.
    Fetch {
        slip: Slip,
        order: Box<FetchOrder>,
    },
    /// Nobody waits for that answer any more.
    CancelFetch {
        slip: Slip,
    },
    /// What only the exchange knows. Answered with `News::Told`.
    Ask {
        slip: Slip,
        question: Box<Question>,
    },
    /// What an engine is to decide. Answered with `Verdict`, at once where none is there.
    AskEngine(Box<RouteRequest>),
    /// That question is over, however it ended.
    EngineAsked(Asked),
    /// What came of a decision or an order.
    Reply {
        to: ReplyTo,
        outcome: Result<Taken, OrderFault>,
    },
    /// For the holder of the call's lease, past or present.
    ToHolder {
        holder: Arc<str>,
        word: HolderWord,
    },
    /// A text to be spoken. Answered with `News::Spoken`.
    Speak {
        slip: Slip,
        part: u16,
        speech: Box<Speech>,
    },
    /// Keys to be written under a public key. Answered with `News::Encrypted`.
    Encrypt {
        slip: Slip,
        key: Box<str>,
        digits: Secret,
    },
    /// A tap to be opened that writes a recording. Answered with `News::Taping`.
    Tape {
        slip: Slip,
        tap: TapId,
        what: TapChoice,
        tape: Tape,
    },
    /// To the queues. Answered with `CallInput::Queue`, sooner or later and more than once.
    Queue(Box<QueueInput>),
    /// A line of the log of flows.
    FlowLog(Box<Entry>),
    /// Something to say to another call.
    Handover {
        to: CallId,
        word: Handover,
    },
    /// A message in the dialog of a leg that was given to another call.
    Forward {
        to: CallId,
        from: Path,
        message: Box<Message>,
    },
    /// For the worker of its streams: one worker for all of a call's.
    Media(MediaCommand),
    Event(CallEvent),
    /// The last leg has ended: what happened. Once per call; retransmissions may still have to be absorbed.
    Record(Box<Record>),
    /// Last output: no transaction is left. Nothing follows.
    Finished,
}

/// What an attempt over a trunk says about the trunk's health.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrunkOutcome {
    /// It spoke to us: any response that is not 408, 500, 502, 503, 504.
    Spoke,
    Failed,
    /// Nothing can be concluded (cancelled before a response).
    Unknown,
}

/// What happened to a call, for events, metrics and logs.
#[derive(Clone, PartialEq, Debug)]
pub enum CallEvent {
    LegStarted {
        leg: LegId,
        party: Arc<str>,
    },
    Ringing {
        leg: LegId,
    },
    EarlyMedia {
        leg: LegId,
    },
    Answered {
        leg: LegId,
    },
    Held {
        leg: LegId,
    },
    Resumed {
        leg: LegId,
    },
    LegEnded {
        leg: LegId,
        cause: Cause,
    },
    Transferred {
        leg: LegId,
    },
    /// These two hear each other, both answered; and not any more.
    Bridged {
        legs: (LegId, LegId),
    },
    Unbridged {
        legs: (LegId, LegId),
    },
    /// A digit of a party has ended, however it was sent. `None`: it may be a secret.
    Digit {
        leg: LegId,
        digit: Option<u8>,
    },
    RecordingStarted {
        place: Box<str>,
    },
    RecordingEnded,
    /// A step of a flow took its error outcome; a flow broke one of its limits.
    FlowErred {
        flow: Arc<str>,
    },
    FlowBroke {
        flow: Arc<str>,
    },
    /// Nothing has come from a party that should send; and it comes again.
    Silent {
        leg: LegId,
    },
    Heard {
        leg: LegId,
    },
    /// How a stream fares: every ten seconds.
    Quality {
        leg: LegId,
        quality: Box<Quality>,
    },
}
