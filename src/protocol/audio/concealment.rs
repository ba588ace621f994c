//! Fills the place of a lost packet with what the voice did before, ever quieter, and joins it to what comes after.
//! Works on samples of any codec that has no such art of its own; invents nothing for long.

use super::pitch;
use super::sample::round;

/// As much of the past as is needed: three of the longest pitch periods, rounded up to what a search compares.
const HISTORY_MILLISECONDS: usize = 48;
/// The end of the past that a pitch is searched in.
const SEARCHED_MILLISECONDS: usize = 35;
/// Unchanged for the first, then down to silence (G.711 appendix I).
const FULL_MILLISECONDS: usize = 10;
const SILENT_MILLISECONDS: usize = 60;
/// Blending into the packet after a loss: at least, and at most after a long one.
const BLEND_MILLISECONDS: [usize; 2] = [4, 10];

#[derive(Debug)]
pub struct Concealer {
    rate: u32,
    /// What was heard last, the newest at the end.
    history: Box<[i16]>,
    /// While something is lost.
    loss: Option<Loss>,
}

#[derive(Clone, Copy, Debug)]
struct Loss {
    /// How many samples were made up so far.
    lost: usize,
    period: usize,
    /// What is repeated is so many periods from the end of the past, and this far in.
    periods: usize,
    at: usize,
    /// The step between the last true sample and the first made up one; faded out.
    step: f32,
}

impl Concealer {
    pub fn new(rate: u32) -> Concealer {
        let rate = rate.clamp(8_000, 48_000);
        let history = vec![0; milliseconds(rate, HISTORY_MILLISECONDS)].into_boxed_slice();
        Concealer { rate, history, loss: None }
    }

    /// Takes what was received, and joins its beginning to what was made up before it.
    pub fn received(&mut self, samples: &mut [i16]) {
        if let Some(mut loss) = self.loss.take() {
            let [least, most] = BLEND_MILLISECONDS.map(|length| milliseconds(self.rate, length));
            let length = (least + loss.lost / 4).min(most).min(samples.len());
            for (at, sample) in samples.iter_mut().take(length).enumerate() {
                let share = (at + 1) as f32 / (length + 1) as f32;
                let made_up = self.next(&mut loss);
                *sample = round(f32::from(*sample) * share + made_up * (1.0 - share));
            }
        }
        self.remember(samples);
    }

    /// Makes samples up in place of lost ones.
    pub fn conceal(&mut self, samples: &mut [i16]) {
        let mut loss = self.loss.unwrap_or_else(|| self.begin());
        for sample in samples.iter_mut() {
            *sample = round(self.next(&mut loss));
        }
        // The past stays as it was when the loss began: what is made up is made of it.
        self.loss = Some(loss);
    }

    fn begin(&self) -> Loss {
        let searched = milliseconds(self.rate, SEARCHED_MILLISECONDS);
        let past = self.history.get(self.history.len() - searched..).unwrap_or_default();
        let longest = milliseconds(self.rate, pitch::LONGEST_MILLISECONDS);
        let period = pitch::find(past, self.rate, longest).clamp(1, longest);
        let step = self.past(1) - self.past(period + 1);
        Loss { lost: 0, period, periods: 1, at: 0, step }
    }

    fn past(&self, back: usize) -> f32 {
        let at = self.history.len().checked_sub(back);
        at.and_then(|at| self.history.get(at)).map_or(0.0, |sample| f32::from(*sample))
    }

    fn next(&self, loss: &mut Loss) -> f32 {
        let cycle = loss.period * loss.periods;
        let mut value = self.past(cycle - loss.at);
        // The end of a cycle blends into what stood before its beginning, so that it joins itself.
        let quarter = loss.period / 4;
        let left = cycle - loss.at;
        if left <= quarter && cycle + left <= self.history.len() {
            let share = (quarter + 1 - left) as f32 / (quarter + 1) as f32;
            value += (self.past(cycle + left) - value) * share;
        }
        let settled = milliseconds(self.rate, BLEND_MILLISECONDS[0]).max(1);
        if loss.lost < settled {
            value += loss.step * (settled - loss.lost) as f32 / settled as f32;
        }
        let (full, silent) = (milliseconds(self.rate, FULL_MILLISECONDS), milliseconds(self.rate, SILENT_MILLISECONDS));
        let quieter = silent.saturating_sub(loss.lost.max(full)) as f32 / (silent - full).max(1) as f32;
        loss.lost = loss.lost.saturating_add(1);
        loss.at += 1;
        if loss.at >= cycle {
            loss.at = 0;
            // More periods after a while: one alone would buzz.
            let wanted = 1 + loss.lost / full.max(1);
            loss.periods = wanted.min(3).min(self.history.len() / loss.period - 1).max(1);
        }
        value * quieter
    }

    fn remember(&mut self, samples: &[i16]) {
        let keep = self.history.len();
        let new = samples.get(samples.len().saturating_sub(keep)..).unwrap_or_default();
        self.history.copy_within(new.len().., 0);
        if let Some(end) = self.history.get_mut(keep - new.len()..) {
            end.copy_from_slice(new);
        }
    }
}

fn milliseconds(rate: u32, count: usize) -> usize {
    rate as usize * count / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::audio::testing::{Chance, amplitude, decibels, sine, speech};

    /// Loses the frames that `lost` names; 20 ms each.
    fn through_loss(tape: &[i16], rate: u32, lost: impl Fn(usize) -> bool) -> Vec<i16> {
        let mut concealer = Concealer::new(rate);
        let mut heard = tape.to_vec();
        for (at, frame) in heard.chunks_exact_mut(rate as usize / 50).enumerate() {
            if lost(at) { concealer.conceal(frame) } else { concealer.received(frame) }
        }
        heard
    }

    #[test]
    fn a_lost_frame_of_a_voiced_sound_goes_on_at_its_pitch_and_without_a_click() {
        for rate in [8_000, 16_000, 48_000] {
            for hertz in [110.0, 187.0, 305.0] {
                let tape = sine(rate, hertz, 0.3, rate as usize);
                let heard = through_loss(&tape, rate, |at| at % 10 == 5);
                let frame = rate as usize / 50;
                let level = decibels(amplitude(&heard[5 * frame..6 * frame], rate, hertz) / 0.3);
                assert!((-4.0..1.0).contains(&level), "{rate} {hertz}: {level}");
                let steepest = 2.0 * std::f64::consts::PI * hertz / f64::from(rate) * 0.3 * 32_767.0;
                let jump = heard.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().map_or(0.0, f64::from);
                assert!(jump < steepest * 2.0, "{rate} {hertz}: {jump} for {steepest}");
            }
        }
    }

    #[test]
    fn a_long_loss_becomes_silence() {
        let heard = through_loss(&sine(8_000, 200.0, 0.5, 8_000), 8_000, |at| at >= 10);
        assert!(heard[1_600..1_680].iter().any(|sample| *sample > 12_000));
        assert!(heard[1_600 + 480..].iter().all(|sample| *sample == 0));
    }

    #[test]
    fn what_was_received_is_untouched_but_for_the_seam() {
        let tape = speech(3, 8_000, 3);
        let heard = through_loss(&tape, 8_000, |at| at % 7 == 3);
        for (at, (was, is)) in tape.chunks(160).zip(heard.chunks(160)).enumerate() {
            let seam = if at % 7 == 4 { 80 } else { 0 };
            assert!(at % 7 == 3 || was[seam..] == is[seam..], "frame {at}");
        }
    }

    #[test]
    fn speech_under_loss_is_nearer_to_what_was_said_than_silence_is() {
        let tape = speech(7, 8_000, 20);
        let mut chance = Chance(1);
        let lost: Vec<bool> = (0..tape.len() / 160).map(|_| chance.share() < 0.05).collect();
        let heard = through_loss(&tape, 8_000, |at| lost[at]);
        let error = |other: &dyn Fn(usize) -> f64| -> f64 {
            (0..tape.len()).filter(|at| lost[at / 160]).map(|at| (f64::from(tape[at]) - other(at)).powi(2)).sum()
        };
        let (ours, silence) = (error(&|at| f64::from(heard[at])), error(&|_| 0.0));
        assert!(ours < silence * 0.9, "{}", ours / silence);
    }

    #[test]
    fn loss_before_anything_was_heard_is_silence() {
        let mut frame = [7; 160];
        Concealer::new(8_000).conceal(&mut frame);
        assert_eq!(frame, [0; 160]);
        for rate in [0, 1, 100, 8_000] {
            let mut concealer = Concealer::new(rate);
            concealer.conceal(&mut frame);
            concealer.received(&mut frame);
            concealer.conceal(&mut []);
            concealer.received(&mut [1; 5_000]);
            concealer.conceal(&mut [0; 5_000]);
        }
    }
}
