//! How loud a voice is, and whether it talks. Knows no words and keeps no audio.

/// Of digital silence, and of what cannot be told from it.
pub const QUIETEST: u8 = 127;

/// Root of the mean square in decibels below the overload point (RFC 6464: 0 is loudest, 127 silence).
pub fn level(samples: &[i16]) -> u8 {
    if samples.is_empty() {
        return QUIETEST;
    }
    from_power(energy(samples) / samples.len() as u64)
}

/// Sum of the squares.
pub fn energy(samples: &[i16]) -> u64 {
    samples.iter().map(|sample| u64::from(sample.unsigned_abs()).pow(2)).sum()
}

/// The level of a mean square.
fn from_power(mean: u64) -> u8 {
    if mean == 0 {
        return QUIETEST;
    }
    let decibels = 10.0 * (mean as f32 / (32_768.0 * 32_768.0)).log10();
    // A cast from a float saturates: nothing is louder than 0.
    ((-decibels).round() as u8).min(QUIETEST)
}

/// A voice has begun or ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    Began,
    Ended,
}

/// Above the noise by this much is a voice; below by the second, it may have ended.
const TALK_ABOVE_NOISE: u8 = 12;
const REST_ABOVE_NOISE: u8 = 8;
/// Whatever the noise: quieter than the first is no voice, louder than the second is one.
const NEVER_TALK: u8 = 52;
const ALWAYS_TALK: u8 = 25;
/// So much talk begins a turn, and so much rest ends it: a click is no word, a pause for breath no end.
const BEGIN_MILLISECONDS: u32 = 40;
const END_MILLISECONDS: u32 = 300;
/// The noise is taken to rise so slowly: one decibel in this time.
const NOISE_RISES_MILLISECONDS: u32 = 500;

/// Who talks when, with hysteresis, above a noise floor that is learned.
#[derive(Clone, Debug)]
pub struct Activity {
    noise: u8,
    quiet_for_noise: u32,
    talking: bool,
    /// How long the opposite of `talking` has been heard.
    against: u32,
    talked: u64,
    rested: u64,
    /// Mean of the power while talking, and its weight in milliseconds.
    power: f64,
}

impl Default for Activity {
    fn default() -> Activity {
        Activity { noise: 60, quiet_for_noise: 0, talking: false, against: 0, talked: 0, rested: 0, power: 0.0 }
    }
}

impl Activity {
    /// One frame's level.
    pub fn take(&mut self, level: u8, milliseconds: u32) -> Option<Turn> {
        self.learn(level, milliseconds);
        let above = self.noise.saturating_sub(level);
        let loud = match self.talking {
            _ if level <= ALWAYS_TALK => true,
            _ if level >= NEVER_TALK => false,
            false => above >= TALK_ABOVE_NOISE,
            true => above >= REST_ABOVE_NOISE,
        };
        if self.talking {
            self.talked += u64::from(milliseconds);
            let weight = f64::from(milliseconds) / self.talked.max(1) as f64;
            self.power += (10f64.powf(-f64::from(level) / 10.0) - self.power) * weight;
        } else {
            self.rested += u64::from(milliseconds);
        }
        self.against = if loud == self.talking { 0 } else { self.against.saturating_add(milliseconds) };
        let needed = if self.talking { END_MILLISECONDS } else { BEGIN_MILLISECONDS };
        if self.against < needed {
            return None;
        }
        (self.talking, self.against) = (loud, 0);
        Some(if loud { Turn::Began } else { Turn::Ended })
    }

    /// Noise falls at once and rises slowly, so that a long word does not become noise.
    fn learn(&mut self, level: u8, milliseconds: u32) {
        if level >= self.noise {
            // Digital silence says nothing of the noise that comes with a voice.
            self.noise = level.min(78);
            self.quiet_for_noise = 0;
            return;
        }
        self.quiet_for_noise = self.quiet_for_noise.saturating_add(milliseconds);
        if self.quiet_for_noise >= NOISE_RISES_MILLISECONDS {
            self.quiet_for_noise = 0;
            self.noise = self.noise.saturating_sub(1);
        }
    }

    pub fn is_talking(&self) -> bool {
        self.talking
    }

    pub fn talked_milliseconds(&self) -> u64 {
        self.talked
    }

    pub fn rested_milliseconds(&self) -> u64 {
        self.rested
    }

    /// Mean level while talking; `None` when nobody has.
    pub fn talk_level(&self) -> Option<u8> {
        (self.talked > 0).then(|| ((-10.0 * self.power.log10()).round() as u8).min(QUIETEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::audio::testing::{noise, sine, speech};

    #[test]
    fn a_full_scale_sine_is_three_decibels_below_overload() {
        for (share, expected) in [(1.0, 3), (0.1, 23), (0.01, 43), (0.001, 63)] {
            assert_eq!(level(&sine(8_000, 1_000.0, share, 800)), expected);
        }
        assert_eq!(level(&[i16::MIN; 160]), 0);
        assert_eq!((level(&[0; 160]), level(&[])), (QUIETEST, QUIETEST));
    }

    fn turns(tape: &[i16]) -> (Vec<(usize, Turn)>, Activity) {
        let mut activity = Activity::default();
        let frames = tape.chunks(160).enumerate();
        let turns = frames.filter_map(|(at, frame)| activity.take(level(frame), 20).map(|turn| (at * 20, turn)));
        (turns.collect(), activity)
    }

    #[test]
    fn a_voice_over_noise_begins_and_ends_once() {
        let mut tape = noise(1, 0.003, 8_000 * 4);
        for (sample, voice) in tape[8_000..16_000].iter_mut().zip(sine(8_000, 400.0, 0.1, 8_000)) {
            *sample += voice;
        }
        let (turns, activity) = turns(&tape);
        assert_eq!(turns, [(1_020, Turn::Began), (2_280, Turn::Ended)]);
        assert_eq!(activity.talked_milliseconds() + activity.rested_milliseconds(), 4_000);
        assert_eq!(activity.talked_milliseconds(), 1_260);
        assert!(activity.talk_level().is_some_and(|level| level.abs_diff(24) <= 1), "{:?}", activity.talk_level());
    }

    #[test]
    fn clicks_and_steady_noise_are_no_voice() {
        for share in [0.0, 0.001, 0.003, 0.01] {
            let mut tape = noise(2, share, 8_000 * 20);
            (0..20).for_each(|second| tape[second * 8_000 + 100] = 20_000);
            let (turns, activity) = turns(&tape[..]);
            let settled: Vec<_> = turns.iter().filter(|(at, _)| *at > 15_000).collect();
            assert!(settled.is_empty() && !activity.is_talking(), "{share}: {turns:?}");
        }
    }

    #[test]
    fn pauses_for_breath_are_part_of_a_turn() {
        let (turns, activity) = turns(&speech(5, 8_000, 20));
        assert!(turns.len() <= 8, "{turns:?}");
        assert!(activity.talked_milliseconds() > 15_000);
    }
}
