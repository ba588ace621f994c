//! Finds after how many samples a voice repeats itself. Changes nothing.

/// Voices lie between 66 and 400 Hz.
pub const LONGEST_MILLISECONDS: usize = 15;
const SHORTEST_MICROSECONDS: usize = 2_500;
/// The search runs at this rate first: half the telephone's is enough to find a pitch.
const COARSE_RATE: usize = 4_000;
/// 40 ms at the coarse rate.
const COARSE_MAX: usize = 160;

/// The lag at which the end of `samples` is most like what came before it, between the shortest and `longest`.
/// Needs `longest` and what is compared, at least as long as the shortest; returns `longest` when nothing is alike.
pub fn find(samples: &[i16], rate: u32, longest: usize) -> usize {
    let step = (rate as usize / COARSE_RATE).max(1);
    let shortest = (rate as usize * SHORTEST_MICROSECONDS / 1_000_000).min(longest);
    let mut coarse = [0.0; COARSE_MAX];
    // Aligned to the end: the newest sample counts most.
    let pieces = samples.rchunks_exact(step).take(COARSE_MAX);
    let mut length = 0;
    for (slot, piece) in coarse.iter_mut().rev().zip(pieces) {
        *slot = piece.iter().map(|sample| f32::from(*sample)).sum();
        length += 1;
    }
    let coarse = coarse.get(COARSE_MAX - length..).unwrap_or_default();
    let found = best_lag(coarse, (shortest / step).max(1), longest / step).map_or(longest, |lag| lag * step);
    if step == 1 {
        return found;
    }
    let mut fine = [0.0; 2 * 1_920];
    let fine = fine.get_mut(..samples.len()).unwrap_or_default();
    fine.iter_mut().zip(samples).for_each(|(slot, sample)| *slot = f32::from(*sample));
    let low = found.saturating_sub(step).max(shortest);
    best_lag(fine, low, (found + step).min(longest)).unwrap_or(found)
}

/// By normalised correlation of everything that has something `most` before it.
fn best_lag(samples: &[f32], least: usize, most: usize) -> Option<usize> {
    let newest = samples.get(most..).filter(|newest| !newest.is_empty())?;
    let mut best = (0.0, None);
    for lag in least..=most {
        let older = samples.get(most - lag..).unwrap_or_default();
        let (mut product, mut power) = (0.0, 1.0);
        for (new, old) in newest.iter().zip(older) {
            product += new * old;
            power += old * old;
        }
        let alike = if product > 0.0 { product * product / power } else { 0.0 };
        if alike > best.0 {
            best = (alike, Some(lag));
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::audio::testing::sine;

    #[test]
    fn the_period_of_a_tone_is_found_at_every_rate() {
        for rate in [8_000, 16_000, 32_000, 48_000] {
            for hertz in [80.0, 125.0, 200.0, 310.0] {
                let tape = sine(rate, hertz, 0.3, rate as usize * 35 / 1_000);
                let lag = find(&tape, rate, rate as usize * LONGEST_MILLISECONDS / 1_000);
                let periods = lag as f64 * hertz / f64::from(rate);
                assert!((periods - periods.round()).abs() < 0.06 && periods > 0.9, "{rate} {hertz}: {lag} = {periods}");
            }
        }
    }

    #[test]
    fn silence_repeats_after_the_longest() {
        assert_eq!(find(&[0; 280], 8_000, 120), 120);
        assert_eq!(find(&[], 8_000, 120), 120);
        assert_eq!(find(&[5; 10], 8_000, 120), 120);
    }
}
