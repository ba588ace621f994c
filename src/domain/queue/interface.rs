//! The doors of the queues: what they are told, what they answer with. Moves nothing itself.

use super::callback::{Callback, CallbackId, DialOutcome};
use super::criteria::{Criteria, StepStatus};
use super::settings::{Reach, Settings, Status};
use crate::base::e164::E164;
use crate::base::id::CallId;
use crate::domain::flow::value::Value;
use std::sync::Arc;
use std::time::Duration;

/// Who waits: a call, or somebody whom we call back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContactId {
    Call(CallId),
    Callback(CallbackId),
}

/// One offer to one agent; an answer that names another offer comes too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OfferId(pub u64);

/// Where a contact waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Queue(Arc<str>),
    /// The queue of one agent alone.
    Agent(Arc<str>),
}

/// A change of a contact's place among those who wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Rank {
    /// 1 comes before 5; `None`: as it was, at first 5.
    pub priority: Option<u8>,
    /// Seconds that the contact counts as longer waiting; negative: shorter.
    pub age: i64,
}

/// A contact that comes to wait.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub contact: ContactId,
    pub place: Place,
    pub rank: Rank,
    pub criteria: Option<Criteria>,
    /// Who calls, so that a queue can look for the agent of last time.
    pub customer: Option<E164>,
    /// Whether an agent sent it here: such a contact may use the places that are kept beyond a queue's capacity.
    pub is_transfer: bool,
}

#[derive(Clone, Debug)]
pub enum QueueInput {
    /// The configuration, at first and after each reload.
    Settings(Arc<Settings>),
    /// Opening hours of that name have opened or closed.
    Hours {
        name: Arc<str>,
        is_open: bool,
    },
    Enter(Box<Arrival>),
    /// From one queue to another, by the flow that the waiting contact hears.
    Move {
        contact: ContactId,
        place: Place,
    },
    /// Its flow takes the contact out of the queue.
    Leave {
        contact: ContactId,
    },
    /// The customer hung up.
    Gone {
        contact: ContactId,
    },
    Rank {
        contact: ContactId,
        rank: Rank,
    },
    Criteria {
        contact: ContactId,
        criteria: Criteria,
    },
    Answer {
        offer: OfferId,
        answer: OfferAnswer,
    },
    /// The agent has heard his whisper to its end.
    AgentWhispered {
        offer: OfferId,
    },
    /// The customer has heard the whisper to its end.
    CustomerWhispered {
        offer: OfferId,
    },
    /// The agent hung up, in whichever phase.
    AgentGone {
        offer: OfferId,
    },
    /// The customer of a callback was dialled.
    Dialled {
        offer: OfferId,
        outcome: DialOutcome,
    },
    Held {
        contact: ContactId,
        is_held: bool,
    },
    /// The conversation is over, whoever ended it.
    Ended {
        contact: ContactId,
    },
    /// Two conversations became one (an attended transfer): who talked with `contact` goes on with `heir`, whose own agent is done.
    GoOn {
        contact: ContactId,
        heir: ContactId,
    },
    /// The agent's phone has come, or is gone: who cannot be rung is offered nothing, and is not to blame for it.
    Reachable {
        agent: Arc<str>,
        is_reachable: bool,
    },
    /// The agent dials somebody.
    Outbound {
        agent: Arc<str>,
        call: CallId,
    },
    /// Whom the agent dialled has answered.
    OutboundAnswered {
        call: CallId,
    },
    Schedule(Box<CallbackOrder>),
    /// Callbacks that were written down before a restart; `next` is above every number that one ever had.
    Restore {
        callbacks: Vec<Callback>,
        next: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferAnswer {
    Accepted,
    Rejected,
    /// There was nothing to ring, or it failed.
    Unreachable,
    /// We cannot begin a call just now, which is not the agent's fault: the callback waits a little.
    NotNow,
}

/// What a flow asks for when it promises to call back.
#[derive(Clone, Debug)]
pub struct CallbackOrder {
    /// The call that asked; its answer goes there, and its record is the one before the callback's.
    pub call: CallId,
    pub number: E164,
    pub place: Place,
    pub rank: Rank,
    pub criteria: Option<Criteria>,
    /// When the call that asked began, as milliseconds since 1970: the callback keeps that place.
    pub started: u64,
    pub delay: Duration,
    /// Dials beyond the first.
    pub retries: u8,
    pub gap: Duration,
    /// Attributes and flows of the call that asked, to be handed on unread.
    pub luggage: Arc<Value>,
}

/// One contact offered to one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub id: OfferId,
    pub contact: ContactId,
    pub agent: Arc<str>,
    pub reach: Reach,
    pub place: Place,
    pub auto_accept: bool,
    /// How long the agent has to answer.
    pub patience: Duration,
    /// How long the contact has waited.
    pub waited: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueOutput {
    /// The contact waits now.
    Entered {
        contact: ContactId,
        place: Place,
        position: usize,
    },
    /// What a contact's flow wanted was not done; the contact is where it was.
    Refused {
        contact: ContactId,
        why: QueueRefusal,
    },
    /// Done: the contact does not wait any more.
    Left {
        contact: ContactId,
    },
    /// The queue does not exist any more; who waited in it waits nowhere.
    Expelled {
        contact: ContactId,
    },
    Offer(Box<Offer>),
    /// The agent's phone stops ringing, or the agent's leg ends; the contact keeps its place unless it is gone itself.
    Withdraw {
        offer: OfferId,
        contact: ContactId,
        agent: Arc<str>,
        why: Withdrawal,
    },
    /// To the agent alone. The customer still waits, and still hears the flow of the queue.
    StartAgentWhisper {
        offer: OfferId,
        contact: ContactId,
        agent: Arc<str>,
    },
    /// The contact waits no longer; its queue flow ends here.
    Dequeued {
        contact: ContactId,
        agent: Arc<str>,
        waited: Duration,
    },
    /// To the customer alone.
    StartCustomerWhisper {
        offer: OfferId,
        contact: ContactId,
    },
    /// A callback's agent is ready: dial the customer.
    Dial {
        offer: OfferId,
        callback: Box<Callback>,
    },
    /// Agent and customer hear each other from here on.
    Join {
        offer: OfferId,
        contact: ContactId,
        agent: Arc<str>,
    },
    /// The whisper took too long or the callback failed: what is there of the contact is hung up.
    HangUp {
        contact: ContactId,
        why: HangUp,
    },
    /// After an agent was lost the contact waits again, in its old place.
    Requeued {
        contact: ContactId,
    },
    CriteriaStep {
        contact: ContactId,
        step: usize,
        status: StepStatus,
    },
    Agent {
        agent: Arc<str>,
        change: AgentChange,
    },
    /// A callback was promised.
    Scheduled {
        call: CallId,
        callback: CallbackId,
    },
    /// A callback was not promised.
    NotScheduled {
        call: CallId,
        why: QueueRefusal,
    },
    /// To be written down durably.
    Keep(Box<Callback>),
    /// To be struck out.
    Forget {
        callback: CallbackId,
        why: CallbackEnd,
    },
}

/// Why an offer was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawal {
    /// Nobody answered in time.
    TimedOut,
    Rejected,
    Unreachable,
    CustomerGone,
    /// The agent accepted and hung up before the two were joined.
    AgentGone,
    /// The agent's whisper took longer than two minutes.
    WhisperTooLong,
    /// The queue was taken out of the configuration.
    Expelled,
    /// No call can be begun just now.
    NotNow,
}

impl Withdrawal {
    pub fn name(self) -> &'static str {
        match self {
            Withdrawal::TimedOut => "timed-out",
            Withdrawal::Rejected => "rejected",
            Withdrawal::Unreachable => "unreachable",
            Withdrawal::CustomerGone => "customer-gone",
            Withdrawal::AgentGone => "agent-gone",
            Withdrawal::WhisperTooLong => "whisper-too-long",
            Withdrawal::Expelled => "expelled",
            Withdrawal::NotNow => "not-now",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HangUp {
    WhisperTooLong,
    /// A callback rang longer than anybody lets it ring.
    RangTooLong,
    /// The agent of a callback left while the customer's phone rang.
    AgentGone,
}

/// Why a callback is struck out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackEnd {
    /// The customer answered, or their machine.
    Reached,
    NobodyAnswered,
    Busy,
    Failed,
    /// The number may not be dialled here.
    NotDialable,
    Expired,
    Cancelled,
}

impl CallbackEnd {
    pub fn name(self) -> &'static str {
        match self {
            CallbackEnd::Reached => "reached",
            CallbackEnd::NobodyAnswered => "nobody-answered",
            CallbackEnd::Busy => "busy",
            CallbackEnd::Failed => "failed",
            CallbackEnd::NotDialable => "not-dialable",
            CallbackEnd::Expired => "expired",
            CallbackEnd::Cancelled => "cancelled",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueRefusal {
    AtCapacity,
    OutOfService,
    UnknownQueue,
    UnknownAgent,
    /// It waits already, or is with an agent.
    AlreadyThere,
    NotThere,
    /// An agent is being offered the contact just now.
    Offered,
    /// Eleven moves from queue to queue are enough.
    TooManyMoves,
    /// Criteria can be replaced twice.
    TooManyChanges,
    /// In an agent's own queue there are no criteria.
    AgentQueue,
    /// A callback could not be written down.
    NotKept,
}

impl QueueRefusal {
    pub fn name(self) -> &'static str {
        match self {
            QueueRefusal::AtCapacity => "at-capacity",
            QueueRefusal::OutOfService => "out-of-service",
            QueueRefusal::UnknownQueue => "unknown-queue",
            QueueRefusal::UnknownAgent => "unknown-agent",
            QueueRefusal::AlreadyThere => "already-there",
            QueueRefusal::NotThere => "not-there",
            QueueRefusal::Offered => "offered",
            QueueRefusal::TooManyMoves => "too-many-moves",
            QueueRefusal::TooManyChanges => "too-many-changes",
            QueueRefusal::AgentQueue => "agent-queue",
            QueueRefusal::NotKept => "not-kept",
        }
    }
}

/// The state of one contact at one agent, in the words of agents' integrators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContactState {
    /// A callback is offered.
    Incoming,
    /// A callback was accepted, the agent's whisper runs.
    Pending,
    /// It rings at the agent, or the customer is being dialled.
    Connecting,
    Connected,
    ConnectedOnHold,
    Missed,
    Error,
    /// The conversation is over, the work after it not yet.
    Ended,
}

impl ContactState {
    pub fn name(self) -> &'static str {
        match self {
            ContactState::Incoming => "INCOMING",
            ContactState::Pending => "PENDING",
            ContactState::Connecting => "CONNECTING",
            ContactState::Connected => "CONNECTED",
            ContactState::ConnectedOnHold => "CONNECTED_ONHOLD",
            ContactState::Missed => "MISSED",
            ContactState::Error => "ERROR",
            ContactState::Ended => "ENDED",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentChange {
    Status(Status),
    NextStatus(Option<Status>),
    Contact {
        contact: ContactId,
        state: ContactState,
    },
    /// The agent is done with the contact.
    Cleared {
        contact: ContactId,
    },
}

/// Who wants something of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Agent,
    Supervisor,
}

/// What an agent or a supervisor says; answered at once.
#[derive(Clone, Debug)]
pub enum AgentCommand {
    SignIn,
    /// Closing a window is not this; it is said.
    SignOut,
    Status(Status),
    /// To be taken when all contacts are cleared; during work after a contact it ends that work. `None` takes it back.
    NextStatus(Option<Status>),
    /// Ends work after a contact, or a missed contact's standing in the way of others.
    Clear,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentRefusal {
    UnknownAgent,
    UnknownStatus,
    /// The agent is with a contact, is offered one or has work after one.
    OnContact,
    /// The next status is the agent's own to choose.
    NotForSupervisors,
    NothingToClear,
}

impl AgentRefusal {
    pub fn name(self) -> &'static str {
        match self {
            AgentRefusal::UnknownAgent => "unknown-agent",
            AgentRefusal::UnknownStatus => "unknown-status",
            AgentRefusal::OnContact => "on-contact",
            AgentRefusal::NotForSupervisors => "not-for-supervisors",
            AgentRefusal::NothingToClear => "nothing-to-clear",
        }
    }
}
