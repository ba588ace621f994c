//! Key presses that a leg makes: told once each, and sent on to who hears it, in the form that each wants. Plays no tone itself.

use super::seat::{Seat, header};
use super::{Desk, Incoming, Passage};
use crate::base::id::LegId;
use crate::media::command::{DigitForm, SentDigit, StreamId};
use crate::media::event::{Event, HeardAs};
use crate::media::matrix::Voice;
use std::time::{Duration, Instant};

/// A key press that crosses is sent on no shorter and no longer than this, whatever it was.
const CROSSES_MIN: Duration = Duration::from_millis(80);
const CROSSES_MAX: Duration = Duration::from_millis(1_000);
/// Between two digits that cross: Q.24 asks for 40 ms.
const PAUSE: Duration = Duration::from_millis(60);

impl Desk {
    /// A packet of the named-event payload type. It goes on as it is when the ear takes such events and the call is
    /// forwarded; else the digit goes on when the key is released.
    pub(super) fn take_event(&mut self, now: Instant, at: usize, packet: &Incoming<'_>) -> Option<Passage> {
        let leg = self.seats.get(at)?.leg;
        let across = self.across(leg, packet.payload_type);
        let seat = self.seats.get_mut(at)?;
        let clock = seat.plan.telephone_event?.clock;
        let passes = seat.press_passes(packet, across.is_some());
        seat.keys.take(now, &header(packet), packet.payload, clock);
        if let Some(ear) = &mut seat.ear {
            ear.mute_key(now);
        }
        self.tell_released(now, at);
        across.filter(|_| passes)
    }

    /// Keys whose end was never heard are up after some time.
    pub(super) fn release_keys(&mut self, now: Instant) {
        for at in 0..self.seats.len() {
            let Some(seat) = self.seats.get_mut(at) else { return };
            if seat.keys.deadline().is_some_and(|due| due <= now) {
                seat.keys.handle_deadline(now);
                self.tell_released(now, at);
            }
        }
    }

    fn tell_released(&mut self, now: Instant, at: usize) {
        while let Some(heard) = self.seats.get_mut(at).and_then(|seat| seat.keys.poll()) {
            let passed = self.seats.get(at).is_some_and(Seat::last_passed);
            self.tell_digit(now, at, (heard.digit, heard.lasted, HeardAs::TelephoneEvent), passed);
        }
    }

    /// A digit was heard: it is told, and sent on unless its packets or its sound have gone on already.
    pub(super) fn tell_digit(&mut self, now: Instant, at: usize, heard: (u8, Duration, HeardAs), passed: bool) {
        let (digit, lasted, form) = heard;
        let Some(seat) = self.seats.get_mut(at) else { return };
        if !seat.once.is_new(now, digit, form) {
            return;
        }
        let leg = seat.leg;
        let stream = StreamId { call: self.call, leg };
        self.events.push_back(Event::Digit { stream, digit, lasted, form });
        if passed {
            return;
        }
        let sent = SentDigit { digit, lasts: lasted.clamp(CROSSES_MIN, CROSSES_MAX), pause_after: PAUSE };
        let ears = self.matrix.pairs.iter().filter(|pair| pair.voice == Voice::Leg(leg)).map(|pair| pair.ear);
        for ear in ears {
            if let Some(seat) = self.seats.iter_mut().find(|seat| seat.leg == ear && seat.plan.sends) {
                seat.owe(sent);
            }
        }
        self.decide(now);
    }

    /// Digits that sounded in the audio of a leg.
    pub(super) fn tell_sounded(&mut self, now: Instant, at: usize) {
        while let Some(heard) = self.seats.get_mut(at).and_then(|seat| seat.ear.as_mut()?.poll_digit()) {
            let (digit, lasted, stays) = heard;
            self.tell_digit(now, at, (digit, lasted, HeardAs::InBand), stays);
        }
    }

    /// Whether somebody who hears this leg wants its digits in another form than as sound.
    pub(super) fn digits_leave_audio(&self, leg: LegId) -> bool {
        let ears = self.matrix.pairs.iter().filter(|pair| pair.voice == Voice::Leg(leg)).map(|pair| pair.ear);
        let mut seats = ears.filter_map(|ear| self.seats.iter().find(|seat| seat.leg == ear));
        seats.any(|seat| seat.plan.dtmf_out != DigitForm::InBand)
    }
}
