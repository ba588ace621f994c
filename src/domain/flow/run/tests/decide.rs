//! Specification of the steps that only choose the next one.

use super::rig::*;
use crate::domain::flow::act::*;
use crate::domain::flow::definition::*;
use crate::domain::flow::interface::*;
use crate::domain::flow::memory::{Memory, QueueName};
use crate::domain::flow::value::Value;

fn check(conditions: &[(Operator, &str)]) -> Act {
    let conditions = conditions.iter().map(|(operator, value)| Condition { operator: *operator, value: text(value) });
    Act::Check(Check { what: reference("$.Attributes.it"), conditions: conditions.collect() })
}

fn checked(value: Value, conditions: &[(Operator, &str)]) -> String {
    let mut memory = Memory::new(&origin());
    assert!(memory.set_attribute(Scope::Call, "it", value, false));
    let rig = Rig::with(vec![one(Kind::Inbound, check(conditions))], memory);
    rig.at().to_owned()
}

#[test]
fn the_first_condition_that_holds_decides() {
    let both = [(Operator::StartsWith, "T"), (Operator::Equals, "True")];
    assert_eq!(checked(Value::text("True"), &both), "choice0");
    assert_eq!(checked(Value::text("true"), &both), "no_match");
}

#[test]
fn what_has_no_text_matches_nothing() {
    assert_eq!(checked(Value::Null, &[(Operator::Equals, "")]), "no_match");
    assert_eq!(checked(Value::map([]), &[(Operator::Equals, "")]), "no_match");
    assert_eq!(checked(Value::Bool(true), &[(Operator::Equals, "true")]), "choice0");
}

#[test]
fn the_right_side_may_be_an_attribute_and_a_missing_one_matches_nothing() {
    assert_eq!(checked(Value::text("+819012345678"), &[(Operator::Equals, "$.CustomerEndpoint.Address")]), "choice0");
    assert_eq!(checked(Value::text("1"), &[(Operator::Equals, "$.Attributes.nothing")]), "no_match");
}

fn with_queue(act: Act) -> Rig {
    let mut memory = Memory::new(&origin());
    memory.take_queue(QueueName::Queue("sales".into()));
    Rig::with(vec![one(Kind::Inbound, act)], memory)
}

#[test]
fn hours_are_asked_by_name_or_of_the_working_queue() {
    let by_name = Act::CheckHours(CheckHours { hours: Some(text("office")) });
    for (is_open, outcome) in [(true, "in_hours"), (false, "out_of_hours")] {
        let mut rig = Rig::new(one(Kind::Inbound, by_name.clone()));
        let question = Question::Hours(HoursOf::Named("office".into()));
        assert!(matches!(&rig.wishes[..], [FlowWish::Ask { question: asked, .. }] if *asked == question));
        rig.told(Some(Answer::Hours { is_open }));
        assert_eq!(rig.at(), outcome);
    }
    let rig = with_queue(Act::CheckHours(CheckHours { hours: None }));
    let question = Question::Hours(HoursOf::Queue(QueueName::Queue("sales".into())));
    assert!(matches!(&rig.wishes[..], [FlowWish::Ask { question: asked, .. }] if *asked == question));
    let rig = Rig::new(one(Kind::Inbound, Act::CheckHours(CheckHours { hours: None })));
    assert_eq!(rig.at(), "error");
}

#[test]
fn a_question_that_nobody_answers_is_an_error_after_five_seconds() {
    let mut rig = with_queue(Act::CheckHours(CheckHours { hours: None }));
    rig.wait(seconds(5));
    assert_eq!(rig.at(), "error");
}

fn figures(size: u32, oldest: u64, agents: Option<AgentFigures>) -> Option<Answer> {
    Some(Answer::Queue(QueueFigures { name: "sales".into(), size, oldest: Some(seconds(oldest)), agents }))
}

#[test]
fn the_state_of_a_queue_is_compared_in_order() {
    let condition = |measure, operator, value| QueueCondition { measure, operator, value };
    let conditions = vec![
        condition(Measure::OldestAge, Operator::Greater, 300),
        condition(Measure::Size, Operator::GreaterOrEqual, 10),
    ];
    for (size, oldest, outcome) in [(3, 301, "choice0"), (10, 300, "choice1"), (9, 300, "no_match")] {
        let mut rig = with_queue(Act::CheckQueue(CheckQueue { queue: None, conditions: conditions.clone() }));
        rig.told(figures(size, oldest, None));
        assert_eq!(rig.at(), outcome);
    }
}

#[test]
fn staffing_counts_those_who_are_free_who_work_and_who_are_there() {
    let agents = AgentFigures { online: 2, staffed: 1, available: 0, ..AgentFigures::default() };
    for (state, outcome) in [(Staffing::Available, "false"), (Staffing::Staffed, "true"), (Staffing::Online, "true")] {
        let queue = Some(QueueOf::Agent(text("alice")));
        let mut rig = with_queue(Act::CheckStaffing(CheckStaffing { queue, state }));
        assert!(matches!(&rig.wishes[..], [FlowWish::Ask { question: Question::Queue(QueueName::Agent(_)), .. }]));
        rig.told(figures(0, 0, Some(agents)));
        assert_eq!(rig.at(), outcome);
    }
    let mut rig = with_queue(Act::CheckStaffing(CheckStaffing { queue: None, state: Staffing::Online }));
    rig.told(figures(0, 0, None));
    assert_eq!(rig.at(), "false");
}

#[test]
fn figures_of_a_queue_can_be_referred_to_and_those_of_nobody_are_missing() {
    let mut rig = with_queue(Act::QueueMetrics(None));
    rig.told(figures(3, 40, Some(AgentFigures { online: 2, ..AgentFigures::default() })));
    assert_eq!(rig.value("$.Metrics.Queue.Size"), Some(&Value::number(3)));
    assert_eq!(rig.value("$.Metrics.Queue.OldestContactAge"), Some(&Value::number(40)));
    assert_eq!(rig.value("$.Metrics.Agents.Online.Count"), Some(&Value::number(2)));
    let mut rig = with_queue(Act::QueueMetrics(None));
    rig.told(figures(3, 40, None));
    assert_eq!(rig.value("$.Metrics.Agents.Online.Count"), None);
}

#[test]
fn shares_are_drawn_from_one_to_a_hundred_anew_for_each_call() {
    let mut seen = [0_u32; 3];
    let mut memory = Memory::new(&origin());
    memory.is_logged = false;
    let flow = built(one(Kind::Inbound, Act::Distribute(vec![20, 40])));
    let book = std::sync::Arc::new(Flows::new([std::sync::Arc::clone(&flow)]));
    for seed in 0..2_000 {
        let entropy = crate::base::entropy::Entropy::from_number(seed);
        let mut run =
            crate::domain::flow::run::FlowRun::new(std::sync::Arc::clone(&book), &flow, memory.clone(), entropy);
        let now = crate::base::now::Now { instant: std::time::Instant::now(), wall: std::time::UNIX_EPOCH };
        crate::base::machine::Machine::handle_input(&mut run, now, FlowInput::Begin);
        let place = ["choice0", "choice1", "default"].iter().position(|name| *name == run.position().1).unwrap();
        seen[place] += 1;
    }
    assert!(seen[0].abs_diff(400) < 60 && seen[1].abs_diff(800) < 80 && seen[2].abs_diff(800) < 80, "{seen:?}");
}

#[test]
fn a_loop_of_none_is_complete_at_once_and_one_from_an_attribute_may_be_none() {
    assert_eq!(Rig::new(one(Kind::Inbound, Act::Loop(Count::Fixed(0)))).at(), "complete");
    let from = Act::Loop(Count::From(reference("$.Attributes.times")));
    assert_eq!(Rig::new(one(Kind::Inbound, from.clone())).at(), "error");
    for (times, outcome) in [("2", "looping"), ("0", "complete"), ("x", "error"), ("101", "error")] {
        let mut memory = Memory::new(&origin());
        assert!(memory.set_attribute(Scope::Call, "times", Value::text(times), false));
        assert_eq!(Rig::with(vec![one(Kind::Inbound, from.clone())], memory).at(), outcome);
    }
}
