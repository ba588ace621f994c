//! Who hears whom: conferences, whispers, holds, gains, and calls that change their way.

use super::phone::{A, B, C, Call, Phone, plan};
use crate::base::id::LegId;
use crate::media::matrix::{Hears, Matrix, Voice};
use crate::media::path::Path;
use crate::protocol::audio::codec::Codec;
use crate::protocol::audio::testing::{amplitude, decibels};

fn hears(ear: LegId, voice: LegId, gain: i8) -> Hears {
    Hears { ear, voice: Voice::Leg(voice), gain }
}

/// How loud a frequency is in what a leg hears between two moments, in decibels.
fn heard(call: &Call, leg: LegId, hertz: f64, span: (usize, usize)) -> f64 {
    let phone = call.phone(leg);
    decibels(amplitude(phone.heard_between(span.0, span.1), phone.rate(), hertz))
}

#[test]
fn thirty_two_members_of_four_codecs_hear_all_others_and_not_themselves() {
    let codecs = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus];
    let legs: Vec<LegId> = (0..32).map(LegId).collect();
    let hertz = |leg: LegId| 300.0 + 50.0 * f64::from(leg.0);
    let phones = legs.iter().zip(codecs.iter().cycle());
    let phones = phones.map(|(leg, codec)| Phone::new(*leg, plan(*codec)).sings(hertz(*leg), 0.02, 2)).collect();
    let mut call = Call::new(phones);
    let mut matrix = Matrix::default();
    for ear in &legs {
        matrix.pairs.extend(legs.iter().filter(|voice| *voice != ear).map(|voice| hears(*ear, *voice, 0)));
    }
    call.desk.matrix(call.now, matrix);
    call.run(100);
    for ear in &legs {
        let own = heard(&call, *ear, hertz(*ear), (800, 1_800));
        // An encoder of speech does not keep 31 tones apart; those of waveforms do.
        if codecs[usize::from(ear.0) % 4] != Codec::Opus {
            assert!(own < decibels(0.02) - 15.0, "{ear} hears itself at {own} dB");
            for voice in legs.iter().filter(|voice| *voice != ear && voice.0 % 4 < 3) {
                let level = heard(&call, *ear, hertz(*voice), (800, 1_800));
                assert!((level - decibels(0.02)).abs() < 1.5, "{ear} hears {voice} at {level} dB");
            }
        }
    }
}

#[test]
fn a_whisper_reaches_one_ear_only_and_at_its_gain() {
    let phones = vec![
        Phone::new(A, plan(Codec::Pcmu)).sings(500.0, 0.1, 3),
        Phone::new(B, plan(Codec::G722)).sings(800.0, 0.1, 3),
        Phone::new(C, plan(Codec::Pcma)).sings(1_300.0, 0.1, 3),
    ];
    let mut call = Call::new(phones);
    let mut matrix = Matrix::of_two(A, B);
    matrix.pairs.extend([hears(B, C, -6), hears(C, A, 0), hears(C, B, 0)]);
    call.desk.matrix(call.now, matrix);
    call.run(140);
    let span = (1_000, 2_700);
    for (ear, voice, expected) in [
        (A, 800.0, Some(-20.0)),
        (A, 1_300.0, None),
        (B, 500.0, Some(-20.0)),
        (B, 1_300.0, Some(-26.0)),
        (C, 500.0, Some(-20.0)),
        (C, 800.0, Some(-20.0)),
        (C, 1_300.0, None),
    ] {
        let level = heard(&call, ear, voice, span);
        match expected {
            Some(expected) => assert!((level - expected).abs() < 0.5, "{ear} hears {voice} Hz at {level} dB"),
            None => assert!(level < -60.0, "{ear} hears {voice} Hz at {level} dB"),
        }
    }
}

#[test]
fn mute_and_hold_are_silence_at_once_and_end_at_once() {
    let phones = vec![
        Phone::new(A, plan(Codec::Pcmu)).sings(500.0, 0.1, 6),
        Phone::new(B, plan(Codec::Pcma)).sings(800.0, 0.1, 6),
    ];
    let mut call = Call::new(phones);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    call.run(100);
    call.desk.matrix(call.now, Matrix { pairs: vec![hears(A, B, 0)] });
    let sent = call.phone(B).got.len();
    call.run(50);
    assert_eq!(call.phone(B).got.len(), sent, "nothing is sent to an ear that hears nobody");
    assert!(heard(&call, A, 800.0, (2_100, 2_900)) > -21.0, "the other way goes on");
    call.desk.matrix(call.now, Matrix::default());
    assert_eq!((call.desk.path(), call.desk.deadline()), (Path::Held, None));
    call.run(50);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    call.run(80);
    let back = call.phone(B).heard.len();
    let tail = &call.phone(B).heard[back - 8_000..];
    assert!((decibels(amplitude(tail, 8_000, 500.0)) + 20.0).abs() < 0.5, "heard again");
    let resumed = &call.phone(B).got[sent];
    assert!(resumed.marker, "audio that begins again says so");
}

#[test]
fn a_call_grows_from_two_to_three_and_back_without_a_gap_in_its_audio() {
    let phones = vec![
        Phone::new(A, plan(Codec::Pcmu)).sings(500.0, 0.1, 8),
        Phone::new(B, plan(Codec::Pcma)).sings(800.0, 0.1, 8),
        Phone::new(C, plan(Codec::Opus)).sings(1_300.0, 0.1, 8),
    ];
    let mut call = Call::new(phones);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    call.run(100);
    let mut matrix = Matrix::of_two(A, B);
    matrix.pairs.extend([hears(C, A, 0), hears(C, B, 0), hears(A, C, 0), hears(B, C, 0)]);
    call.desk.matrix(call.now, matrix);
    call.run(100);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    call.run(100);
    assert!((call.phone(B).got.len()).abs_diff(300) <= 1, "one packet a beat: {}", call.phone(B).got.len());
    for second in 1..6 {
        for (from, to) in [(second * 1_000, second * 1_000 + 500), (second * 1_000 + 500, second * 1_000 + 990)] {
            let level = heard(&call, B, 500.0, (from, to));
            assert!((level + 20.0).abs() < 0.7, "{level} dB from {from} ms");
        }
    }
    assert!(heard(&call, B, 1_300.0, (2_500, 3_900)) > -22.0 && heard(&call, B, 1_300.0, (4_500, 5_900)) < -50.0);
}

#[test]
fn a_wide_pair_keeps_its_width_and_a_narrow_one_needs_none() {
    for (one, other, rate) in [
        (Codec::Pcmu, Codec::Opus, 8_000),
        (Codec::G722, Codec::Opus, 16_000),
        (Codec::G722, Codec::Pcma, 8_000),
        (Codec::L16 { rate: 48_000 }, Codec::Opus, 48_000),
        (Codec::L16 { rate: 32_000 }, Codec::Opus, 48_000),
    ] {
        let mut call = Call::new(vec![Phone::new(A, plan(one)), Phone::new(B, plan(other))]);
        call.desk.matrix(call.now, Matrix::of_two(A, B));
        assert_eq!(call.desk.rate(), Some(rate), "{one:?} {other:?}");
    }
    let mut call =
        Call::new(vec![Phone::new(A, plan(Codec::G722)).sings(5_000.0, 0.1, 3), Phone::new(B, plan(Codec::Opus))]);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    call.run(100);
    let level = heard(&call, B, 5_000.0, (1_000, 1_900));
    assert!((level + 20.0).abs() < 2.0, "5 kHz at {level} dB");
}
