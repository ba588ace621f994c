//! An offer and what comes of it, in the exact order of its steps.

use super::{Centre, call, seconds, settings};
use crate::base::e164::E164;
use crate::base::id::CallId;
use crate::domain::queue::interface::{
    AgentChange, AgentCommand, OfferAnswer, OfferId, QueueInput, QueueOutput, QueueRefusal,
};
use crate::domain::queue::settings::{Reach, Status};
use std::time::Duration;

/// What was said, in words that show the order.
fn told(centre: &mut Centre) -> Vec<String> {
    let word = |output: &QueueOutput| match output {
        QueueOutput::Entered { .. } => "entered".to_owned(),
        QueueOutput::Offer(offer) => format!("offer to {}", offer.agent),
        QueueOutput::Withdraw { agent, why, .. } => format!("withdraw from {agent}: {why:?}"),
        QueueOutput::StartAgentWhisper { agent, .. } => format!("whisper to {agent}"),
        QueueOutput::Dequeued { .. } => "dequeued".to_owned(),
        QueueOutput::StartCustomerWhisper { .. } => "whisper to customer".to_owned(),
        QueueOutput::Join { agent, .. } => format!("join {agent}"),
        QueueOutput::Requeued { .. } => "requeued".to_owned(),
        QueueOutput::HangUp { why, .. } => format!("hang up: {why:?}"),
        QueueOutput::Agent { agent, change: AgentChange::Contact { state, .. } } => format!("{agent} {}", state.name()),
        QueueOutput::Agent { agent, change: AgentChange::Cleared { .. } } => format!("{agent} cleared"),
        other => format!("{other:?}"),
    };
    centre.said().iter().map(word).collect()
}

#[test]
fn the_customer_stays_in_the_queue_until_the_agents_whisper_has_ended() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    centre.enter(1, "orders");
    assert_eq!(told(&mut centre), ["entered", "ann CONNECTING", "offer to ann"]);
    let offer = OfferId(1);
    assert_eq!(centre.queues.position(call(1)), Some(1));

    centre.accept(offer);
    assert_eq!(told(&mut centre), ["whisper to ann"]);
    assert_eq!(centre.queues.position(call(1)), Some(1), "the queue's flow is still heard");

    centre.tell(QueueInput::AgentWhispered { offer });
    assert_eq!(told(&mut centre), ["dequeued", "whisper to customer"]);
    assert_eq!(centre.queues.position(call(1)), None);

    centre.tell(QueueInput::CustomerWhispered { offer });
    assert_eq!(told(&mut centre), ["ann CONNECTED", "join ann"]);

    centre.end(1);
    assert_eq!(told(&mut centre), ["ann ENDED"]);
    centre.pass(seconds(30));
    assert_eq!(told(&mut centre), ["ann cleared"]);
}

#[test]
fn an_offer_is_missed_after_twenty_seconds_and_goes_to_the_next_agent() {
    let mut centre = Centre::with_agents(settings(), &["ann", "bob"]);
    centre.enter(1, "orders");
    assert_eq!(centre.offer().1, "ann");
    centre.pass(seconds(20) - Duration::from_millis(2));
    assert!(centre.said().is_empty());
    centre.pass(Duration::from_millis(2));
    let expected = ["withdraw from ann: TimedOut", "ann MISSED", "bob CONNECTING", "offer to bob"];
    assert_eq!(told(&mut centre), expected);
    assert_eq!(centre.activity("ann"), "Missed");
}

#[test]
fn a_rejected_offer_counts_as_missed_and_keeps_the_agent_away_until_reset() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    centre.enter(1, "orders");
    let (_, _, offer) = centre.offer();
    centre.answer(offer, OfferAnswer::Rejected);
    assert_eq!(told(&mut centre), ["withdraw from ann: Rejected", "ann MISSED"]);
    centre.pass(seconds(3_600));
    assert!(told(&mut centre).is_empty(), "nobody else is there, and ann has not reset");
    assert_eq!(centre.queues.position(call(1)), Some(1));
    centre.command("ann", AgentCommand::Status(Status::Available));
    assert_eq!(told(&mut centre), ["ann cleared", "ann CONNECTING", "offer to ann"]);
}

#[test]
fn an_agent_who_cannot_be_reached_is_in_error_and_not_rung_again_and_again() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    centre.enter(1, "orders");
    let (_, _, offer) = centre.offer();
    centre.answer(offer, OfferAnswer::Unreachable);
    assert_eq!(told(&mut centre), ["withdraw from ann: Unreachable", "ann ERROR"]);
    assert_eq!(centre.activity("ann"), "Error");
}

#[test]
fn an_answer_that_comes_too_late_changes_nothing() {
    let mut centre = Centre::with_agents(settings(), &["ann", "bob"]);
    centre.enter(1, "orders");
    let (_, _, first) = centre.offer();
    centre.pass(seconds(20));
    let (_, agent, second) = centre.offer();
    assert_eq!(agent, "bob");
    centre.accept(first);
    assert!(told(&mut centre).is_empty());
    centre.accept(second);
    assert_eq!(told(&mut centre), ["whisper to bob"]);
    centre.answer(second, OfferAnswer::Rejected);
    assert!(told(&mut centre).is_empty(), "what is accepted cannot be rejected");
}

#[test]
fn a_customer_who_hangs_up_while_it_rings_leaves_the_agent_in_his_place() {
    let mut centre = Centre::with_agents(settings(), &["ann", "bob"]);
    centre.enter(1, "orders");
    assert_eq!(centre.offer().1, "ann");
    centre.pass(seconds(5));
    centre.tell(QueueInput::Gone { contact: call(1) });
    assert_eq!(told(&mut centre), ["withdraw from ann: CustomerGone", "ann cleared"]);
    centre.enter(2, "orders");
    assert_eq!(centre.offer().1, "ann", "she did no work and is idle longest still");
}

#[test]
fn an_agent_who_drops_in_the_whisper_gives_the_customer_back_his_place() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    centre.enter(1, "orders");
    let (_, _, offer) = centre.offer();
    centre.enter(2, "orders");
    centre.accept(offer);
    centre.said();
    centre.tell(QueueInput::AgentGone { offer });
    assert_eq!(told(&mut centre), ["withdraw from ann: AgentGone", "ann MISSED", "requeued"]);
    assert_eq!(centre.queues.position(call(1)), Some(1));
    centre.available("bob");
    assert_eq!(centre.offer().0, call(1), "he is still the first");
}

#[test]
fn an_agent_who_drops_in_the_customers_whisper_gives_him_back_his_place_too() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    centre.enter(1, "orders");
    let (_, _, offer) = centre.offer();
    centre.enter(2, "orders");
    centre.accept(offer);
    centre.tell(QueueInput::AgentWhispered { offer });
    assert_eq!(centre.queues.position(call(1)), None);
    centre.said();
    centre.tell(QueueInput::AgentGone { offer });
    assert_eq!(told(&mut centre), ["withdraw from ann: AgentGone", "ann MISSED", "requeued"]);
    assert_eq!(centre.queues.position(call(1)), Some(1));
}

#[test]
fn a_customer_who_drops_in_his_whisper_ends_the_contact() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    centre.enter(1, "orders");
    let (_, _, offer) = centre.offer();
    centre.accept(offer);
    centre.tell(QueueInput::AgentWhispered { offer });
    centre.said();
    centre.tell(QueueInput::Gone { contact: call(1) });
    assert_eq!(told(&mut centre), ["withdraw from ann: CustomerGone", "ann cleared"]);
    assert_eq!(centre.activity("ann"), "Available");
}

#[test]
fn an_agents_whisper_of_more_than_two_minutes_hangs_up_the_agent_and_keeps_the_customer() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    centre.enter(1, "orders");
    let (_, _, offer) = centre.offer();
    centre.accept(offer);
    centre.said();
    centre.pass(seconds(119));
    assert!(told(&mut centre).is_empty());
    centre.pass(seconds(1));
    assert_eq!(told(&mut centre), ["withdraw from ann: WhisperTooLong", "ann ERROR", "requeued"]);
}

#[test]
fn a_customers_whisper_of_more_than_two_minutes_ends_the_contact() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    centre.enter(1, "orders");
    let (_, _, offer) = centre.offer();
    centre.accept(offer);
    centre.tell(QueueInput::AgentWhispered { offer });
    centre.said();
    centre.pass(seconds(120));
    assert_eq!(told(&mut centre), ["hang up: WhisperTooLong", "withdraw from ann: WhisperTooLong", "ann ERROR"]);
    centre.tell(QueueInput::CustomerWhispered { offer });
    assert!(told(&mut centre).is_empty());
}

#[test]
fn while_an_agent_is_offered_a_contact_its_flow_cannot_take_it_out_of_the_queue() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    centre.enter(1, "orders");
    centre.said();
    centre.tell(QueueInput::Leave { contact: call(1) });
    centre.tell(QueueInput::Move { contact: call(1), place: super::queue("help") });
    let refused = QueueOutput::Refused { contact: call(1), why: QueueRefusal::Offered };
    assert_eq!(centre.said(), [refused.clone(), refused]);
    centre.pass(seconds(20));
    centre.said();
    centre.tell(QueueInput::Leave { contact: call(1) });
    assert_eq!(centre.said(), [QueueOutput::Left { contact: call(1) }]);
}

#[test]
fn an_offer_says_where_the_agent_is_reached_and_whether_it_is_put_through_at_once() {
    let desk = E164::from_digits("49301234567").expect("a number");
    let mut settings = settings();
    settings.agents[0].auto_accept = true;
    settings.agents[0].reach = Reach::Number(desk);
    let mut centre = Centre::with_agents(settings, &["ann"]);
    centre.pass(seconds(7));
    centre.enter(1, "orders");
    let offers = centre.offers();
    assert!(offers[0].auto_accept);
    assert_eq!(offers[0].reach, Reach::Number(desk));
    assert_eq!((offers[0].patience, offers[0].waited), (seconds(20), Duration::ZERO));
}

#[test]
fn hold_is_a_state_of_the_contact_at_its_agent() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    centre.enter(1, "orders");
    let (_, _, offer) = centre.offer();
    centre.join(offer);
    centre.said();
    centre.tell(QueueInput::Held { contact: call(1), is_held: true });
    centre.tell(QueueInput::Held { contact: call(1), is_held: false });
    assert_eq!(told(&mut centre), ["ann CONNECTED_ONHOLD", "ann CONNECTED"]);
    assert_eq!(centre.activity("ann"), "On contact");
}

#[test]
fn an_agent_who_takes_over_a_caller_is_on_that_contact_until_it_ends() {
    let mut centre = Centre::with_agents(settings(), &["ann", "bob"]);
    centre.enter(1, "orders");
    let (_, _, offer) = centre.offer();
    centre.join(offer);
    // Ann asks the queue for help in a call of her own, and bob answers there.
    centre.tell(QueueInput::Outbound { agent: "ann".into(), call: CallId(2) });
    centre.enter(2, "help");
    let (_, agent, offer) = centre.offer();
    assert_eq!(agent, "bob");
    centre.join(offer);
    centre.tell(QueueInput::GoOn { contact: call(2), heir: call(1) });
    centre.tell(QueueInput::Gone { contact: call(2) });
    assert_eq!((centre.activity("ann"), centre.activity("bob")), ("After contact work".into(), "On contact".into()));
    centre.tell(QueueInput::Gone { contact: call(1) });
    assert_eq!(centre.activity("bob"), "After contact work");
}

#[test]
fn a_caller_who_was_asked_in_by_an_agent_sets_free_both_at_the_end() {
    let mut centre = Centre::with_agents(settings(), &["ann", "bob"]);
    centre.tell(QueueInput::Outbound { agent: "ann".into(), call: CallId(2) });
    centre.enter(2, "help");
    let (_, _, offer) = centre.offer();
    centre.join(offer);
    centre.tell(QueueInput::OutboundAnswered { call: CallId(2) });
    centre.tell(QueueInput::Gone { contact: call(2) });
    assert_eq!(
        (centre.activity("ann"), centre.activity("bob")),
        ("After contact work".into(), "After contact work".into())
    );
}

#[test]
fn a_contact_that_comes_back_to_the_same_agent_is_a_new_one_in_his_hands() {
    let mut settings = settings();
    settings.profiles[0].slots = 2;
    let mut centre = Centre::with_agents(settings, &["ann"]);
    centre.enter(1, "orders");
    let (_, _, offer) = centre.offer();
    centre.join(offer);
    centre.end(1);
    centre.enter(1, "help");
    let (_, agent, offer) = centre.offer();
    assert_eq!(agent, "ann");
    centre.join(offer);
    assert_eq!(centre.activity("ann"), "On contact");
}
