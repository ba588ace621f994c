//! Every outcome of every kind of step is reached by some script here; a kind or an outcome without one fails.

use super::rig::*;
use crate::base::e164::E164;
use crate::domain::flow::act::*;
use crate::domain::flow::definition::*;
use crate::domain::flow::interface::*;
use crate::domain::flow::key::Key;
use crate::domain::flow::memory::{Memory, QueueName};
use crate::domain::flow::value::Value;
use std::collections::BTreeSet;

type Script = fn(&mut Rig);
/// A step, and what happens to it: each script in a call of its own.
type Case = (Kind, Act, Vec<Script>);

const NOTHING: Script = |_| {};
const DONE: Script = |rig| rig.done(true);
const NOT_DONE: Script = |rig| rig.done(false);
const HEARD: Script = |rig| rig.heard(true);
const NOT_HEARD: Script = |rig| rig.heard(false);
const UNTOLD: Script = |rig| rig.told(None);
const ACCEPTED: Script = |rig| rig.queued(QueueOutcome::Accepted);
const FULL: Script = |rig| rig.queued(QueueOutcome::AtCapacity);
const REFUSED: Script = |rig| rig.queued(QueueOutcome::Refused);

fn missing() -> crate::domain::flow::template::Template {
    text("$.Attributes.missing")
}

fn figures(size: u32) -> Option<Answer> {
    let agents = AgentFigures { online: size, ..AgentFigures::default() };
    Some(Answer::Queue(QueueFigures { name: "sales".into(), size, oldest: None, agents: Some(agents) }))
}

fn number() -> E164 {
    E164::from_digits("81312345678").unwrap()
}

fn heard_and_keyed() -> Vec<Case> {
    let music = LoopPrompts { sounds: say("Wait"), interrupt: Some(seconds(30)) };
    let international = Collect { number: Some(NumberMode::International), ..collect() };
    let message = RecordMessage { limit: seconds(9), silence: None, terminator: vec![Key::HASH] };
    vec![
        (Kind::Inbound, Act::Answer, vec![DONE, NOT_DONE]),
        (Kind::Inbound, play("Hello"), vec![HEARD, NOT_HEARD]),
        (Kind::CustomerQueue, Act::LoopPrompts(music), vec![|rig| rig.wait(seconds(30)), NOT_HEARD]),
        (
            Kind::Inbound,
            Act::Ask(ask("12")),
            vec![|rig| rig.press("1"), |rig| rig.press("2"), |rig| rig.press("3"), NOT_HEARD, |rig| {
                rig.played();
                rig.wait(seconds(5));
            }],
        ),
        (Kind::Inbound, Act::Collect(collect()), vec![|rig| rig.press("1#"), NOT_HEARD]),
        (
            Kind::Inbound,
            Act::Collect(international),
            vec![|rig| {
                rig.press("1#");
                rig.told(Some(Answer::Number(Dialability::Invalid)));
            }],
        ),
        (
            Kind::Inbound,
            Act::Record(message),
            vec![|rig| rig.tell(FlowInput::Recorded { ticket: rig.ticket(), place: Some("x".into()) }), |rig| {
                rig.wait(seconds(60))
            }],
        ),
        (Kind::Inbound, Act::Route(route("acd")), vec![|rig| rig.wait(seconds(8))]),
        (Kind::Inbound, Act::Wait(seconds(1)), vec![|rig| rig.wait(seconds(1))]),
        (Kind::Inbound, Act::SendDigits(text("1")), vec![DONE, NOT_DONE]),
    ]
}

fn decided() -> Vec<Case> {
    let conditions = vec![Condition { operator: Operator::Equals, value: text("VOICE") }];
    let sizes = vec![QueueCondition { measure: Measure::Size, operator: Operator::Greater, value: 5 }];
    vec![
        (
            Kind::Inbound,
            Act::Check(Check { what: reference("$.Channel"), conditions: conditions.clone() }),
            vec![NOTHING],
        ),
        (Kind::Inbound, Act::Check(Check { what: reference("$.ContactId"), conditions }), vec![NOTHING]),
        (
            Kind::Inbound,
            Act::CheckHours(CheckHours { hours: None }),
            vec![
                |rig| rig.told(Some(Answer::Hours { is_open: true })),
                |rig| rig.told(Some(Answer::Hours { is_open: false })),
                UNTOLD,
            ],
        ),
        (
            Kind::Inbound,
            Act::CheckQueue(CheckQueue { queue: None, conditions: sizes }),
            vec![|rig| rig.told(figures(6)), |rig| rig.told(figures(5)), UNTOLD],
        ),
        (
            Kind::Inbound,
            Act::CheckStaffing(CheckStaffing { queue: None, state: Staffing::Online }),
            vec![|rig| rig.told(figures(1)), |rig| rig.told(figures(0)), UNTOLD],
        ),
        (Kind::Inbound, Act::QueueMetrics(None), vec![|rig| rig.told(figures(1)), UNTOLD]),
        (Kind::Inbound, Act::Distribute(vec![100]), vec![NOTHING]),
        (Kind::Inbound, Act::Distribute(vec![1]), vec![NOTHING]),
        (Kind::Inbound, Act::Loop(Count::Fixed(1)), vec![NOTHING]),
        (Kind::Inbound, Act::Loop(Count::Fixed(0)), vec![NOTHING]),
        (Kind::Inbound, Act::Loop(Count::From(reference("$.Attributes.missing"))), vec![NOTHING]),
    ]
}

fn all_set() -> Vec<Case> {
    let name = || text("name");
    let voice = |language| Act::SetVoice(SetVoice { language: Some(language), voice: None });
    let tags = |tag| Act::SetTags(SetTags { tags: vec![("a".into(), tag)], remove: Vec::new() });
    let priority = SetPriority { priority: Some(1), age: None };
    [
        set("a", "1"),
        set("a", "$.Attributes.missing"),
        Act::SetQueue(QueueOf::Queue(name())),
        Act::SetQueue(QueueOf::Queue(missing())),
        Act::SetPriority(priority),
        Act::SetCriteria(Argument::Text(name())),
        Act::SetCriteria(Argument::Text(missing())),
        Act::SetFlows(vec![(Role::Disconnect, text("test"))]),
        Act::SetFlows(vec![(Role::Disconnect, missing())]),
        Act::SetRecording(Recorded::Both),
        voice(text("en-US")),
        voice(missing()),
        Act::SetLog(true),
        tags(name()),
        tags(missing()),
    ]
    .into_iter()
    .map(|act| (Kind::Inbound, act, vec![NOTHING]))
    .chain([(
        Kind::Inbound,
        Act::SetCallbackNumber(name()),
        vec![
            (|rig| rig.told(Some(Answer::Number(Dialability::Dialable(number()))))) as Script,
            |rig| rig.told(Some(Answer::Number(Dialability::NotDialable(number())))),
            |rig| rig.told(Some(Answer::Number(Dialability::Invalid))),
        ],
    )])
    .collect()
}

fn dialled(rig: &mut Rig, outcomes: &[DialOutcome]) {
    let ticket = rig.ticket();
    outcomes.iter().for_each(|outcome| rig.dialled(ticket, *outcome));
}

fn connected() -> Vec<Case> {
    let function = |name: &str| Function { name: text(name), request: webhook().request };
    let answered: Script = |rig| rig.fetched(Ok(Value::map([])));
    let failed: Script = |rig| rig.fetched(Err(FetchFault::Unreachable));
    let callback = Callback { queue: None, delay: seconds(1), retries: 1, gap: seconds(9) };
    let both = StreamWhat { from_customer: true, to_customer: true };
    vec![
        (Kind::Inbound, Act::Webhook(webhook()), vec![answered, failed]),
        (Kind::Inbound, Act::Function(function("score")), vec![answered, failed]),
        (Kind::Inbound, Act::Queue(None), vec![ACCEPTED, FULL, REFUSED]),
        (Kind::CustomerQueue, Act::Queue(None), vec![ACCEPTED, FULL, REFUSED]),
        (Kind::Inbound, Act::Callback(callback), vec![ACCEPTED, REFUSED]),
        (
            Kind::Inbound,
            Act::Dial(dial(true)),
            vec![
                |rig| dialled(rig, &[DialOutcome::Joined, DialOutcome::Ended]),
                |rig| dialled(rig, &[DialOutcome::Failed]),
                |rig| dialled(rig, &[DialOutcome::TimedOut]),
                |rig| dialled(rig, &[DialOutcome::Refused]),
            ],
        ),
        (Kind::Inbound, Act::Dial(dial(false)), vec![|rig| dialled(rig, &[DialOutcome::Failed])]),
        (Kind::OutboundWhisper, Act::CallOut(CallOut { caller_number: None, caller_name: None }), vec![DONE]),
        (Kind::Inbound, Act::TransferToFlow(missing()), vec![NOTHING]),
        (Kind::TransferToAgent, Act::TransferToAgent(None), vec![DONE]),
        (Kind::Inbound, Act::Module(missing()), vec![NOTHING]),
        (Kind::Inbound, Act::Module(text("module")), vec![NOTHING]),
        (Kind::Module, Act::Return, vec![NOTHING]),
        (Kind::Inbound, Act::Hold(HoldWho::Nobody), vec![DONE, NOT_DONE]),
        (Kind::Inbound, Act::StreamStart(both), vec![DONE, NOT_DONE]),
        (Kind::Inbound, Act::StreamStop, vec![DONE, NOT_DONE]),
        (Kind::Inbound, Act::HangUp(crate::base::cause::Cause::Normal), vec![NOTHING]),
        (Kind::Inbound, Act::End, vec![NOTHING]),
    ]
}

fn called(kind: Kind, act: &Act, script: Script) -> Rig {
    let mut memory = Memory::new(&origin());
    memory.take_queue(QueueName::Queue("sales".into()));
    let module = flow("module", Kind::Module, vec![step("back", Act::Return, &[])]);
    let mut rig = Rig::with(vec![one(kind, act.clone()), module], memory);
    script(&mut rig);
    rig
}

#[test]
fn every_outcome_of_every_step_is_reached() {
    let mut wanted = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut acts = BTreeSet::new();
    for (kind, act, scripts) in [heard_and_keyed(), decided(), all_set(), connected()].into_iter().flatten() {
        acts.insert(act.name());
        wanted.extend(outcomes(&act, kind == Kind::CustomerQueue).into_iter().map(|outcome| (act.name(), outcome)));
        for script in scripts {
            let rig = called(kind, &act, script);
            assert!(rig.run.has_ended(), "{} still waits after its script", act.name());
            let lines = rig.log.iter().filter(|line| &*line.step == "it");
            seen.extend(lines.filter_map(|line| line.outcome.map(|outcome| (line.act, outcome))));
        }
    }
    let missed: Vec<_> = wanted.difference(&seen).collect();
    assert!(missed.is_empty(), "never reached: {missed:?}");
    let unknown: Vec<_> = seen.difference(&wanted).collect();
    assert!(unknown.is_empty(), "reached, but not among the step's outcomes: {unknown:?}");
    assert_eq!(acts, NAMES.into_iter().collect(), "a kind of step has no case here");
}
