//! What a step can do, each kind with its settings and its outcomes. Does none of it.

use super::definition::{Kind, Outcome};
use super::key::Key;
pub use super::routed::{Route, RouteReason};
use super::template::{Reference, Template};
use crate::base::cause::Cause;
use std::time::Duration;

/// One kind of step with its settings. `docs/flows.md` says what each means; `name` is the word after `do =`.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Answer,
    Play(Play),
    LoopPrompts(LoopPrompts),
    Ask(Ask),
    Collect(Collect),
    Record(RecordMessage),
    Wait(Duration),
    Check(Check),
    CheckHours(CheckHours),
    CheckQueue(CheckQueue),
    CheckStaffing(CheckStaffing),
    QueueMetrics(Option<QueueOf>),
    /// Shares in per cent, in order; the rest goes to `default`.
    Distribute(Vec<u8>),
    Loop(Count),
    SetAttributes(SetAttributes),
    SetQueue(QueueOf),
    SetPriority(SetPriority),
    /// Routing criteria as the one who routes understands them.
    SetCriteria(Argument),
    SetCallbackNumber(Template),
    SetFlows(Vec<(Role, Template)>),
    SetRecording(Recorded),
    SetVoice(SetVoice),
    SetLog(bool),
    SetTags(SetTags),
    Webhook(Webhook),
    Function(Function),
    Queue(Option<QueueOf>),
    Callback(Callback),
    Dial(Dial),
    CallOut(CallOut),
    TransferToFlow(Template),
    TransferToAgent(Option<Template>),
    Module(Template),
    Return,
    Hold(HoldWho),
    StreamStart(StreamWhat),
    StreamStop,
    SendDigits(Template),
    HangUp(Cause),
    End,
    /// An engine decides what comes next.
    Route(Route),
    /// An engine has control: it says what comes, order by order, and is told what came of the last one. In no file.
    Control(&'static str),
    /// To where the step leads that asked an engine, when nobody decides. In no file.
    Fallback,
    /// A caller who was not answered is sent elsewhere. In no file.
    Redirect(Box<str>),
}

/// One piece of what is heard, references still in it.
#[derive(Clone, Debug, PartialEq)]
pub enum SoundSpec {
    /// A name in the prompt library.
    Prompt(Template),
    /// Spoken as it stands.
    Text(Template),
    /// The same with SSML in it; values of attributes are escaped.
    Ssml(Template),
    /// A value spoken by the rules of the language.
    Say(Spoken, Template),
    Tone(Tone),
    Silence(Duration),
}

/// How a value is read out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spoken {
    Number,
    /// Digit by digit.
    Digits,
    /// A telephone number, in groups.
    Telephone,
    /// `2026-11-21`.
    Date,
    /// `17:05`.
    Time,
    /// An amount; the currency as ISO 4217 writes it.
    Money(Box<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Beep,
    Ringing,
    Busy,
    Reorder,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Play {
    pub sounds: Vec<SoundSpec>,
    /// A key ends it, and is kept for the next step that listens.
    pub is_interruptible: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LoopPrompts {
    pub sounds: Vec<SoundSpec>,
    /// More than 20 s: an agent's time to accept.
    pub interrupt: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    pub sounds: Vec<SoundSpec>,
    /// Instead of `sounds` from the second time on, where there is something.
    pub again: Vec<SoundSpec>,
    /// The key of each choice, in order.
    pub choices: Vec<Key>,
    /// From the end of the prompt.
    pub timeout: Duration,
    /// How often it is asked again after a wrong key or none.
    pub retries: u8,
    /// Whether a key cuts the prompt.
    pub barge_in: bool,
    /// Keys from before are dropped.
    pub drops_keys: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Collect {
    pub sounds: Vec<SoundSpec>,
    pub digits_max: u16,
    /// From the end of the prompt to the first key.
    pub first_timeout: Duration,
    /// From one key to the next: 5 s.
    pub next_timeout: Duration,
    /// Up to five keys; none means that only time and the number of digits end it.
    pub terminator: Vec<Key>,
    /// Whether the star erases what was keyed before it.
    pub has_cancel_key: bool,
    pub number: Option<NumberMode>,
    /// The name of a public key under which the result is written.
    pub encrypt: Option<Box<str>>,
    pub confirm: Option<Confirm>,
    pub drops_keys: bool,
}

/// How a keyed number is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberMode {
    /// As in this country, which its code is put before: `JP`.
    Local(Box<str>),
    /// With its country code.
    International,
}

/// The result is read back, and one key says that it is right.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirm {
    pub sounds: Vec<SoundSpec>,
    pub accept: Key,
    pub timeout: Duration,
    /// How often it is keyed again before the step is an error.
    pub retries: u8,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RecordMessage {
    pub limit: Duration,
    /// After which silence it ends by itself.
    pub silence: Option<Duration>,
    /// Keys that end it.
    pub terminator: Vec<Key>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    pub what: Reference,
    pub conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub operator: Operator,
    pub value: Template,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equals,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    StartsWith,
    Contains,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CheckHours {
    /// Without a name, the hours of the working queue.
    pub hours: Option<Template>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CheckQueue {
    pub queue: Option<QueueOf>,
    pub conditions: Vec<QueueCondition>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct QueueCondition {
    pub measure: Measure,
    pub operator: Operator,
    /// Seconds, where the measure is an age.
    pub value: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// How many wait.
    Size,
    /// How long the first has waited.
    OldestAge,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CheckStaffing {
    pub queue: Option<QueueOf>,
    pub state: Staffing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staffing {
    /// Somebody has a free place.
    Available,
    /// Available, on a call, or in the work after it.
    Staffed,
    /// Staffed, or in a status of the house's own.
    Online,
}

/// A queue by its name, or the queue of one agent.
#[derive(Clone, Debug, PartialEq)]
pub enum QueueOf {
    Queue(Template),
    Agent(Template),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Count {
    Fixed(u8),
    From(Reference),
}

#[derive(Clone, Debug, PartialEq)]
pub struct SetAttributes {
    pub scope: Scope,
    /// A text that is one reference keeps the type of what it refers to.
    pub pairs: Vec<(Box<str>, Argument)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `$.Attributes`: of the call, and of its record.
    Call,
    /// `$.FlowAttributes`: gone with the flow, and never in a record.
    Flow,
    /// `LanguageCode`, `CustomerId`, `Name` and `Description`.
    System,
}

/// A value with references in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    Null,
    Bool(bool),
    Number(Box<str>),
    Text(Template),
    List(Vec<Argument>),
    Map(Vec<(Box<str>, Argument)>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct SetPriority {
    /// 1 is served first; 5 where nothing is said.
    pub priority: Option<u8>,
    /// Seconds that are put to the age, or taken off.
    pub age: Option<i64>,
}

/// What a flow can be chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    CustomerQueue,
    CustomerHold,
    AgentHold,
    CustomerWhisper,
    AgentWhisper,
    OutboundWhisper,
    Disconnect,
}

impl Role {
    /// As files and logs write it.
    pub fn name(self) -> &'static str {
        match self {
            Role::CustomerQueue => "customer_queue",
            Role::CustomerHold => "customer_hold",
            Role::AgentHold => "agent_hold",
            Role::CustomerWhisper => "customer_whisper",
            Role::AgentWhisper => "agent_whisper",
            Role::OutboundWhisper => "outbound_whisper",
            Role::Disconnect => "disconnect",
        }
    }

    pub fn named(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }

    pub const ALL: [Role; 7] = [
        Role::CustomerQueue,
        Role::CustomerHold,
        Role::AgentHold,
        Role::CustomerWhisper,
        Role::AgentWhisper,
        Role::OutboundWhisper,
        Role::Disconnect,
    ];

    /// The flow that has the role where nobody names one, if there is one of this name.
    pub fn default_flow(self) -> Option<&'static str> {
        match self {
            Role::CustomerQueue => Some("default-customer-queue"),
            Role::CustomerHold => Some("default-customer-hold"),
            Role::AgentHold => Some("default-agent-hold"),
            Role::CustomerWhisper => Some("default-customer-whisper"),
            Role::AgentWhisper => Some("default-agent-whisper"),
            Role::OutboundWhisper => Some("default-outbound-whisper"),
            Role::Disconnect => None,
        }
    }

    /// Whether a flow of this kind can have the role.
    pub fn fits(self, kind: Kind) -> bool {
        match self {
            Role::CustomerQueue => kind == Kind::CustomerQueue,
            Role::CustomerHold => kind == Kind::CustomerHold,
            Role::AgentHold => kind == Kind::AgentHold,
            Role::CustomerWhisper => kind == Kind::CustomerWhisper,
            Role::AgentWhisper => kind == Kind::AgentWhisper,
            Role::OutboundWhisper => kind == Kind::OutboundWhisper,
            Role::Disconnect => matches!(kind, Kind::Disconnect | Kind::Inbound),
        }
    }
}

/// Who is recorded once an agent is joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Recorded {
    #[default]
    Nobody,
    Agent,
    Customer,
    Both,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SetVoice {
    pub language: Option<Template>,
    pub voice: Option<Template>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SetTags {
    pub tags: Vec<(Box<str>, Template)>,
    pub remove: Vec<Box<str>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    pub url: Template,
    pub request: Request,
}

/// A function of the attached engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    pub name: Template,
    pub request: Request,
}

/// What is asked of somebody outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub parameters: Vec<(Box<str>, Argument)>,
    /// Of one try: at most 8 s, which is also the limit of all tries.
    pub timeout: Duration,
    pub reply: Reply,
    /// Heard over and over while the answer is awaited.
    pub comfort: Vec<SoundSpec>,
}

/// What an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// One flat map of texts.
    StringMap,
    /// Any JSON object.
    Json,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Callback {
    pub queue: Option<QueueOf>,
    pub delay: Duration,
    /// One more dial than this in all.
    pub retries: u8,
    pub gap: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Dial {
    pub to: Template,
    pub timeout: DialTimeout,
    /// The flow goes on after the far end has hung up.
    pub resumes: bool,
    /// Sent to the far end after its answer, a comma pauses 750 ms: at most 50.
    pub digits: Option<Template>,
    pub caller_number: Option<Template>,
    pub caller_name: Option<Template>,
    /// By these trunks, instead of as the dialplan says.
    pub via: Option<Box<str>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum DialTimeout {
    Fixed(Duration),
    /// Seconds.
    From(Reference),
}

#[derive(Clone, Debug, PartialEq)]
pub struct CallOut {
    pub caller_number: Option<Template>,
    pub caller_name: Option<Template>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldWho {
    Agent,
    Customer,
    /// Everybody hears everybody again.
    Nobody,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamWhat {
    pub from_customer: bool,
    pub to_customer: bool,
}

/// The words after `do =`.
pub const NAMES: [&str; 41] = [
    "answer",
    "play",
    "loop-prompts",
    "ask",
    "collect",
    "record",
    "wait",
    "check",
    "check-hours",
    "check-queue",
    "check-staffing",
    "queue-metrics",
    "distribute",
    "loop",
    "set-attributes",
    "set-queue",
    "set-priority",
    "set-criteria",
    "set-callback-number",
    "set-flows",
    "set-recording",
    "set-voice",
    "set-log",
    "set-tags",
    "webhook",
    "function",
    "queue",
    "callback",
    "dial",
    "call-out",
    "transfer-to-flow",
    "transfer-to-agent",
    "module",
    "return",
    "hold",
    "stream-start",
    "stream-stop",
    "send-digits",
    "hang-up",
    "end",
    "route",
];

impl Act {
    /// The word after `do =`.
    pub fn name(&self) -> &'static str {
        match self {
            Act::Answer => "answer",
            Act::Play(_) => "play",
            Act::LoopPrompts(_) => "loop-prompts",
            Act::Ask(_) => "ask",
            Act::Collect(_) => "collect",
            Act::Record(_) => "record",
            Act::Wait(_) => "wait",
            Act::Check(_) => "check",
            Act::CheckHours(_) => "check-hours",
            Act::CheckQueue(_) => "check-queue",
            Act::CheckStaffing(_) => "check-staffing",
            Act::QueueMetrics(_) => "queue-metrics",
            Act::Distribute(_) => "distribute",
            Act::Loop(_) => "loop",
            Act::SetAttributes(_) => "set-attributes",
            Act::SetQueue(_) => "set-queue",
            Act::SetPriority(_) => "set-priority",
            Act::SetCriteria(_) => "set-criteria",
            Act::SetCallbackNumber(_) => "set-callback-number",
            Act::SetFlows(_) => "set-flows",
            Act::SetRecording(_) => "set-recording",
            Act::SetVoice(_) => "set-voice",
            Act::SetLog(_) => "set-log",
            Act::SetTags(_) => "set-tags",
            Act::Webhook(_) => "webhook",
            Act::Function(_) => "function",
            Act::Queue(_) => "queue",
            Act::Callback(_) => "callback",
            Act::Dial(_) => "dial",
            Act::CallOut(_) => "call-out",
            Act::TransferToFlow(_) => "transfer-to-flow",
            Act::TransferToAgent(_) => "transfer-to-agent",
            Act::Module(_) => "module",
            Act::Return => "return",
            Act::Hold(_) => "hold",
            Act::StreamStart(_) => "stream-start",
            Act::StreamStop => "stream-stop",
            Act::SendDigits(_) => "send-digits",
            Act::HangUp(_) => "hang-up",
            Act::End => "end",
            Act::Route(_) => "route",
            Act::Control(_) => "control",
            Act::Fallback => "fallback",
            Act::Redirect(_) => "redirect",
        }
    }
}

/// The outcomes that a step has, all of which are wired.
pub fn outcomes(act: &Act, in_queue: bool) -> Vec<Outcome> {
    use Outcome::{
        AtCapacity, CallFailed, Complete, Default, Error, False, InHours, InvalidNumber, Looping, NoMatch, NotDialable,
        OutOfHours, Success, Timeout, True,
    };
    match act {
        Act::LoopPrompts(prompts) if prompts.interrupt.is_none() => vec![Error],
        Act::LoopPrompts(_) => vec![Timeout, Error],
        Act::Ask(ask) => choices(ask.choices.len(), &[Timeout, Default, Error]),
        Act::Collect(collect) if collect.number.is_some() => vec![Success, InvalidNumber, Error],
        Act::Check(check) => choices(check.conditions.len(), &[NoMatch]),
        Act::CheckHours(_) => vec![InHours, OutOfHours, Error],
        Act::CheckQueue(check) => choices(check.conditions.len(), &[NoMatch, Error]),
        Act::CheckStaffing(_) => vec![True, False, Error],
        Act::Distribute(shares) => choices(shares.len(), &[Default]),
        Act::Loop(Count::Fixed(_)) => vec![Looping, Complete],
        Act::Loop(Count::From(_)) => vec![Looping, Complete, Error],
        Act::SetCallbackNumber(_) => vec![Success, InvalidNumber, NotDialable],
        Act::Wait(_) | Act::SetPriority(_) | Act::SetRecording(_) | Act::SetLog(_) | Act::CallOut(_) => vec![Success],
        Act::Queue(_) if in_queue => vec![Success, AtCapacity, Error],
        Act::Queue(_) => vec![AtCapacity, Error],
        Act::Dial(dial) if dial.resumes => vec![Success, CallFailed, Timeout, Error],
        Act::Dial(_) | Act::TransferToFlow(_) | Act::Route(_) => vec![Error],
        Act::TransferToAgent(_) | Act::Return | Act::HangUp(_) | Act::End => Vec::new(),
        Act::Control(_) | Act::Fallback | Act::Redirect(_) => Vec::new(),
        _ => vec![Success, Error],
    }
}

fn choices(count: usize, others: &[Outcome]) -> Vec<Outcome> {
    let choices = (0..u8::try_from(count).unwrap_or(u8::MAX)).map(Outcome::Choice);
    choices.chain(others.iter().copied()).collect()
}
