//! Specification of what is only heard, and of who takes the call.

use super::rig::*;
use crate::domain::flow::act::*;
use crate::domain::flow::definition::*;
use crate::domain::flow::interface::*;
use crate::domain::flow::memory::Memory;
use std::time::Duration;

fn explicit(draft: crate::domain::flow::draft::FlowDraft) -> crate::domain::flow::draft::FlowDraft {
    let options = FlowOptions { answer: AnswerMode::Explicit, ..FlowOptions::default() };
    crate::domain::flow::draft::FlowDraft { options, ..draft }
}

#[test]
fn a_prompt_that_was_heard_is_a_success_and_one_that_cannot_be_had_an_error() {
    for (ok, outcome) in [(true, "success"), (false, "error")] {
        let mut rig = Rig::new(one(Kind::Inbound, play("Hello")));
        rig.heard(ok);
        assert_eq!(rig.at(), outcome);
    }
}

#[test]
fn a_prompt_that_never_ends_is_stopped_and_an_error() {
    let mut rig = Rig::new(one(Kind::Inbound, play("Hello")));
    let ticket = rig.ticket();
    rig.wait(seconds(15 * 60));
    assert!(rig.wishes.contains(&FlowWish::StopPlaying { ticket }));
    assert_eq!(rig.at(), "error");
}

#[test]
fn several_sounds_are_one_playlist_with_the_language_of_the_call() {
    let sounds = vec![
        SoundSpec::Prompt(text("en/you-have")),
        SoundSpec::Say(Spoken::Number, text("$.Attributes.count")),
        SoundSpec::Ssml(text("<speak>$.Attributes.name</speak>")),
        SoundSpec::Tone(Tone::Beep),
        SoundSpec::Silence(seconds(1)),
    ];
    let mut memory = Memory::new(&origin());
    memory.know("LanguageCode", crate::domain::flow::value::Value::text("ja-JP"));
    for (name, value) in [("count", "3"), ("name", "A & <B>")] {
        assert!(memory.set_attribute(Scope::Call, name, crate::domain::flow::value::Value::text(value), false));
    }
    let act = Act::Play(Play { sounds, is_interruptible: false });
    let rig = Rig::with(vec![one(Kind::Inbound, act)], memory);
    let Some(FlowWish::Play { sounds, times: Some(1), .. }) = rig.wishes.last() else { panic!("{:?}", rig.wishes) };
    let language: Box<str> = "ja-JP".into();
    assert_eq!(
        sounds[..],
        [
            Sound::Prompt("en/you-have".into()),
            Sound::Say {
                how: Spoken::Number,
                value: "3".into(),
                language: language.clone(),
                voice: None,
                is_secret: false
            },
            Sound::Text {
                text: "<speak>A &amp; &lt;B&gt;</speak>".into(),
                is_ssml: true,
                language,
                voice: None,
                is_secret: false
            },
            Sound::Tone(Tone::Beep),
            Sound::Silence(seconds(1)),
        ]
    );
}

#[test]
fn a_text_about_something_that_is_not_there_is_an_error_and_nothing_is_played() {
    let rig = Rig::new(one(Kind::Inbound, play("Hello $.Attributes.name")));
    assert_eq!(rig.at(), "error");
    assert!(!rig.wishes.iter().any(|wish| matches!(wish, FlowWish::Play { .. })));
}

#[test]
fn a_text_that_grows_beyond_six_thousand_letters_is_an_error() {
    let mut memory = Memory::new(&origin());
    let long = crate::domain::flow::value::Value::text("a".repeat(6_000));
    assert!(memory.set_attribute(Scope::Call, "long", long, false));
    let rig = Rig::with(vec![one(Kind::Inbound, play("$.Attributes.long!"))], memory);
    assert_eq!(rig.at(), "error");
}

#[test]
fn a_key_ends_a_prompt_that_may_be_interrupted_and_is_kept() {
    let act = Act::Play(Play { sounds: say("Long"), is_interruptible: true });
    let mut rig = Rig::new(one(Kind::Inbound, act));
    rig.press("5");
    assert_eq!((rig.at(), rig.run.memory().keys.len()), ("success", 1));
}

#[test]
fn the_first_step_that_is_heard_takes_the_call_once() {
    let wires = [(Outcome::Success, "again"), (Outcome::Error, "end")];
    let steps = vec![
        step("first", play("One"), &wires),
        step("again", play("Two"), &[(Outcome::Success, "end"), (Outcome::Error, "end")]),
        bye("end"),
    ];
    let mut rig = Rig::new(flow("test", Kind::Inbound, steps));
    assert!(matches!(rig.wishes[..], [FlowWish::Answer { .. }, FlowWish::Play { .. }]));
    rig.played();
    assert!(matches!(rig.wishes[2..], [FlowWish::Play { .. }]));
}

#[test]
fn a_flow_that_answers_itself_is_heard_and_keyed_to_before() {
    let steps = vec![
        step(
            "menu",
            Act::Ask(ask("1")),
            &[
                (Outcome::Choice(0), "take"),
                (Outcome::Timeout, "end"),
                (Outcome::Default, "end"),
                (Outcome::Error, "end"),
            ],
        ),
        step("take", Act::Answer, &[(Outcome::Success, "hello"), (Outcome::Error, "end")]),
        step("hello", play("Hello"), &[(Outcome::Success, "end"), (Outcome::Error, "end")]),
        bye("end"),
    ];
    let mut rig = Rig::new(explicit(flow("test", Kind::Inbound, steps)));
    assert!(matches!(rig.wishes[..], [FlowWish::EarlyMedia, FlowWish::Play { .. }]));
    rig.press("1");
    assert!(matches!(rig.wishes[2..], [FlowWish::StopPlaying { .. }, FlowWish::Answer { .. }]));
    rig.done(true);
    assert!(matches!(rig.wishes[4..], [FlowWish::Play { .. }]));
    assert!(rig.run.memory().is_answered);
}

fn music(interrupt: Option<Duration>) -> Act {
    Act::LoopPrompts(LoopPrompts { sounds: vec![SoundSpec::Prompt(text("music"))], interrupt })
}

#[test]
fn music_is_heard_over_and_over_until_its_interrupt_and_then_from_the_start() {
    let steps = vec![
        step("music", music(Some(seconds(30))), &[(Outcome::Timeout, "sorry"), (Outcome::Error, "end")]),
        step("sorry", play("Sorry"), &[(Outcome::Success, "music"), (Outcome::Error, "end")]),
        bye("end"),
    ];
    let mut rig = Rig::new(flow("test", Kind::CustomerQueue, steps));
    let ticket = rig.ticket();
    assert!(matches!(rig.wishes.last(), Some(FlowWish::Play { times: None, .. })));
    rig.wait(seconds(29));
    assert_eq!(rig.at(), "music");
    rig.wait(seconds(1));
    assert!(rig.wishes.contains(&FlowWish::StopPlaying { ticket }));
    assert_eq!(rig.at(), "sorry");
    rig.played();
    assert_eq!(rig.at(), "music");
    assert!(matches!(rig.wishes.last(), Some(FlowWish::Play { times: None, .. })));
}

#[test]
fn music_that_cannot_be_had_is_an_error() {
    let mut rig = Rig::new(one(Kind::CustomerHold, music(None)));
    assert_eq!(crate::base::machine::Machine::deadline(&rig.run), None);
    rig.heard(false);
    assert_eq!(rig.at(), "error");
}

#[test]
fn a_wait_lasts_as_long_as_it_says_and_its_keys_are_kept() {
    let mut rig = Rig::new(one(Kind::Inbound, Act::Wait(seconds(10))));
    rig.press("1");
    rig.wait(Duration::from_millis(9_999));
    assert_eq!(rig.at(), "it");
    rig.wait(Duration::from_millis(1));
    assert_eq!(rig.at(), "success");
}
