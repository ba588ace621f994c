//! Who is offered what first: priorities, ages, delays, idle agents.

use super::{Centre, agent, call, profile, queue, seconds, settings};
use crate::base::e164::E164;
use crate::base::id::CallId;
use crate::domain::queue::interface::{AgentCommand, Arrival, Place, QueueInput, QueueOutput, QueueRefusal, Rank};
use crate::domain::queue::settings::Status;

#[test]
fn the_agent_who_is_idle_longest_is_offered_the_next_contact() {
    let mut centre = Centre::with_agents(settings(), &["cid", "ann", "bob"]);
    for (number, expected) in [(1, "cid"), (2, "ann"), (3, "bob")] {
        centre.enter(number, "orders");
        let (_, agent, offer) = centre.offer();
        assert_eq!(agent, expected);
        centre.join(offer);
        centre.said();
    }
    centre.finish(2, "ann");
    centre.pass(seconds(1));
    centre.finish(1, "cid");
    centre.enter(4, "orders");
    assert_eq!(centre.offer().1, "ann", "she was done first");
}

#[test]
fn the_lower_priority_number_comes_first_and_then_the_older() {
    let mut centre = Centre::new(settings());
    centre.enter_ranked(1, "orders", None, 0);
    centre.enter_ranked(2, "orders", Some(5), 0);
    centre.enter_ranked(3, "orders", Some(1), 0);
    centre.enter_ranked(4, "orders", Some(4), 0);
    centre.enter_ranked(5, "orders", None, 600);
    assert_eq!(centre.queues.line(&queue("orders")), [3, 4, 5, 1, 2].map(call));
    centre.said();
    centre.available("ann");
    assert_eq!(centre.offer().0, call(3));
}

#[test]
fn priority_and_age_of_one_who_waits_may_change() {
    let mut centre = Centre::new(settings());
    for number in 1..=4 {
        centre.enter(number, "orders");
    }
    centre.tell(QueueInput::Rank { contact: call(4), rank: Rank { priority: Some(1), age: 0 } });
    centre.tell(QueueInput::Rank { contact: call(3), rank: Rank { priority: None, age: 60 } });
    centre.tell(QueueInput::Rank { contact: call(1), rank: Rank { priority: None, age: -60 } });
    assert_eq!(centre.queues.line(&queue("orders")), [4, 3, 2, 1].map(call));
}

#[test]
fn a_queue_of_lower_priority_is_served_only_when_those_above_are_empty() {
    let mut settings = settings();
    settings.profiles = vec![profile("both", &[("help", 2, 0), ("orders", 1, 0)])];
    let mut centre = Centre::new(settings);
    centre.enter(1, "help");
    centre.pass(seconds(600));
    centre.enter(2, "orders");
    centre.enter(3, "orders");
    centre.said();
    let served = ["ann", "bob", "cid"].map(|name| {
        centre.available(name);
        centre.offer().0
    });
    assert_eq!(served, [call(2), call(3), call(1)]);
}

#[test]
fn queues_of_equal_priority_are_served_as_one() {
    let mut centre = Centre::new(settings());
    centre.enter(1, "help");
    centre.enter(2, "orders");
    centre.enter(3, "help");
    centre.said();
    let served = ["ann", "bob", "cid"].map(|name| {
        centre.available(name);
        centre.offer().0
    });
    assert_eq!(served, [call(1), call(2), call(3)]);
}

#[test]
fn an_agent_whose_profile_delays_a_queue_gets_its_contacts_after_the_delay() {
    let mut settings = settings();
    settings.profiles.push(profile("reserve", &[("orders", 1, 30)]));
    settings.agents = vec![agent("ann", "both"), agent("rea", "reserve")];
    let mut centre = Centre::with_agents(settings, &["rea", "ann"]);
    centre.enter(1, "orders");
    assert_eq!(centre.offer().1, "ann", "rea is idle longer, but in reserve");
    centre.enter(2, "orders");
    assert!(centre.offers().is_empty());
    centre.pass(seconds(29));
    // The first offer has been missed by now, and call 1 has waited as long as call 2.
    centre.said();
    centre.pass(seconds(1));
    assert_eq!(centre.offer().1, "rea");
}

#[test]
fn a_contact_that_waited_long_enough_is_found_behind_one_that_has_not() {
    let mut settings = settings();
    settings.profiles = vec![profile("reserve", &[("orders", 1, 30)])];
    settings.agents = vec![agent("rea", "reserve")];
    let mut centre = Centre::new(settings);
    centre.enter(1, "orders");
    centre.pass(seconds(25));
    centre.enter_ranked(2, "orders", Some(1), 0);
    centre.pass(seconds(10));
    centre.said();
    centre.available("rea");
    assert_eq!(centre.offer().0, call(1), "call 2 is more urgent, but too young for a reserve");
}

#[test]
fn an_agents_own_queue_comes_before_all_others() {
    let mut centre = Centre::new(settings());
    centre.enter_ranked(1, "orders", Some(1), 600);
    centre.enter_with(Centre::arrival(call(2), Place::Agent("ann".into())));
    centre.said();
    centre.available("bob");
    assert_eq!(centre.offer().0, call(1));
    centre.available("ann");
    assert_eq!(centre.offer().0, call(2));
}

#[test]
fn a_call_that_the_agent_made_sends_him_to_the_end_unless_the_profile_says_otherwise() {
    for (keeps_place, expected) in [(false, "bob"), (true, "ann")] {
        let mut settings = settings();
        settings.profiles[0].keeps_place_after_outbound = keeps_place;
        let mut centre = Centre::with_agents(settings, &["ann", "bob"]);
        centre.tell(QueueInput::Outbound { agent: "ann".into(), call: CallId(77) });
        assert_eq!(centre.activity("ann"), "On contact");
        centre.tell(QueueInput::OutboundAnswered { call: CallId(77) });
        centre.finish(77, "ann");
        centre.said();
        centre.enter(1, "orders");
        assert_eq!(centre.offer().1, expected);
    }
}

#[test]
fn who_cannot_be_rung_is_offered_nothing_until_he_can() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    centre.tell(QueueInput::Reachable { agent: "ann".into(), is_reachable: false });
    centre.enter(1, "orders");
    assert!(centre.offers().is_empty());
    assert_eq!(centre.activity("ann"), "Available", "and is not to blame");
    centre.tell(QueueInput::Reachable { agent: "ann".into(), is_reachable: true });
    assert_eq!(&*centre.offer().1, "ann");
}

#[test]
fn whom_nobody_answered_leaves_no_work_and_who_is_signed_out_calls_as_anybody_does() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    centre.tell(QueueInput::Outbound { agent: "ann".into(), call: CallId(77) });
    assert_eq!(centre.activity("ann"), "On contact");
    centre.tell(QueueInput::Gone { contact: call(77) });
    assert_eq!(centre.activity("ann"), "Available");
    let mut centre = Centre::with_agents(settings(), &[]);
    centre.tell(QueueInput::Outbound { agent: "ann".into(), call: CallId(78) });
    assert_eq!(centre.activity("ann"), "Offline");
}

#[test]
fn an_agent_with_two_slots_is_offered_two_contacts() {
    let mut settings = settings();
    settings.profiles[0].slots = 2;
    let mut centre = Centre::with_agents(settings, &["ann"]);
    (1..=3).for_each(|number| centre.enter(number, "orders"));
    let offered: Vec<_> = centre.offers().into_iter().map(|offer| offer.contact).collect();
    assert_eq!(offered, [call(1), call(2)]);
}

#[test]
fn a_contact_moves_at_most_eleven_times_and_keeps_its_age() {
    let mut centre = Centre::new(settings());
    centre.enter(1, "orders");
    centre.pass(seconds(5));
    centre.enter(2, "help");
    for hop in 0..11 {
        let place = queue(if hop % 2 == 0 { "help" } else { "orders" });
        centre.tell(QueueInput::Move { contact: call(1), place });
    }
    assert_eq!(centre.queues.line(&queue("help")), [call(1), call(2)], "it counts from when it first waited");
    centre.said();
    centre.tell(QueueInput::Move { contact: call(1), place: queue("orders") });
    let refused = QueueOutput::Refused { contact: call(1), why: QueueRefusal::TooManyMoves };
    assert_eq!(centre.said(), [refused]);
    assert_eq!(centre.queues.line(&queue("help")), [call(1), call(2)]);
}

#[test]
fn a_customer_comes_back_to_the_agent_of_last_time_while_the_queue_waits_for_him() {
    let mut settings = settings();
    settings.queues[0].sticky = Some(seconds(15));
    let customer = E164::from_digits("819012345678").ok();
    let again = |number| Arrival { customer, ..Centre::arrival(call(number), queue("orders")) };
    let mut centre = Centre::with_agents(settings, &["ann", "bob"]);
    centre.enter_with(again(1));
    let (_, agent, offer) = centre.offer();
    assert_eq!(agent, "ann");
    centre.join(offer);
    centre.said();
    centre.enter_with(again(2));
    assert!(centre.offers().is_empty(), "bob is idle, but ann is waited for");
    centre.pass(seconds(14));
    centre.finish(1, "ann");
    assert_eq!(centre.offer().1, "ann");
    centre.tell(QueueInput::Gone { contact: call(2) });

    centre.command("ann", AgentCommand::Status(Status::Custom("Lunch".into())));
    centre.said();
    centre.enter_with(again(3));
    assert_eq!(centre.offer().1, "bob", "who is not at work is not waited for");
}

#[test]
fn after_the_patience_for_the_agent_of_last_time_anybody_will_do() {
    let mut settings = settings();
    settings.queues[0].sticky = Some(seconds(15));
    let customer = E164::from_digits("819012345678").ok();
    let again = |number| Arrival { customer, ..Centre::arrival(call(number), queue("orders")) };
    let mut centre = Centre::with_agents(settings, &["ann", "bob"]);
    centre.enter_with(again(1));
    let (_, _, offer) = centre.offer();
    centre.join(offer);
    centre.enter_with(again(2));
    centre.said();
    centre.pass(seconds(15));
    assert_eq!(centre.offer().1, "bob");
}
