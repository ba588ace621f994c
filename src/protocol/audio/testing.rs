//! Signals and measurements for the tests of audio. Used by no production code.

use std::f64::consts::PI;

/// A sine at that share of full scale.
pub fn sine(rate: u32, hertz: f64, level: f64, samples: usize) -> Vec<i16> {
    let turn = 2.0 * PI * hertz / f64::from(rate);
    (0..samples).map(|at| (32_767.0 * level * (turn * at as f64).sin()).round() as i16).collect()
}

/// Amplitude of one frequency as a share of full scale.
pub fn amplitude(samples: &[i16], rate: u32, hertz: f64) -> f64 {
    let turn = 2.0 * PI * hertz / f64::from(rate);
    let (mut re, mut im) = (0.0, 0.0);
    for (at, sample) in samples.iter().enumerate() {
        // A window keeps what stands beside the frequency out of it.
        let window = 1.0 - (2.0 * PI * at as f64 / samples.len() as f64).cos();
        let value = f64::from(*sample) * window;
        re += value * (turn * at as f64).cos();
        im += value * (turn * at as f64).sin();
    }
    2.0 * re.hypot(im) / samples.len() as f64 / 32_767.0
}

pub fn decibels(ratio: f64) -> f64 {
    20.0 * ratio.max(1e-12).log10()
}

/// Noise of even spectrum whose root mean square is that share of full scale; the same for the same seed.
pub fn noise(seed: u64, level: f64, samples: usize) -> Vec<i16> {
    let mut chance = Chance(seed);
    // Twelve even chances make a bell whose variance is one.
    let bell = |chance: &mut Chance| (0..12).map(|_| chance.share()).sum::<f64>() - 6.0;
    (0..samples).map(|_| (32_767.0 * level * bell(&mut chance)).round() as i16).collect()
}

/// Repeatable chance.
pub struct Chance(pub u64);

impl Chance {
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    pub fn share(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.share()
    }
}

/// Something with the pitch, formants, pauses and hisses of speech, at that rate.
pub fn speech(seed: u64, rate: u32, seconds: usize) -> Vec<i16> {
    let mut chance = Chance(seed);
    let total = rate as usize * seconds;
    let mut out = Vec::with_capacity(total);
    let (mut phase, mut state) = (0.0f64, [[0.0f64; 2]; 3]);
    while out.len() < total {
        let length = (chance.between(0.06, 0.25) * f64::from(rate)) as usize;
        let (voiced, silent) = (chance.share() < 0.75, chance.share() < 0.15);
        let (mut pitch, glide) = (chance.between(85.0, 260.0), chance.between(0.9999, 1.0001));
        let formants = [chance.between(270.0, 850.0), chance.between(850.0, 2_400.0), chance.between(2_400.0, 3_300.0)];
        let loud = chance.between(0.02, 0.25);
        for at in 0..length {
            pitch *= glide;
            phase += pitch / f64::from(rate);
            let pulse = if phase >= 1.0 { 8.0 } else { 0.0 };
            phase -= phase.floor();
            let source = if voiced { pulse + 0.02 * (chance.share() - 0.5) } else { chance.share() - 0.5 };
            let edge = (at.min(length - at) as f64 / (0.01 * f64::from(rate))).min(1.0);
            let mut value = 0.0;
            for ((formant, memory), weight) in formants.iter().zip(&mut state).zip([1.0, 0.5, 0.25]) {
                let radius = (-PI * 90.0 / f64::from(rate)).exp();
                let turn = 2.0 * PI * formant / f64::from(rate);
                let next = source + 2.0 * radius * turn.cos() * memory[0] - radius * radius * memory[1];
                *memory = [next, memory[0]];
                value += weight * next * (1.0 - radius) * 6.0;
            }
            let value = if silent { 0.0 } else { value * loud * edge };
            out.push((value * 32_767.0).clamp(-32_000.0, 32_000.0) as i16);
        }
    }
    out.truncate(total);
    out
}
