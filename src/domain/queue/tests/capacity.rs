//! Full queues, the places beyond, and queues out of service.

use super::{Centre, call, queue, settings};
use crate::domain::queue::interface::{Arrival, Place, QueueInput, QueueOutput, QueueRefusal};
use crate::domain::queue::settings::Settings;

fn with_capacity(capacity: u32) -> Settings {
    let mut settings = settings();
    settings.queues[0].capacity = Some(capacity);
    settings
}

fn refused(number: u64, why: QueueRefusal) -> QueueOutput {
    QueueOutput::Refused { contact: call(number), why }
}

#[test]
fn a_full_queue_refuses_the_next_call() {
    let mut centre = Centre::new(with_capacity(2));
    centre.enter(1, "orders");
    centre.enter(2, "orders");
    centre.said();
    centre.enter(3, "orders");
    assert_eq!(centre.said(), [refused(3, QueueRefusal::AtCapacity)]);
    centre.tell(QueueInput::Gone { contact: call(1) });
    centre.enter(4, "orders");
    assert_eq!(centre.queues.line(&queue("orders")), [call(2), call(4)]);
    let report = centre.queues.report(centre.now, &queue("orders")).expect("a queue");
    assert_eq!(report.tally.refused_full, 1);
}

#[test]
fn one_who_is_offered_or_whispered_about_counts_in_his_queue_still() {
    let mut centre = Centre::with_agents(with_capacity(1), &["ann"]);
    centre.enter(1, "orders");
    let (_, _, offer) = centre.offer();
    centre.enter(2, "orders");
    centre.accept(offer);
    centre.enter(3, "orders");
    let refusals = centre.said().into_iter().filter(|said| matches!(said, QueueOutput::Refused { .. })).count();
    assert_eq!(refusals, 2);
    centre.tell(QueueInput::AgentWhispered { offer });
    centre.enter(4, "orders");
    assert_eq!(centre.queues.line(&queue("orders")), [call(4)]);
}

#[test]
fn transfers_may_use_a_fifth_more_than_the_capacity() {
    let mut centre = Centre::new(with_capacity(10));
    (1..=10).for_each(|number| centre.enter(number, "orders"));
    for number in 11..=13 {
        centre.enter_with(Arrival { is_transfer: true, ..Centre::arrival(call(number), queue("orders")) });
    }
    assert_eq!(centre.queues.line(&queue("orders")).len(), 12);
    assert_eq!(centre.said().pop(), Some(refused(13, QueueRefusal::AtCapacity)));
}

#[test]
fn one_who_cannot_move_to_a_full_queue_stays_where_he_is() {
    let mut centre = Centre::new(with_capacity(1));
    centre.enter(1, "orders");
    for number in 2..=3 {
        centre.enter(number, "help");
        centre.said();
        centre.tell(QueueInput::Move { contact: call(number), place: queue("orders") });
    }
    assert_eq!(centre.said(), [refused(3, QueueRefusal::AtCapacity)]);
    assert_eq!(centre.queues.line(&queue("help")), [call(3)]);
}

#[test]
fn a_capacity_of_zero_takes_nobody_at_all() {
    let mut centre = Centre::new(with_capacity(0));
    centre.said();
    centre.enter_with(Arrival { is_transfer: true, ..Centre::arrival(call(1), queue("orders")) });
    assert_eq!(centre.said(), [refused(1, QueueRefusal::AtCapacity)]);
}

#[test]
fn the_queue_of_one_agent_holds_ten() {
    let mut centre = Centre::new(settings());
    centre.said();
    for number in 1..=11 {
        centre.enter_with(Centre::arrival(call(number), Place::Agent("ann".into())));
    }
    assert_eq!(centre.queues.line(&Place::Agent("ann".into())).len(), 10);
    assert_eq!(centre.said().pop(), Some(refused(11, QueueRefusal::AtCapacity)));
}

#[test]
fn a_queue_out_of_service_serves_who_waits_and_takes_nobody_new() {
    let mut before = settings();
    let mut centre = Centre::new(before.clone());
    centre.enter(1, "orders");
    before.queues[0].is_in_service = false;
    centre.tell(QueueInput::Settings(before.into()));
    centre.said();
    centre.enter(2, "orders");
    assert_eq!(centre.said(), [refused(2, QueueRefusal::OutOfService)]);
    centre.available("ann");
    assert_eq!(centre.offer().0, call(1));
}

#[test]
fn what_does_not_exist_or_waits_already_is_refused() {
    let mut centre = Centre::new(settings());
    centre.said();
    centre.enter(1, "nowhere");
    centre.enter_with(Centre::arrival(call(1), Place::Agent("zoe".into())));
    centre.enter(1, "orders");
    centre.enter(1, "help");
    centre.tell(QueueInput::Leave { contact: call(9) });
    let refusals: Vec<_> =
        centre.said().into_iter().filter(|said| matches!(said, QueueOutput::Refused { .. })).collect();
    let expected = [
        refused(1, QueueRefusal::UnknownQueue),
        refused(1, QueueRefusal::UnknownAgent),
        refused(1, QueueRefusal::AlreadyThere),
        refused(9, QueueRefusal::NotThere),
    ];
    assert_eq!(refusals, expected);
}
