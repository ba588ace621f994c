//! The record of a call: every timestamp, who, where to, why, and whose fault. Written once, when the call is over.

use crate::base::cause::{Cause, Fault};
use crate::base::id::CallId;
use crate::domain::trunk::attributes::Attributes;
use crate::media::event::Quality;
use crate::protocol::audio::codec::Codec;
use std::sync::Arc;

/// What happened, in plain data. The edge turns it into one line of JSON.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    pub call: CallId,
    /// Milliseconds since 1970.
    pub started_at: u64,
    pub ringing_at: Option<u64>,
    pub answered_at: Option<u64>,
    pub ended_at: u64,
    pub cause: Cause,
    pub fault: Fault,
    /// The final status that the caller was given; `None` if it was answered.
    pub status: Option<u16>,
    pub caller: RecordParty,
    pub dialled: Box<str>,
    pub dialled_e164: Option<Box<str>>,
    pub legs: Vec<RecordLeg>,
    /// The promise to call back that the call keeps, where nobody has called us.
    pub callback: Option<RecordCallback>,
    /// The call in which a party of this one talks on: an attended transfer.
    pub goes_on_in: Option<CallId>,
    /// The normalised inbound attributes (reference: twelve names); absent distinct from empty.
    pub attributes: Attributes,
    /// Why each decision fell as it did, in order.
    pub trail: Vec<Box<str>>,
    /// What flows did for it, step by step; what they noted of it; where its recordings are.
    pub steps: Vec<Box<str>>,
    pub noted: Vec<(Box<str>, Box<str>)>,
    pub recordings: Vec<Box<str>>,
    /// Trail lines beyond the bound.
    pub trail_lost: u32,
}

/// Which callback, and in which call it was promised.
#[derive(Clone, PartialEq, Debug)]
pub struct RecordCallback {
    pub name: Box<str>,
    pub promised_in: CallId,
}

#[derive(Clone, PartialEq, Debug)]
pub struct RecordParty {
    /// "trunk:carrier-a", "phone:alice"
    pub party: Box<str>,
    pub number: Box<str>,
    pub display: Box<str>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct RecordLeg {
    pub party: Arc<str>,
    pub number: Box<str>,
    pub started_at: u64,
    pub ringing_at: Option<u64>,
    pub answered_at: Option<u64>,
    pub ended_at: u64,
    pub cause: Cause,
    pub status: Option<u16>,
    pub sip_call_id: Box<str>,
    /// What it spoke with us last, and how its stream fared; `None` where audio went from end to end.
    pub media: Option<RecordMedia>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct RecordMedia {
    pub codec: Option<Codec>,
    pub quality: Box<Quality>,
}
