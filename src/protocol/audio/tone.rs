//! Tones with a cadence: made sample by sample, in one phase across blocks and with soft edges. Knows no country.

use super::sample::round;
use std::f64::consts::PI;
use std::time::Duration;

/// One tone of a country's plan, or a digit's pair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tone {
    /// Hertz; unused ones are zero.
    pub frequencies: [u16; 4],
    /// On and off in milliseconds, up to four pairs, repeated; a lone zero means without end.
    pub cadence: [u16; 8],
    /// Of each frequency, below full scale, in decibels.
    pub level: u8,
    pub lasts: Option<Duration>,
}

impl Tone {
    /// One sound without a break.
    pub const fn steady(frequencies: [u16; 4], level: u8) -> Tone {
        Tone { frequencies, cadence: [0; 8], level, lasts: None }
    }

    /// Repeated on and off.
    pub const fn repeated(frequencies: [u16; 4], level: u8, on_and_off: [u16; 2]) -> Tone {
        let [on, off] = on_and_off;
        Tone { frequencies, cadence: [on, off, 0, 0, 0, 0, 0, 0], level, lasts: None }
    }

    /// For so long.
    pub const fn once(frequencies: [u16; 4], level: u8, milliseconds: u64) -> Tone {
        Tone { frequencies, cadence: [0; 8], level, lasts: Some(Duration::from_millis(milliseconds)) }
    }
}

/// The pairs of Q.23.
pub const LOW_GROUP: [u16; 4] = [697, 770, 852, 941];
pub const HIGH_GROUP: [u16; 4] = [1209, 1336, 1477, 1633];
/// By row and column.
pub const DIGITS: [[u8; 4]; 4] = [*b"123A", *b"456B", *b"789C", *b"*0#D"];

/// Each frequency of a digit, below full scale: about -7 dBm0.
const DIGIT_LEVEL: u8 = 10;

/// A key's pair of tones; `None` for what is no key.
pub fn digit(digit: u8, lasts: Duration) -> Option<Tone> {
    let digit = digit.to_ascii_uppercase();
    let row = DIGITS.iter().position(|row| row.contains(&digit))?;
    let column = DIGITS.get(row)?.iter().position(|other| *other == digit)?;
    let frequencies = [*LOW_GROUP.get(row)?, *HIGH_GROUP.get(column)?, 0, 0];
    Some(Tone { frequencies, cadence: [0; 8], level: DIGIT_LEVEL, lasts: Some(lasts) })
}

/// How long an edge takes: shorter would click, longer would eat into a digit.
const FADE_MILLISECONDS: u32 = 2;

/// One frequency, turned on by a complex number of length one.
#[derive(Clone, Copy, Debug)]
struct Oscillator {
    at: [f64; 2],
    turn: [f64; 2],
}

impl Oscillator {
    fn next(&mut self) -> f32 {
        let ([x, y], [c, s]) = (self.at, self.turn);
        self.at = [x * c - y * s, x * s + y * c];
        y as f32
    }
}

/// A tone while it sounds.
#[derive(Debug)]
pub struct ToneSource {
    oscillators: [Option<Oscillator>; 4],
    amplitude: f32,
    /// Ends of the parts of the cadence in samples: on, off, on, off ... Empty when without end.
    ends: [u64; 8],
    parts: usize,
    /// Place in the cadence, and in the whole.
    at: u64,
    passed: u64,
    whole: Option<u64>,
    fade: u64,
}

impl ToneSource {
    pub fn new(tone: &Tone, rate: u32) -> ToneSource {
        let samples = |milliseconds: u64| milliseconds * u64::from(rate) / 1_000;
        let mut ends = [0; 8];
        let (mut end, mut parts) = (0, 0);
        for (at, part) in tone.cadence.iter().enumerate() {
            // A pair whose on and off are both nothing ends the list; an off of nothing joins two ons.
            if at % 2 == 0 && *part == 0 {
                break;
            }
            end += samples(u64::from(*part));
            if let Some(slot) = ends.get_mut(at) {
                *slot = end;
            }
            parts = at + 1;
        }
        // "On" alone is without end.
        let parts = if parts == 2 && ends[0] == ends[1] { 0 } else { parts };
        let whole = tone.lasts.map(|lasts| samples(u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX / 100_000)));
        let oscillators = tone.frequencies.map(|hertz| {
            let angle = 2.0 * PI * f64::from(hertz) / f64::from(rate.max(1));
            let audible = hertz > 0 && u32::from(hertz) * 2 < rate;
            audible.then_some(Oscillator { at: [1.0, 0.0], turn: [angle.cos(), angle.sin()] })
        });
        let amplitude = 32_767.0 * 10f32.powf(-f32::from(tone.level) / 20.0);
        let fade = samples(u64::from(FADE_MILLISECONDS)).max(1);
        ToneSource { oscillators, amplitude, ends, parts, at: 0, passed: 0, whole, fade }
    }

    /// Samples written: less than asked for when the tone has ended.
    pub fn fill(&mut self, samples: &mut [i16]) -> usize {
        let mut written = 0;
        while let Some(rest) = samples.get_mut(written..).filter(|rest| !rest.is_empty()) {
            let (on, start, end) = self.part();
            let until_end = end.saturating_sub(self.at);
            if until_end == 0 && self.parts == 0 || self.whole.is_some_and(|whole| self.passed >= whole) {
                break;
            }
            let length = usize::try_from(until_end).unwrap_or(usize::MAX).min(rest.len());
            let Some(piece) = rest.get_mut(..length) else { break };
            if on {
                self.sound(piece, start, end)
            } else {
                piece.fill(0)
            }
            self.passed += length as u64;
            self.at += length as u64;
            let last = self.parts.checked_sub(1).and_then(|last| self.ends.get(last));
            if last.is_some_and(|last| self.at >= *last) {
                self.at = 0;
            }
            written += length;
        }
        written
    }

    /// Whether the part of the cadence that we are in sounds, and where it starts and ends; the end of all cuts it short.
    fn part(&self) -> (bool, u64, u64) {
        let most = self.whole.map_or(u64::MAX, |whole| self.at + whole.saturating_sub(self.passed));
        let ends = self.ends.get(..self.parts).unwrap_or_default();
        let mut start = 0;
        for (part, end) in ends.iter().enumerate() {
            if self.at < *end {
                return (part % 2 == 0, start, (*end).min(most));
            }
            start = *end;
        }
        (true, 0, most)
    }

    fn sound(&mut self, piece: &mut [i16], start: u64, end: u64) {
        for sample in piece.iter_mut() {
            let sum: f32 = self.oscillators.iter_mut().flatten().map(Oscillator::next).sum();
            let edge = (self.at - start + 1).min(end - self.at);
            let soft = if edge >= self.fade { 1.0 } else { edge as f32 / self.fade as f32 };
            *sample = round(self.amplitude * soft * sum);
            self.at += 1;
        }
        // The caller counts the piece.
        self.at -= piece.len() as u64;
        self.steady();
    }

    /// Keeps the length at one for as long as anybody listens.
    fn steady(&mut self) {
        for oscillator in self.oscillators.iter_mut().flatten() {
            let [x, y] = oscillator.at;
            let correction = 1.5 - 0.5 * (x * x + y * y);
            oscillator.at = [x * correction, y * correction];
        }
    }

    /// Lets it end softly, soon.
    pub fn stop(&mut self) {
        let soon = self.passed + self.fade;
        self.whole = Some(self.whole.map_or(soon, |whole| whole.min(soon)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::audio::testing::{amplitude, decibels};

    fn tape(tone: &Tone, rate: u32, samples: usize) -> Vec<i16> {
        let mut source = ToneSource::new(tone, rate);
        let mut tape = vec![0; samples];
        let mut written = 0;
        // Blocks of odd sizes: the phase must not care.
        for size in (1..).map(|at| at * 37 % 211 + 1) {
            let end = (written + size).min(samples);
            let now = source.fill(&mut tape[written..end]);
            written += now;
            if written == samples || now < end.saturating_sub(written - now) {
                break;
            }
        }
        tape.truncate(written);
        tape
    }

    #[test]
    fn each_frequency_has_its_level_and_nothing_else_sounds() {
        for rate in [8_000, 16_000, 48_000] {
            let tape = tape(&Tone::steady([440, 480, 0, 0], 22), rate, rate as usize * 2);
            for (hertz, level) in [(440.0, -22.0), (480.0, -22.0)] {
                let heard = decibels(amplitude(&tape, rate, hertz));
                assert!((heard - level).abs() < 0.1, "{hertz}: {heard}");
            }
            for hertz in [400.0, 460.0, 520.0, 880.0, 1_320.0, 3_000.0] {
                assert!(decibels(amplitude(&tape, rate, hertz)) < -75.0);
            }
        }
    }

    #[test]
    fn the_cadence_is_kept_to_the_sample() {
        let tone = Tone { cadence: [400, 200, 400, 2_000, 0, 0, 0, 0], ..Tone::steady([400, 450, 0, 0], 20) };
        let tape = tape(&tone, 8_000, 8_000 * 6);
        let sounding: Vec<bool> = tape.chunks(80).map(|frame| frame.iter().any(|sample| *sample != 0)).collect();
        for (at, sounds) in sounding.iter().enumerate() {
            assert_eq!(*sounds, matches!(at % 300, 0..40 | 60..100), "{} ms", at * 10);
        }
    }

    #[test]
    fn edges_do_not_click() {
        let tone = Tone::repeated([425, 0, 0, 0], 3, [100, 50]);
        let tape = tape(&tone, 8_000, 8_000);
        let steepest = 32_767.0 * 0.71 * 2.0 * PI * 425.0 / 8_000.0;
        assert!(tape.windows(2).all(|pair| f64::from(pair[0].abs_diff(pair[1])) < steepest * 1.2));
    }

    #[test]
    fn a_tone_lasts_as_long_as_it_says_and_stops_softly_when_told() {
        let tone = digit(b'5', Duration::from_millis(65)).expect("a key");
        assert_eq!(tape(&tone, 8_000, 8_000).len(), 520);
        let mut source = ToneSource::new(&Tone::steady([425, 0, 0, 0], 10), 8_000);
        assert_eq!(source.fill(&mut [0; 1_600]), 1_600);
        source.stop();
        assert_eq!(source.fill(&mut [0; 160]), 16);
        assert_eq!(source.fill(&mut [0; 160]), 0);
        assert_eq!(tape(&Tone::once([425, 0, 0, 0], 10, 0), 8_000, 100).len(), 0);
    }

    #[test]
    fn silence_is_a_tone_without_frequencies() {
        assert!(tape(&Tone::once([0; 4], 0, 100), 8_000, 8_000).iter().all(|sample| *sample == 0));
        assert_eq!(tape(&Tone::once([0; 4], 0, 100), 8_000, 8_000).len(), 800);
    }

    #[test]
    fn an_hour_of_it_is_as_loud_as_its_first_second() {
        let mut source = ToneSource::new(&Tone::steady([1_004, 0, 0, 0], 10), 8_000);
        let mut block = [0; 8_000];
        (0..3_600).for_each(|_| assert_eq!(source.fill(&mut block), 8_000));
        assert!((decibels(amplitude(&block, 8_000, 1_004.0)) + 10.0).abs() < 0.01);
    }

    #[test]
    fn only_keys_have_digits() {
        let keys = (0..=255).filter(|key| digit(*key, Duration::from_millis(50)).is_some()).count();
        assert_eq!(keys, 20, "sixteen keys, four of them in two cases");
        assert_eq!(digit(b'#', Duration::ZERO).map(|tone| tone.frequencies), Some([941, 1_477, 0, 0]));
    }
}
