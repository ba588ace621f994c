//! Hears digits in audio by the tolerances of Q.24, and takes them out of it. Makes no sound itself.
//!
//! Every 5 ms it looks at the last 20 ms under a Hann window: how strong each of the eight frequencies is, how exact
//! (by the turn of its phase since the look before), and what share of all sound the two strongest are.

use super::resample::{Resampler, sine};
use super::tone::{DIGITS, HIGH_GROUP, LOW_GROUP};
use std::f64::consts::PI;

const RATE: u32 = 8_000;
/// 5 ms.
const HOP: usize = 40;
/// 20 ms: at the next digit's frequency group it hears 45 dB less, and its middle lies where a tone begins or ends.
const WINDOW: usize = 160;

/// A frequency may be off by this share. Q.24 wants 1.5 % taken and 3.5 % refused.
const OFF_MAX: f32 = 0.025;
/// The weaker of both may be quieter by this, as power: 10 dB when it is the higher one, 6 dB when the lower.
const TWIST_MAX: f32 = 10.0;
const REVERSE_TWIST_MAX: f32 = 4.0;
/// The share of all power that both tones have: to begin a digit, and to go on with it. Half is where a tone ends.
const SHARE_TO_BEGIN: f32 = 0.75;
const SHARE_TO_GO_ON: f32 = 0.5;
/// Where the window is full of it, a digit is nearly all that sounds, also 12 dB above noise. Speech and music seldom are.
const SHARE_WHEN_CLEAR: f32 = 0.9;
const CLEAR_LOOKS_TO_BEGIN: u8 = 2;
/// An instrument has an octave above its tone; a digit's higher tone has not, down to 15 dB below it.
const OVERTONE_MAX: f32 = 0.03;
/// The least amplitude of one tone: about -36 dBm0.
const AMPLITUDE_MIN: f32 = 380.0;
/// Looks in a row that make a digit: at most four of them see a tone of 23 ms, at least six one of 40 ms.
const LOOKS_TO_BEGIN: u8 = 5;
/// A gap of so many looks ends it: an interruption of 10 ms has three at most, a pause of 40 ms seven at least.
const LOOKS_TO_END: u8 = 5;
/// From here on audio that may be a digit is held back.
const LOOKS_TO_SUSPECT: u8 = 2;

/// For each frequency: window times cosine, window times sine.
static TURNS: [[[f32; WINDOW]; 2]; 8] = turns();
static HANN: [f32; WINDOW] = hann();

const fn hann() -> [f32; WINDOW] {
    let mut window = [0.0; WINDOW];
    let mut at = 0;
    while at < WINDOW {
        // Scaled so that its sum is one.
        let angle = 2.0 * PI * (at as f64 + 0.5) / WINDOW as f64;
        window[at] = ((1.0 - sine(angle + PI / 2.0)) / WINDOW as f64) as f32;
        at += 1;
    }
    window
}

const fn turns() -> [[[f32; WINDOW]; 2]; 8] {
    let mut turns = [[[0.0; WINDOW]; 2]; 8];
    let window = hann();
    let mut tone = 0;
    while tone < 8 {
        let mut at = 0;
        while at < WINDOW {
            let angle = 2.0 * PI * hertz(tone) as f64 * at as f64 / RATE as f64;
            turns[tone][0][at] = window[at] * sine(angle + PI / 2.0) as f32;
            turns[tone][1][at] = -window[at] * sine(angle) as f32;
            at += 1;
        }
        tone += 1;
    }
    turns
}

const fn hertz(tone: usize) -> u16 {
    if tone < 4 { LOW_GROUP[tone] } else { HIGH_GROUP[tone - 4] }
}

/// What a detector has heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    /// As the key is written: `0` to `9`, `*`, `#`, `A` to `D`.
    Began {
        digit: u8,
    },
    Ended {
        digit: u8,
        milliseconds: u32,
    },
}

/// One look: the two strongest tones, and how well they make a digit.
#[derive(Clone, Copy, Debug)]
struct Look {
    digit: u8,
    /// Level, twist and frequency are those of a digit.
    is_digit: bool,
    /// Nothing else sounds, not even an octave.
    is_clear: bool,
    share: f32,
}

/// A digit that may be one, or is one.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    digit: u8,
    /// Looks that saw it, and since when none did.
    seen: u32,
    clear: u8,
    missed: u8,
    /// It has been told.
    is_told: bool,
}

#[derive(Debug)]
pub struct ToneDetector {
    decimator: Option<Box<Resampler>>,
    line: [f32; WINDOW],
    /// Samples that came since the last look.
    fresh: usize,
    /// What each tone was at the last look.
    before: [[f32; 2]; 8],
    candidate: Option<Candidate>,
    /// The last look saw the candidate.
    supports: bool,
}

impl ToneDetector {
    /// `None` for a rate that does not come down to 8 kHz.
    pub fn new(rate: u32) -> Option<ToneDetector> {
        let decimator = Resampler::new(rate, RATE).map(Box::new);
        if decimator.is_none() && rate != RATE {
            return None;
        }
        let line = [0.0; WINDOW];
        Some(ToneDetector { decimator, line, fresh: 0, before: [[0.0; 2]; 8], candidate: None, supports: false })
    }

    /// Hears a block of any length, and tells in order what it hears.
    pub fn hear(&mut self, samples: &[i16], mut tell: impl FnMut(Heard)) {
        if self.decimator.is_none() {
            return self.hear_slowly(samples, &mut tell);
        }
        let mut slow = [0; WINDOW + 1];
        for piece in samples.chunks(WINDOW) {
            let length = self.decimator.as_mut().map_or(0, |decimator| decimator.process(piece, &mut slow));
            self.hear_slowly(slow.get(..length).unwrap_or_default(), &mut tell);
        }
    }

    /// A digit sounds, or what may become one.
    pub fn suspects(&self) -> bool {
        self.candidate.is_some_and(|candidate| candidate.is_told || candidate.seen >= u32::from(LOOKS_TO_SUSPECT))
    }

    /// The last look still saw it: while a digit is on, `false` means that it pauses or has just ended.
    pub fn still_sounds(&self) -> bool {
        self.supports
    }

    fn hear_slowly(&mut self, samples: &[i16], tell: &mut impl FnMut(Heard)) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at((HOP - self.fresh).min(rest.len()));
            // A look needs whole hops; until then they gather at the end of the line.
            self.line.copy_within(now.len().., 0);
            let end = self.line.iter_mut().skip(WINDOW - now.len());
            end.zip(now).for_each(|(slot, sample)| *slot = f32::from(*sample));
            self.fresh += now.len();
            rest = later;
            if self.fresh == HOP {
                self.fresh = 0;
                let look = self.look();
                self.judge(look, tell);
            }
        }
    }

    fn look(&mut self) -> Option<Look> {
        let line = &self.line;
        let power: f32 = lanes(line, &HANN, |sample, weight| sample * sample * weight);
        if power < AMPLITUDE_MIN * AMPLITUDE_MIN / 2.0 {
            self.before = [[0.0; 2]; 8];
            return None;
        }
        let now = std::array::from_fn(|tone| {
            let [cosine, sine] = &TURNS[tone];
            [lanes(line, cosine, |a, b| a * b), lanes(line, sine, |a, b| a * b)]
        });
        let before = std::mem::replace(&mut self.before, now);
        let strength = now.map(|[re, im]| 4.0 * (re * re + im * im));
        let (low, high) = (strongest(&strength, 0), strongest(&strength, 4));
        let [low_off, high_off] = [low, high].map(|tone| off(now[tone], before[tone], tone));
        let low_power = strength[low] * lost_beside(low_off, low);
        let high_power = strength[high] * lost_beside(high_off, high);
        let is_loud = low_power.min(high_power) >= AMPLITUDE_MIN * AMPLITUDE_MIN;
        let is_even = high_power <= low_power * REVERSE_TWIST_MAX && low_power <= high_power * TWIST_MAX;
        let is_exact = low_off.abs().max(high_off.abs()) <= OFF_MAX;
        let share = (low_power + high_power) / 2.0 / power;
        let is_digit = is_loud && is_even && is_exact;
        let octave = || overtone(line, f32::from(hertz(high)) * (1.0 + high_off));
        let is_clear = is_digit && share >= SHARE_WHEN_CLEAR && octave() <= high_power * OVERTONE_MAX;
        Some(Look { digit: DIGITS[low][high - 4], is_digit, is_clear, share })
    }

    fn judge(&mut self, look: Option<Look>, tell: &mut impl FnMut(Heard)) {
        let begins = look.filter(|look| look.is_digit && look.share >= SHARE_TO_BEGIN);
        let goes_on = look.filter(|look| look.is_digit && look.share >= SHARE_TO_GO_ON);
        self.supports = false;
        let Some(mut candidate) = self.candidate else {
            self.candidate = begins.map(Candidate::new);
            self.supports = begins.is_some();
            return;
        };
        let wanted = if candidate.is_told { goes_on } else { begins };
        if let Some(look) = wanted.filter(|look| look.digit == candidate.digit) {
            candidate.seen += 1 + u32::from(candidate.missed);
            candidate.missed = 0;
            candidate.clear = candidate.clear.saturating_add(u8::from(look.is_clear));
            self.supports = true;
            if !candidate.is_told && candidate.is_certain() {
                candidate.is_told = true;
                tell(Heard::Began { digit: candidate.digit });
            }
            self.candidate = Some(candidate);
            return;
        }
        candidate.missed += 1;
        let other = begins.filter(|look| look.digit != candidate.digit);
        self.candidate = if candidate.is_told && candidate.missed < LOOKS_TO_END && other.is_none() {
            Some(candidate)
        } else {
            if candidate.is_told {
                tell(Heard::Ended { digit: candidate.digit, milliseconds: candidate.milliseconds() });
            }
            self.supports = begins.is_some();
            begins.map(Candidate::new)
        };
    }
}

impl Candidate {
    fn new(look: Look) -> Candidate {
        let clear = u8::from(look.is_clear);
        Candidate { digit: look.digit, seen: 1, clear, missed: 0, is_told: false }
    }

    fn is_certain(&self) -> bool {
        self.seen >= u32::from(LOOKS_TO_BEGIN) && self.clear >= CLEAR_LOOKS_TO_BEGIN
    }

    /// Looks begin when three quarters of the window are full and end when half of it is empty.
    fn milliseconds(&self) -> u32 {
        self.seen * 5 + 1
    }
}

/// By which share a frequency is off, from the turn of its phase in one hop.
fn off(now: [f32; 2], before: [f32; 2], tone: usize) -> f32 {
    let [re, im] = [now[0] * before[0] + now[1] * before[1], now[1] * before[0] - now[0] * before[1]];
    let hertz = f32::from(hertz(tone));
    // The exact tone turns by this in a hop; the rest of the turn is the error.
    let exact = hertz * HOP as f32 / RATE as f32;
    let turned = im.atan2(re) / (2.0 * PI as f32) - exact;
    (turned - turned.round()) * RATE as f32 / HOP as f32 / hertz
}

/// The power an octave above a frequency, as the strength of a tone is told.
fn overtone(line: &[f32; WINDOW], hertz: f32) -> f32 {
    let (s, c) = (4.0 * PI as f32 * hertz / RATE as f32).sin_cos();
    let (mut x, mut y, mut re, mut im) = (1.0, 0.0, 0.0, 0.0);
    for (sample, weight) in line.iter().zip(&HANN) {
        let value = sample * weight;
        re += value * x;
        im += value * y;
        (x, y) = (x * c - y * s, x * s + y * c);
    }
    4.0 * (re * re + im * im)
}

/// The factor by which the window hears less power of a tone that is off, up to the most that it may be.
fn lost_beside(off: f32, tone: usize) -> f32 {
    let x = off.abs().clamp(0.001, OFF_MAX) * f32::from(hertz(tone)) * WINDOW as f32 / RATE as f32;
    let angle = PI as f32 * x;
    (angle * (1.0 - x * x) / angle.sin()).powi(2)
}

fn strongest(strength: &[f32; 8], first: usize) -> usize {
    let group = first..first + 4;
    group.fold(first, |best, tone| if strength[tone] > strength[best] { tone } else { best })
}

/// A sum over both rows in eight lanes, so that the compiler may use wide registers.
fn lanes(a: &[f32; WINDOW], b: &[f32; WINDOW], of: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0; 8];
    for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += of(*a, *b);
        }
    }
    sums.iter().sum()
}

/// Pieces that the gate holds back: 25 ms, which is when a digit is suspected at the latest.
const HELD: usize = 5;

/// Lets audio pass 25 ms late and without its digits.
#[derive(Debug)]
pub struct DigitGate {
    detector: ToneDetector,
    /// 5 ms each, the oldest first.
    held: Box<[i16]>,
    is_muted: [bool; HELD],
    piece: usize,
    filled: usize,
}

impl DigitGate {
    pub fn new(rate: u32) -> Option<DigitGate> {
        let detector = ToneDetector::new(rate)?;
        let piece = rate as usize / 200;
        let held = vec![0; piece * (HELD + 1)].into_boxed_slice();
        Some(DigitGate { detector, held, is_muted: [false; HELD], piece, filled: 0 })
    }

    /// Replaces the block by what was heard 25 ms before it, without digits.
    pub fn pass(&mut self, samples: &mut [i16], mut tell: impl FnMut(Heard)) {
        let last = self.piece * HELD;
        for sample in samples {
            let Some(slot) = self.held.get_mut(last + self.filled) else { return };
            let new = std::mem::replace(sample, 0);
            *slot = new;
            // The oldest piece goes out while the newest comes in.
            if !self.is_muted[0] {
                *sample = self.held.get(self.filled).copied().unwrap_or_default();
            }
            self.filled += 1;
            if self.filled == self.piece {
                self.filled = 0;
                self.turn(&mut tell);
            }
        }
    }

    fn turn(&mut self, tell: &mut impl FnMut(Heard)) {
        let last = self.piece * HELD;
        self.detector.hear(self.held.get(last..).unwrap_or_default(), tell);
        self.held.copy_within(self.piece.., 0);
        self.is_muted.rotate_left(1);
        let [.., before, newest] = &mut self.is_muted;
        if !self.detector.suspects() {
            *newest = false;
        } else if self.detector.still_sounds() {
            self.is_muted = [true; HELD];
        } else {
            // Half of the window is past the end of the tone.
            (*before, *newest) = (false, false);
        }
    }
}

#[cfg(test)]
mod tests;
