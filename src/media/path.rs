//! Which way the audio of a call goes: untouched, over the desk, or nowhere. Decides from facts alone and moves nothing.

use super::command::{DigitForm, PlannedCodec, SourceId, StreamPlan};
use super::matrix::{Hears, Matrix, Voice};
use crate::base::id::LegId;
use crate::protocol::audio::codec::Codec;

/// The way of a whole call. One way at a time, so that a stream is never sent from two places.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Path {
    /// Nobody hears anybody and nobody listens for anything: packets are counted and dropped.
    Held,
    /// Each voice has one ear that takes its packets as they are (RFC 3550 headers are rewritten in place).
    Forward,
    /// Audio is decoded, mixed and encoded every 20 ms.
    Desk,
}

/// What the way depends on, of one leg.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    pub leg: LegId,
    pub plan: &'a StreamPlan,
    /// The payload type of its last audio packet; before the first one its preferred codec is expected.
    pub spoken: Option<u8>,
    /// Digits wait to be sent to it, or are being sent.
    pub has_digits: bool,
}

impl<'a> Member<'a> {
    /// The codec in which it speaks.
    pub fn speaks(&self) -> Option<&'a PlannedCodec> {
        let spoken = self.spoken.and_then(|payload_type| codec_received(self.plan, payload_type));
        spoken.or(self.plan.codecs.first())
    }
}

/// Everything that the way depends on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub members: &'a [Member<'a>],
    pub matrix: &'a Matrix,
    /// Sources that play now.
    pub sources: &'a [SourceId],
    /// Somebody listens from outside.
    pub is_tapped: bool,
}

impl<'a> Facts<'a> {
    pub fn member(&self, leg: LegId) -> Option<&'a Member<'a>> {
        self.members.iter().find(|member| member.leg == leg)
    }

    /// A pair counts when its ear is sent to and its voice can be heard now.
    fn counts(&self, pair: &Hears) -> bool {
        let ear = self.member(pair.ear).is_some_and(|ear| ear.plan.sends);
        let voice = match pair.voice {
            Voice::Leg(leg) => self.member(leg).is_some_and(|voice| voice.plan.receives),
            Voice::Source(source) => self.sources.contains(&source),
        };
        ear && voice
    }

    /// What is really heard now.
    pub fn pairs(&self) -> impl Iterator<Item = &Hears> {
        self.matrix.pairs.iter().filter(|pair| self.counts(pair))
    }

    /// Decides the way. The same facts, the same way.
    pub fn path(&self) -> Path {
        let can_forward = self.pairs().all(|pair| self.crosses_untouched(pair) && self.is_alone(pair));
        // What nobody here can decode stays on its way whatever is wished of it: a tap of it would be silent.
        let is_opaque = self.pairs().any(|pair| self.is_opaque(pair)) && can_forward;
        let digits = self.members.iter().any(|member| member.has_digits && member.plan.sends);
        let listens = self.is_tapped || self.members.iter().any(|m| m.plan.detect_in_band && m.plan.receives);
        match (self.pairs().next().is_some(), can_forward) {
            _ if digits => Path::Desk,
            (true, true) if is_opaque || !listens => Path::Forward,
            (false, _) if !listens => Path::Held,
            _ => Path::Desk,
        }
    }

    /// No other voice in this ear, and no other ear for this voice.
    fn is_alone(&self, pair: &Hears) -> bool {
        let related = |other: &&Hears| (other.ear == pair.ear || other.voice == pair.voice) && self.counts(other);
        self.matrix.pairs.iter().filter(related).count() == 1
    }

    fn is_opaque(&self, pair: &Hears) -> bool {
        let Voice::Leg(voice) = pair.voice else { return false };
        self.member(voice).and_then(Member::speaks).is_some_and(|codec| codec.codec == Codec::Opaque)
    }

    fn crosses_untouched(&self, pair: &Hears) -> bool {
        let Voice::Leg(voice) = pair.voice else { return false };
        let (Some(voice), Some(ear)) = (self.member(voice), self.member(pair.ear)) else { return false };
        let Some(spoken) = voice.speaks() else { return false };
        let same_kind = ear.plan.codecs.iter().any(|codec| codec.kind == spoken.kind);
        // RFC 4566 6: the packet time is the receiver's wish, so a packet of another length is cut anew where it can be.
        let same_length = voice.plan.ptime == ear.plan.ptime || spoken.codec == Codec::Opaque;
        pair.gain == 0 && same_kind && same_length && !must_turn_events(voice.plan, ear.plan)
    }
}

/// Named events of one clock would have to become named events of another, with other durations.
fn must_turn_events(voice: &StreamPlan, ear: &StreamPlan) -> bool {
    let (Some(from), Some(to)) = (voice.telephone_event, ear.telephone_event) else { return false };
    ear.dtmf_out == DigitForm::TelephoneEvent
        && from.clock != to.clock
        && ear.codecs.iter().all(|c| c.codec != Codec::Opaque)
}

/// The codec that a leg sends us under this payload type.
pub fn codec_received(plan: &StreamPlan, payload_type: u8) -> Option<&PlannedCodec> {
    plan.codecs.iter().find(|codec| codec.payload.receive == payload_type)
}

/// Under which payload type a packet of `voice` goes to `ear` untouched; `None` when it must not go so.
pub fn payload_across(voice: &StreamPlan, ear: &StreamPlan, payload_type: u8) -> Option<u8> {
    if let Some(spoken) = codec_received(voice, payload_type) {
        return ear.codecs.iter().find(|codec| codec.kind == spoken.kind).map(|codec| codec.payload.send);
    }
    if voice.telephone_event.is_some_and(|event| event.receive == payload_type) {
        let events = ear.telephone_event.filter(|_| ear.dtmf_out == DigitForm::TelephoneEvent);
        let clock = voice.telephone_event.map(|event| event.clock);
        return events.filter(|event| Some(event.clock) == clock).map(|event| event.send);
    }
    if voice.comfort_noise.is_some_and(|noise| noise.receive == payload_type) {
        return ear.comfort_noise.map(|noise| noise.send);
    }
    None
}

#[cfg(test)]
mod tests;
