//! What a test phone heard, measured: how long, how loud, which tone, which keys. Keeps no sample.

use crate::media::event::Quality;
use crate::protocol::audio::codec::Codec;
use std::f64::consts::TAU;
use std::fmt;
use std::time::Duration;

/// Pieces of a tenth of a second find a tone within twenty hertz; the whole second then finds it within one.
const COARSE: u16 = 10;
const LOWEST: u16 = 50;
const HIGHEST: u16 = 7_900;
/// A tone that is less of everything than this is none.
const SHARE_MIN: f64 = 0.3;
/// Nothing below is called sound.
const FLOOR: f64 = -70.0;

#[derive(Clone, Debug, Default)]
pub struct Heard {
    pub codec: Option<Codec>,
    pub lasted: Duration,
    /// Of the loudest second, in decibels below full scale; `None` when all was silent.
    pub level: Option<f64>,
    /// What that second was mostly.
    pub tone: Option<Mostly>,
    /// Keys of the other side.
    pub keys: String,
    pub quality: Option<Box<Quality>>,
}

/// One frequency and how much of everything it is, from 0 to 1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Mostly {
    pub hertz: u16,
    pub share: f64,
}

impl Heard {
    pub fn measure(rate: u32, samples: &[i16]) -> Heard {
        let second = loudest_second(rate, samples);
        let level = level(second).filter(|level| *level > FLOOR);
        Heard {
            lasted: Duration::from_secs_f64(samples.len() as f64 / f64::from(rate.max(1))),
            tone: level.and_then(|_| mostly(rate, second)),
            level,
            ..Heard::default()
        }
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "heard {:.1} s", self.lasted.as_secs_f64())?;
        match (self.level, self.tone) {
            (None, _) => f.write_str(" of silence")?,
            (Some(level), None) => write!(f, ", {level:.1} dB of full scale at its loudest, no tone")?,
            (Some(level), Some(tone)) => {
                let percent = tone.share * 100.0;
                write!(f, ", {level:.1} dB of full scale at its loudest, {percent:.0} % of it {} Hz", tone.hertz)?;
            }
        }
        if self.keys.is_empty() { Ok(()) } else { write!(f, "; keys {}", self.keys) }
    }
}

fn loudest_second(rate: u32, samples: &[i16]) -> &[i16] {
    let second = usize::try_from(rate).unwrap_or(8_000);
    let step = (second / 10).max(1);
    let starts = (0..samples.len().saturating_sub(second)).step_by(step).chain([0]);
    let energy = |start: &usize| {
        let piece = samples.get(*start..).unwrap_or_default().iter().take(second);
        piece.map(|sample| u64::from(sample.unsigned_abs()).pow(2)).sum::<u64>()
    };
    let start = starts.max_by_key(energy).unwrap_or(0);
    samples.get(start..samples.len().min(start + second)).unwrap_or_default()
}

fn energy(samples: &[i16]) -> f64 {
    samples.iter().map(|sample| f64::from(*sample).powi(2)).sum()
}

fn level(samples: &[i16]) -> Option<f64> {
    let mean = energy(samples) / samples.len() as f64 / 32_768_f64.powi(2);
    (mean > 0.0).then(|| 10.0 * mean.log10())
}

fn mostly(rate: u32, samples: &[i16]) -> Option<Mostly> {
    let top = HIGHEST.min(u16::try_from(rate / 2).unwrap_or(HIGHEST).saturating_sub(100));
    let piece = usize::try_from(rate / 10).ok()?;
    let coarse = |hertz: &u16| samples.chunks_exact(piece).map(|piece| power(rate, *hertz, piece)).sum::<f64>();
    let near = strongest((LOWEST..=top).step_by(usize::from(COARSE)), coarse)?;
    let range = near.saturating_sub(COARSE * 2)..=near + COARSE * 2;
    let hertz = strongest(range, |hertz| power(rate, *hertz, samples))?;
    let share = coarse(&hertz) / energy(samples).max(1.0);
    (share >= SHARE_MIN).then_some(Mostly { hertz, share: share.min(1.0) })
}

fn strongest(all: impl Iterator<Item = u16>, power: impl Fn(&u16) -> f64) -> Option<u16> {
    all.map(|hertz| (hertz, power(&hertz))).max_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(hertz, _)| hertz)
}

/// What of a piece's energy is at this frequency (Goertzel's recurrence).
fn power(rate: u32, hertz: u16, piece: &[i16]) -> f64 {
    let twice = 2.0 * (TAU * f64::from(hertz) / f64::from(rate)).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in piece {
        let next = f64::from(*sample) + twice * last - before;
        (before, last) = (last, next);
    }
    2.0 * (last * last + before * before - twice * last * before) / piece.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::audio::testing::{noise, sine};

    #[test]
    fn a_tone_is_found_at_its_frequency_and_level() {
        for (rate, hertz) in [(8_000, 440), (8_000, 3_401), (16_000, 7_003), (48_000, 996)] {
            let mut samples = vec![0; rate as usize];
            samples.extend(sine(rate, f64::from(hertz), 0.5, rate as usize * 2));
            let heard = Heard::measure(rate, &samples);
            let tone = heard.tone.expect("a tone");
            assert!(tone.hertz.abs_diff(hertz) <= 1 && tone.share > 0.98, "{rate} {hertz}: {tone:?}");
            assert!((heard.level.expect("sound") + 9.0).abs() < 0.1, "{heard}");
            assert_eq!(heard.lasted, Duration::from_secs(3));
        }
    }

    #[test]
    fn silence_and_noise_hold_no_tone() {
        let silence = Heard::measure(8_000, &[0; 4_000]);
        assert_eq!(silence.to_string(), "heard 0.5 s of silence");
        let hiss = Heard::measure(8_000, &noise(1, 0.1, 16_000));
        assert!(hiss.tone.is_none() && hiss.level.is_some(), "{hiss}");
        assert_eq!(Heard::measure(8_000, &[]).level, None);
    }
}
