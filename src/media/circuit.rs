//! One call on a worker: its desk and which stream belongs to which leg. Holds no stream itself.

use crate::base::id::{CallId, LegId};
use crate::media::command::StreamPlan;
use crate::media::desk::Desk;
use crate::media::path::Path;
use crate::media::slots::Slots;
use crate::media::stream::Rule;
use std::time::Instant;

pub struct Circuit {
    pub desk: Desk,
    pub members: Members,
    /// When the wheel wakes the desk.
    pub armed: Option<Instant>,
    /// The path for which the rules of the streams were made.
    ruled_for: Path,
}

/// Which stream belongs to which leg.
#[derive(Default)]
pub struct Members(Vec<Member>);

struct Member {
    leg: LegId,
    slot: u32,
    /// Payload types that we have agreed to receive, each with its clock.
    agreed: Box<[(u8, u32)]>,
}

impl Members {
    pub fn slot_of(&self, leg: LegId) -> Option<u32> {
        self.0.iter().find(|member| member.leg == leg).map(|member| member.slot)
    }
}

impl Circuit {
    pub fn new(call: CallId) -> Circuit {
        Circuit { desk: Desk::new(call), members: Members::default(), armed: None, ruled_for: Path::Held }
    }

    pub fn join(&mut self, leg: LegId, slot: u32) {
        self.members.0.push(Member { leg, slot, agreed: Box::default() });
    }

    pub fn leave(&mut self, leg: LegId) {
        self.members.0.retain(|member| member.leg != leg);
    }

    pub fn is_empty(&self) -> bool {
        self.members.0.is_empty()
    }

    pub fn slot_of(&self, leg: LegId) -> Option<u32> {
        self.members.slot_of(leg)
    }

    pub fn slots(&self) -> impl Iterator<Item = u32> {
        self.members.0.iter().map(|member| member.slot)
    }

    /// The desk hears of a leg's plan, and which payload types it may send us is kept.
    pub fn plan(&mut self, now: Instant, leg: LegId, plan: &StreamPlan) {
        let Some(member) = self.members.0.iter_mut().find(|member| member.leg == leg) else { return };
        let audio = plan.codecs.iter().map(|codec| codec.payload);
        let pairs = audio.chain(plan.telephone_event).chain(plan.comfort_noise);
        member.agreed = pairs.map(|pair| (pair.receive, pair.clock)).collect();
        self.desk.plan(now, leg, plan);
    }

    /// Whether the desk has gone another way since the rules were made.
    pub fn has_turned(&self) -> bool {
        self.desk.path() != self.ruled_for
    }

    /// Gives every stream its rules anew: where its packets go, by payload type.
    pub fn rule(&mut self, streams: &mut Slots) {
        self.ruled_for = self.desk.path();
        for member in &self.members.0 {
            let rules = member.agreed.iter().map(|(receive, clock)| Rule {
                receive: *receive,
                clock: *clock,
                passage: self.passage(member.leg, *receive),
            });
            let rules = rules.collect();
            if let Some(stream) = streams.at_mut(member.slot) {
                stream.rules = rules;
            }
        }
    }

    fn passage(&self, leg: LegId, payload_type: u8) -> Option<(u32, u8)> {
        let passage = self.desk.passage(leg, payload_type)?;
        Some((self.slot_of(passage.ear)?, passage.payload_type))
    }
}
