//! Recordings of phones, looked at: how long, how loud, and which tone. Reads 16-bit WAV whose length nobody has written yet.

use std::path::Path;

#[derive(Clone)]
pub struct Sound {
    rate: u32,
    /// The first channel.
    samples: Vec<f64>,
}

pub fn read(path: &Path) -> Option<Sound> {
    let bytes = std::fs::read(path).ok()?;
    let channels = usize::from(u16::from_le_bytes(bytes.get(22..24)?.try_into().ok()?)).max(1);
    let rate = u32::from_le_bytes(bytes.get(24..28)?.try_into().ok()?);
    let at = bytes.windows(4).position(|window| window == b"data")? + 8;
    let frames = bytes.get(at..)?.chunks_exact(2 * channels);
    let samples = frames.map(|frame| f64::from(i16::from_le_bytes([frame[0], frame[1]])) / 32_768.0).collect();
    Some(Sound { rate, samples })
}

/// One channel of mu-law, as our prompts are.
pub fn read_mu_law(path: &Path) -> Option<Sound> {
    let bytes = std::fs::read(path).ok()?;
    let rate = u32::from_le_bytes(bytes.get(24..28)?.try_into().ok()?);
    let at = bytes.windows(4).position(|window| window == b"data")? + 8;
    let samples = bytes.get(at..)?.iter().map(|octet| f64::from(linear(*octet)) / 32_768.0).collect();
    Some(Sound { rate, samples })
}

/// G.711, mu-law.
fn linear(octet: u8) -> i32 {
    let octet = !octet;
    let magnitude = ((i32::from(octet & 0x0f) << 3) + 132) << ((octet & 0x70) >> 4);
    if octet & 0x80 == 0 { magnitude - 132 } else { 132 - magnitude }
}

/// Sounds are compared at this rate: enough for vowels, and quick.
const COMPARED_AT: u32 = 2_000;
/// Seconds in which a prompt is looked for.
const LOOKED_BACK: usize = 60;
/// No two sounds are so alike: the search is over.
const SURE: f64 = 0.95;

fn coarse(samples: &[f64], each: usize) -> Vec<f64> {
    samples.chunks_exact(each).map(|piece| piece.iter().sum::<f64>() / each as f64).collect()
}

fn energy(piece: &[f64]) -> f64 {
    piece.iter().map(|sample| sample * sample).sum()
}

fn likeness(here: &[f64], wanted: &[f64]) -> f64 {
    let length = wanted.len().min(usize::try_from(COMPARED_AT).expect("small") / 4);
    let mut pieces: Vec<&[f64]> = wanted.chunks_exact(length.max(1)).collect();
    pieces.sort_by(|a, b| energy(b).total_cmp(&energy(a)));
    let mut sum = 0.0;
    let running = here.iter().map(|sample| {
        sum += sample * sample;
        sum
    });
    let sums: Vec<f64> = std::iter::once(0.0).chain(running).collect();
    let mut best: f64 = 0.0;
    for wanted in pieces.into_iter().take(3) {
        if best > SURE {
            break;
        }
        let own = energy(wanted).sqrt();
        for (at, piece) in here.windows(length).enumerate() {
            let product: f64 = piece.iter().zip(wanted).map(|(a, b)| a * b).sum();
            let loud = (sums[at + length] - sums[at]).max(0.0).sqrt();
            best = best.max(product / (own * loud).max(1e-6));
        }
    }
    best
}

impl Sound {
    /// How much of a loud quarter second of another sound is in the last part of this one: 1 is all of it, whatever its level.
    /// Of three such pieces the one that came through best counts: a busy machine loses a packet now and then.
    pub fn likeness_of(&self, other: &Sound) -> f64 {
        let each = usize::try_from(self.rate / COMPARED_AT).expect("small").max(1);
        let recent = self.samples.len().saturating_sub(usize::try_from(self.rate).expect("small") * LOOKED_BACK);
        let here = coarse(&self.samples[recent..], each);
        // It may begin anywhere between two samples that are compared.
        let step = usize::try_from(other.rate / COMPARED_AT).expect("small").max(1);
        let mut best: f64 = 0.0;
        for place in 0..step {
            best = best.max(likeness(&here, &coarse(&other.samples[place..], step)));
            if best > SURE {
                break;
            }
        }
        best
    }

    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate)
    }

    /// The half second in which this tone is purest: a busy machine loses a packet, or a turn, now and then.
    pub fn clearest(&self, hertz: u16) -> Sound {
        let tenth = usize::try_from(self.rate / 10).expect("small");
        let piece = |samples: &[f64]| Sound { rate: self.rate, samples: samples.to_vec() };
        let shares: Vec<f64> = self.samples.chunks_exact(tenth).map(|samples| piece(samples).share_of(hertz)).collect();
        let worst = |shares: &[f64]| shares.iter().copied().fold(1.0, f64::min);
        let best = shares.windows(5).enumerate().max_by(|(_, a), (_, b)| worst(a).total_cmp(&worst(b)));
        let at = best.map_or(0, |(at, _)| at * tenth);
        piece(self.samples.get(at..at + 5 * tenth).unwrap_or_default())
    }

    /// What comes after so many seconds.
    pub fn since(&self, seconds: f64) -> Sound {
        let from = ((seconds * f64::from(self.rate)).round() as usize).min(self.samples.len());
        Sound { rate: self.rate, samples: self.samples[from..].to_vec() }
    }

    /// Decibels below full scale.
    pub fn level(&self) -> f64 {
        10.0 * (self.energy() / self.samples.len() as f64).max(1e-12).log10()
    }

    fn energy(&self) -> f64 {
        self.samples.iter().map(|sample| sample * sample).sum()
    }

    /// How long this tone sounded and how long it did not, in turn, in seconds; by twentieths of a second. What is shorter than
    /// half a second counts with what was before: a busy machine loses a packet, or a turn, now and then.
    pub fn spells_of(&self, hertz: u16) -> Vec<(bool, f64)> {
        let piece = usize::try_from(self.rate).expect("small") / 20;
        let sounds = |samples: &[f64]| {
            let piece = Sound { rate: self.rate, samples: samples.to_vec() };
            piece.level() > -40.0 && piece.tone(hertz, samples.len()) > 0.8
        };
        let pieces: Vec<bool> = self.samples.chunks_exact(piece).map(sounds).collect();
        let mut spells: Vec<(bool, f64)> = Vec::new();
        for spell in pieces.chunk_by(|one, next| one == next) {
            let seconds = 0.05 * spell.len() as f64;
            match spells.last_mut() {
                Some(last) if last.0 == spell[0] || seconds < 0.5 => last.1 += seconds,
                _ => spells.push((spell[0], seconds)),
            }
        }
        spells
    }

    /// How often this pair of tones sounds. Looked at in hundredths of a second, for a press lasts no more than ten of them
    /// and begins anywhere; what breaks off for a moment is one press.
    pub fn presses_of(&self, low: u16, high: u16) -> usize {
        const LEAST: usize = 4;
        const BRIDGED: usize = 3;
        let piece = usize::try_from(self.rate).expect("small") / 100;
        let (mut presses, mut sounding, mut silent) = (0, 0, 0);
        for piece in self.samples.chunks_exact(piece) {
            let here = Sound { rate: self.rate, samples: piece.to_vec() };
            let (low, high) = (here.tone(low, piece.len()), here.tone(high, piece.len()));
            (sounding, silent) = match low > 0.25 && high > 0.25 && low + high > 0.7 {
                true => (sounding + 1, 0),
                false if silent < BRIDGED => (sounding, silent + 1),
                false => (0, silent),
            };
            presses += usize::from(silent == 0 && sounding == LEAST);
        }
        presses
    }

    /// How much of everything is within a few hertz of this tone (Goertzel, over pieces of a tenth of a second).
    pub fn share_of(&self, hertz: u16) -> f64 {
        self.tone(hertz, usize::try_from(self.rate).expect("small") / 10)
    }

    fn tone(&self, hertz: u16, piece: usize) -> f64 {
        let step = std::f64::consts::TAU * f64::from(hertz) / f64::from(self.rate);
        let tone = self.samples.chunks_exact(piece).map(|piece| {
            let (mut real, mut imaginary) = (0.0, 0.0);
            for (at, sample) in piece.iter().enumerate() {
                real += sample * (step * at as f64).cos();
                imaginary += sample * (step * at as f64).sin();
            }
            2.0 * (real * real + imaginary * imaginary) / piece.len() as f64
        });
        tone.sum::<f64>() / self.energy().max(1e-9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Eight thousand samples a second: silence, then each press, each followed by a twentieth of a second of silence.
    fn pressed(silence: usize, presses: &[(f64, f64)]) -> Sound {
        let mut samples = vec![0.0; silence];
        for (low, high) in presses {
            let at = |hertz: &f64, sample: usize| (std::f64::consts::TAU * hertz * sample as f64 / 8_000.0).sin() / 4.0;
            samples.extend((0..720).map(|sample| at(low, sample) + at(high, sample)));
            samples.extend([0.0; 400]);
        }
        Sound { rate: 8_000, samples }
    }

    #[test]
    fn a_press_is_counted_once_wherever_it_begins() {
        for silence in (0..800).step_by(7) {
            let heard = pressed(silence, &[(770.0, 1_209.0), (697.0, 1_336.0), (941.0, 1_477.0), (697.0, 1_336.0)]);
            let presses =
                [(770, 1_209), (697, 1_336), (941, 1_477), (852, 1_209)].map(|(low, high)| heard.presses_of(low, high));
            assert_eq!(presses, [1, 2, 1, 0], "after {silence} samples");
        }
    }
}
