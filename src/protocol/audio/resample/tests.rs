//! What passes, what folds, and that blocks of any size make the same stream.

use super::*;
use crate::protocol::audio::testing::{amplitude, decibels, sine};

fn convert(from: u32, to: u32, input: &[i16]) -> Vec<i16> {
    let mut resampler = Resampler::new(from, to).expect("two rates");
    let mut out = vec![0; resampler.room_for(input.len())];
    let length = resampler.process(input, &mut out);
    out.truncate(length);
    out
}

/// Decibels that a frequency gains on the way, once the filter is full.
fn gain(from: u32, to: u32, hertz: f64, heard_at: f64) -> f64 {
    let out = convert(from, to, &sine(from, hertz, 0.5, from as usize));
    decibels(amplitude(&out[out.len() / 4..], to, heard_at) / 0.5)
}

const PAIRS: [(u32, u32); 18] = [
    (8_000, 16_000),
    (8_000, 48_000),
    (16_000, 48_000),
    (16_000, 8_000),
    (48_000, 8_000),
    (48_000, 16_000),
    (44_100, 8_000),
    (44_100, 16_000),
    (44_100, 48_000),
    (22_050, 8_000),
    (22_050, 16_000),
    (22_050, 48_000),
    (11_025, 8_000),
    (11_025, 48_000),
    (12_000, 8_000),
    (24_000, 16_000),
    (32_000, 8_000),
    (32_000, 48_000),
];

#[test]
fn the_telephone_band_passes_within_a_decibel() {
    for (from, to) in PAIRS {
        for share in [0.05, 0.3, 0.6, 0.85] {
            let hertz = share * f64::from(from.min(to)) / 2.0;
            let gain = gain(from, to, hertz, hertz);
            assert!(gain.abs() < 1.0, "{from} to {to}: {hertz} Hz {gain} dB");
        }
    }
}

#[test]
fn what_would_fold_into_the_band_is_sixty_decibels_down() {
    for (from, to) in PAIRS {
        let lower = f64::from(from.min(to));
        // 4.6 kHz would come out at 3.4 kHz where the lower rate is 8 kHz, and the other way round.
        let (outer, inner) = (lower * 0.575, lower * 0.425);
        let folded = if from > to { gain(from, to, outer, inner) } else { gain(from, to, inner, outer) };
        // Where the higher rate has no such frequency, there is nothing to fold.
        if outer < f64::from(from.max(to)) / 2.0 {
            assert!(folded < -60.0, "{from} to {to}: {folded} dB");
        }
    }
}

#[test]
fn blocks_of_any_size_make_the_same_stream() {
    let input = sine(16_000, 1_234.0, 0.7, 4_000);
    for (from, to) in [(16_000, 48_000), (16_000, 8_000), (11_025, 8_000), (44_100, 16_000)] {
        let whole = convert(from, to, &input);
        let mut resampler = Resampler::new(from, to).expect("two rates");
        let mut pieces = Vec::new();
        for (at, piece) in input.chunks(7).enumerate() {
            let mut out = [0; 64];
            // An empty block now and then changes nothing.
            if at % 3 == 0 {
                assert_eq!(resampler.process(&[], &mut out), 0);
            }
            let length = resampler.process(piece, &mut out);
            pieces.extend_from_slice(&out[..length]);
        }
        assert_eq!(whole, pieces, "{from} to {to}");
    }
}

#[test]
fn twenty_milliseconds_stay_twenty_milliseconds() {
    for (from, to) in [(8_000, 16_000), (8_000, 48_000), (16_000, 48_000), (16_000, 8_000), (48_000, 8_000)] {
        let mut resampler = Resampler::new(from, to).expect("two rates");
        let mut out = [0; 960];
        for _ in 0..10 {
            let block = vec![100; from as usize / 50];
            assert_eq!(resampler.process(&block, &mut out), to as usize / 50);
        }
    }
}

#[test]
fn full_scale_stays_in_scale_and_a_constant_stays_constant() {
    for (from, to) in PAIRS {
        let out = convert(from, to, &vec![20_000; 4_000]);
        let settled = &out[out.len() / 2..];
        assert!(settled.iter().all(|sample| (sample - 20_000).abs() < 100), "{from} to {to}: {:?}", &settled[..8]);
        let square: Vec<i16> = (0..4_000).map(|at| if at / 20 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        let out = convert(from, to, &square);
        assert!(out.windows(2).all(|pair| (i32::from(pair[0]) - i32::from(pair[1])).abs() <= 65_535));
    }
}

#[test]
fn rates_that_need_no_work_or_too_much_are_refused() {
    for (from, to) in [(8_000, 8_000), (0, 8_000), (8_000, 0), (7_999, 8_000), (48_000, 4_000), (96_000, 8_000)] {
        assert!(Resampler::new(from, to).is_none(), "{from} to {to}");
    }
}

#[test]
fn what_has_no_room_is_lost_and_the_next_block_is_whole() {
    let mut resampler = Resampler::new(8_000, 16_000).expect("two rates");
    assert_eq!(resampler.process(&[1; 160], &mut [0; 10]), 10);
    assert_eq!(resampler.process(&[1; 160], &mut [0; 400]), 320);
}
