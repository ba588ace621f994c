//! Digits on their way to one leg, as telephone events or as tones, in the form that its plan says. Hears none.

use super::command::{DigitForm, SentDigit, StreamPlan};
use crate::protocol::audio::codec::Codec;
use crate::protocol::audio::tone::{self, ToneSource};
use crate::protocol::rtp::telephone_event::{EventPacket, EventSender};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Digits that wait to be sent; more is a fault of whoever sends them.
const WAITING_MAX: usize = 64;

/// The digits of one leg, one after the other.
#[derive(Debug)]
pub enum Keypad {
    Events { sender: Box<EventSender>, payload_type: u8 },
    Tones(Box<Tones>),
}

/// Digits as sound.
#[derive(Debug, Default)]
pub struct Tones {
    waiting: VecDeque<SentDigit>,
    sounding: Option<ToneSource>,
    /// Samples of silence that are left after a digit, at this rate.
    pause: usize,
    rate: u32,
    pause_after: Duration,
}

/// What a beat is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keyed {
    /// Audio is said as usual.
    Nothing,
    /// Audio is withheld, and a packet goes out if there is one (RFC 4733 2.5.1.2).
    Event(Option<EventPacket>),
    /// The frame was filled with what is to be said instead.
    Tone,
}

impl Keypad {
    /// `None` when digits do not go through the media plane.
    pub fn new(plan: &StreamPlan) -> Option<Keypad> {
        let sound = plan.codecs.first().is_some_and(|planned| planned.codec != Codec::Opaque);
        match (plan.dtmf_out, plan.telephone_event) {
            (DigitForm::Info, _) => None,
            (DigitForm::TelephoneEvent, Some(pair)) => {
                Some(Keypad::Events { sender: Box::new(EventSender::new(pair.clock)), payload_type: pair.send })
            }
            // A peer that has no events still has ears.
            (DigitForm::TelephoneEvent, None) | (DigitForm::InBand, _) => sound.then(|| Keypad::Tones(Box::default())),
        }
    }

    /// `false`: it is no digit, or too many wait.
    pub fn push(&mut self, digit: SentDigit) -> bool {
        match self {
            Keypad::Events { sender, .. } => sender.push(digit.digit, digit.lasts, digit.pause_after),
            Keypad::Tones(tones) => {
                let fits = tones.waiting.len() < WAITING_MAX && tone::digit(digit.digit, digit.lasts).is_some();
                if fits {
                    tones.waiting.push_back(digit);
                }
                fits
            }
        }
    }

    pub fn is_idle(&self) -> bool {
        match self {
            Keypad::Events { sender, .. } => sender.is_idle(),
            Keypad::Tones(tones) => tones.is_silent(),
        }
    }

    /// One beat of 20 ms.
    pub fn beat(&mut self, now: Instant, rate: u32, frame: &mut [i16]) -> Keyed {
        match self {
            Keypad::Events { sender, .. } => {
                let packet = sender.tick(now);
                if packet.is_some() || sender.is_sending() { Keyed::Event(packet) } else { Keyed::Nothing }
            }
            Keypad::Tones(tones) => {
                let busy = !tones.is_silent();
                if busy {
                    tones.fill(rate, frame);
                }
                if busy { Keyed::Tone } else { Keyed::Nothing }
            }
        }
    }
}

impl Tones {
    fn is_silent(&self) -> bool {
        self.waiting.is_empty() && self.sounding.is_none() && self.pause == 0
    }

    fn fill(&mut self, rate: u32, frame: &mut [i16]) {
        if rate != self.rate {
            // A call that grows wider cuts the digit that sounds: said twice it would be two.
            self.pause = if self.sounding.take().is_some() { samples(self.pause_after, rate) } else { 0 };
            self.rate = rate;
        }
        let mut at = 0;
        while let Some(rest) = frame.get_mut(at..).filter(|rest| !rest.is_empty()) {
            let rest = rest.len();
            at += self.give(frame.get_mut(at..).unwrap_or_default(), rest);
        }
    }

    fn give(&mut self, room: &mut [i16], length: usize) -> usize {
        if let Some(source) = &mut self.sounding {
            let given = source.fill(room);
            if given < length {
                self.sounding = None;
                self.pause = samples(self.pause_after, self.rate);
            }
            return given;
        }
        if self.pause > 0 || self.waiting.is_empty() {
            let run = if self.pause > 0 { self.pause.min(length) } else { length };
            room.iter_mut().take(run).for_each(|sample| *sample = 0);
            self.pause = self.pause.saturating_sub(run);
            return run;
        }
        if let Some(digit) = self.waiting.pop_front() {
            self.pause_after = digit.pause_after;
            let tone = tone::digit(digit.digit, digit.lasts);
            self.sounding = tone.map(|tone| ToneSource::new(&tone, self.rate));
        }
        0
    }
}

fn samples(time: Duration, rate: u32) -> usize {
    usize::try_from(time.as_millis() * u128::from(rate) / 1_000).unwrap_or(0)
}
