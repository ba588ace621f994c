//! Each codec at each rate: a tone comes back at its frequency and level; hostile payloads do no harm.

mod replay;

use super::*;
use crate::protocol::audio::testing::{Chance, amplitude, decibels, sine, speech};

const CODECS: [Codec; 7] = [
    Codec::Pcmu,
    Codec::Pcma,
    Codec::G722,
    Codec::Opus,
    Codec::L16 { rate: 8_000 },
    Codec::L16 { rate: 16_000 },
    Codec::L16 { rate: 48_000 },
];
const RATES: [u32; 3] = [8_000, 16_000, 48_000];

/// Through encoder and decoder in frames of that many milliseconds.
fn there_and_back(codec: Codec, rate: u32, milliseconds: usize, tape: &[i16]) -> Vec<i16> {
    let mut encoder = Encoder::new(codec, rate, OpusWish::default()).expect("an encoder");
    let mut decoder = Decoder::new(codec, rate).expect("a decoder");
    let mut back = Vec::new();
    for frame in tape.chunks_exact(rate as usize * milliseconds / 1_000) {
        let (mut payload, mut samples) = ([0; 6_000], [0; SAMPLES_MAX]);
        let length = encoder.encode(frame, &mut payload).expect("a payload");
        assert_eq!(decoder.samples_in(&payload[..length]), Some(frame.len()), "{codec:?} {rate}");
        assert_eq!(decoder.decode(&payload[..length], &mut samples), Ok(frame.len()), "{codec:?} {rate}");
        back.extend_from_slice(&samples[..frame.len()]);
    }
    back
}

#[test]
fn a_tone_comes_back_through_every_codec_at_every_rate_of_a_call() {
    for codec in CODECS {
        for rate in RATES {
            for milliseconds in [10, 20, 40, 60] {
                let back = there_and_back(codec, rate, milliseconds, &sine(rate, 1_000.0, 0.25, rate as usize * 3));
                let change = decibels(amplitude(&back[back.len() / 3..], rate, 1_000.0) / 0.25);
                assert!(change.abs() < 1.5, "{codec:?} at {rate}, {milliseconds} ms: {change} dB");
            }
        }
    }
}

#[test]
fn a_codec_that_nobody_can_decode_gets_no_coder() {
    assert!(Decoder::new(Codec::Opaque, 8_000).is_none());
    assert!(Encoder::new(Codec::Opaque, 8_000, OpusWish::default()).is_none());
    assert!(Decoder::new(Codec::Pcmu, 0).is_none());
    assert!(Decoder::new(Codec::Pcmu, 7_999).is_none());
    assert!(Encoder::new(Codec::Opus, 11_025, OpusWish::default()).is_some());
}

#[test]
fn payloads_that_are_empty_odd_or_too_long_are_refused() {
    let mut samples = [0; SAMPLES_MAX];
    for codec in CODECS {
        for rate in RATES {
            let mut decoder = Decoder::new(codec, rate).expect("a decoder");
            assert_eq!(decoder.decode(&[], &mut samples), Err(DecodeError::Empty));
            let long = decoder.decode(&[0x33; 65_000], &mut samples);
            assert!(matches!(long, Err(DecodeError::TooLong | DecodeError::Malformed)), "{codec:?}");
            let no_room = decoder.decode(&[0x80; 160], &mut [0; 4]);
            assert!(no_room.is_err(), "{codec:?}");
        }
    }
    let mut decoder = Decoder::new(Codec::L16 { rate: 8_000 }, 8_000).expect("a decoder");
    assert_eq!(decoder.decode(&[1, 2, 3], &mut samples), Err(DecodeError::Malformed));
}

#[test]
fn arbitrary_payloads_give_samples_or_an_error() {
    let mut chance = Chance(4);
    let mut samples = [0; SAMPLES_MAX];
    for codec in CODECS {
        let mut decoder = Decoder::new(codec, RATES[chance.number() as usize % 3]).expect("a decoder");
        for _ in 0..2_000 {
            let payload: Vec<u8> = (0..chance.number() % 700).map(|_| chance.number() as u8).collect();
            if let Ok(length) = decoder.decode(&payload, &mut samples) {
                assert_eq!(decoder.samples_in(&payload).map(|told| told.abs_diff(length) <= 1), Some(true));
            }
        }
    }
}

#[test]
fn the_rate_of_a_running_call_changes_without_losing_the_tone() {
    let mut encoder = Encoder::new(Codec::G722, 16_000, OpusWish::default()).expect("an encoder");
    let mut decoder = Decoder::new(Codec::G722, 16_000).expect("a decoder");
    let (mut payload, mut samples) = ([0; 400], [0; SAMPLES_MAX]);
    for rate in [16_000, 48_000, 8_000] {
        assert!(encoder.set_rate(rate) && decoder.set_rate(rate));
        let mut back = Vec::new();
        for frame in sine(rate, 700.0, 0.25, rate as usize).chunks_exact(rate as usize / 50) {
            let length = encoder.encode(frame, &mut payload).expect("a payload");
            assert_eq!(length, 160);
            let length = decoder.decode(&payload[..length], &mut samples).expect("samples");
            back.extend_from_slice(&samples[..length]);
        }
        let change = decibels(amplitude(&back[back.len() / 3..], rate, 700.0) / 0.25);
        assert!(change.abs() < 1.0, "{rate}: {change} dB");
    }
    assert!(!encoder.set_rate(1) && !decoder.set_rate(1));
    assert_eq!((encoder.rate(), decoder.rate()), (8_000, 8_000));
}

#[test]
fn silence_is_not_sent_when_opus_may_be_discontinuous() {
    let wish = OpusWish { discontinuous: true, ..OpusWish::default() };
    let mut encoder = Encoder::new(Codec::Opus, 8_000, wish).expect("an encoder");
    let mut payload = [0; 400];
    let sent = (0..100).filter(|_| encoder.encode(&[0; 160], &mut payload) != Ok(0)).count();
    assert!(sent < 30, "{sent} of 100 frames of silence");
}

#[test]
fn opus_takes_its_own_frames_only() {
    let mut encoder = Encoder::new(Codec::Opus, 8_000, OpusWish::default()).expect("an encoder");
    assert_eq!(encoder.encode(&[0; 240], &mut [0; 400]), Err(EncodeError::NoSuchFrame));
    assert_eq!(encoder.encode(&[], &mut [0; 400]), Err(EncodeError::NoSuchFrame));
    let mut pcmu = Encoder::new(Codec::Pcmu, 8_000, OpusWish::default()).expect("an encoder");
    assert_eq!(pcmu.encode(&[0; 160], &mut [0; 159]), Err(EncodeError::TooLong));
}

#[test]
fn a_lost_frame_is_filled_with_the_tone_that_went_on_around_it() {
    for codec in CODECS {
        for rate in RATES {
            let mut encoder = Encoder::new(codec, rate, OpusWish::default()).expect("an encoder");
            let mut decoder = Decoder::new(codec, rate).expect("a decoder");
            let (mut payload, mut back, mut concealed) = ([0; 2_000], Vec::new(), Vec::new());
            let frame = rate as usize / 50;
            for (at, block) in sine(rate, 200.0, 0.25, rate as usize * 2).chunks_exact(frame).enumerate() {
                let length = encoder.encode(block, &mut payload).expect("a payload");
                let mut samples = vec![0; frame];
                if at % 10 == 9 {
                    decoder.conceal(None, &mut samples);
                    concealed.extend_from_slice(&samples);
                } else {
                    assert_eq!(decoder.decode(&payload[..length], &mut samples), Ok(frame));
                }
                back.extend_from_slice(&samples);
            }
            let whole = decibels(amplitude(&back, rate, 200.0) / 0.25);
            assert!(whole.abs() < 1.5, "{codec:?} at {rate}: {whole} dB");
            let one = concealed.iter().filter(|sample| sample.abs() > 2_000).count();
            assert!(one * 5 > concealed.len() * 2, "{codec:?} at {rate}: {one} of {}", concealed.len());
        }
    }
}

#[test]
fn the_redundancy_in_the_next_packet_brings_back_a_lost_one() {
    let tape = speech(11, 16_000, 6);
    let wish = OpusWish { bits_per_second: 32_000, ..OpusWish::default() };
    let mut encoder = Encoder::new(Codec::Opus, 16_000, wish).expect("an encoder");
    encoder.expect_loss(20);
    let mut payload = [0; 1_000];
    let mut payloads = Vec::new();
    for frame in tape.chunks_exact(320) {
        let length = encoder.encode(frame, &mut payload).expect("a payload");
        payloads.push(payload[..length].to_vec());
    }
    let play = |lose: &dyn Fn(usize) -> bool, redundant: bool| {
        let mut decoder = Decoder::new(Codec::Opus, 16_000).expect("a decoder");
        let mut out = Vec::new();
        for (at, payload) in payloads.iter().enumerate() {
            let mut samples = vec![0; 320];
            if lose(at) {
                decoder.conceal(payloads.get(at + 1).filter(|_| redundant).map(Vec::as_slice), &mut samples);
            } else {
                decoder.decode(payload, &mut samples).expect("samples");
            }
            out.extend(samples);
        }
        out
    };
    let lost = |at: usize| at % 5 == 4;
    let whole = play(&|_| false, false);
    let error = |heard: &[i16]| -> f64 {
        let pairs = whole.iter().zip(heard).enumerate().filter(|(at, _)| lost(at / 320));
        pairs.map(|(_, (a, b))| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
    };
    let (guessed, found) = (error(&play(&lost, false)), error(&play(&lost, true)));
    assert!(found < guessed * 0.6, "{}", found / guessed);
}
