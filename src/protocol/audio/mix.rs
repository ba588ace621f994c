//! Sums of voices in whole numbers, so that taking one voice from a sum leaves exactly the others. Decides not who hears whom.

use super::sample::narrow;

/// A factor in 4096ths, from a thousandth to ten.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gain(i32);

impl Gain {
    pub const UNITY: Gain = Gain(4_096);

    /// -60 to 20 decibels; what lies beyond is taken as the end.
    pub fn decibels(decibels: i8) -> Gain {
        let factor = 10f32.powf(f32::from(decibels.clamp(-60, 20)) / 20.0);
        Gain((factor * 4_096.0).round() as i32)
    }

    #[inline]
    fn of(self, sample: i16) -> i32 {
        (i32::from(sample) * self.0 + 2_048) >> 12
    }
}

/// Adds a voice to a sum, as far as the shorter of both reaches.
pub fn add(sum: &mut [i32], voice: &[i16], gain: Gain) {
    let pairs = sum.iter_mut().zip(voice);
    if gain == Gain::UNITY {
        pairs.for_each(|(sum, sample)| *sum += i32::from(*sample));
    } else {
        pairs.for_each(|(sum, sample)| *sum += gain.of(*sample));
    }
}

/// Takes a voice out of a sum again that it was added to with the same gain.
pub fn subtract(sum: &mut [i32], voice: &[i16], gain: Gain) {
    let pairs = sum.iter_mut().zip(voice);
    if gain == Gain::UNITY {
        pairs.for_each(|(sum, sample)| *sum -= i32::from(*sample));
    } else {
        pairs.for_each(|(sum, sample)| *sum -= gain.of(*sample));
    }
}

/// What an ear hears of a sum: full scale where it does not fit.
pub fn settle(sum: &[i32], heard: &mut [i16]) {
    heard.iter_mut().zip(sum).for_each(|(heard, sum)| *heard = narrow(*sum));
}

/// The sum less one voice in it, as an ear hears it: the mix for the one who speaks.
pub fn settle_without(sum: &[i32], voice: &[i16], heard: &mut [i16]) {
    let rows = heard.iter_mut().zip(sum).zip(voice);
    rows.for_each(|((heard, sum), own)| *heard = narrow(*sum - i32::from(*own)));
}

/// One voice louder or quieter, in place.
pub fn amplify(samples: &mut [i16], gain: Gain) {
    if gain != Gain::UNITY {
        samples.iter_mut().for_each(|sample| *sample = narrow(gain.of(*sample)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::audio::testing::{amplitude, decibels, noise, sine};

    #[test]
    fn a_sum_less_one_voice_is_the_sum_of_the_others_to_the_bit() {
        let voices: Vec<Vec<i16>> = (0..32).map(|seed| noise(seed, 0.2, 160)).collect();
        let gains: Vec<Gain> = (0..32).map(|at| Gain::decibels(at * 2 - 40)).collect();
        let mut total = [0; 160];
        voices.iter().zip(&gains).for_each(|(voice, gain)| add(&mut total, voice, *gain));
        for own in 0..32 {
            let mut others = [0; 160];
            let rest = voices.iter().zip(&gains).enumerate().filter(|(at, _)| *at != own);
            rest.for_each(|(_, (voice, gain))| add(&mut others, voice, *gain));
            let mut without = total;
            subtract(&mut without, &voices[own], gains[own]);
            assert_eq!(without, others);
        }
        let (mut total, mut heard, mut expected) = ([0; 160], [0; 160], [0; 160]);
        voices.iter().for_each(|voice| add(&mut total, voice, Gain::UNITY));
        settle_without(&total, &voices[3], &mut heard);
        subtract(&mut total, &voices[3], Gain::UNITY);
        settle(&total, &mut expected);
        assert_eq!(heard, expected);
    }

    #[test]
    fn a_gain_is_as_many_decibels_as_it_says() {
        for (gain, tolerance) in [(-60, 0.3), (-40, 0.1), (-6, 0.02), (0, 0.001), (6, 0.02), (20, 0.02)] {
            let mut tape = sine(8_000, 500.0, 0.09, 8_000);
            amplify(&mut tape, Gain::decibels(gain));
            let change = decibels(amplitude(&tape, 8_000, 500.0) / 0.09);
            assert!((change - f64::from(gain)).abs() < tolerance, "{gain}: {change}");
        }
        assert_eq!(Gain::decibels(0), Gain::UNITY);
        assert_eq!(Gain::decibels(i8::MAX), Gain::decibels(20));
        assert_eq!(Gain::decibels(i8::MIN), Gain::decibels(-60));
    }

    #[test]
    fn what_is_too_loud_stops_at_full_scale() {
        let mut total = [0; 2];
        (0..33).for_each(|_| add(&mut total, &[i16::MAX, i16::MIN], Gain::decibels(20)));
        let mut heard = [0; 2];
        settle(&total, &mut heard);
        assert_eq!(heard, [i16::MAX, i16::MIN]);
        let mut loud = [30_000, -30_000];
        amplify(&mut loud, Gain::decibels(6));
        assert_eq!(loud, [i16::MAX, i16::MIN]);
    }
}
