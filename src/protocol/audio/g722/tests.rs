//! Against another implementation, which its authors hold against the standard's own sequences, bit by bit.

use super::*;
use crate::protocol::audio::testing::{Chance, amplitude, decibels, noise, sine, speech};

fn tapes() -> Vec<Vec<i16>> {
    let mut tapes = vec![speech(1, 16_000, 8), noise(2, 0.1, 16_000), noise(3, 0.9, 16_000), vec![0; 640]];
    tapes.push((0..32_000).map(|at| if at / 40 % 2 == 0 { i16::MAX } else { i16::MIN }).collect());
    tapes.extend(
        [(300.0, 0.9), (3_900.0, 0.4), (4_100.0, 0.4), (6_500.0, 0.9)].map(|(f, l)| sine(16_000, f, l, 16_000)),
    );
    tapes
}

#[test]
fn every_tape_encodes_to_the_same_bytes() {
    for (at, tape) in tapes().iter().enumerate() {
        let mut payload = vec![0; tape.len() / 2];
        assert_eq!(G722Encoder::new().encode(tape, &mut payload), payload.len());
        let theirs = sipx_audio::g722::Encoder::new().encode(tape);
        let first = payload.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs);
        assert_eq!((first, theirs.len()), (None, payload.len()), "tape {at}");
    }
}

#[test]
fn every_payload_decodes_to_the_same_samples() {
    let mut chance = Chance(9);
    let mut payloads: Vec<Vec<u8>> = vec![(0..200_000).map(|_| chance.number() as u8).collect()];
    payloads.extend((0..=255).map(|code| vec![code; 400]));
    payloads.extend(tapes().iter().map(|tape| sipx_audio::g722::Encoder::new().encode(tape)));
    for (at, payload) in payloads.iter().enumerate() {
        let mut samples = vec![0; payload.len() * 2];
        G722Decoder::new().decode(payload, &mut samples);
        let theirs = sipx_audio::g722::Decoder::new().decode(payload);
        let first = samples.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs);
        assert_eq!((first, theirs.len()), (None, samples.len()), "payload {at}");
    }
}

#[test]
fn a_tone_of_either_band_comes_back_at_its_level() {
    for hertz in [200.0, 1_000.0, 3_000.0, 5_000.0, 6_800.0] {
        let tape = sine(16_000, hertz, 0.3, 16_000);
        let (mut payload, mut back) = (vec![0; 8_000], vec![0; 16_000]);
        G722Encoder::new().encode(&tape, &mut payload);
        G722Decoder::new().decode(&payload, &mut back);
        let change = decibels(amplitude(&back[1_600..], 16_000, hertz) / 0.3);
        assert!(change.abs() < 0.7, "{hertz} Hz: {change} dB");
    }
}
