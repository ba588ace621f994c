//! A frame made one pitch period longer or shorter, for clocks that do not agree. Changes neither pitch nor level.

use super::pitch;
use super::sample::round;

/// What is cut out or put in: at most half a frame, so that there is always something to blend.
fn period(frame: &[i16], rate: u32) -> usize {
    let longest = (rate as usize * pitch::LONGEST_MILLISECONDS / 1_000).min(frame.len() / 2);
    pitch::find(frame, rate, longest).min(longest)
}

/// Cuts one period out, in place; returns the new length. What is left begins and ends as the frame did.
pub fn shorter(frame: &mut [i16], rate: u32) -> usize {
    let (length, period) = (frame.len(), period(frame, rate));
    let kept = length - period;
    // Blend from the frame to itself one period later, around its middle.
    let start = (kept - period) / 2;
    for at in 0..kept {
        let late = frame.get(at + period).copied().unwrap_or_default();
        let Some(sample) = frame.get_mut(at) else { break };
        *sample = blend(*sample, late, share(at, start, period));
    }
    kept
}

/// Puts one period in; returns the length in `longer`, which needs room for half a frame more.
pub fn longer(frame: &[i16], rate: u32, longer: &mut [i16]) -> usize {
    let period = period(frame, rate);
    let length = (frame.len() + period).min(longer.len());
    // Blend from the frame to itself one period earlier.
    let start = period.max(frame.len() / 2);
    for (at, slot) in longer.iter_mut().take(length).enumerate() {
        let early = at.checked_sub(period).and_then(|at| frame.get(at)).copied().unwrap_or_default();
        let now = frame.get(at).copied().unwrap_or(early);
        *slot = blend(now, early, share(at, start, frame.len() - start));
    }
    length
}

fn share(at: usize, start: usize, length: usize) -> f32 {
    (at.saturating_sub(start) as f32 / length.saturating_sub(1).max(1) as f32).min(1.0)
}

fn blend(from: i16, to: i16, share: f32) -> i16 {
    round(f32::from(from) * (1.0 - share) + f32::from(to) * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::audio::testing::{amplitude, decibels, sine, speech};

    #[test]
    fn a_voiced_sound_is_stretched_and_shrunk_without_a_click_at_its_pitch() {
        for rate in [8_000, 16_000, 48_000] {
            let tape = sine(rate, 210.0, 0.3, rate as usize);
            let (mut short, mut long) = (Vec::new(), Vec::new());
            for frame in tape.chunks(rate as usize / 50) {
                let mut frame = frame.to_vec();
                let mut room = vec![0; frame.len() * 3 / 2];
                let length = longer(&frame, rate, &mut room);
                assert!(length > frame.len());
                long.extend_from_slice(&room[..length]);
                let length = shorter(&mut frame, rate);
                assert!(length < frame.len());
                short.extend_from_slice(&frame[..length]);
            }
            assert!(short.len() < tape.len() * 9 / 10 && long.len() > tape.len() * 11 / 10);
            for out in [short, long] {
                let level = decibels(amplitude(&out, rate, 210.0) / 0.3);
                assert!(level > -1.5, "{rate}: {level}");
                let steepest = 2.0 * std::f64::consts::PI * 210.0 / f64::from(rate) * 0.3 * 32_767.0;
                let jump = out.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().map_or(0.0, f64::from);
                assert!(jump < steepest * 2.0, "{rate}: {jump}");
            }
        }
    }

    #[test]
    fn frames_begin_and_end_as_they_did() {
        for frame in speech(4, 8_000, 4).chunks_exact(160) {
            let mut room = [0; 240];
            let length = longer(frame, 8_000, &mut room);
            assert_eq!((room[0], room[length - 1]), (frame[0], frame[159]));
            let mut short = frame.to_vec();
            let length = shorter(&mut short, 8_000);
            assert_eq!((short[0], short[length - 1]), (frame[0], frame[159]));
        }
    }

    #[test]
    fn frames_of_any_length_do_no_harm() {
        for length in 0..50 {
            let mut frame = vec![100; length];
            assert!(longer(&frame, 8_000, &mut [0; 75]) >= length);
            assert!(shorter(&mut frame, 8_000) <= length);
            longer(&frame, 8_000, &mut []);
        }
    }
}
