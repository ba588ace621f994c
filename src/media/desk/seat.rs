//! One leg at the desk: its plan, its ear and its mouth while they are needed. Mixes nothing.

use crate::base::id::LegId;
use crate::media::command::{SentDigit, StreamPlan};
use crate::media::ear::Ear;
use crate::media::mouth::Mouth;
use crate::media::path::Member;
use std::collections::VecDeque;

/// Digits that wait to be sent to one leg; more is a fault of whoever sends them.
const DIGITS_MAX: usize = 64;

#[derive(Debug)]
pub struct Seat {
    pub leg: LegId,
    pub plan: Box<StreamPlan>,
    pub spoken: Option<u8>,
    pub ear: Option<Box<Ear>>,
    pub mouth: Option<Box<Mouth>>,
    digits: VecDeque<SentDigit>,
}

impl Seat {
    pub fn new(leg: LegId, plan: &StreamPlan) -> Seat {
        Seat { leg, plan: Box::new(plan.clone()), spoken: None, ear: None, mouth: None, digits: VecDeque::new() }
    }

    pub fn plan_again(&mut self, plan: &StreamPlan) {
        if plan.codecs != self.plan.codecs {
            self.spoken = None;
            if let Some(ear) = &mut self.ear {
                ear.forget_codec();
            }
        }
        *self.plan = plan.clone();
    }

    pub fn owe(&mut self, digit: SentDigit) {
        if self.digits.len() < DIGITS_MAX {
            self.digits.push_back(digit);
        }
    }

    pub fn member(&self) -> Member<'_> {
        Member { leg: self.leg, plan: &self.plan, spoken: self.spoken, has_digits: !self.digits.is_empty() }
    }

    /// An ear and a mouth for this rate, as far as they are needed; the others go.
    pub fn prepare(&mut self, rate: u32, speaks: bool, hears: bool) {
        match (&mut self.ear, speaks) {
            (Some(ear), true) => ear.set_rate(rate),
            (None, true) => self.ear = Some(Box::new(Ear::new(rate))),
            (_, false) => self.ear = None,
        }
        self.mouth = self.mouth.take().filter(|mouth| hears && mouth.fits(&self.plan));
        match &mut self.mouth {
            Some(mouth) => mouth.set_rate(rate),
            None if hears => self.mouth = Mouth::new(&self.plan, rate).map(Box::new),
            None => {}
        }
    }

    /// The desk is not needed any more.
    pub fn leave(&mut self) {
        (self.ear, self.mouth) = (None, None);
    }
}
