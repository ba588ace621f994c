//! Comfort noise (RFC 3389): what is sent in place of silence, and what is heard in place of nothing. Hides no loss.

use super::level;
use super::sample::round;

/// Reflection coefficients that are read; more would shape nothing that an ear hears in noise.
const ORDER_MAX: usize = 12;

/// The payload for a silence of that level. A spectrum is not told: receivers shape noise as they like (RFC 3389 3).
pub fn payload(silence: &[i16]) -> [u8; 1] {
    [level::level(silence)]
}

/// Makes noise as the last payload described it.
#[derive(Clone, Debug)]
pub struct ComfortNoise {
    gain: f32,
    wanted: f32,
    reflections: [f32; ORDER_MAX],
    order: usize,
    lattice: [f32; ORDER_MAX],
    state: u32,
}

impl Default for ComfortNoise {
    fn default() -> ComfortNoise {
        let nothing = [0.0; ORDER_MAX];
        ComfortNoise { gain: 0.0, wanted: 0.0, reflections: nothing, order: 0, lattice: nothing, state: 0x2545_f491 }
    }
}

impl ComfortNoise {
    /// `false` for a payload that says nothing; then all stays as it was.
    pub fn describe(&mut self, payload: &[u8]) -> bool {
        let Some((level, spectrum)) = payload.split_first() else { return false };
        self.order = spectrum.len().min(ORDER_MAX);
        let mut resonance = 1.0;
        for (slot, byte) in self.reflections.iter_mut().zip(spectrum) {
            // RFC 3389 3.2: 0 to 254, and the middle is 127. The ends would ring for ever.
            *slot = ((f32::from(*byte) - 127.0) / 128.0).clamp(-0.98, 0.98);
            resonance *= 1.0 - *slot * *slot;
        }
        self.lattice = [0.0; ORDER_MAX];
        // An all-pole filter of these coefficients makes noise louder by as much.
        let share = 10f32.powf(-f32::from(level & 0x7f) / 20.0);
        self.wanted = if *level & 0x7f == level::QUIETEST { 0.0 } else { 32_768.0 * share * f32::sqrt(resonance) };
        true
    }

    /// Goes to the described level within some milliseconds, without a step.
    pub fn fill(&mut self, samples: &mut [i16]) {
        for sample in samples {
            self.gain += (self.wanted - self.gain) * 0.02;
            let mut value = self.chance() * self.gain;
            for at in (0..self.order).rev() {
                let (reflection, before) = (self.reflections[at], self.lattice[at]);
                value -= reflection * before;
                if let Some(next) = self.lattice.get_mut(at + 1) {
                    *next = before + reflection * value;
                }
            }
            self.lattice[0] = value;
            *sample = round(value);
        }
    }

    /// The next level at once: for the first noise after a voice.
    pub fn jump(&mut self) {
        self.gain = self.wanted;
    }

    /// Nearly a bell with a variance of one, from a generator that is the same in every run.
    fn chance(&mut self) -> f32 {
        let mut sum = 0.0;
        for _ in 0..3 {
            self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            sum += (self.state >> 8) as f32 / 8_388_608.0 - 1.0;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::audio::testing::{Chance, amplitude, noise, speech};

    fn heard(payload: &[u8]) -> Vec<i16> {
        let mut source = ComfortNoise::default();
        assert!(source.describe(payload));
        source.jump();
        let mut tape = vec![0; 16_000];
        source.fill(&mut tape[..4_000]);
        source.fill(&mut tape);
        tape
    }

    #[test]
    fn noise_is_as_loud_as_it_is_described() {
        for wanted in [20, 30, 40, 50, 60] {
            for spectrum in [&[][..], &[180], &[80, 150], &[200, 160, 120, 127, 140]] {
                let described: Vec<u8> = [wanted].iter().chain(spectrum).copied().collect();
                let told = level::level(&heard(&described));
                assert!(told.abs_diff(wanted) <= 1, "{described:?}: {told}");
            }
        }
        assert!(heard(&[127]).iter().all(|sample| *sample == 0));
    }

    #[test]
    fn a_spectrum_shapes_it() {
        let band = |tape: &[i16], hertz: f64| -> f64 {
            tape.chunks(400).map(|part| amplitude(part, 8_000, hertz).powi(2)).sum()
        };
        let (low, high) = (heard(&[30, 70]), heard(&[30, 184]));
        assert!(band(&low, 300.0) > 4.0 * band(&low, 3_700.0));
        assert!(band(&high, 3_700.0) > 4.0 * band(&high, 300.0));
    }

    #[test]
    fn silence_is_described_by_its_level() {
        assert_eq!(payload(&[0; 160]), [127]);
        let told = payload(&noise(1, 0.003, 1_600))[0];
        assert!(told.abs_diff(50) <= 1, "{told}");
    }

    #[test]
    fn any_payload_makes_bounded_noise() {
        let mut chance = Chance(6);
        let mut source = ComfortNoise::default();
        let mut tape = speech(1, 8_000, 1);
        assert!(!source.describe(&[]));
        for _ in 0..500 {
            let payload: Vec<u8> = (0..chance.number() % 40).map(|_| chance.number() as u8).collect();
            source.describe(&payload);
            source.fill(&mut tape[..160]);
            assert!(source.lattice.iter().all(|value| value.is_finite()));
        }
    }
}
