//! What a poor network does to a call, and what is measured of it; and silence that is described instead of sent.

use super::phone::{A, B, Call, Phone, plan};
use crate::media::command::{PayloadPair, StreamPlan};
use crate::media::desk::Incoming;
use crate::media::matrix::Matrix;
use crate::protocol::audio::codec::Codec;
use crate::protocol::audio::testing::{amplitude, decibels, noise, speech};
use std::time::Duration;

fn two(one: Codec, other: Codec) -> Call {
    let caller = Phone::new(A, plan(one)).sings(500.0, 0.1, 10);
    Call::new(vec![caller, Phone::new(B, plan(other)).sings(800.0, 0.1, 10)])
}

#[test]
fn a_twentieth_lost_is_concealed_in_each_codec() {
    for codec in [Codec::Pcmu, Codec::G722, Codec::Opus] {
        let mut call = two(codec, Codec::Pcma);
        call.phone_mut(A).loses_each = Some(20);
        call.desk.matrix(call.now, Matrix::of_two(A, B));
        call.run(400);
        let heard = call.phone(B).heard_between(1_000, 7_900);
        let level = decibels(amplitude(heard, 8_000, 500.0));
        assert!((level + 20.0).abs() < 1.0, "{codec:?}: {level} dB");
        let quiet = heard.chunks(80).filter(|piece| piece.iter().all(|sample| sample.abs() < 300)).count();
        assert!(quiet <= 2, "{codec:?}: {quiet} holes of 10 ms");
        assert!((call.phone(B).got.len()).abs_diff(400) <= 1, "each beat is sent");
    }
}

#[test]
fn jitter_of_sixty_milliseconds_is_played_smoothly_once_it_is_known() {
    let mut call = two(Codec::Pcmu, Codec::Pcma);
    call.phone_mut(A).late_by = |beat| usize::from(beat % 7 == 3) * 2 + usize::from(beat % 11 == 5);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    call.run(200);
    let before = call.desk.fared(A).discarded.expect("measured");
    call.run(280);
    let heard = call.phone(B).heard_between(4_000, 9_500);
    let quiet = heard.chunks(80).filter(|piece| piece.iter().all(|sample| sample.abs() < 300)).count();
    assert!(quiet <= 4, "{quiet} holes of 10 ms in 5.5 s");
    let discarded = call.desk.fared(A).discarded.expect("measured") - before;
    assert!(discarded < 10, "{discarded} of 280 packets could not be played");
}

#[test]
fn talk_silence_and_level_are_measured_and_an_echo_is_suspected() {
    let mut caller = Phone::new(A, plan(Codec::Pcmu));
    let talk = speech(3, 8_000, 20);
    caller.says = talk.clone();
    let mut callee = Phone::new(B, plan(Codec::Pcma));
    // What the caller says comes back a quarter of a second later, 16 dB lower.
    callee.says = vec![0; 2_000];
    callee.says.extend(talk.iter().map(|sample| sample / 6));
    let mut call = Call::new(vec![caller, callee]);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    call.run(1_000);
    let (said, echoed) = (call.desk.fared(A), call.desk.fared(B));
    let talked = said.talked.expect("measured");
    assert!(talked > Duration::from_secs(8) && talked < Duration::from_secs(20), "{talked:?}");
    let lower = echoed.level.expect("heard") - said.level.expect("heard");
    assert!((15..=17).contains(&lower), "{lower} dB");
    assert_eq!(echoed.echo_suspected, Some(true));
    let mut quiet = two(Codec::Pcmu, Codec::Pcma);
    quiet.desk.matrix(quiet.now, Matrix::of_two(A, B));
    quiet.run(300);
    assert_eq!(quiet.desk.fared(A).echo_suspected, Some(false));
}

#[test]
fn silence_is_described_where_both_sides_have_it_and_sounds_as_it_was() {
    let with_noise =
        |codec| StreamPlan { comfort_noise: Some(PayloadPair { receive: 13, send: 13, clock: 8_000 }), ..plan(codec) };
    let mut caller = Phone::new(A, plan(Codec::Pcmu)).sings(500.0, 0.1, 1);
    caller.says.extend(noise(1, 0.001, 8_000 * 4));
    caller.says.extend(crate::protocol::audio::testing::sine(8_000, 500.0, 0.1, 8_000));
    let mut call = Call::new(vec![caller, Phone::new(B, with_noise(Codec::Pcma))]);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    call.run(310);
    let got = &call.phone(B).got;
    let described: Vec<u8> = got.iter().filter(|got| got.payload_type == 13).map(|got| got.payload[0]).collect();
    assert!((2..8).contains(&described.len()), "told at once and now and then: {described:?}");
    assert!(described[1..].iter().all(|level| (55..=65).contains(level)), "{described:?}");
    let spoken = got.iter().filter(|got| got.payload_type == 8).count();
    assert!((90..140).contains(&spoken), "{spoken} packets of audio in two of six seconds");
    let again = got.iter().rposition(|got| got.marker).expect("audio begins again");
    assert!(got[again].passed > 0 && got[again].payload_type == 8);

    // And the other way round: what is described is heard as noise of that level.
    let mut call = Call::new(vec![Phone::new(A, with_noise(Codec::Pcmu)), Phone::new(B, plan(Codec::Pcma))]);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    let described =
        Incoming { payload_type: 13, marker: false, sequence: 1, timestamp: 8_000, ssrc: 7, payload: &[40] };
    call.desk.take(call.now, A, &described);
    call.run(100);
    let level = crate::protocol::audio::level::level(call.phone(B).heard_between(1_000, 1_900));
    assert!((37..=43).contains(&level), "-{level} dB");
}
