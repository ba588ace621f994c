//! What flows and operators are told about queues.

use super::{Centre, call, queue, seconds, settings};
use crate::domain::queue::interface::{AgentCommand, QueueInput, QueueRefusal};
use crate::domain::queue::questions::Headcount;
use crate::domain::queue::settings::Status;
use std::time::Duration;

#[test]
fn a_queue_tells_its_size_and_the_age_of_the_oldest() {
    let mut centre = Centre::new(settings());
    centre.enter(1, "orders");
    centre.pass(seconds(40));
    centre.enter(2, "orders");
    centre.enter_ranked(3, "orders", Some(1), 0);
    let report = centre.queues.report(centre.now, &queue("orders")).expect("a queue");
    assert_eq!((report.size, report.waiting), (3, 3));
    assert_eq!(report.oldest.map(|age| age.as_secs()), Some(40));
    assert_eq!(centre.queues.position(call(3)), Some(1));
    let unknown = centre.queues.report(centre.now, &queue("nowhere"));
    assert_eq!(unknown.err(), Some(QueueRefusal::UnknownQueue));
}

#[test]
fn the_size_falls_when_an_agent_is_found_before_he_accepts() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    centre.enter(1, "orders");
    centre.enter(2, "orders");
    let report = centre.queues.report(centre.now, &queue("orders")).expect("a queue");
    assert_eq!((report.size, report.waiting), (1, 2));
}

#[test]
fn agents_are_counted_by_what_they_do() {
    let mut centre = Centre::with_agents(settings(), &["ann", "bob"]);
    centre.command("cid", AgentCommand::Status(Status::Custom("Training".into())));
    centre.enter(1, "orders");
    let (_, _, offer) = centre.offer();
    centre.join(offer);
    let count = |centre: &Centre| centre.queues.report(centre.now, &queue("help")).expect("a queue").agents;
    let expected = Headcount { online: 3, staffed: 2, available: 1, busy: 1, away: 1, ..Headcount::default() };
    assert_eq!(count(&centre), expected);
    centre.end(1);
    let expected = Headcount { busy: 0, wrapping: 1, ..expected };
    assert_eq!(count(&centre), expected);
}

#[test]
fn the_wait_is_estimated_from_what_agents_took_before() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    assert_eq!(centre.queues.estimate_at(&queue("orders")), Some(Duration::ZERO), "ann is free");
    centre.enter(1, "orders");
    let (_, _, offer) = centre.offer();
    assert_eq!(centre.queues.estimate_at(&queue("orders")), None, "nobody has been served yet");
    centre.join(offer);
    centre.pass(seconds(100));
    centre.finish(1, "ann");
    for number in 2..=4 {
        centre.enter(number, "orders");
    }
    let third = centre.queues.estimate(call(4)).expect("an estimate");
    assert_eq!(third.as_secs(), 300, "three of a hundred seconds each, by one agent");
    centre.available("bob");
    centre.tell(QueueInput::Gone { contact: call(2) });
}

#[test]
fn hours_that_have_closed_are_told() {
    let mut settings = settings();
    settings.queues[0].hours = Some("office".into());
    let mut centre = Centre::new(settings);
    let is_open = |centre: &Centre| centre.queues.report(centre.now, &queue("orders")).expect("a queue").is_open;
    assert!(is_open(&centre));
    centre.tell(QueueInput::Hours { name: "office".into(), is_open: false });
    assert!(!is_open(&centre));
    centre.tell(QueueInput::Hours { name: "office".into(), is_open: true });
    assert!(is_open(&centre));
}

#[test]
fn what_happened_is_counted() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    centre.enter(1, "orders");
    centre.enter(2, "orders");
    let (_, _, offer) = centre.offer();
    centre.pass(seconds(3));
    centre.join(offer);
    centre.tell(QueueInput::Gone { contact: call(2) });
    let tally = centre.queues.report(centre.now, &queue("orders")).expect("a queue").tally;
    assert_eq!((tally.queued, tally.offered, tally.answered, tally.abandoned), (2, 1, 1, 1));
    assert_eq!(tally.longest_wait.as_secs(), 3);
}
