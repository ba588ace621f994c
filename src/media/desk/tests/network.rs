//! What a poor network does to a call, and what is measured of it; and silence that is described instead of sent.

use super::phone::{A, B, Call, Phone, plan};
use crate::media::command::{OpusWish, PayloadPair, StreamPlan};
use crate::media::desk::{Incoming, Timing};
use crate::media::matrix::Matrix;
use crate::protocol::audio::codec::Codec;
use crate::protocol::audio::testing::{amplitude, decibels, noise, sine, speech};
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
    caller.says.extend(sine(8_000, 500.0, 0.1, 8_000));
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

#[test]
fn a_clock_that_drifts_is_followed_for_minutes_without_a_hole_and_without_growing_delay() {
    for (codec, ppm) in [(Codec::Pcmu, 200), (Codec::Pcmu, -200), (Codec::G722, 200), (Codec::Opus, -200)] {
        let minutes = if codec == Codec::Pcmu { 10 } else { 4 };
        let mut caller = Phone::new(A, plan(codec)).sings(500.0, 0.1, 60 * minutes + 2);
        caller.ahead_ppm = ppm;
        let mut call = Call::new(vec![caller, Phone::new(B, plan(Codec::Pcma))]);
        call.desk.matrix(call.now, Matrix::of_two(A, B));
        let mut longest = Duration::ZERO;
        for _ in 0..60 * minutes {
            call.run_for(Duration::from_secs(1));
            longest = longest.max(call.desk.wait(A, call.now).expect("it is heard"));
        }
        let what = format!("{codec:?} {ppm:+} ppm");
        // Uncorrected it would be a tenth of a second more, or as often a hole.
        assert!(longest <= Duration::from_millis(70), "{what}: audio waited {longest:?}");
        assert_eq!(call.desk.fared(A).discarded, Some(0), "{what}");
        let heard = call.phone(B).heard_between(2_000, 60_000 * minutes);
        let level = decibels(amplitude(&heard[heard.len() - 8_000..], 8_000, 500.0));
        assert!((level + 20.0).abs() < 1.0, "{what}: {level} dB at the end");
        let quiet = heard.chunks(80).filter(|piece| piece.iter().all(|sample| sample.abs() < 300)).count();
        assert_eq!(quiet, 0, "{what}: holes of 10 ms in {minutes} minutes");
    }
}

fn with_dtx() -> StreamPlan {
    let plain = plan(Codec::Opus);
    StreamPlan { opus: OpusWish { discontinuous: true, ..plain.opus }, ..plain }
}

#[test]
fn opus_says_next_to_nothing_in_silence_and_talk_after_it_begins_anew_in_its_time() {
    let mut caller = Phone::new(A, plan(Codec::Pcmu));
    let talk = speech(5, 8_000, 2);
    caller.says = [talk.clone(), vec![0; 8_000 * 6], talk].concat();
    let mut call = Call::new(vec![caller, Phone::new(B, with_dtx())]);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    call.run(520);
    let got = &call.phone(B).got;
    assert!(got.len() < 300, "{} packets for four of ten seconds", got.len());
    let passed: u32 = got.iter().map(|got| got.passed).sum();
    let spoken: u32 = got.iter().map(|got| if let Timing::Audio { ticks } = got.timing { ticks } else { 0 }).sum();
    let beats = u64::from(passed + spoken) * 50 / 48_000;
    assert!((495..=520).contains(&beats), "timestamps go on in silence: {beats} beats");
    let gap = got.iter().max_by_key(|got| got.passed).expect("packets");
    assert!(gap.marker && gap.passed > 48_000 / 10, "talk after silence is marked: {gap:?}");
}

#[test]
fn silence_of_an_opus_peer_is_no_loss_and_its_talk_is_heard_again() {
    let mut talker = Phone::new(A, with_dtx());
    let talk = speech(5, 48_000, 2);
    talker.says = [talk.clone(), vec![0; 48_000 * 4], talk].concat();
    let mut call = Call::new(vec![talker, Phone::new(B, plan(Codec::Pcmu))]);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    call.run(410);
    let level = |from, to| crate::protocol::audio::level::level(call.phone(B).heard_between(from, to));
    let (first, between, again) = (level(100, 2_000), level(3_000, 5_900), level(6_100, 8_000));
    assert!(first < 35 && again.abs_diff(first) <= 2 && between > 60, "-{first} dB, -{between} dB, -{again} dB");
    assert_eq!(call.desk.fared(A).discarded, Some(0));
}
