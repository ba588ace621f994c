//! The doors of the switchboard.

use crate::base::cause::Cause;
use crate::base::id::{CallId, LegId};
use crate::domain::call::interface::{
    CallEvent, CallInput, CallStart, Handover, NameToResolve, OnBehalf, Profiles, Slip, TrunkOutcome,
};
use crate::domain::dialplan::Dialplan;
use crate::domain::dialplan::guard::Excess;
use crate::domain::flow::definition::Flows;
use crate::domain::flow::interface::Question;
use crate::domain::hours::HoursBook;
use crate::domain::number::book::Book;
use crate::domain::phone::settings::Phone;
use crate::domain::queue::callback::CallbackId;
use crate::domain::queue::interface::{AgentChange, CallbackEnd, QueueInput, QueueOutput};
use crate::domain::queue::settings::Settings;
use crate::domain::routing::engine::Engines;
pub use crate::domain::switchboard::callbacks::CallbackNote;
use crate::domain::trunk::settings::Trunk;
use crate::media::prompt::Prompts;
use crate::protocol::sip::message::Message;
use crate::protocol::sip::path::{Outgoing, Path, Target};
use std::sync::Arc;
use std::time::Duration;

/// The sum of what configuration says to the exchange. Immutable; replaced whole on reload.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Exchange {
    pub profiles: Arc<Profiles>,
    pub trunks: Vec<Arc<Trunk>>,
    pub phones: Vec<Arc<Phone>>,
    pub dialplan: Arc<Dialplan>,
    pub hours: Arc<HoursBook>,
    pub queues: Arc<Settings>,
    pub flows: Arc<Flows>,
    pub engines: Arc<Engines>,
    pub prompts: Prompts,
    pub admission: AdmissionPolicy,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AdmissionPolicy {
    pub calls_max: u32,
    pub calls_per_second: f64,
    pub burst: f64,
    /// Loop lateness above which new calls are refused.
    pub lateness_max: Duration,
    /// Requests per second that one unknown source may send before it is banned, and for how long.
    pub unknown_per_second: f64,
    pub failures_per_minute: u32,
    pub ban: Duration,
    pub retry_after: u32,
    /// Longest wait for running calls when draining.
    pub drain: Duration,
    pub strangers: Strangers,
}

/// What a source gets that is no trunk, on a profile where nobody could prove by digest that it is one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strangers {
    /// Nothing at all: the place looks empty.
    Drop,
    /// The same 403 for whatever it asks.
    Forbid,
}

impl Default for AdmissionPolicy {
    fn default() -> AdmissionPolicy {
        AdmissionPolicy {
            calls_max: 10_000,
            calls_per_second: 2_000.0,
            burst: 4_000.0,
            lateness_max: Duration::from_millis(200),
            unknown_per_second: 10.0,
            failures_per_minute: 20,
            ban: Duration::from_secs(300),
            retry_after: 10,
            drain: Duration::from_secs(3_600),
            strangers: Strangers::Drop,
        }
    }
}

#[derive(Debug)]
pub enum SwitchboardInput {
    /// A message that belongs to no running call (see `owner::owner`). `tls_names`: the peer's verified certificate names.
    Sip {
        from: Path,
        tls_names: Arc<[Box<str>]>,
        message: Box<Message>,
    },
    Undeliverable {
        token: u32,
    },
    /// Answer to `SwitchboardOutput::Resolve`.
    Resolved {
        question: u32,
        targets: Vec<Target>,
    },
    /// From a call.
    Seize {
        call: CallId,
        leg: LegId,
        trunk: Arc<str>,
        target_index: u16,
    },
    /// From a call, for a place that it seized or was given seized.
    Release {
        call: CallId,
        trunk: Arc<str>,
        target_index: u16,
        outcome: TrunkOutcome,
    },
    Route {
        call: CallId,
        leg: LegId,
        by: OnBehalf,
        uri: Box<str>,
    },
    /// A question of a flow that serves a call.
    Ask {
        call: CallId,
        slip: Slip,
        question: Box<Question>,
    },
    /// What a call says to the queues.
    Queue(Box<QueueInput>),
    /// Whether a callback that was to be written down is on disk.
    CallbackKept {
        callback: CallbackId,
        is_kept: bool,
    },
    CallFinished {
        call: CallId,
    },
    /// From a call to another one.
    Handover {
        from: CallId,
        to: CallId,
        word: Handover,
    },
    /// What happened to a call, for those who watch phones. Needed only for calls with a phone in them.
    CallEvent {
        call: CallId,
        event: CallEvent,
    },
    /// A stream connection closed: bindings over it are gone.
    ConnectionClosed {
        path: Path,
    },
    /// The numbers that are ours, after one of them has changed.
    Numbers(Book),
    /// An operator lets calls out again that a guard stops: for one whom it counts, or for all.
    ResetGuard {
        guard: Arc<str>,
        subject: Option<Box<str>>,
    },
    /// New configuration.
    Reload(Arc<Exchange>),
    /// How late the loops are, measured by the edge.
    Lateness(Duration),
    /// Refuse new calls from now on; the running ones get until the policy's limit.
    Drain,
    /// End all running calls now (second signal, or the drain's limit).
    EndAll(Cause),
}

#[derive(Debug)]
pub enum SwitchboardOutput {
    Send(Outgoing),
    Resolve {
        question: u32,
        name: NameToResolve,
    },
    /// Begin a call task. Its INVITE transaction key must lead to it from now on.
    StartCall(Box<CallStart>),
    /// Put this into a call's inbox.
    ToCall {
        call: CallId,
        input: Box<CallInput>,
    },
    /// What comes for the tags of `origin`, when that call has ended, is for `heir`: it has a leg of it now.
    Inherit {
        origin: CallId,
        heir: CallId,
    },
    /// The source is banned until the time has passed: drop what it sends at the door.
    Ban {
        address: std::net::IpAddr,
        time: Duration,
    },
    /// For the table of callbacks.
    Callback(CallbackNote),
    Event(SwitchboardEvent),
    /// Draining, and no call is left.
    Drained,
}

#[derive(Clone, PartialEq, Debug)]
pub enum SwitchboardEvent {
    Refused {
        cause: Cause,
        why: RefusalReason,
        source: Path,
    },
    TrunkUp {
        trunk: Arc<str>,
        target_index: u16,
    },
    TrunkDown {
        trunk: Arc<str>,
        target_index: u16,
    },
    TrunkRegistered {
        trunk: Arc<str>,
    },
    TrunkUnregistered {
        trunk: Arc<str>,
        status: u16,
    },
    PhoneRegistered {
        phone: Arc<str>,
    },
    PhoneUnregistered {
        phone: Arc<str>,
    },
    AuthenticationFailed {
        source: Path,
    },
    Banned {
        address: std::net::IpAddr,
    },
    /// More was asked for than a guard lets out; nothing goes out under it until it is reset or rests.
    GuardTripped {
        guard: Arc<str>,
        subject: Box<str>,
        excess: Excess,
    },
    /// How many of those whom it counts may call out again.
    GuardReset {
        guard: Arc<str>,
        count: usize,
    },
    Agent {
        agent: Arc<str>,
        change: AgentChange,
    },
    /// A callback is owed no longer.
    CallbackOver {
        callback: CallbackId,
        why: CallbackEnd,
    },
    /// What the queues decided, for those who watch.
    Queue(Box<QueueOutput>),
}

/// The label of a refusal in metrics and logs; bounded by the compiler.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RefusalReason {
    Draining,
    Overload,
    CallsMax,
    CallsPerSecond,
    TrunkCallsMax,
    TrunkCallsPerSecond,
    UnknownSource,
    NoSuchNumber,
    NoRuleForCaller,
    RuleRejects,
    NoTargetUp,
    PhoneNotRegistered,
    Malformed,
    LoopDetected,
    TooManyHops,
    MergedRequest,
    Unsupported,
    PhoneCallsMax,
    NumberIncomplete,
    AuthenticationFailed,
    /// Ours, and nobody has said where its calls go.
    NumberUnassigned,
    /// It was ours.
    NumberReleased,
    /// It has as many calls as it may have.
    NumberFull,
    DestinationForbidden,
    CallerIdForbidden,
    GuardStops,
}
