//! The caller's leg while nobody but us talks to it: early media, the answer, its offers. Relays nothing.

use crate::base::cause::{Cause, Fault};
use crate::base::id::LegId;
use crate::domain::call::interface::CallEvent;
use crate::domain::call::joined::acknowledge;
use crate::domain::call::parts::Parts;
use crate::domain::call::refusal::refuse_caller;
use crate::domain::call::serving::Serving;
use crate::domain::leg::event::{Failure, FailureReason, LegEvent};
use crate::domain::leg::inbound::{Progress, Source};
use crate::domain::leg::leg::Leg;
use crate::domain::leg::media_plan::own;
use bytes::Bytes;

/// Our own voice, as one of those that may be behind an early dialog.
const OURS: Source = Source { leg: LegId::CALLER, fork: 0 };

/// What a party with whom only we talk asks of us beside what concerns every leg.
pub fn on_event(parts: &mut Parts, leg: LegId, event: LegEvent) {
    match event {
        LegEvent::Offered { offer, .. } => {
            let own = offer.as_deref().map_or_else(|| own::offer(&[]), own::answer);
            let accepted = parts.with(leg, |leg, wire| {
                let (state, line) = leg.established()?;
                let accepted = state.accept(line, wire, Some(&own));
                if accepted.is_err() {
                    state.refuse(line, wire, (488, "Not Acceptable Here"));
                }
                Some(())
            });
            if accepted.flatten().is_some() {
                note_hold(parts, leg);
            }
        }
        // To what we have asked it ourselves.
        LegEvent::Accepted { .. } => acknowledge(parts, leg, None),
        LegEvent::OfferedEarly { source, offer } => {
            let own = own::answer(&offer);
            parts.with(leg, |leg, wire| {
                if let Some((state, line)) = leg.inviting() {
                    state.answer_early(line, wire, source, Ok(&own));
                }
            });
        }
        _ => {}
    }
}

/// Those who watch hear when it holds us or comes back.
fn note_hold(parts: &mut Parts, leg: LegId) {
    let changed = parts.with(leg, |leg, _| {
        let line = &mut leg.line;
        let changed = line.is_held != line.was_held;
        line.was_held = line.is_held;
        changed.then_some(line.is_held)
    });
    match changed.flatten() {
        Some(true) => parts.event(CallEvent::Held { leg }),
        Some(false) => parts.event(CallEvent::Resumed { leg }),
        None => {}
    }
}

impl Serving {
    /// What we describe to the caller: an answer to its offer, or an offer.
    fn own(parts: &Parts) -> Bytes {
        let inbound = parts.leg(LegId::CALLER).and_then(Leg::invited);
        inbound.and_then(|inbound| inbound.offer.as_deref()).map_or_else(|| own::offer(&[]), own::answer)
    }

    /// Lets the caller hear us, and us hear it, before the answer.
    pub(super) fn open_early(&mut self, parts: &mut Parts) {
        if self.is_described || self.is_answered {
            return;
        }
        let own = Serving::own(parts);
        let progress =
            Progress { status: 183, phrase: "Session Progress", source: OURS, description: Some(&own), headers: &[] };
        let passed = parts.with(LegId::CALLER, |leg, wire| leg.progress(wire, &progress));
        match passed {
            Some(Ok(())) => {
                self.is_described = true;
                parts.event(CallEvent::EarlyMedia { leg: LegId::CALLER });
            }
            Some(Err(refusal)) => parts.say(format!("no early media: {}", refusal.words())),
            None => {}
        }
    }

    /// It rings somewhere for a caller who was not answered and hears nothing of us.
    pub(super) fn tell_ringing(&mut self, parts: &mut Parts) {
        if self.is_answered || self.is_described {
            return;
        }
        if parts.story.ringing_at.is_none() {
            parts.story.ringing_at = Some(parts.wire.now.unix_millis());
        }
        let progress = Progress { status: 180, phrase: "Ringing", source: OURS, description: None, headers: &[] };
        let _ = parts.with(LegId::CALLER, |leg, wire| leg.progress(wire, &progress));
    }

    /// 200, with what we describe or, where the caller has heard nothing of us yet, what another party has described.
    pub(super) fn answer(&mut self, parts: &mut Parts, described: Option<&[u8]>) -> Result<(), (Cause, Fault)> {
        if self.is_answered {
            return Ok(());
        }
        let own = match described.filter(|_| !self.is_described) {
            Some(described) => Bytes::copy_from_slice(described),
            None => Serving::own(parts),
        };
        let answered = parts.with(LegId::CALLER, |leg, wire| leg.answer(wire, OURS, Some(&own)));
        if let Some(Err(refusal)) = answered {
            parts.say(format!("the caller cannot be answered: {}", refusal.words()));
            let failure = Failure::of(refusal.cause(), FailureReason::Media);
            refuse_caller(parts, &failure, None);
            return Err((failure.cause, Fault::Caller));
        }
        (self.is_described, self.is_answered) = (true, true);
        let now = parts.wire.now;
        parts.story.answered_at = Some(now.unix_millis());
        self.when_too_long = now.instant.checked_add(parts.story.max_duration);
        self.attendant.memory_mut().is_answered = true;
        parts.say("the call is answered for its flow");
        parts.event(CallEvent::Answered { leg: LegId::CALLER });
        Ok(())
    }
}
