//! Specification of the steps that set something.

use super::rig::*;
use crate::base::e164::E164;
use crate::base::limits;
use crate::domain::flow::act::*;
use crate::domain::flow::definition::*;
use crate::domain::flow::interface::*;
use crate::domain::flow::memory::{Memory, QueueName};
use crate::domain::flow::value::Value;

#[test]
fn a_text_of_one_reference_keeps_the_type_of_its_value() {
    let mut memory = Memory::new(&origin());
    memory.store("External", Value::map([("list", Value::List(vec![Value::number(1)]))]), false);
    let act = set_in(Scope::Call, &[("all", "$.External.list"), ("hello", "Hello $.CustomerEndpoint.Address")]);
    let rig = Rig::with(vec![one(Kind::Inbound, act)], memory);
    assert_eq!(rig.value("$.Attributes.all"), Some(&Value::List(vec![Value::number(1)])));
    assert_eq!(rig.value("$.Attributes.hello"), Some(&Value::text("Hello +819012345678")));
}

#[test]
fn attributes_have_room_for_32_kilobytes_and_what_was_there_stays() {
    for scope in [Scope::Call, Scope::Flow] {
        let mut memory = Memory::new(&origin());
        assert!(memory.set_attribute(scope, "small", Value::text("1"), false));
        let large = Value::text("a".repeat(limits::ATTRIBUTES_BYTES_MAX));
        assert!(!memory.set_attribute(scope, "small", large.clone(), false));
        assert!(!memory.set_attribute(scope, "large", large, false));
        let name = if scope == Scope::Call { "$.Attributes.small" } else { "$.FlowAttributes.small" };
        assert_eq!(memory.look_up(&reference(name)), Some(&Value::text("1")));
    }
}

#[test]
fn a_missing_value_sets_nothing_and_is_an_error() {
    let rig = Rig::new(one(Kind::Inbound, set("a", "$.Attributes.b")));
    assert_eq!(rig.at(), "error");
}

#[test]
fn an_empty_value_hides_the_one_before() {
    let mut memory = Memory::new(&origin());
    assert!(memory.set_attribute(Scope::Call, "card", Value::text("4111"), false));
    let rig = Rig::with(vec![one(Kind::Inbound, set("card", ""))], memory);
    assert_eq!(rig.value("$.Attributes.card"), Some(&Value::text("")));
}

#[test]
fn of_the_systems_names_only_some_can_be_set() {
    let rig = Rig::new(one(Kind::Inbound, set_in(Scope::System, &[("CustomerId", "7")])));
    assert_eq!(rig.value("$.CustomerId"), Some(&Value::text("7")));
    assert!(!Memory::new(&origin()).set_attribute(Scope::System, "ContactId", Value::text("7"), false));
}

#[test]
fn the_working_queue_is_a_queue_or_an_agents() {
    let rig = Rig::new(one(Kind::Inbound, Act::SetQueue(QueueOf::Agent(text("alice")))));
    assert_eq!(rig.run.memory().queue, Some(QueueName::Agent("alice".into())));
    assert_eq!(rig.value("$.Queue.Name"), Some(&Value::text("alice")));
    let rig = Rig::new(one(Kind::Inbound, Act::SetQueue(QueueOf::Queue(text("$.Attributes.none")))));
    assert_eq!(rig.at(), "error");
}

#[test]
fn priority_and_age_are_told_at_once_and_ages_add_up() {
    let mut memory = Memory::new(&origin());
    memory.age = 60;
    let act = Act::SetPriority(SetPriority { priority: Some(1), age: Some(600) });
    let rig = Rig::with(vec![one(Kind::CustomerQueue, act)], memory);
    assert_eq!(rig.wishes.first(), Some(&FlowWish::Priority { priority: 1, age: 660 }));
}

#[test]
fn criteria_are_handed_on_as_they_are() {
    let mut memory = Memory::new(&origin());
    memory.store("External", Value::map([("criteria", Value::map([("Steps", Value::List(Vec::new()))]))]), false);
    let criteria = |path: &str| Act::SetCriteria(Argument::Text(text(path)));
    let rig = Rig::with(vec![one(Kind::Inbound, criteria("$.External.criteria"))], memory);
    assert_eq!(rig.run.memory().criteria, Value::map([("Steps", Value::List(Vec::new()))]));
    assert_eq!(Rig::new(one(Kind::Inbound, criteria("$.External.criteria"))).at(), "error");
}

#[test]
fn the_callback_number_is_the_callers_until_another_is_set() {
    let number = E164::from_digits("81312345678").unwrap();
    let act = || Act::SetCallbackNumber(text("0312345678"));
    let mut rig = Rig::new(one(Kind::Inbound, act()));
    assert_eq!(rig.value("$.CustomerCallbackNumber"), Some(&Value::text("+819012345678")));
    rig.told(Some(Answer::Number(Dialability::Dialable(number))));
    assert_eq!(rig.at(), "success");
    assert_eq!(rig.value("$.CustomerCallbackNumber"), Some(&Value::text("+81312345678")));
    for (answer, outcome) in [
        (Some(Answer::Number(Dialability::NotDialable(number))), "not_dialable"),
        (Some(Answer::Number(Dialability::Invalid)), "invalid_number"),
        (None, "invalid_number"),
    ] {
        let mut rig = Rig::new(one(Kind::Inbound, act()));
        rig.told(answer);
        assert_eq!(rig.at(), outcome);
    }
    assert_eq!(Rig::new(one(Kind::Inbound, Act::SetCallbackNumber(text("$.Attributes.x")))).at(), "invalid_number");
}

#[test]
fn flows_are_chosen_for_roles_that_fit_them_all_or_none() {
    let mut music = one(Kind::CustomerQueue, play("Wait"));
    music.name = "music".into();
    let act =
        |second: &str| Act::SetFlows(vec![(Role::CustomerQueue, text("music")), (Role::CustomerHold, text(second))]);
    let mut memory = Memory::new(&origin());
    assert!(memory.set_attribute(Scope::Call, "music", Value::text("music"), false));
    let rig = Rig::with(vec![one(Kind::Inbound, act("$.Attributes.music")), music.clone()], memory);
    assert_eq!((rig.at(), rig.run.memory().flow_for(Role::CustomerQueue)), ("error", None));
    let act = Act::SetFlows(vec![(Role::CustomerQueue, text("music"))]);
    let rig = Rig::with(vec![one(Kind::Inbound, act), music], Memory::new(&origin()));
    assert_eq!((rig.at(), rig.run.memory().flow_for(Role::CustomerQueue)), ("success", Some("music")));
}

#[test]
fn recording_is_told_at_once() {
    let rig = Rig::new(one(Kind::Inbound, Act::SetRecording(Recorded::Both)));
    assert_eq!(rig.wishes.first(), Some(&FlowWish::Recording(Recorded::Both)));
    assert_eq!(rig.run.memory().recording, Recorded::Both);
}

#[test]
fn language_and_voice_are_of_the_call() {
    let act = SetVoice { language: Some(text("en-GB")), voice: Some(text("amy")) };
    let rig = Rig::new(one(Kind::Inbound, Act::SetVoice(act)));
    assert_eq!(rig.value("$.LanguageCode"), Some(&Value::text("en-GB")));
    assert_eq!(rig.value("$.TextToSpeechVoiceId"), Some(&Value::text("amy")));
    let missing = SetVoice { language: Some(text("$.Attributes.x")), voice: None };
    assert_eq!(Rig::new(one(Kind::Inbound, Act::SetVoice(missing))).at(), "error");
}

#[test]
fn a_call_has_six_tags_at_most() {
    let tags = |from: u32| (from..from + 4).map(|at| (format!("t{at}").into(), text("x"))).collect();
    let steps = vec![
        step(
            "first",
            Act::SetTags(SetTags { tags: tags(0), remove: Vec::new() }),
            &[(Outcome::Success, "second"), (Outcome::Error, "wrong")],
        ),
        step(
            "second",
            Act::SetTags(SetTags { tags: tags(10), remove: Vec::new() }),
            &[(Outcome::Success, "wrong"), (Outcome::Error, "third")],
        ),
        step(
            "third",
            Act::SetTags(SetTags { tags: tags(10), remove: vec!["t0".into(), "t1".into()] }),
            &[(Outcome::Success, "right"), (Outcome::Error, "wrong")],
        ),
        bye("right"),
        bye("wrong"),
    ];
    let rig = Rig::new(flow("test", Kind::Inbound, steps));
    assert_eq!(rig.at(), "right");
    assert_eq!(rig.value("$.Tags.t0"), None);
    assert_eq!(rig.value("$.Tags.t13"), Some(&Value::text("x")));
}
