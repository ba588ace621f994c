//! Recordings of a served call: of the talk once somebody is joined, and of a message that the caller leaves. Writes no file.

use crate::domain::call::interface::{CallEvent, CallOutput};
use crate::domain::call::parts::Parts;
use crate::domain::call::serving::news::{Slip, Tape};
use crate::domain::flow::act::Recorded;
use crate::domain::flow::interface::{FlowInput, RecordOrder, Ticket};
use crate::media::command::{TapChoice, TapId};
use std::time::Instant;

/// As telephones speak.
const RATE: u32 = 8_000;

#[derive(Default)]
pub struct Taping {
    is_joined: bool,
    talk: Option<(TapId, Recorded)>,
    /// It has a place, so that its end is one.
    talk_is_kept: bool,
    message: Option<Message>,
}

struct Message {
    ticket: Ticket,
    tap: TapId,
    place: Option<Box<str>>,
    when_full: Instant,
}

impl Taping {
    /// Somebody talks to the caller now.
    pub fn join(&mut self, parts: &mut Parts, recorded: Recorded) {
        self.is_joined = true;
        self.choose(parts, recorded);
    }

    /// From now on, and once somebody is joined.
    pub fn choose(&mut self, parts: &mut Parts, recorded: Recorded) {
        if !self.is_joined || self.talk.as_ref().is_some_and(|(_, now)| *now == recorded) {
            return;
        }
        self.stop_talk(parts);
        let leg = parts.served;
        let what = match recorded {
            Recorded::Nobody => return,
            Recorded::Both => TapChoice::Stereo { leg, rate: RATE },
            Recorded::Customer => TapChoice::Spoken { leg, rate: RATE },
            Recorded::Agent => TapChoice::Heard { leg, rate: RATE },
        };
        let tap = parts.next_tap();
        let slip = Slip { run: 0, ticket: Ticket(0) };
        parts.outputs.push_back(CallOutput::Tape { slip, tap, what, tape: Tape::Talk });
        self.talk = Some((tap, recorded));
    }

    /// What the caller says from now on is kept as a message.
    pub fn begin_message(&mut self, parts: &mut Parts, slip: Slip, order: RecordOrder) {
        let tap = parts.next_tap();
        let what = TapChoice::Spoken { leg: parts.served, rate: RATE };
        let tape = Tape::Message { silence: order.silence };
        parts.outputs.push_back(CallOutput::Tape { slip, tap, what, tape });
        let when_full = parts.wire.now.instant + order.limit;
        self.message = Some(Message { ticket: slip.ticket, tap, place: None, when_full });
    }

    /// The edge has given a tap its end, or could not.
    pub fn began(&mut self, parts: &mut Parts, tap: TapId, place: Option<Box<str>>) -> Option<FlowInput> {
        match &place {
            Some(place) => {
                parts.story.served().recordings.push(place.clone());
                parts.event(CallEvent::RecordingStarted { place: place.clone() });
            }
            None => parts.say("a recording could not be begun"),
        }
        if self.talk.as_ref().is_some_and(|(own, _)| *own == tap) {
            self.talk = self.talk.take().filter(|_| place.is_some());
            self.talk_is_kept = place.is_some();
            return None;
        }
        let message = self.message.as_mut().filter(|message| message.tap == tap)?;
        if place.is_some() {
            message.place = place;
            return None;
        }
        let ticket = self.message.take()?.ticket;
        Some(FlowInput::Recorded { ticket, place: None })
    }

    /// The caller has said nothing for as long as the order allows.
    pub fn quiet(&mut self, parts: &mut Parts, tap: TapId) -> Option<FlowInput> {
        let ticket = self.message.as_ref().filter(|message| message.tap == tap)?.ticket;
        self.finish_message(parts, ticket)
    }

    /// What was said until now is kept.
    pub fn finish_message(&mut self, parts: &mut Parts, ticket: Ticket) -> Option<FlowInput> {
        let Message { ticket, tap, place, .. } = self.message.take_if(|message| message.ticket == ticket)?;
        end(parts, tap, place.is_some());
        Some(FlowInput::Recorded { ticket, place })
    }

    pub fn handle_deadline(&mut self, parts: &mut Parts) -> Option<FlowInput> {
        let now = parts.wire.now.instant;
        let ticket = self.message.as_ref().filter(|message| message.when_full <= now)?.ticket;
        self.finish_message(parts, ticket)
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.message.as_ref().map(|message| message.when_full)
    }

    /// Nobody talks to the caller any more, and nothing is left as a message.
    pub fn stop(&mut self, parts: &mut Parts) {
        self.is_joined = false;
        self.stop_talk(parts);
        if let Some(message) = self.message.take() {
            end(parts, message.tap, message.place.is_some());
        }
    }

    fn stop_talk(&mut self, parts: &mut Parts) {
        if let Some((tap, _)) = self.talk.take() {
            end(parts, tap, std::mem::take(&mut self.talk_is_kept));
        }
    }
}

fn end(parts: &mut Parts, tap: TapId, was_kept: bool) {
    parts.stop_tap(tap);
    if was_kept {
        parts.event(CallEvent::RecordingEnded);
    }
}
