//! What a call has in every phase: its legs, its voice, its trail, and the places in trunks that it holds.

use crate::base::cause::{Cause, Fault};
use crate::base::e164::E164;
use crate::base::id::{CallId, LegId};
use crate::base::limits;
use crate::domain::call::handover::Handed;
use crate::domain::call::interface::{CallEvent, CallOutput, Party, TrunkOutcome};
use crate::domain::call::streams::Streams;
use crate::domain::call::trail::Trail;
use crate::domain::flow::log::Entry;
use crate::domain::flow::memory::Memory;
use crate::domain::leg::event::{Failure, FailureReason};
use crate::domain::leg::leg::Leg;
use crate::domain::leg::wire::Wire;
use crate::domain::queue::callback::CallbackId;
use crate::domain::trunk::attributes::Attributes;
use crate::domain::trunk::identity::{Dialled, Identity};
use crate::media::command::Command;
use crate::protocol::sip::message::message::Message;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

pub struct Parts {
    pub wire: Wire,
    pub legs: Vec<Leg>,
    pub outputs: VecDeque<CallOutput>,
    /// For the worker, and before what is said to the parties: who is told to speak is listened to by then.
    pub commands: VecDeque<Command>,
    pub trail: Trail,
    pub story: Box<Story>,
    pub streams: Streams,
    /// Whom flows serve: who called us, or whom we have called back.
    pub served: LegId,
    seats: Vec<Seat>,
    /// The leg that another call has now, by our tag in its dialog.
    given: Option<Box<(Box<str>, CallId)>>,
    /// Whether a leg came from another call: its peer writes that call's tag.
    has_taken: bool,
    legs_made: u8,
    /// What is keyed now is nobody's business but the flow's.
    pub hides_keys: bool,
    /// Who talks with whom, as it was told last.
    talking: Option<(LegId, LegId)>,
}

/// The record leaves first, the call when nobody can ask anything again.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Closing {
    #[default]
    Open,
    Recorded,
    Finished,
}

/// What the record tells besides its legs.
pub struct Story {
    pub caller: Party,
    pub dialled: Dialled,
    pub identity: Identity,
    pub attributes: Attributes,
    pub max_duration: Duration,
    pub started_at: u64,
    pub ringing_at: Option<u64>,
    pub answered_at: Option<u64>,
    /// How far its end is.
    pub closing: Closing,
    /// Why it ended, and whose fault that was: the first reason stands.
    pub outcome: Option<(Cause, Fault)>,
    /// The callback that the call keeps, and the call in which it was promised.
    pub promised: Option<Box<(CallbackId, CallId)>>,
    /// What flows did for it; a call without any pays nothing for it.
    pub served: Option<Box<Served>>,
}

/// What flows did for a call.
#[derive(Default)]
pub struct Served {
    /// How many have served it.
    pub runs: u8,
    /// What they did, in short; and what they noted of the call.
    pub steps: Vec<Box<str>>,
    pub noted: Vec<(Box<str>, Box<str>)>,
    /// Where its recordings are.
    pub recordings: Vec<Box<str>>,
}

impl Story {
    pub fn served(&mut self) -> &mut Served {
        self.served.get_or_insert_default()
    }

    /// One step of a flow, for the record. Of a call that takes very many, the first ones.
    pub fn note_step(&mut self, entry: &Entry) {
        if self.served().steps.len() < limits::STEPS_RECORDED_MAX {
            let outcome = entry.outcome.map_or_else(String::new, |outcome| outcome.to_string());
            let line =
                format!("{}/{} {} {outcome} {} ms", entry.flow, entry.step, entry.act, entry.duration.as_millis());
            self.served().steps.push(line.into());
        }
    }

    /// The user's attributes, as they are when the call's last flow is done with it.
    pub fn keep_attributes(&mut self, memory: &Memory) {
        let texts = memory.attributes().into_iter().flatten();
        self.served().noted = texts.filter_map(|(name, value)| Some((name.clone(), value.as_text()?.into()))).collect();
    }
}

/// A place in a trunk's limits.
struct Seat {
    leg: LegId,
    trunk: Arc<str>,
    target_index: u16,
}

impl Parts {
    pub fn new(wire: Wire, story: Story, trail: Trail) -> Parts {
        Parts {
            wire,
            legs: Vec::with_capacity(2),
            outputs: VecDeque::new(),
            commands: VecDeque::new(),
            trail,
            story: Box::new(story),
            streams: Streams::default(),
            served: LegId::CALLER,
            seats: Vec::new(),
            given: None,
            has_taken: false,
            legs_made: 0,
            hides_keys: false,
            talking: None,
        }
    }

    /// The number of the next leg; `None` when the call has as many as a call may have.
    pub fn next_leg(&mut self) -> Option<LegId> {
        if usize::from(self.legs_made) >= limits::LEGS_MAX {
            return None;
        }
        let id = LegId(self.legs_made);
        self.legs_made += 1;
        Some(id)
    }

    pub fn leg(&self, id: LegId) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.id() == id)
    }

    /// One leg and the voice that it speaks with.
    pub fn with<R>(&mut self, id: LegId, action: impl FnOnce(&mut Leg, &mut Wire) -> R) -> Option<R> {
        let leg = self.legs.iter_mut().find(|leg| leg.id() == id)?;
        Some(action(leg, &mut self.wire))
    }

    pub fn say(&mut self, line: impl Into<Box<str>>) {
        self.trail.say(line);
    }

    pub fn event(&mut self, event: CallEvent) {
        self.outputs.push_back(CallOutput::Event(event));
    }

    /// Those who watch hear of it when two begin or cease to talk.
    pub fn note_talk(&mut self, now: Option<(LegId, LegId)>) {
        let before = std::mem::replace(&mut self.talking, now);
        if before != now {
            before.into_iter().for_each(|legs| self.event(CallEvent::Unbridged { legs }));
            now.into_iter().for_each(|legs| self.event(CallEvent::Bridged { legs }));
        }
    }

    /// The first reason stands.
    pub fn conclude(&mut self, cause: Cause, fault: Fault) {
        self.story.outcome.get_or_insert((cause, fault));
    }

    pub fn sit_down(&mut self, leg: LegId, trunk: Arc<str>, target_index: u16) {
        self.seats.push(Seat { leg, trunk, target_index });
    }

    /// Gives the leg's place back, if it has one.
    pub fn release(&mut self, leg: LegId, outcome: TrunkOutcome) {
        while let Some(at) = self.seats.iter().position(|seat| seat.leg == leg) {
            let Seat { trunk, target_index, .. } = self.seats.swap_remove(at);
            self.outputs.push_back(CallOutput::Release { trunk, target_index, outcome });
        }
    }

    /// Every place, at the very end.
    pub fn release_all(&mut self) {
        for Seat { trunk, target_index, .. } in std::mem::take(&mut self.seats) {
            self.outputs.push_back(CallOutput::Release { trunk, target_index, outcome: TrunkOutcome::Unknown });
        }
    }

    /// Lets go of a leg that has nothing under way; what is left of it here answers for what crossed.
    pub fn give_away(&mut self, id: LegId, heir: CallId) -> Option<Handed> {
        let (leg, tag) = self.with(id, |leg, wire| leg.give_away(wire))??;
        let seat = self.seats.iter().position(|seat| seat.leg == id).map(|at| self.seats.swap_remove(at));
        let seat = seat.map(|seat| (seat.trunk, seat.target_index)).or_else(|| match &leg.line.party {
            // The caller's own place, which no target of the trunk answers for.
            Party::Trunk(trunk) => Some((trunk.name.clone(), u16::MAX)),
            Party::Phone(_) => None,
        });
        self.given = Some(Box::new((tag, heir)));
        self.close_stream(id);
        self.event(CallEvent::LegEnded { leg: id, cause: Cause::Normal });
        Some(Handed { leg, seat, is_agent: false })
    }

    /// Takes a leg that was another call's.
    pub fn take_in(&mut self, id: LegId, handed: Handed) {
        let Handed { mut leg, seat, .. } = handed;
        if self.given.as_ref().is_some_and(|given| leg.has_tag(&given.0)) {
            self.given = None;
        }
        leg.come_over(&self.wire, id);
        let listener = leg.line.target.path.listener;
        if let Some((trunk, target_index)) = seat {
            self.sit_down(id, trunk, target_index);
        }
        self.has_taken = true;
        self.open_stream(id, listener);
        let party = leg.line.facts.name.clone();
        self.legs.push(leg);
        self.event(CallEvent::LegStarted { leg: id, party });
        self.event(CallEvent::Answered { leg: id });
    }

    /// Whose a message in a dialog is by now, where that is not this call.
    pub fn heir(&self, message: &Message) -> Option<CallId> {
        let (tag, heir) = &**self.given.as_ref()?;
        (message.is_request() && message.to_tag() == Some(tag)).then_some(*heir)
    }

    /// The call that has a leg of this one now.
    pub fn went_to(&self) -> Option<CallId> {
        self.given.as_ref().map(|given| given.1)
    }

    pub fn has_taken(&self) -> bool {
        self.has_taken
    }

    /// Ends a leg from our side.
    pub fn hang_up(&mut self, id: LegId, cause: Cause) {
        let ended = self.with(id, |leg, wire| {
            let is_news = leg.line.facts.ended.is_none() && !leg.is_over();
            let is_dialled = leg.dialled().is_some();
            leg.hang_up(wire, cause);
            // A cancelled INVITE has not ended before its final response.
            is_news && !is_dialled
        });
        if ended == Some(true) {
            self.leg_ended(id, cause, TrunkOutcome::Spoke);
        }
    }

    /// Notes that a leg is over: its place returns, and those who watch hear of it.
    pub fn leg_ended(&mut self, leg: LegId, cause: Cause, outcome: TrunkOutcome) {
        self.release(leg, outcome);
        self.close_stream(leg);
        self.event(CallEvent::LegEnded { leg, cause });
    }

    pub fn hang_up_all(&mut self, cause: Cause) {
        let ids: Vec<LegId> = self.legs.iter().map(Leg::id).collect();
        for id in ids {
            self.hang_up(id, cause);
        }
    }

    pub fn e164_text(&self) -> Option<Box<str>> {
        self.story.dialled.e164.map(|number: E164| number.to_string().into())
    }
}

/// What an attempt that failed says of its trunk.
pub fn outcome_of(failure: &Failure) -> TrunkOutcome {
    match failure.reason {
        FailureReason::Status(408 | 500 | 502 | 503 | 504) => TrunkOutcome::Failed,
        FailureReason::Status(_) => TrunkOutcome::Spoke,
        FailureReason::Silence | FailureReason::Undeliverable => TrunkOutcome::Failed,
        FailureReason::Media | FailureReason::GivenUp => TrunkOutcome::Unknown,
    }
}

/// Whose fault it is that a party could not be had.
pub fn fault_of(cause: Cause, party: Option<&Party>) -> Fault {
    match cause {
        Cause::Normal | Cause::MediaNotAcceptable | Cause::MaxDuration => Fault::Nobody,
        Cause::Cancelled | Cause::NumberUnknown | Cause::NumberGone | Cause::NumberIncomplete => Fault::Caller,
        Cause::Busy | Cause::NoAnswer | Cause::Declined | Cause::Rejected | Cause::TemporarilyUnavailable => {
            Fault::Callee
        }
        Cause::Overload | Cause::Unreachable | Cause::PeerMisbehaved | Cause::PeerVanished | Cause::NotAllowed => {
            match party {
                Some(Party::Phone(_)) => Fault::Callee,
                Some(Party::Trunk(_)) => Fault::Carrier,
                None => Fault::Ours,
            }
        }
        Cause::LimitReached | Cause::Drained | Cause::Fault => Fault::Ours,
    }
}
