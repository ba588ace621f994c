//! One leg at the desk: its plan, its ear and mouth while they are needed, and its digits both ways. Mixes nothing.

use super::Incoming;
use crate::base::id::LegId;
use crate::media::command::{SentDigit, StreamPlan};
use crate::media::digits::OnceEach;
use crate::media::ear::{Ear, Listening};
use crate::media::echo::EchoWatch;
use crate::media::keypad::Keypad;
use crate::media::mouth::Mouth;
use crate::media::path::Member;
use crate::protocol::audio::level::{self, Activity};
use crate::protocol::rtp::packet::Header;
use crate::protocol::rtp::telephone_event::EventReceiver;
use std::time::Duration;

/// Key presses of which packets may still come.
const PRESSES: usize = 4;

#[derive(Debug)]
pub struct Seat {
    pub leg: LegId,
    pub plan: Box<StreamPlan>,
    pub spoken: Option<u8>,
    pub ear: Option<Box<Ear>>,
    pub mouth: Option<Box<Mouth>>,
    pub keypad: Option<Keypad>,
    pub keys: EventReceiver,
    pub once: OnceEach,
    presses: [Option<Press>; PRESSES],
    pub measured: Option<Box<Measured>>,
    /// What its far end reports of loss, in percent.
    loss_percent: Option<u8>,
}

/// One press, by the timestamp of its packets, and whether they go on as they are.
#[derive(Clone, Copy, Debug)]
struct Press {
    timestamp: u32,
    passes: bool,
}

/// What is measured of a leg's audio while the desk hears it.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    pub activity: Activity,
    pub echo: EchoWatch,
    pub heard_for: Duration,
    /// Of ears that have gone.
    pub discarded: u64,
    /// Mean square of what the leg was sent in this beat.
    pub sent: f32,
}

impl Seat {
    pub fn new(leg: LegId, plan: &StreamPlan) -> Seat {
        Seat {
            leg,
            plan: Box::new(plan.clone()),
            spoken: None,
            ear: None,
            mouth: None,
            keypad: None,
            keys: EventReceiver::new(),
            once: OnceEach::default(),
            presses: [None; PRESSES],
            measured: None,
            loss_percent: None,
        }
    }

    pub fn plan_again(&mut self, plan: &StreamPlan) {
        if plan.codecs != self.plan.codecs {
            self.spoken = None;
            if let Some(ear) = &mut self.ear {
                ear.forget_codec();
            }
        }
        if (plan.dtmf_out, plan.telephone_event) != (self.plan.dtmf_out, self.plan.telephone_event) {
            self.keypad = None;
        }
        *self.plan = plan.clone();
    }

    /// A digit for this leg, in the form that its plan says.
    pub fn owe(&mut self, digit: SentDigit) {
        if self.keypad.is_none() {
            self.keypad = Keypad::new(&self.plan);
        }
        if let Some(keypad) = &mut self.keypad {
            keypad.push(digit);
        }
    }

    pub fn has_digits(&self) -> bool {
        self.keypad.as_ref().is_some_and(|keypad| !keypad.is_idle())
    }

    /// Told once, when the last digit has been sent: the keypad goes.
    pub fn has_sent_all(&mut self) -> bool {
        let all = self.keypad.as_ref().is_some_and(Keypad::is_idle);
        if all {
            self.keypad = None;
        }
        all
    }

    pub fn member(&self) -> Member<'_> {
        Member { leg: self.leg, plan: &self.plan, spoken: self.spoken, has_digits: self.has_digits() }
    }

    /// Whether the packets of this press go on as they are: decided with its first one, so that no press is sent twice.
    pub fn press_passes(&mut self, packet: &Incoming<'_>, passes: bool) -> bool {
        let known = self.presses.iter().flatten().find(|press| press.timestamp == packet.timestamp);
        if let Some(press) = known {
            return press.passes;
        }
        self.presses.rotate_right(1);
        if let Some(newest) = self.presses.first_mut() {
            *newest = Some(Press { timestamp: packet.timestamp, passes });
        }
        passes
    }

    /// Whether the press that was heard last went on as it was.
    pub fn last_passed(&self) -> bool {
        self.presses.first().copied().flatten().is_some_and(|press| press.passes)
    }

    /// An ear and a mouth for this rate, as far as they are needed; the others go.
    pub fn prepare(&mut self, rate: u32, speaks: bool, hears: bool, digits_leave: bool) {
        match (&mut self.ear, speaks) {
            (Some(ear), true) => ear.set_rate(rate),
            (None, true) => self.ear = Some(Box::new(Ear::new(rate))),
            (_, false) => self.drop_ear(),
        }
        if let Some(ear) = &mut self.ear {
            ear.listen(match (self.plan.detect_in_band, digits_leave) {
                (false, _) => Listening::Not,
                (true, false) => Listening::Keep,
                (true, true) => Listening::Remove,
            });
        }
        self.mouth = self.mouth.take().filter(|mouth| hears && mouth.fits(&self.plan));
        match &mut self.mouth {
            Some(mouth) => mouth.set_rate(rate),
            None if hears => {
                self.mouth = Mouth::new(&self.plan, rate).map(Box::new);
                self.loss_percent.into_iter().for_each(|percent| self.expect_loss(percent));
            }
            None => {}
        }
    }

    pub fn expect_loss(&mut self, percent: u8) {
        self.loss_percent = Some(percent);
        if let Some(mouth) = &mut self.mouth {
            mouth.expect_loss(percent);
        }
    }

    /// The desk is not needed any more.
    pub fn leave(&mut self) {
        self.drop_ear();
        self.mouth = None;
    }

    fn drop_ear(&mut self) {
        if let Some(ear) = self.ear.take() {
            self.measured.get_or_insert_default().discarded += ear.discarded();
        }
    }

    /// One frame of what the leg says; nothing when it says nothing.
    pub fn measure(&mut self, said: Option<&[i16]>, beat: Duration) {
        let measured = self.measured.get_or_insert_default();
        let power = said.map_or(0.0, mean_square);
        measured.activity.take(said.map_or(level::QUIETEST, level::level), 20);
        measured.heard_for += beat;
        if self.mouth.is_some() {
            let sent = std::mem::take(&mut measured.sent);
            measured.echo.beat(sent, power);
        }
    }

    /// What the leg is sent in this beat, for comparison with what comes back.
    pub fn note_sent(&mut self, mix: &[i16]) {
        if let Some(measured) = &mut self.measured {
            measured.sent = mean_square(mix);
        }
    }
}

pub fn header(packet: &Incoming<'_>) -> Header {
    Header {
        payload_type: packet.payload_type,
        marker: packet.marker,
        sequence: packet.sequence,
        timestamp: packet.timestamp,
        ssrc: packet.ssrc,
    }
}

fn mean_square(samples: &[i16]) -> f32 {
    level::energy(samples) as f32 / samples.len().max(1) as f32
}
