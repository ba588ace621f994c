//! Specification of `ask` and `collect`, and of keys that nobody waits for.

use super::rig::*;
use crate::base::secret::Secret;
use crate::domain::flow::act::*;
use crate::domain::flow::definition::*;
use crate::domain::flow::interface::*;
use crate::domain::flow::key::Key;
use crate::domain::flow::memory::Memory;
use std::time::Duration;

fn asking(ask: Ask) -> Rig {
    Rig::new(one(Kind::Inbound, Act::Ask(ask)))
}

fn collecting(collect: Collect) -> Rig {
    Rig::new(one(Kind::Inbound, Act::Collect(collect)))
}

#[test]
fn one_key_decides_and_cuts_the_prompt() {
    let mut rig = asking(ask("12"));
    let play = rig.ticket();
    rig.press("2");
    assert!(rig.wishes.contains(&FlowWish::StopPlaying { ticket: play }));
    assert_eq!(rig.at(), "choice1");
}

#[test]
fn the_timer_of_a_question_runs_from_the_end_of_its_prompt() {
    let mut rig = asking(ask("12"));
    rig.wait(seconds(60));
    assert_eq!(rig.at(), "it");
    rig.played();
    rig.wait(seconds(4));
    assert_eq!(rig.at(), "it");
    rig.wait(seconds(1));
    assert_eq!(rig.at(), "timeout");
}

#[test]
fn a_key_that_is_not_listed_is_default_and_a_missing_prompt_an_error() {
    let mut rig = asking(ask("12"));
    rig.press("9");
    assert_eq!(rig.at(), "default");
    let mut rig = asking(ask("12"));
    rig.heard(false);
    assert_eq!(rig.at(), "error");
}

#[test]
fn a_question_is_asked_again_as_often_as_said_with_the_second_wording() {
    let mut rig = asking(Ask { retries: 2, again: say("One or two!"), ..ask("12") });
    rig.press("9");
    assert_eq!(rig.spoken(), ["Which?", "One or two!"]);
    rig.played();
    rig.wait(seconds(5));
    assert_eq!(rig.spoken().len(), 3);
    rig.press("7");
    assert_eq!(rig.at(), "default");
}

#[test]
fn without_barge_in_the_prompt_is_heard_to_its_end_and_the_key_counts_then() {
    let mut rig = asking(Ask { barge_in: false, ..ask("12") });
    rig.press("1");
    assert_eq!(rig.at(), "it");
    rig.played();
    assert_eq!(rig.at(), "choice0");
}

#[test]
fn digits_are_stored_when_the_terminator_comes() {
    let mut rig = collecting(collect());
    rig.press("0312345#");
    assert_eq!((rig.at(), rig.stored()), ("success", "0312345"));
}

#[test]
fn five_seconds_after_the_last_key_the_input_is_complete() {
    let mut rig = collecting(collect());
    rig.press("12");
    rig.wait(Duration::from_millis(4_900));
    rig.press("3");
    rig.wait(Duration::from_millis(4_900));
    assert_eq!(rig.at(), "it");
    rig.wait(Duration::from_millis(100));
    assert_eq!((rig.at(), rig.stored()), ("success", "123"));
}

#[test]
fn a_double_terminator_waits_a_moment_for_its_last_place() {
    let mut rig = collecting(Collect { terminator: vec![Key::HASH; 2], has_cancel_key: false, ..collect() });
    rig.press("1#2#3*4###");
    assert_eq!(rig.at(), "it");
    rig.wait(Duration::from_millis(300));
    assert_eq!((rig.at(), rig.stored()), ("success", "1#2#3*4#"));
}

#[test]
fn a_number_is_written_as_e164_and_may_be_invalid_or_unknown() {
    let number = || Collect { number: Some(NumberMode::Local("JP".into())), ..collect() };
    let mut rig = collecting(number());
    rig.press("0312345678#");
    let question = Question::Number { text: "0312345678".into(), country: Some("JP".into()) };
    assert!(matches!(&rig.wishes[..], [.., FlowWish::Ask { question: asked, .. }] if *asked == question));
    let e164 = crate::base::e164::E164::from_digits("81312345678").unwrap();
    rig.told(Some(Answer::Number(Dialability::NotDialable(e164))));
    assert_eq!((rig.at(), rig.stored()), ("success", "+81312345678"));
    let mut rig = collecting(number());
    rig.press("99#");
    rig.told(Some(Answer::Number(Dialability::Invalid)));
    assert_eq!((rig.at(), rig.stored()), ("invalid_number", "99"));
    let mut rig = collecting(number());
    rig.press("99#");
    rig.wait(seconds(5));
    assert_eq!(rig.at(), "error");
}

#[test]
fn an_international_number_is_asked_for_with_its_plus() {
    let mut rig = collecting(Collect { number: Some(NumberMode::International), ..collect() });
    rig.press("81312345678#");
    let question = Question::Number { text: "+81312345678".into(), country: None };
    assert!(matches!(&rig.wishes[..], [.., FlowWish::Ask { question: asked, .. }] if *asked == question));
}

#[test]
fn encrypted_input_is_stored_as_its_envelope_and_is_in_no_line_of_the_log() {
    let mut rig = collecting(Collect { encrypt: Some("cards".into()), ..collect() });
    rig.press("4111111111111111#");
    let wish = rig.wishes.last().cloned().unwrap();
    let FlowWish::Encrypt { ticket, key, digits } = wish else { panic!("{wish:?}") };
    assert_eq!((&*key, digits), ("cards", Secret::new("4111111111111111")));
    rig.tell(FlowInput::Encrypted { ticket, envelope: Some("envelope".into()) });
    assert_eq!((rig.at(), rig.stored()), ("success", "envelope"));
    let log = format!("{:?}{:?}", rig.log, rig.wishes);
    assert!(!log.contains("4111"), "{log}");
}

#[test]
fn input_that_cannot_be_encrypted_is_stored_nowhere() {
    let mut rig = collecting(Collect { encrypt: Some("cards".into()), ..collect() });
    rig.press("4111#");
    rig.wait(seconds(5));
    assert_eq!((rig.at(), rig.stored()), ("error", "-"));
}

fn confirmed() -> Collect {
    let confirm = Confirm {
        sounds: say("$.StoredCustomerInput?"),
        accept: Key::all("1").unwrap()[0],
        timeout: seconds(5),
        retries: 1,
    };
    Collect { confirm: Some(confirm), ..collect() }
}

#[test]
fn input_is_read_back_and_one_key_accepts_it() {
    let mut rig = collecting(confirmed());
    rig.press("42#");
    assert_eq!(rig.spoken().last(), Some(&"42?"));
    rig.press("1");
    assert_eq!(rig.at(), "success");
}

#[test]
fn input_that_is_not_accepted_is_keyed_again_and_then_an_error() {
    let mut rig = collecting(confirmed());
    rig.press("42#2");
    assert_eq!(rig.spoken().last(), Some(&"Your number?"));
    rig.press("43#");
    rig.played();
    rig.wait(seconds(5));
    assert_eq!(rig.at(), "error");
}

#[test]
fn keys_pressed_while_no_step_listens_are_for_the_next_that_does() {
    let steps = vec![
        step("hello", play("Hello"), &[(Outcome::Success, "menu"), (Outcome::Error, "end")]),
        step(
            "menu",
            Act::Ask(ask("1")),
            &[
                (Outcome::Choice(0), "pin"),
                (Outcome::Timeout, "end"),
                (Outcome::Default, "end"),
                (Outcome::Error, "end"),
            ],
        ),
        step("pin", Act::Collect(collect()), &[(Outcome::Success, "end"), (Outcome::Error, "end")]),
        bye("end"),
    ];
    let mut rig = Rig::new(flow("test", Kind::Inbound, steps));
    rig.press("1234#");
    rig.played();
    assert_eq!((rig.at(), rig.stored()), ("end", "234"));
    assert_eq!(rig.spoken(), ["Hello"]);
}

#[test]
fn a_flow_may_say_that_keys_are_not_kept_and_a_step_that_they_do_not_count() {
    let mut draft = one(Kind::Inbound, Act::Wait(seconds(1)));
    draft.options.keeps_keys = false;
    let mut rig = Rig::new(draft);
    rig.press("1");
    assert_eq!(rig.run.memory().keys.len(), 0);
    let mut memory = Memory::new(&origin());
    memory.keys.extend(Key::all("1").unwrap());
    let rig = Rig::with(vec![one(Kind::Inbound, Act::Ask(Ask { drops_keys: true, ..ask("1") }))], memory);
    assert_eq!(rig.at(), "it");
}

#[test]
fn a_terminator_out_of_habit_after_the_last_digit_is_not_the_answer_to_the_next_question() {
    let steps = vec![
        step(
            "pin",
            Act::Collect(Collect { digits_max: 4, ..collect() }),
            &[(Outcome::Success, "menu"), (Outcome::Error, "end")],
        ),
        step(
            "menu",
            Act::Ask(ask("1#")),
            &[
                (Outcome::Choice(0), "end"),
                (Outcome::Choice(1), "end"),
                (Outcome::Timeout, "end"),
                (Outcome::Default, "end"),
                (Outcome::Error, "end"),
            ],
        ),
        bye("end"),
    ];
    let mut rig = Rig::new(flow("test", Kind::Inbound, steps));
    rig.press("1234#");
    assert_eq!((rig.at(), rig.stored()), ("menu", "1234"));
    rig.press("#");
    assert_eq!(rig.at(), "end");
}

#[test]
fn only_so_many_keys_are_kept() {
    let mut rig = Rig::new(one(Kind::Inbound, play("Hello")));
    rig.press(&"1".repeat(100));
    assert_eq!(rig.run.memory().keys.len(), crate::base::limits::FLOW_KEYS_MAX);
}

#[test]
fn keys_pressed_to_music_are_for_nobody() {
    let music = LoopPrompts { sounds: say("Music"), interrupt: Some(seconds(30)) };
    let steps = vec![
        step("music", Act::LoopPrompts(music), &[(Outcome::Timeout, "menu"), (Outcome::Error, "end")]),
        step(
            "menu",
            Act::Ask(ask("1")),
            &[
                (Outcome::Choice(0), "end"),
                (Outcome::Timeout, "end"),
                (Outcome::Default, "end"),
                (Outcome::Error, "end"),
            ],
        ),
        bye("end"),
    ];
    let mut memory = Memory::new(&origin());
    memory.keys.extend(Key::all("1").unwrap());
    let mut rig = Rig::with(vec![flow("test", Kind::CustomerQueue, steps)], memory);
    rig.press("1");
    rig.wait(seconds(30));
    assert_eq!(rig.at(), "menu");
}
