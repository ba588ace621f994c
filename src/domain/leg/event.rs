//! What a leg tells its call. Holds messages as they came; decides nothing.

use crate::base::cause::{Cause, Fault};
use crate::domain::leg::inbound::Source;
use crate::domain::leg::media_plan;
use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::path::Path;
use crate::protocol::sip::transaction::set::{ClientKey, ServerKey};
use bytes::Bytes;

/// One thing that happened at a party. Past tense: the leg has already done its own part.
#[derive(Debug)]
pub enum LegEvent {
    /// The caller gave up before an answer; its INVITE has had its 487.
    Cancelled { cause: Cause },
    /// The caller's PRACK for a reliable response of ours held an answer to the offer in it.
    EarlyAnswer { message: Box<Message> },
    /// The ACK of a 2xx of ours; its description answers an offer that the 2xx made.
    Acknowledged { message: Box<Message> },
    /// A provisional response above 100 to our INVITE, from one of its forks. With the offer that it made, if it was ours to answer.
    Progressed { fork: u8, message: Box<Message>, offer: Option<Bytes> },
    /// The peer offers something else in an early dialog. Answer with `accept_early` or `refuse_early`. The source is the called
    /// leg's early dialog that is concerned, whichever side offers.
    OfferedEarly { source: Source, offer: Bytes },
    /// The peer's answer to such an offer of the other side, or the status that refuses it.
    AnsweredEarly { source: Source, answer: Result<Bytes, u16> },
    /// Our INVITE was accepted. With the offer in the 2xx, if ours made none: `Leg::acknowledge` answers it.
    Answered { fork: u8, message: Box<Message>, offer: Option<Bytes> },
    /// Our INVITE was not accepted.
    Failed(Failure),
    /// The peer wants to change the call. Answer with `Leg::accept` or `Leg::refuse`.
    /// Without an offer it asks for one.
    Offered { method: Method, offer: Option<Bytes> },
    /// The peer has withdrawn its re-INVITE by CANCEL; it has had its 487.
    Withdrawn,
    /// Our re-INVITE or UPDATE was accepted.
    /// With the offer in the 2xx, if ours asked for one.
    Accepted { message: Box<Message>, offer: Option<Bytes> },
    /// Our re-INVITE or UPDATE was not accepted; what held before still holds.
    Declined { status: u16 },
    /// An INFO. Not yet answered.
    Informed { request: Box<Request> },
    /// The final answer to a request that `Established::tell` has sent; 408 where there was none.
    Told { client: ClientKey, status: u16 },
    /// The BYE that ends it, answered: for what it has to say to the other side. `Ended` follows.
    Parted { message: Box<Message> },
    /// The peer asks us to call somebody else. Not yet answered.
    Referred { request: Box<Request> },
    /// What the peer of a REFER of ours, or of a subscription, reports. Answered.
    Notified { message: Box<Message> },
    /// The leg is over.
    Ended { cause: Cause, fault: Fault },
}

/// A request that waits for an answer.
#[derive(Debug)]
pub struct Request {
    pub server: ServerKey,
    pub from: Path,
    pub message: Box<Message>,
}

/// Why an INVITE of ours led to nothing.
#[derive(Clone, PartialEq, Debug)]
pub struct Failure {
    pub cause: Cause,
    pub reason: FailureReason,
    /// Of a redirection: its contacts, best first.
    pub contacts: Vec<Box<str>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailureReason {
    Status(u16),
    /// Nothing came within the time.
    Silence,
    /// The edge could not deliver it.
    Undeliverable,
    /// What is offered cannot be offered to this peer.
    Media,
    /// We gave it up ourselves.
    GivenUp,
}

impl Failure {
    pub fn of(cause: Cause, reason: FailureReason) -> Failure {
        Failure { cause, reason, contacts: Vec::new() }
    }

    pub fn status(&self) -> Option<u16> {
        match self.reason {
            FailureReason::Status(status) => Some(status),
            _ => None,
        }
    }

    /// How a trail line says it.
    pub fn words(&self) -> String {
        match self.reason {
            FailureReason::Status(status) => format!("answered {status}"),
            FailureReason::Silence => "gave no answer in time".into(),
            FailureReason::Undeliverable => "could not be reached".into(),
            FailureReason::Media => "cannot take what is offered".into(),
            FailureReason::GivenUp => "was given up".into(),
        }
    }
}

/// The session description of a message, where it has one.
pub fn description(message: &Message) -> Option<&[u8]> {
    if message.body().is_empty() {
        return None;
    }
    media_plan::session_description(message.get(HeaderName::ContentType), message.body())
}
