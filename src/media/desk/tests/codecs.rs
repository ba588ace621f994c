//! Every codec to every other, at every packet time, both ways at once.

use super::phone::{A, B, Call, Phone, plan};
use crate::media::command::StreamPlan;
use crate::media::desk::Timing;
use crate::media::matrix::Matrix;
use crate::media::path::Path;
use crate::protocol::audio::codec::Codec;
use crate::protocol::audio::testing::{amplitude, decibels};

const CODECS: [Codec; 6] =
    [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus, Codec::L16 { rate: 8_000 }, Codec::L16 { rate: 16_000 }];

fn level(tape: &[i16], rate: u32, hertz: f64) -> f64 {
    decibels(amplitude(tape, rate, hertz))
}

#[test]
fn a_tone_on_one_side_is_the_same_tone_on_the_other_in_all_pairs_of_codecs_both_ways() {
    for one in CODECS {
        for other in CODECS {
            let mut call = Call::new(vec![
                Phone::new(A, plan(one)).sings(1_000.0, 0.2, 3),
                Phone::new(B, plan(other)).sings(700.0, 0.1, 3),
            ]);
            call.desk.matrix(call.now, Matrix::of_two(A, B));
            assert_eq!(call.desk.path(), if one == other { Path::Forward } else { Path::Desk });
            if one == other {
                continue;
            }
            call.run(150);
            for (ear, hertz, share, absent) in [(B, 1_000.0, 0.2, 700.0), (A, 700.0, 0.1, 1_000.0)] {
                let phone = call.phone(ear);
                let tape = phone.heard_between(1_000, 2_900);
                let (heard, expected) = (level(tape, phone.rate(), hertz), decibels(share));
                assert!((heard - expected).abs() < 1.0, "{one:?} {other:?}: {hertz} Hz at {heard} dB, not {expected}");
                let own = level(tape, phone.rate(), absent);
                assert!(own < expected - 35.0, "{one:?} {other:?}: own voice at {own} dB");
            }
        }
    }
}

#[test]
fn packets_of_one_length_become_packets_of_another() {
    for codec in [Codec::Pcmu, Codec::G722, Codec::Opus] {
        for (heard_in, sent_in) in [(20, 10), (10, 20), (20, 30), (30, 20), (20, 40), (60, 20), (20, 60), (30, 40)] {
            // libopus has no frames of 30 ms: a far end of Opus does not send them, and we send 20 instead.
            if codec == Codec::Opus && heard_in == 30 {
                continue;
            }
            let case = format!("{codec:?}, {heard_in} to {sent_in} ms");
            let voice = StreamPlan { ptime: heard_in, ..plan(codec) };
            let ear = StreamPlan { ptime: sent_in, ..plan(codec) };
            let mut call = Call::new(vec![Phone::new(A, voice).sings(1_000.0, 0.2, 4), Phone::new(B, ear)]);
            call.desk.matrix(call.now, Matrix::of_two(A, B));
            assert_eq!(call.desk.path(), Path::Desk, "{case}");
            call.run(180);
            let phone = call.phone(B);
            let level = level(phone.heard_between(1_000, 3_400), phone.rate(), 1_000.0);
            assert!((level - decibels(0.2)).abs() < 1.0, "{case}: {level} dB");
            let real = if codec == Codec::Opus && sent_in == 30 { 20 } else { u32::from(sent_in) };
            let ticks = codec.clock() / 1_000 * real;
            assert!(phone.got.iter().all(|got| got.timing == Timing::Audio { ticks } && got.passed == 0), "{case}");
            let expected = 3_600 / real as usize;
            assert!(phone.got.len().abs_diff(expected) <= 2, "{case}: {} packets, not {expected}", phone.got.len());
        }
    }
}
