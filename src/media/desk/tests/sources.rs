//! Prompts, tones, feeds and taps as ends of the matrix.

use super::phone::{A, B, Call, Phone, plan};
use crate::base::id::CallId;
use crate::media::command::{Part, Playlist, Prompt, SourceId, TapChoice, TapId, Tone};
use crate::media::event::{Event, SourceOutcome};
use crate::media::matrix::{Hears, Matrix, Voice};
use crate::media::path::Path;
use crate::media::tap;
use crate::protocol::audio::codec::Codec;
use crate::protocol::audio::testing::{amplitude, decibels, sine};
use std::sync::Arc;
use std::time::Duration;

const PROMPT: SourceId = SourceId(1);
const MUSIC: SourceId = SourceId(2);

fn source(voice: SourceId, gain: i8) -> Hears {
    Hears { ear: A, voice: Voice::Source(voice), gain }
}

fn once(parts: Vec<Part>) -> Playlist {
    Playlist { parts, times: Some(1) }
}

fn prompt(rate: u32, samples: &[i16]) -> Part {
    Part::Prompt(Arc::new(Prompt::new("prompt", rate, samples).expect("a usual rate")))
}

fn ended(source: SourceId, outcome: SourceOutcome) -> Event {
    Event::SourceEnded { call: CallId(1), source, outcome }
}

#[test]
fn parts_join_without_a_missing_or_a_doubled_sample() {
    // One sine, cut at odd places into parts: the far end must hear one sine.
    for (rate, codec) in [(8_000, Codec::L16 { rate: 8_000 }), (16_000, Codec::L16 { rate: 16_000 })] {
        let whole = sine(rate, 440.0, 0.3, rate as usize * 2);
        let cuts = [0, 1_003, 1_004, 7_777, 12_345, whole.len()];
        let parts = cuts.windows(2).map(|cut| prompt(rate, &whole[cut[0]..cut[1]])).collect();
        let mut call = Call::new(vec![Phone::new(A, plan(codec))]);
        call.desk.matrix(call.now, Matrix { pairs: vec![source(PROMPT, 0)] });
        call.desk.play(call.now, PROMPT, once(parts));
        call.run(110);
        let heard = &call.phone(A).heard;
        // The narrower renditions of a wide prompt are not used here, so that each sample is the one that was recorded.
        assert_eq!(&heard[..whole.len()], &whole[..], "{rate}");
        assert_eq!(call.events, [ended(PROMPT, SourceOutcome::Finished)]);
        assert_eq!(call.desk.path(), Path::Held, "and the desk is left");
    }
}

#[test]
fn a_prompt_is_heard_in_each_codec_at_its_level() {
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus] {
        for rate in [8_000, 11_025, 16_000, 44_100, 48_000] {
            let mut call = Call::new(vec![Phone::new(A, plan(codec))]);
            call.desk.play(call.now, PROMPT, once(vec![prompt(rate, &sine(rate, 1_000.0, 0.2, rate as usize * 2))]));
            call.desk.matrix(call.now, Matrix { pairs: vec![source(PROMPT, -3)] });
            call.run(120);
            let phone = call.phone(A);
            let level = decibels(amplitude(phone.heard_between(500, 1_800), phone.rate(), 1_000.0));
            assert!((level - decibels(0.2) + 3.0).abs() < 1.0, "{codec:?} from {rate}: {level} dB");
            assert_eq!(call.events, [ended(PROMPT, SourceOutcome::Finished)]);
        }
    }
}

#[test]
fn several_sources_sound_at_once_and_each_ends_by_itself() {
    let mut call = Call::new(vec![Phone::new(A, plan(Codec::Pcmu))]);
    call.desk.matrix(call.now, Matrix { pairs: vec![source(PROMPT, 0), source(MUSIC, -10)] });
    let tone = Tone::repeated([600, 0, 0, 0], 10, [400, 0]);
    call.desk.play(
        call.now,
        MUSIC,
        Playlist { parts: vec![prompt(8_000, &sine(8_000, 300.0, 0.3, 4_000))], times: None },
    );
    let parts = vec![
        Part::Silence(Duration::from_millis(500)),
        Part::Tone(Tone { lasts: Some(Duration::from_millis(500)), ..tone }),
    ];
    call.desk.play(call.now, PROMPT, Playlist { parts, times: Some(2) });
    call.run(110);
    assert_eq!(call.events, [ended(PROMPT, SourceOutcome::Finished)]);
    let level = |hertz, from, to| decibels(amplitude(call.phone(A).heard_between(from, to), 8_000, hertz));
    assert!((level(300.0, 100, 2_100) - decibels(0.3) + 10.0).abs() < 0.5, "music all the time");
    for (from, to, sounds) in [(50, 450, false), (550, 950, true), (1_050, 1_450, false), (1_550, 1_950, true)] {
        assert_eq!(level(600.0, from, to) > -12.0, sounds, "{from}");
    }
    call.desk.stop(call.now, MUSIC);
    call.run(1);
    assert_eq!(call.events[1..], [ended(MUSIC, SourceOutcome::Stopped)]);
    assert_eq!((call.desk.path(), call.desk.deadline()), (Path::Held, None));
}

#[test]
fn a_source_that_nobody_hears_ends_in_its_time_and_keeps_nobody_from_being_forwarded() {
    let mut call = Call::new(vec![Phone::new(A, plan(Codec::Pcmu)), Phone::new(B, plan(Codec::Pcmu))]);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    call.desk.play(call.now, PROMPT, once(vec![Part::Silence(Duration::from_secs(1))]));
    assert_eq!(call.desk.path(), Path::Forward);
    call.run(49);
    assert_eq!(call.events, []);
    call.run(2);
    assert_eq!(call.events, [ended(PROMPT, SourceOutcome::Finished)]);
    assert_eq!(call.desk.deadline(), None);
}

#[test]
fn what_has_nothing_to_play_ends_at_once_and_never_turns_for_ever() {
    for (parts, times) in
        [(vec![], None), (vec![Part::Silence(Duration::ZERO)], None), (vec![prompt(8_000, &[])], Some(5))]
    {
        let mut call = Call::new(vec![Phone::new(A, plan(Codec::Pcmu))]);
        call.desk.play(call.now, PROMPT, Playlist { parts, times });
        call.run(2);
        assert_eq!(call.events, [ended(PROMPT, SourceOutcome::Finished)]);
    }
}

#[test]
fn the_end_of_a_call_ends_its_sources_and_taps() {
    let mut call = Call::new(vec![Phone::new(A, plan(Codec::Pcmu))]);
    let (out, _listener) = tap::tap(100, 8);
    call.desk.play(call.now, MUSIC, Playlist { parts: vec![Part::Silence(Duration::from_secs(1))], times: None });
    call.desk.tap(call.now, TapId(1), TapChoice::Stereo { leg: A, rate: 8_000 }, out);
    call.desk.close(call.now, A);
    call.run(1);
    let tap_ended = Event::TapEnded { call: CallId(1), tap: TapId(1) };
    assert_eq!(call.events, [ended(MUSIC, SourceOutcome::Stopped), tap_ended]);
    assert_eq!(call.desk.deadline(), None);
}

#[test]
fn a_tap_has_the_caller_on_the_left_and_what_it_hears_on_the_right() {
    let phones = vec![
        Phone::new(A, plan(Codec::Pcmu)).sings(500.0, 0.1, 4),
        Phone::new(B, plan(Codec::Pcmu)).sings(800.0, 0.2, 4),
    ];
    let mut call = Call::new(phones);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    assert_eq!(call.desk.path(), Path::Forward);
    let (out, listener) = tap::tap(100, 64);
    call.desk.tap(call.now, TapId(1), TapChoice::Stereo { leg: A, rate: 16_000 }, out);
    assert_eq!(call.desk.path(), Path::Desk, "a tap needs the audio");
    call.run(150);
    call.desk.stop_tap(call.now, TapId(1));
    assert_eq!(call.desk.path(), Path::Forward);
    let samples: Vec<i16> = listener.try_iter().flat_map(|block| block.samples).collect();
    assert_eq!(samples.len() / 2, 48_000, "three seconds");
    let side = |at: usize| samples.iter().skip(at + 16_000).step_by(2).copied().collect::<Vec<i16>>();
    for (tape, hertz, share) in [(side(0), 500.0, 0.1), (side(1), 800.0, 0.2)] {
        let level = decibels(amplitude(&tape, 16_000, hertz));
        assert!((level - decibels(share)).abs() < 0.5, "{hertz} Hz at {level} dB");
        let other = decibels(amplitude(&tape, 16_000, 1_300.0 - hertz));
        assert!(other < -55.0, "the other side at {other} dB");
    }
}

#[test]
fn an_outside_voice_talks_and_listens() {
    let mut call = Call::new(vec![Phone::new(A, plan(Codec::Pcma)).sings(500.0, 0.1, 4)]);
    let (giver, from) = tap::feed(16_000, 200);
    let (out, listener) = tap::tap(20, 200);
    call.desk.feed(call.now, PROMPT, from);
    call.desk.tap(call.now, TapId(1), TapChoice::Spoken { leg: A, rate: 16_000 }, out);
    call.desk.matrix(call.now, Matrix { pairs: vec![source(PROMPT, 0)] });
    sine(16_000, 900.0, 0.2, 32_000).chunks(320).for_each(|block| giver.try_send(block.into()).expect("room"));
    call.run(90);
    let level = decibels(amplitude(call.phone(A).heard_between(200, 1_700), 8_000, 900.0));
    assert!((level - decibels(0.2)).abs() < 0.5, "the voice from outside at {level} dB");
    let listened: Vec<i16> = listener.try_iter().flat_map(|block| block.samples).collect();
    assert!((decibels(amplitude(&listened[8_000..24_000], 16_000, 500.0)) + 20.0).abs() < 0.5);
    drop(giver);
    call.run(30);
    assert_eq!(call.events, [ended(PROMPT, SourceOutcome::Finished)]);
}

#[test]
fn a_message_that_only_a_tap_hears_is_taken_at_its_width() {
    for (codec, rate, width) in
        [(Codec::Opus, 16_000, 16_000), (Codec::G722, 48_000, 16_000), (Codec::Pcmu, 16_000, 8_000)]
    {
        let mut call = Call::new(vec![Phone::new(A, plan(codec))]);
        let (out, _listener) = tap::tap(100, 8);
        call.desk.tap(call.now, TapId(1), TapChoice::Spoken { leg: A, rate }, out);
        assert_eq!(call.desk.rate(), Some(width), "{codec:?}");
    }
}
