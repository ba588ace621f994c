//! Key presses of every form into every form: each exactly once.

use super::phone::{A, B, Call, Phone, plan};
use crate::media::command::{DigitForm, SentDigit, StreamPlan};
use crate::media::matrix::Matrix;
use crate::media::path::Path;
use crate::protocol::audio::codec::Codec;
use crate::protocol::audio::testing::amplitude;
use crate::protocol::audio::tone::{self, HIGH_GROUP, LOW_GROUP, ToneSource};
use std::time::Duration;

const NUMBER: &str = "1590*#A";

/// The digits that sound on a tape, by the loudest of each group in frames of 20 ms.
pub fn tones_heard(tape: &[i16], rate: u32) -> String {
    let mut digits = String::new();
    let mut before = None;
    for frame in tape.chunks_exact(rate as usize / 50) {
        let loudest = |group: [u16; 4]| {
            let levels = group.map(|hertz| amplitude(frame, rate, f64::from(hertz)));
            let best = (0..4).max_by(|a, b| levels[*a].total_cmp(&levels[*b])).expect("four");
            (levels[best] > 0.1).then_some(best)
        };
        let now =
            loudest(LOW_GROUP).zip(loudest(HIGH_GROUP)).map(|(row, column)| char::from(tone::DIGITS[row][column]));
        if now != before {
            digits.extend(now);
        }
        before = now;
    }
    digits
}

fn with(codec: Codec, form: DigitForm) -> StreamPlan {
    StreamPlan { dtmf_out: form, ..plan(codec) }
}

fn press(call: &mut Call, number: &str) {
    for key in number.bytes() {
        assert!(call.phone_mut(A).keys.push(key, Duration::from_millis(100), Duration::from_millis(80)));
    }
    call.run_for(Duration::from_millis(400 * number.len() as u64 + 1_000));
}

fn told(leg: u8, number: &str) -> String {
    number.chars().map(|key| format!("{leg}{key}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn events_cross_as_they_are_on_a_call_that_is_forwarded() {
    let mut call = Call::new(vec![Phone::new(A, plan(Codec::Pcmu)), Phone::new(B, plan(Codec::Pcmu))]);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    press(&mut call, NUMBER);
    assert_eq!(call.desk.path(), Path::Forward);
    assert_eq!(call.phone_mut(B).keys_heard(), NUMBER);
    assert_eq!(call.digits_told(), told(0, NUMBER));
}

#[test]
fn events_become_events_between_two_codecs() {
    let mut call = Call::new(vec![Phone::new(A, plan(Codec::Pcmu)), Phone::new(B, plan(Codec::Opus))]);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    press(&mut call, NUMBER);
    assert_eq!(call.phone_mut(B).keys_heard(), NUMBER);
    assert_eq!(call.digits_told(), told(0, NUMBER));
}

#[test]
fn events_become_tones_for_a_peer_that_wants_or_needs_them_and_the_call_is_forwarded_again() {
    for form in [DigitForm::InBand, DigitForm::TelephoneEvent] {
        for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722] {
            let mut ear = with(codec, form);
            ear.telephone_event = None;
            let caller = Phone::new(A, plan(Codec::Pcmu));
            let mut call = Call::new(vec![caller, Phone::new(B, ear)]);
            call.desk.matrix(call.now, Matrix::of_two(A, B));
            let path = call.desk.path();
            press(&mut call, NUMBER);
            let heard = call.phone(B);
            assert_eq!(tones_heard(&heard.heard, heard.rate()), NUMBER, "{form:?} {codec:?}");
            assert_eq!(call.digits_told(), told(0, NUMBER));
            assert_eq!(call.desk.path(), path, "the desk is left when the last digit has been sent");
        }
    }
}

#[test]
fn events_for_a_peer_of_info_are_only_told() {
    for codec in [Codec::Pcmu, Codec::Pcma] {
        let ear = Phone::new(B, with(codec, DigitForm::Info));
        let mut call = Call::new(vec![Phone::new(A, plan(Codec::Pcmu)), ear]);
        call.desk.matrix(call.now, Matrix::of_two(A, B));
        press(&mut call, NUMBER);
        assert_eq!(call.phone_mut(B).keys_heard(), "");
        assert_eq!(tones_heard(&call.phone(B).heard, 8_000), "");
        assert_eq!(call.digits_told(), told(0, NUMBER));
    }
}

#[test]
fn digits_that_the_core_sends_take_the_form_of_the_leg() {
    for form in [DigitForm::TelephoneEvent, DigitForm::InBand] {
        let mut call = Call::new(vec![Phone::new(A, with(Codec::Pcmu, form))]);
        let sent = NUMBER.bytes().map(|digit| {
            let (lasts, pause_after) = (Duration::from_millis(100), Duration::from_millis(60));
            SentDigit { digit, lasts, pause_after }
        });
        let sent: Vec<SentDigit> = sent.collect();
        assert_eq!(call.desk.path(), Path::Held);
        call.desk.send_digits(call.now, A, &sent);
        call.run(150);
        assert_eq!(call.desk.path(), Path::Held, "and nothing is left to do");
        assert_eq!(call.desk.deadline(), None);
        let heard = if form == DigitForm::InBand {
            tones_heard(&call.phone(A).heard, 8_000)
        } else {
            call.phone_mut(A).keys_heard()
        };
        assert_eq!(heard, NUMBER, "{form:?}");
    }
}

#[test]
fn a_key_that_sounds_as_well_is_heard_as_its_event_only() {
    // The far end sends both: its audio is a tone for as long as the key is down.
    let caller = Phone::new(A, plan(Codec::Pcma)).sings(697.0, 0.2, 2);
    let mut call = Call::new(vec![caller, Phone::new(B, plan(Codec::Pcmu))]);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    assert!(call.phone_mut(A).keys.push(b'1', Duration::from_millis(1_800), Duration::ZERO));
    call.run(95);
    let heard = amplitude(call.phone(B).heard_between(300, 1_700), 8_000, 697.0);
    assert!(heard < 0.001, "the sound of the key at {heard}");
}

#[test]
fn a_key_whose_end_is_lost_is_told_all_the_same() {
    let mut call = Call::new(vec![Phone::new(A, plan(Codec::Pcmu)), Phone::new(B, plan(Codec::Pcmu))]);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    assert!(call.phone_mut(A).keys.push(b'7', Duration::from_secs(5), Duration::ZERO));
    call.run(10);
    // The phone falls silent with the key down.
    call.phone_mut(A).keys = crate::protocol::rtp::telephone_event::EventSender::new(8_000);
    call.run(40);
    assert_eq!(call.digits_told(), "07");
}

/// A tape on which a number is dialled in tones.
fn dialled(number: &str, rate: u32) -> Vec<i16> {
    dialled_at(number, rate, 90)
}

/// Each key sounds so many milliseconds, and is followed by as many of silence.
fn dialled_at(number: &str, rate: u32, millis: u32) -> Vec<i16> {
    let count = (rate * millis / 1_000) as usize;
    let mut tape = vec![0; rate as usize / 2];
    for digit in number.bytes() {
        let tone = tone::digit(digit, Duration::from_millis(u64::from(millis))).expect("a key");
        let mut sound = vec![0; count];
        ToneSource::new(&tone, rate).fill(&mut sound);
        tape.extend(sound);
        tape.extend(vec![0; count]);
    }
    tape.extend(vec![0; rate as usize]);
    tape
}

/// A call from somebody who dials in tones.
fn tone_dialler(codec: Codec, ear: StreamPlan) -> Call {
    let mut caller = Phone::new(A, StreamPlan { detect_in_band: true, ..plan(codec) });
    caller.says = dialled(NUMBER, caller.rate());
    let mut call = Call::new(vec![caller, Phone::new(B, ear)]);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    call.run(160);
    call
}

#[test]
fn tones_become_events_and_leave_the_audio() {
    for voice in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::L16 { rate: 16_000 }] {
        for ear in [Codec::Pcmu, Codec::G722, Codec::Opus] {
            let mut call = tone_dialler(voice, plan(ear));
            assert_eq!(call.digits_told(), told(0, NUMBER), "{voice:?} {ear:?}");
            assert_eq!(call.phone_mut(B).keys_heard(), NUMBER, "{voice:?} {ear:?}");
            let heard = call.phone(B);
            assert_eq!(tones_heard(&heard.heard, heard.rate()), "", "{voice:?} {ear:?}: nothing sounds beside them");
        }
    }
}

#[test]
fn tones_stay_tones_for_a_peer_that_wants_tones_and_are_told_once() {
    for codec in [Codec::Pcmu, Codec::G722] {
        let mut call = tone_dialler(Codec::Pcma, with(codec, DigitForm::InBand));
        assert_eq!(call.digits_told(), told(0, NUMBER));
        let heard = call.phone(B);
        assert_eq!(tones_heard(&heard.heard, heard.rate()), NUMBER, "each once");
        assert_eq!(call.phone_mut(B).keys_heard(), "");
    }
}

#[test]
fn tones_for_a_peer_of_info_are_told_and_taken_out() {
    let call = tone_dialler(Codec::Pcmu, with(Codec::Pcma, DigitForm::Info));
    assert_eq!(call.digits_told(), told(0, NUMBER));
    assert_eq!(tones_heard(&call.phone(B).heard, 8_000), "");
}

/// As fast as people and programs dial ahead.
const FAST: &str = "1234567890*#5512309876";

#[test]
fn ten_keys_a_second_are_all_told_as_events() {
    let mut call = Call::new(vec![Phone::new(A, plan(Codec::Pcmu)), Phone::new(B, plan(Codec::Opus))]);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    for key in FAST.bytes() {
        assert!(call.phone_mut(A).keys.push(key, Duration::from_millis(50), Duration::from_millis(50)));
    }
    call.run_for(Duration::from_millis(130 * FAST.len() as u64 + 1_000));
    assert_eq!(call.digits_told(), told(0, FAST));
    assert_eq!(call.phone_mut(B).keys_heard(), FAST);
}

#[test]
fn ten_keys_a_second_are_all_told_as_tones() {
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722] {
        let mut caller = Phone::new(A, StreamPlan { detect_in_band: true, ..plan(codec) });
        caller.says = dialled_at(FAST, caller.rate(), 50);
        let mut call = Call::new(vec![caller, Phone::new(B, plan(Codec::Pcmu))]);
        call.desk.matrix(call.now, Matrix::of_two(A, B));
        call.run(250);
        assert_eq!(call.digits_told(), told(0, FAST), "{codec:?}");
    }
}

#[test]
fn a_key_that_comes_as_event_and_as_tone_is_one_key() {
    let mut caller = Phone::new(A, StreamPlan { detect_in_band: true, ..plan(Codec::Pcmu) });
    caller.says = dialled("55", 8_000);
    let mut call = Call::new(vec![caller, Phone::new(B, plan(Codec::Pcma))]);
    call.desk.matrix(call.now, Matrix::of_two(A, B));
    // The event goes with the sound: both begin after half a second.
    call.run(25);
    for _ in 0..2 {
        assert!(call.phone_mut(A).keys.push(b'5', Duration::from_millis(90), Duration::from_millis(50)));
    }
    call.run(60);
    assert_eq!(call.digits_told(), "05 05");
    assert_eq!(call.phone_mut(B).keys_heard(), "55");
}
