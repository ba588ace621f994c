//! The rules of callbacks, one by one.

use super::{Centre, call, callback, queue, seconds, settings};
use crate::domain::queue::callback::{Callback, CallbackId, DialOutcome, Standing};
use crate::domain::queue::interface::{
    AgentCommand, CallbackEnd, CallbackOrder, OfferAnswer, OfferId, QueueInput, QueueOutput, QueueRefusal,
};
use crate::domain::queue::settings::Status;

fn promise(centre: &mut Centre, order: CallbackOrder) {
    centre.tell(QueueInput::Schedule(Box::new(order)));
}

/// What is written down in the end: the last state of each callback that is still owed.
fn ledger(centre: &Centre) -> Vec<Callback> {
    let mut kept: Vec<Callback> = Vec::new();
    for said in &centre.said {
        match said {
            QueueOutput::Keep(callback) => {
                kept.retain(|old| old.id != callback.id);
                kept.push((**callback).clone());
            }
            QueueOutput::Forget { callback, .. } => kept.retain(|old| old.id != *callback),
            _ => {}
        }
    }
    kept
}

fn end(centre: &Centre) -> Option<CallbackEnd> {
    centre.said.iter().rev().find_map(|said| match said {
        QueueOutput::Forget { why, .. } => Some(*why),
        _ => None,
    })
}

/// Accepts the offer that was made and gets to where the customer's phone rings.
fn ring(centre: &mut Centre) -> OfferId {
    let offers: Vec<_> = centre
        .said
        .iter()
        .filter_map(|said| match said {
            QueueOutput::Offer(offer) => Some(offer.id),
            _ => None,
        })
        .collect();
    let offer = *offers.last().expect("an offer");
    centre.accept(offer);
    centre.tell(QueueInput::AgentWhispered { offer });
    assert!(
        centre.said.iter().any(|said| matches!(said, QueueOutput::Dial { offer: dialled, .. } if *dialled == offer))
    );
    offer
}

#[test]
fn before_its_delay_is_over_a_callback_is_scheduled_and_not_in_the_queue() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    promise(&mut centre, CallbackOrder { delay: seconds(99), ..Centre::order(7, "orders") });
    assert_eq!(centre.queues.scheduled(), 1);
    assert!(centre.queues.line(&queue("orders")).is_empty());
    centre.pass(seconds(98));
    assert!(centre.offers().is_empty());
    centre.pass(seconds(1));
    assert_eq!(centre.offer().0, callback(1));
    assert_eq!(centre.queues.scheduled(), 0);
}

#[test]
fn one_retry_means_two_dials_and_the_gap_lies_between() {
    let mut centre = Centre::with_agents(settings(), &["ann", "bob"]);
    promise(&mut centre, CallbackOrder { retries: 1, gap: seconds(600), ..Centre::order(7, "orders") });
    let offer = ring(&mut centre);
    centre.dialled(offer, DialOutcome::NoAnswer);
    assert_eq!(centre.activity("ann"), "After contact work");
    assert_eq!(end(&centre), None);
    centre.said();
    centre.pass(seconds(599));
    assert!(centre.offers().is_empty());
    centre.pass(seconds(1));
    let offer = ring(&mut centre);
    centre.dialled(offer, DialOutcome::NoAnswer);
    assert_eq!(end(&centre), Some(CallbackEnd::NobodyAnswered));
    centre.said();
    centre.pass(seconds(3_600));
    assert!(centre.offers().is_empty(), "N retries are N+1 dials");
}

#[test]
fn only_ringing_without_an_answer_is_tried_again() {
    for (outcome, expected) in [
        (DialOutcome::Busy, CallbackEnd::Busy),
        (DialOutcome::Failed, CallbackEnd::Failed),
        (DialOutcome::NotDialable, CallbackEnd::NotDialable),
    ] {
        let mut centre = Centre::with_agents(settings(), &["ann"]);
        promise(&mut centre, CallbackOrder { retries: 5, ..Centre::order(7, "orders") });
        let offer = ring(&mut centre);
        centre.dialled(offer, outcome);
        assert_eq!(end(&centre), Some(expected));
        assert_eq!(centre.queues.callbacks().count(), 0);
    }
}

#[test]
fn a_machine_that_answers_is_an_answer() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    promise(&mut centre, CallbackOrder { retries: 5, ..Centre::order(7, "orders") });
    let offer = ring(&mut centre);
    centre.dialled(offer, DialOutcome::Answered);
    centre.tell(QueueInput::Gone { contact: callback(1) });
    assert_eq!(end(&centre), Some(CallbackEnd::Reached));
    assert_eq!(centre.activity("ann"), "Error", "the customer hung up during the whisper");
}

#[test]
fn the_agent_comes_first_and_the_customer_is_dialled_after_the_agents_whisper() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    promise(&mut centre, Centre::order(7, "orders"));
    let (_, _, offer) = centre.offer();
    centre.accept(offer);
    let is_dialled = |centre: &Centre| centre.said.iter().any(|said| matches!(said, QueueOutput::Dial { .. }));
    let is_dequeued = centre.said.iter().any(|said| matches!(said, QueueOutput::Dequeued { .. }));
    assert!(is_dequeued, "a callback leaves its queue when an agent has accepted");
    assert!(!is_dialled(&centre));
    centre.tell(QueueInput::AgentWhispered { offer });
    assert!(is_dialled(&centre));
}

#[test]
fn an_agent_who_does_not_accept_costs_no_dial() {
    let mut centre = Centre::with_agents(settings(), &["ann", "bob"]);
    promise(&mut centre, Centre::order(7, "orders"));
    let (_, agent, offer) = centre.offer();
    assert_eq!(agent, "ann");
    centre.answer(offer, OfferAnswer::Rejected);
    assert_eq!(centre.offer().1, "bob", "the next agent is asked");
    assert_eq!(centre.queues.callbacks().next().map(|callback| callback.attempts), Some(0));
}

#[test]
fn an_agent_who_drops_in_his_whisper_costs_no_dial_and_while_it_rings_he_does() {
    let mut centre = Centre::with_agents(settings(), &["ann", "bob"]);
    promise(&mut centre, CallbackOrder { retries: 1, gap: seconds(60), ..Centre::order(7, "orders") });
    let (_, _, offer) = centre.offer();
    centre.accept(offer);
    centre.tell(QueueInput::AgentGone { offer });
    assert_eq!(centre.queues.callbacks().next().map(|callback| callback.attempts), Some(0));
    let offer = ring(&mut centre);
    centre.tell(QueueInput::AgentGone { offer });
    assert!(centre.said.iter().any(|said| matches!(said, QueueOutput::HangUp { .. })));
    let owed = centre.queues.callbacks().next().expect("still owed");
    assert_eq!(owed.attempts, 1);
    assert!(matches!(owed.standing, Standing::Scheduled { .. }));
}

#[test]
fn among_equals_the_start_of_the_first_call_counts() {
    let mut centre = Centre::new(settings());
    let started = centre.now.unix_millis();
    centre.pass(seconds(60));
    centre.enter(2, "orders");
    centre.pass(seconds(240));
    promise(&mut centre, CallbackOrder { started, ..Centre::order(7, "orders") });
    centre.enter(3, "orders");
    assert_eq!(centre.queues.line(&queue("orders")), [callback(1), call(2), call(3)]);
}

#[test]
fn a_callback_is_owed_for_seven_days() {
    let mut centre = Centre::new(settings());
    promise(&mut centre, Centre::order(7, "orders"));
    centre.pass(seconds(7 * 24 * 3_600 - 1));
    assert_eq!(centre.queues.line(&queue("orders")), [callback(1)]);
    centre.pass(seconds(1));
    assert_eq!(end(&centre), Some(CallbackEnd::Expired));
    assert!(centre.queues.line(&queue("orders")).is_empty());
}

#[test]
fn a_callback_is_taken_back_only_by_whoever_says_so() {
    let mut centre = Centre::new(settings());
    promise(&mut centre, Centre::order(7, "orders"));
    promise(&mut centre, Centre::order(7, "orders"));
    assert_eq!(centre.queues.callbacks().count(), 2, "who asks twice is called twice");
    assert_eq!(centre.queues.handle_cancel(centre.now, CallbackId(1)), Ok(()));
    assert_eq!(centre.queues.handle_cancel(centre.now, CallbackId(1)), Err(QueueRefusal::NotThere));
    centre.available("ann");
    assert_eq!(centre.queues.handle_cancel(centre.now, CallbackId(2)), Err(QueueRefusal::Offered));
}

#[test]
fn a_full_queue_promises_nothing_and_callbacks_fill_it() {
    let mut settings = settings();
    settings.queues[0].capacity = Some(2);
    let mut centre = Centre::new(settings);
    promise(&mut centre, Centre::order(7, "orders"));
    promise(&mut centre, Centre::order(8, "orders"));
    centre.said();
    promise(&mut centre, Centre::order(9, "orders"));
    let refused = QueueOutput::NotScheduled { call: crate::base::id::CallId(9), why: QueueRefusal::AtCapacity };
    assert_eq!(centre.said(), [refused]);
    centre.enter(10, "orders");
    assert_eq!(centre.said(), [QueueOutput::Refused { contact: call(10), why: QueueRefusal::AtCapacity }]);
}

#[test]
fn what_comes_due_may_use_a_fifth_more_and_waits_when_that_is_full_too() {
    let mut settings = settings();
    settings.queues[0].capacity = Some(5);
    let mut centre = Centre::new(settings);
    for number in 1..=2 {
        promise(&mut centre, CallbackOrder { delay: seconds(60), ..Centre::order(number, "orders") });
    }
    (1..=5).for_each(|number| centre.enter(number, "orders"));
    centre.pass(seconds(60));
    assert_eq!(centre.queues.line(&queue("orders")).len(), 6, "one beyond the capacity of five");
    assert_eq!(centre.queues.scheduled(), 1, "the other is not lost");
    centre.tell(QueueInput::Gone { contact: call(1) });
    centre.pass(seconds(10));
    assert_eq!(centre.queues.scheduled(), 0);
    assert_eq!(centre.queues.line(&queue("orders")).len(), 6);
}

#[test]
fn auto_accept_is_never_for_callbacks() {
    let mut settings = settings();
    settings.agents[0].auto_accept = true;
    let mut centre = Centre::with_agents(settings, &["ann"]);
    promise(&mut centre, Centre::order(7, "orders"));
    assert!(!centre.offers()[0].auto_accept);
}

#[test]
fn the_states_of_a_callback_at_its_agent_are_incoming_pending_connecting_connected() {
    use crate::domain::queue::interface::AgentChange;
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    promise(&mut centre, Centre::order(7, "orders"));
    assert_eq!(centre.activity("ann"), "Incoming");
    let offer = ring(&mut centre);
    assert_eq!(centre.activity("ann"), "On contact");
    centre.dialled(offer, DialOutcome::Answered);
    centre.tell(QueueInput::CustomerWhispered { offer });
    centre.tell(QueueInput::Ended { contact: callback(1) });
    let states: Vec<_> = centre
        .said
        .iter()
        .filter_map(|said| match said {
            QueueOutput::Agent { change: AgentChange::Contact { state, .. }, .. } => Some(state.name()),
            _ => None,
        })
        .collect();
    assert_eq!(states, ["INCOMING", "PENDING", "CONNECTING", "CONNECTED", "ENDED"]);
    assert_eq!(end(&centre), Some(CallbackEnd::Reached));
}

#[test]
fn what_was_written_down_is_owed_again_after_a_restart_in_the_same_place() {
    let mut before = Centre::new(settings());
    let started = before.now.unix_millis() - 600_000;
    promise(&mut before, CallbackOrder { started, ..Centre::order(7, "orders") });
    promise(&mut before, CallbackOrder { delay: seconds(3_600), ..Centre::order(8, "help") });
    let kept = ledger(&before);
    assert_eq!(kept.len(), 2);

    let mut after = Centre::new(settings());
    after.enter(1, "orders");
    after.tell(QueueInput::Restore { callbacks: kept, next: 1 });
    assert_eq!(after.queues.line(&queue("orders")), [callback(1), call(1)], "older than who came just now");
    assert_eq!(after.queues.scheduled(), 1);
    promise(&mut after, Centre::order(9, "orders"));
    let ids: Vec<_> = after.queues.callbacks().map(|callback| callback.id.0).collect();
    assert_eq!(ids, [1, 2, 3], "no number is given twice");
}

#[test]
fn a_restart_during_the_last_dial_makes_no_further_one() {
    let mut before = Centre::with_agents(settings(), &["ann"]);
    promise(&mut before, Centre::order(7, "orders"));
    ring(&mut before);
    let kept = ledger(&before);
    assert_eq!(kept[0].attempts, 1);
    let mut after = Centre::with_agents(settings(), &["ann"]);
    after.tell(QueueInput::Restore { callbacks: kept, next: 1 });
    assert!(after.queues.callbacks().next().is_none());
    assert_eq!(end(&after), Some(CallbackEnd::NobodyAnswered));
}

#[test]
fn a_callback_whose_queue_is_taken_away_waits_for_it_to_come_back() {
    let with = settings();
    let mut without = with.clone();
    without.queues.remove(0);
    let mut centre = Centre::new(with.clone());
    promise(&mut centre, Centre::order(7, "orders"));
    centre.tell(QueueInput::Settings(without.into()));
    centre.pass(seconds(3_600));
    assert_eq!(centre.queues.callbacks().count(), 1);
    centre.tell(QueueInput::Settings(with.into()));
    centre.pass(seconds(10));
    assert_eq!(centre.queues.line(&queue("orders")), [callback(1)]);
    centre.command("ann", AgentCommand::Status(Status::Available));
    assert_eq!(centre.offers().len(), 1);
}
