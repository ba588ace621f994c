//! Routing criteria: who can do what is asked, until nobody asks for it any more.

use super::{Centre, call, queue, seconds, settings, skilled};
use crate::domain::queue::criteria::{Criteria, CriteriaStep, Expression, Proficiency, StepStatus};
use crate::domain::queue::interface::{OfferAnswer, Place, QueueInput, QueueOutput, QueueRefusal};
use crate::domain::queue::settings::Settings;

fn condition((attribute, value, level): (&str, &str, u8)) -> Proficiency {
    Proficiency::new(attribute, value, level).expect("a condition")
}

fn all(conditions: &[(&str, &str, u8)], expires: Option<u64>) -> CriteriaStep {
    let conditions = conditions.iter().copied().map(condition).collect();
    CriteriaStep { expression: Expression::All(conditions), expires: expires.map(seconds) }
}

fn criteria(steps: Vec<CriteriaStep>) -> Criteria {
    Criteria::new(steps).expect("criteria")
}

/// Ann speaks Japanese well and knows boats, Bob speaks some Japanese, Cid nothing special.
fn centre() -> Settings {
    let mut settings = settings();
    settings.agents = vec![
        skilled("ann", "both", &[("language", "ja", 5), ("product", "boats", 3)]),
        skilled("bob", "both", &[("language", "ja", 2)]),
        skilled("cid", "both", &[]),
    ];
    settings
}

fn steps_said(centre: &mut Centre) -> Vec<(usize, &'static str)> {
    let all = centre.said().into_iter().filter_map(|output| match output {
        QueueOutput::CriteriaStep { step, status, .. } => Some((step, status.name())),
        _ => None,
    });
    all.collect()
}

#[test]
fn only_agents_who_are_good_enough_are_offered_the_contact() {
    let mut centre = Centre::with_agents(centre(), &["cid", "bob", "ann"]);
    centre.enter_asking(1, "orders", criteria(vec![all(&[("language", "ja", 3)], None)]));
    assert_eq!(centre.offer().1, "ann");
    centre.enter_asking(2, "orders", criteria(vec![all(&[("language", "ja", 2)], None)]));
    assert_eq!(centre.offer().1, "bob");
    centre.enter_asking(3, "orders", criteria(vec![all(&[("language", "ja", 1)], None)]));
    assert!(centre.offers().is_empty(), "cid is idle, but speaks none");
}

#[test]
fn all_conditions_of_a_step_must_hold_and_one_of_two_where_that_is_asked() {
    let mut centre = Centre::with_agents(centre(), &["bob", "ann"]);
    let both = all(&[("language", "ja", 1), ("product", "boats", 1)], None);
    centre.enter_asking(1, "orders", criteria(vec![both]));
    assert_eq!(centre.offer().1, "ann");
    let either = [condition(("product", "cars", 1)), condition(("language", "ja", 2))];
    let either = CriteriaStep { expression: Expression::Any(either), expires: None };
    centre.enter_asking(2, "orders", criteria(vec![either]));
    assert_eq!(centre.offer().1, "bob");
}

#[test]
fn an_agent_who_comes_is_offered_the_first_whom_he_can_serve() {
    let mut centre = Centre::new(centre());
    centre.enter_asking(1, "orders", criteria(vec![all(&[("language", "ja", 4)], None)]));
    centre.enter_asking(2, "orders", criteria(vec![all(&[("product", "planes", 1)], None)]));
    centre.enter_asking(3, "orders", criteria(vec![all(&[("language", "ja", 2)], None)]));
    centre.enter(4, "orders");
    centre.said();
    centre.available("cid");
    assert_eq!(centre.offer().0, call(4));
    centre.available("bob");
    assert_eq!(centre.offer().0, call(3));
    centre.available("ann");
    assert_eq!(centre.offer().0, call(1));
    assert_eq!(centre.queues.position(call(2)), Some(2));
}

#[test]
fn steps_expire_one_after_the_other_and_then_anybody_will_do() {
    let mut centre = Centre::with_agents(centre(), &["cid"]);
    let steps = vec![all(&[("language", "ja", 5)], Some(20)), all(&[("language", "ja", 2)], Some(10))];
    centre.enter_asking(1, "orders", criteria(steps));
    assert_eq!(steps_said(&mut centre), [(0, "ACTIVE")]);
    centre.pass(seconds(20));
    assert_eq!(steps_said(&mut centre), [(0, "EXPIRED"), (1, "ACTIVE")]);
    centre.pass(seconds(9));
    assert!(centre.said().is_empty());
    centre.pass(seconds(1));
    assert_eq!(centre.offer().1, "cid");
}

#[test]
fn a_step_goes_on_running_while_an_agent_lets_it_ring() {
    let mut centre = Centre::with_agents(centre(), &["ann", "bob"]);
    let steps = vec![all(&[("language", "ja", 5)], Some(15)), all(&[("language", "ja", 2)], None)];
    centre.enter_asking(1, "orders", criteria(steps));
    let (_, agent, offer) = centre.offer();
    assert_eq!(agent, "ann");
    centre.pass(seconds(15));
    assert_eq!(steps_said(&mut centre), [(0, "EXPIRED"), (1, "ACTIVE")]);
    centre.answer(offer, OfferAnswer::Rejected);
    assert_eq!(centre.offer().1, "bob", "the second step holds by now");
}

#[test]
fn the_step_in_which_agent_and_customer_were_joined_is_named() {
    let mut centre = Centre::with_agents(centre(), &["ann"]);
    centre.enter_asking(1, "orders", criteria(vec![all(&[("language", "ja", 5)], Some(60))]));
    let (_, _, offer) = centre.offer();
    centre.join(offer);
    assert_eq!(steps_said(&mut centre), [(0, "JOINED")]);
    centre.pass(seconds(60));
    assert!(steps_said(&mut centre).is_empty());
}

#[test]
fn criteria_may_be_replaced_twice() {
    let mut centre = Centre::new(centre());
    let one = criteria(vec![all(&[("product", "planes", 1)], None)]);
    centre.enter_asking(1, "orders", one.clone());
    centre.said();
    for _ in 0..2 {
        centre.tell(QueueInput::Criteria { contact: call(1), criteria: one.clone() });
        assert_eq!(steps_said(&mut centre), [(0, "DEACTIVATED"), (0, "ACTIVE")]);
    }
    centre.tell(QueueInput::Criteria { contact: call(1), criteria: one });
    assert_eq!(centre.said(), [QueueOutput::Refused { contact: call(1), why: QueueRefusal::TooManyChanges }]);
}

#[test]
fn new_criteria_find_an_agent_at_once() {
    let mut centre = Centre::with_agents(centre(), &["bob"]);
    centre.enter_asking(1, "orders", criteria(vec![all(&[("product", "planes", 1)], None)]));
    centre.said();
    let easier = criteria(vec![all(&[("language", "ja", 1)], None)]);
    centre.tell(QueueInput::Criteria { contact: call(1), criteria: easier });
    assert_eq!(centre.offer().1, "bob");
}

#[test]
fn in_another_queue_the_criteria_begin_anew_and_in_an_agents_queue_they_rest() {
    let mut centre = Centre::new(centre());
    let steps = vec![all(&[("language", "ja", 5)], Some(20)), all(&[("language", "ja", 2)], None)];
    centre.enter_asking(1, "orders", criteria(steps));
    centre.pass(seconds(20));
    centre.said();
    centre.tell(QueueInput::Move { contact: call(1), place: queue("help") });
    assert_eq!(steps_said(&mut centre), [(1, "INTERRUPTED"), (0, "ACTIVE")]);
    centre.tell(QueueInput::Move { contact: call(1), place: Place::Agent("cid".into()) });
    assert_eq!(steps_said(&mut centre), [(0, "INTERRUPTED")]);
    centre.available("cid");
    assert_eq!(centre.offer().1, "cid");
}

#[test]
fn a_step_that_nobody_could_ever_meet_is_waited_out() {
    let mut centre = Centre::with_agents(centre(), &["ann"]);
    centre.enter_asking(1, "orders", criteria(vec![all(&[("language", "eo", 1)], Some(5))]));
    assert!(centre.offers().is_empty());
    centre.pass(seconds(5));
    assert_eq!(centre.offer().1, "ann");
    assert_eq!(StepStatus::Inactive.name(), "INACTIVE");
}
