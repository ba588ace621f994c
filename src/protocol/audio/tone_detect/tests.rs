//! Tapes of digits in every condition that Q.24 names, and tapes without any.

use super::*;
use crate::protocol::audio::codec::Codec;
use crate::protocol::audio::coder::{Decoder, Encoder, SAMPLES_MAX};
use crate::protocol::audio::g711;
use crate::protocol::audio::opus::OpusWish;
use crate::protocol::audio::testing::{Chance, amplitude, noise, speech};
use crate::protocol::audio::tone::{self, ToneSource};
use std::f64::consts::TAU;
use std::time::Duration;

const KEYS: &[u8; 16] = b"123A456B789C*0#D";

/// How a digit is pressed.
#[derive(Clone, Copy, Debug)]
struct Press {
    milliseconds: f64,
    pause: f64,
    /// Of the louder tone, dBm0.
    level: f64,
    /// Decibels by which the higher tone is louder.
    twist: f64,
    /// By which share both frequencies are off: low, high.
    off: [f64; 2],
    /// Power of the tones over that of the noise, in decibels.
    over_noise: Option<f64>,
}

const PLAIN: Press =
    Press { milliseconds: 40.0, pause: 40.0, level: -10.0, twist: 0.0, off: [0.0; 2], over_noise: None };

/// A sine of 0 dBm0 is 3.17 dB below full scale in mu-law.
fn share(dbm0: f64) -> f64 {
    10f64.powf((dbm0 - 3.17) / 20.0)
}

/// Each digit after a pause, and silence at the end; through G.711 as any digit comes to us.
fn pressed(digits: &[u8], press: Press, chance: &mut Chance) -> Vec<i16> {
    let mut tape = vec![0.0; 800 + (chance.number() % 160) as usize];
    let (low_level, high_level) =
        (share(press.level - press.twist.max(0.0)), share(press.level + press.twist.min(0.0)));
    for digit in digits {
        let place = KEYS.iter().position(|key| key == digit).expect("a key");
        let low = f64::from(LOW_GROUP[place / 4]) * (1.0 + press.off[0]);
        let high = f64::from(HIGH_GROUP[place % 4]) * (1.0 + press.off[1]);
        let phases = [chance.share() * TAU, chance.share() * TAU];
        // Not every digit begins on a sample that a look begins with.
        for at in 0..(press.milliseconds * 8.0) as usize {
            let time = at as f64 / 8_000.0 * TAU;
            tape.push(low_level * (low * time + phases[0]).sin() + high_level * (high * time + phases[1]).sin());
        }
        tape.resize(tape.len() + (press.pause * 8.0) as usize + (chance.number() % 8) as usize, 0.0);
    }
    tape.resize(tape.len() + 800, 0.0);
    let power = (low_level.powi(2) + high_level.powi(2)) / 2.0;
    let hiss =
        press.over_noise.map(|over| noise(chance.number(), (power / 10f64.powf(over / 10.0)).sqrt(), tape.len()));
    let pass = |(at, sample): (usize, &f64)| {
        let sample = sample * 32_767.0 + hiss.as_ref().map_or(0.0, |hiss| f64::from(hiss[at]));
        g711::decode_ulaw(g711::encode_ulaw(sample as i16))
    };
    tape.iter().enumerate().map(pass).collect()
}

fn heard(rate: u32, tape: &[i16]) -> Vec<(u8, u32)> {
    let mut detector = ToneDetector::new(rate).expect("a rate");
    let (mut ended, mut began) = (Vec::new(), Vec::new());
    for block in tape.chunks(rate as usize / 50) {
        detector.hear(block, |heard| match heard {
            Heard::Began { digit } => began.push(digit),
            Heard::Ended { digit, milliseconds } => ended.push((digit, milliseconds)),
        });
    }
    assert_eq!(began, ended.iter().map(|(digit, _)| *digit).collect::<Vec<u8>>(), "each begins and ends");
    ended
}

/// Presses random digits, among them pairs of equal ones, and counts those that were missed and those that nobody pressed.
fn errors(press: Press, seed: u64) -> (usize, usize) {
    let mut chance = Chance(seed);
    let mut digits: Vec<u8> = (0..48).map(|_| KEYS[chance.number() as usize % 16]).collect();
    digits.extend(KEYS.iter().flat_map(|key| [*key, *key]));
    let heard = heard(8_000, &pressed(&digits, press, &mut chance));
    let mut rest = heard.iter().map(|(digit, _)| *digit).peekable();
    let found = digits.iter().filter(|digit| rest.next_if_eq(*digit).is_some()).count();
    (digits.len() - found, heard.len() - found)
}

fn all_are_heard(press: Press) {
    for seed in 0..3 {
        assert_eq!(errors(press, seed), (0, 0), "seed {seed} {press:?}");
    }
}

fn none_is_heard(press: Press) {
    let mut chance = Chance(1);
    let heard = heard(8_000, &pressed(KEYS, press, &mut chance));
    assert!(heard.is_empty(), "{press:?}: {heard:?}");
}

#[test]
fn the_shortest_digits_at_the_shortest_pauses_are_all_heard() {
    all_are_heard(PLAIN);
    all_are_heard(Press { milliseconds: 100.0, pause: 60.0, ..PLAIN });
    all_are_heard(Press { milliseconds: 1_000.0, pause: 300.0, ..PLAIN });
}

#[test]
fn digits_are_heard_from_the_loudest_to_the_faintest() {
    for level in [0.0, -3.0, -6.0, -15.0, -25.0, -30.0, -34.0] {
        all_are_heard(Press { level, ..PLAIN });
    }
    none_is_heard(Press { level: -45.0, milliseconds: 100.0, ..PLAIN });
}

#[test]
fn digits_are_heard_at_every_allowed_twist() {
    for twist in [-8.0, -6.0, -3.0, 2.0, 4.0] {
        for level in [-5.0, -22.0] {
            all_are_heard(Press { twist, level, ..PLAIN });
        }
    }
    for twist in [-13.0, 9.0] {
        none_is_heard(Press { twist, ..PLAIN });
    }
}

#[test]
fn frequencies_may_be_off_by_one_and_a_half_percent_but_not_by_three_and_a_half() {
    for off in [[0.015, 0.015], [-0.015, -0.015], [0.015, -0.015], [-0.015, 0.015]] {
        all_are_heard(Press { off, ..PLAIN });
        all_are_heard(Press { off, twist: -8.0, ..PLAIN });
        all_are_heard(Press { off, twist: 4.0, ..PLAIN });
    }
    for off in [[0.035, 0.0], [-0.035, 0.0], [0.0, 0.035], [0.0, -0.035], [0.035, -0.035]] {
        none_is_heard(Press { off, milliseconds: 200.0, ..PLAIN });
    }
}

#[test]
fn bursts_of_twenty_three_milliseconds_are_no_digits() {
    for milliseconds in [5.0, 10.0, 20.0, 23.0] {
        for level in [-3.0, -10.0, -25.0] {
            none_is_heard(Press { milliseconds, level, ..PLAIN });
        }
    }
}

#[test]
fn digits_are_heard_through_noise() {
    for twist in [-6.0, 0.0, 3.0] {
        all_are_heard(Press { over_noise: Some(15.0), twist, milliseconds: 45.0, ..PLAIN });
        all_are_heard(Press { over_noise: Some(20.0), twist, ..PLAIN });
        all_are_heard(Press { over_noise: Some(12.0), twist, milliseconds: 60.0, pause: 60.0, ..PLAIN });
    }
    all_are_heard(Press { over_noise: Some(15.0), off: [0.015, -0.015], ..PLAIN });
}

#[test]
fn an_interruption_of_ten_milliseconds_does_not_make_two_digits() {
    let mut chance = Chance(3);
    for gap in [2, 5, 8, 10] {
        for shift in 0..40 {
            let mut tape = vec![0; shift];
            tape.extend(pressed(b"7", Press { milliseconds: 120.0, ..PLAIN }, &mut chance));
            let start = tape.iter().position(|sample| *sample != 0).expect("a tone");
            tape[start + 440..start + 440 + gap * 8].fill(0);
            let heard = heard(8_000, &tape);
            assert!(matches!(heard[..], [(b'7', 110..=130)]), "{gap} ms at {shift}: {heard:?}");
        }
    }
}

#[test]
fn a_digit_lasts_as_long_as_it_was_pressed() {
    for milliseconds in [50.0, 80.0, 200.0, 750.0] {
        let heard = heard(8_000, &pressed(b"159D", Press { milliseconds, ..PLAIN }, &mut Chance(2)));
        assert_eq!(heard.len(), 4);
        assert!(heard.iter().all(|(_, lasted)| (f64::from(*lasted) - milliseconds).abs() <= 8.0), "{heard:?}");
    }
}

#[test]
fn digits_are_heard_at_the_rates_of_wide_audio() {
    for rate in [16_000, 48_000] {
        let mut up = Resampler::new(8_000, rate).expect("two rates");
        let slow = pressed(KEYS, PLAIN, &mut Chance(8));
        let mut fast = vec![0; up.room_for(slow.len())];
        let length = up.process(&slow, &mut fast);
        let heard: Vec<u8> = heard(rate, &fast[..length]).iter().map(|(digit, _)| *digit).collect();
        assert_eq!(heard, KEYS);
    }
    assert!(ToneDetector::new(100).is_none());
}

/// Chords of instruments with overtones, that begin and die away.
fn music(seed: u64, seconds: usize) -> Vec<i16> {
    let mut chance = Chance(seed);
    let mut tape = Vec::with_capacity(8_000 * seconds);
    while tape.len() < 8_000 * seconds {
        let length = (chance.between(0.08, 0.6) * 8_000.0) as usize;
        let voices = 1 + chance.number() % 4;
        let notes: Vec<(f64, f64, f64)> = (0..voices)
            .map(|_| {
                let note = (chance.number() % 48) as f64;
                (110.0 * 2f64.powf(note / 12.0), chance.between(0.02, 0.15), chance.between(0.25, 0.8))
            })
            .collect();
        let fade = chance.between(1.0, 8.0);
        for at in 0..length {
            let time = at as f64 / 8_000.0;
            let mut value = 0.0;
            for (hertz, level, bright) in &notes {
                let mut part = *level;
                for overtone in 1..=8 {
                    let hertz = hertz * f64::from(overtone);
                    value += if hertz < 3_600.0 { part * (TAU * hertz * time).sin() } else { 0.0 };
                    part *= bright;
                }
            }
            tape.push((value * (-fade * time).exp() * 32_767.0).clamp(-32_767.0, 32_767.0) as i16);
        }
    }
    tape
}

/// So many minutes of each kind; an hour by `OFFHOOK_TAPE_MINUTES=60`.
fn minutes() -> u64 {
    std::env::var("OFFHOOK_TAPE_MINUTES").ok().and_then(|minutes| minutes.parse().ok()).unwrap_or(3)
}

#[test]
fn nobody_presses_a_digit_by_talking() {
    for minute in 0..minutes() {
        let heard = heard(8_000, &speech(100 + minute, 8_000, 60));
        assert!(heard.is_empty(), "minute {minute}: {heard:?}");
    }
}

#[test]
fn music_on_hold_presses_no_digit() {
    for minute in 0..minutes() {
        let heard = heard(8_000, &music(100 + minute, 60));
        assert!(heard.is_empty(), "minute {minute}: {heard:?}");
    }
}

#[test]
fn silence_noise_and_the_network_s_own_tones_are_no_digits() {
    assert!(heard(8_000, &[0; 8_000]).is_empty());
    assert!(heard(8_000, &noise(1, 0.2, 80_000)).is_empty());
    for pair in [[350.0, 440.0], [440.0, 480.0], [480.0, 620.0], [425.0, 0.0], [1_100.0, 0.0], [2_100.0, 0.0]] {
        let tone = |at: usize| pair.map(|hertz: f64| (TAU * hertz * at as f64 / 8_000.0).sin()).iter().sum::<f64>();
        let tape: Vec<i16> = (0..16_000).map(|at| (tone(at) * 8_000.0) as i16).collect();
        assert!(heard(8_000, &tape).is_empty(), "{pair:?}");
    }
}

#[test]
fn a_gate_takes_the_digits_out_and_leaves_the_voice() {
    for rate in [8_000, 16_000] {
        let factor = rate as usize / 8_000;
        let (mut gate, mut chance) = (DigitGate::new(rate).expect("a rate"), Chance(5));
        let digits = pressed(b"258", Press { milliseconds: 100.0, pause: 150.0, ..PLAIN }, &mut chance);
        let mut tape = vec![0; digits.len() * factor + 2];
        let length = match Resampler::new(8_000, rate) {
            Some(mut up) => up.process(&digits, &mut tape),
            None => {
                tape[..digits.len()].copy_from_slice(&digits);
                digits.len()
            }
        };
        tape.truncate(length);
        let voice = crate::protocol::audio::testing::sine(rate, 300.0, 0.2, rate as usize);
        tape.extend(&voice);
        let mut found = Vec::new();
        for block in tape.chunks_mut(rate as usize / 50) {
            gate.pass(block, |heard| found.push(heard));
        }
        assert_eq!(found.len(), 6, "{found:?}");
        let loudest = tape[..length].iter().map(|sample| sample.unsigned_abs()).max();
        assert!(loudest < Some(900), "{rate}: {loudest:?}");
        let late = rate as usize / 40;
        assert!((amplitude(&tape[length + late..], rate, 300.0) - 0.2).abs() < 0.001);
        assert_eq!(tape[length + late..], voice[..voice.len() - late]);
    }
}

#[test]
fn a_gate_leaves_speech_alone() {
    let spoken = speech(9, 8_000, 30);
    let (mut gate, mut passed) = (DigitGate::new(8_000).expect("a rate"), spoken.clone());
    for block in passed.chunks_mut(160) {
        gate.pass(block, |heard| panic!("{heard:?}"));
    }
    let changed = passed[200..].iter().zip(&spoken).filter(|(is, was)| is != was).count();
    assert!(changed < spoken.len() / 500, "{changed} of {}", spoken.len());
}

/// Digits of `milliseconds` as our own generator makes them, through a codec at a rate.
fn through(codec: Codec, rate: u32, milliseconds: u64) -> Vec<u8> {
    let mut tape = vec![0; rate as usize / 10];
    for key in KEYS {
        let tone = tone::digit(*key, Duration::from_millis(milliseconds)).expect("a key");
        let mut sound = vec![0; rate as usize];
        let length = ToneSource::new(&tone, rate).fill(&mut sound);
        tape.extend_from_slice(&sound[..length]);
        tape.resize(tape.len() + rate as usize * 6 / 100, 0);
    }
    tape.resize((tape.len() / (rate as usize / 50) + 5) * (rate as usize / 50), 0);
    let mut encoder = Encoder::new(codec, rate, OpusWish::default()).expect("an encoder");
    let mut decoder = Decoder::new(codec, rate).expect("a decoder");
    let mut out = Vec::new();
    for frame in tape.chunks_exact(rate as usize / 50) {
        let (mut payload, mut samples) = ([0; 2_000], [0; SAMPLES_MAX]);
        let length = encoder.encode(frame, &mut payload).expect("a payload");
        let length = decoder.decode(&payload[..length], &mut samples).expect("samples");
        out.extend_from_slice(&samples[..length]);
    }
    heard(rate, &out).iter().map(|(digit, _)| *digit).collect()
}

#[test]
fn our_own_digits_are_heard_through_every_codec() {
    for (codec, rate) in [
        (Codec::Pcmu, 8_000),
        (Codec::Pcma, 16_000),
        (Codec::G722, 16_000),
        (Codec::G722, 48_000),
        (Codec::L16 { rate: 48_000 }, 48_000),
    ] {
        assert_eq!(through(codec, rate, 50), KEYS, "{codec:?} at {rate}");
    }
    for rate in [8_000, 16_000, 48_000] {
        assert_eq!(through(Codec::Opus, rate, 80), KEYS, "Opus at {rate}");
    }
}

#[test]
fn a_digit_is_heard_over_the_echo_of_a_prompt() {
    let mut chance = Chance(12);
    let mut tape =
        pressed(b"1234567890", Press { milliseconds: 80.0, pause: 100.0, level: -7.0, ..PLAIN }, &mut chance);
    for (sample, prompt) in tape.iter_mut().zip(speech(77, 8_000, 60)) {
        *sample = sample.saturating_add(prompt / 8);
    }
    let heard: Vec<u8> = heard(8_000, &tape).iter().map(|(digit, _)| *digit).collect();
    assert_eq!(heard, b"1234567890");
}
