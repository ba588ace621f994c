//! Specification of the steps that do something to the legs, and of the ends.

use super::rig::*;
use crate::base::cause::Cause;
use crate::domain::flow::act::*;
use crate::domain::flow::definition::*;
use crate::domain::flow::interface::*;
use crate::domain::flow::key::Key;
use crate::domain::flow::memory::Memory;
use crate::domain::flow::value::Value;

#[test]
fn what_is_done_to_a_leg_is_a_success_or_an_error() {
    let both = StreamWhat { from_customer: true, to_customer: true };
    for act in
        [Act::Answer, Act::Hold(HoldWho::Agent), Act::StreamStart(both), Act::StreamStop, Act::SendDigits(text("1,2#"))]
    {
        for (ok, outcome) in [(true, "success"), (false, "error")] {
            let mut rig = Rig::new(one(Kind::Inbound, act.clone()));
            rig.done(ok);
            assert_eq!(rig.at(), outcome, "{act:?}");
        }
        let mut rig = Rig::new(one(Kind::Inbound, act.clone()));
        rig.wait(seconds(60));
        assert_eq!(rig.at(), "error", "{act:?}");
    }
}

#[test]
fn a_call_that_is_answered_is_not_answered_again() {
    let mut memory = Memory::new(&origin());
    memory.is_answered = true;
    let rig = Rig::with(vec![one(Kind::Inbound, Act::Answer)], memory);
    assert_eq!(rig.at(), "success");
    assert!(!rig.wishes.iter().any(|wish| matches!(wish, FlowWish::Answer { .. })));
}

#[test]
fn the_start_of_a_stream_can_be_referred_to() {
    let mut rig =
        Rig::new(one(Kind::Inbound, Act::StreamStart(StreamWhat { from_customer: true, to_customer: false })));
    rig.done(true);
    let started = rig.value("$.MediaStreams.Customer.Audio.StartTimestamp");
    assert_eq!(started, Some(&Value::text("1800000000000")));
}

fn message() -> Act {
    Act::Record(RecordMessage { limit: seconds(60), silence: Some(seconds(5)), terminator: vec![Key::HASH] })
}

#[test]
fn a_message_ends_by_itself_or_by_a_key_and_is_kept_somewhere() {
    let mut rig = Rig::new(one(Kind::Inbound, message()));
    let ticket = rig.ticket();
    rig.press("1");
    assert!(!rig.wishes.contains(&FlowWish::StopRecording { ticket }));
    rig.press("#");
    assert!(rig.wishes.contains(&FlowWish::StopRecording { ticket }));
    rig.tell(FlowInput::Recorded { ticket, place: Some("2026/11/21/c-1.wav".into()) });
    assert_eq!(rig.at(), "success");
    assert_eq!(rig.value("$.Recording.Location"), Some(&Value::text("2026/11/21/c-1.wav")));
}

#[test]
fn a_message_that_could_not_be_kept_is_an_error() {
    let mut rig = Rig::new(one(Kind::Inbound, message()));
    let ticket = rig.ticket();
    rig.tell(FlowInput::Recorded { ticket, place: None });
    assert_eq!(rig.at(), "error");
    let mut rig = Rig::new(one(Kind::Inbound, message()));
    rig.wait(seconds(65));
    assert!(rig.wishes.contains(&FlowWish::StopRecording { ticket }));
    rig.wait(seconds(5));
    assert_eq!(rig.at(), "error");
}

#[test]
fn a_flow_hangs_up_with_the_cause_that_it_names() {
    let rig = Rig::new(flow("test", Kind::Inbound, vec![step("it", Act::HangUp(Cause::Busy), &[])]));
    assert_eq!(rig.ended(), Some(&FlowEnd::HangUp(Cause::Busy)));
    assert!(rig.run.has_ended());
}

#[test]
fn a_caller_who_is_gone_ends_the_flow_at_any_step_and_everything_it_had_started() {
    let mut rig = Rig::new(one(Kind::Inbound, play("Hello")));
    let ticket = rig.ticket();
    rig.take();
    rig.tell(FlowInput::CallerGone);
    assert_eq!(rig.wishes, [FlowWish::StopPlaying { ticket }, FlowWish::Ended(FlowEnd::CallerGone)]);
    let mut rig = Rig::new(one(Kind::Inbound, Act::Webhook(webhook())));
    let ticket = rig.ticket();
    rig.take();
    rig.tell(FlowInput::CallerGone);
    assert_eq!(rig.wishes, [FlowWish::CancelFetch { ticket }, FlowWish::Ended(FlowEnd::CallerGone)]);
    rig.tell(FlowInput::CallerGone);
    rig.press("1");
    assert_eq!(rig.wishes.len(), 2);
}

#[test]
fn an_owner_who_needs_the_flow_no_more_stops_it() {
    let mut rig = Rig::new(one(Kind::AgentWhisper, play("Sales")));
    rig.tell(FlowInput::Stop);
    assert_eq!(rig.ended(), Some(&FlowEnd::Stopped));
}

#[test]
fn an_answer_to_something_that_is_over_changes_nothing() {
    let mut rig = Rig::new(one(Kind::Inbound, Act::Ask(ask("1"))));
    let old = rig.ticket();
    rig.played();
    rig.tell(FlowInput::Played { ticket: old, ok: false });
    rig.tell(FlowInput::Done { ticket: old, ok: false });
    rig.tell(FlowInput::Begin);
    assert_eq!(rig.at(), "it");
}
