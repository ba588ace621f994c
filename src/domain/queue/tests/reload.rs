//! A new configuration while contacts wait and agents work.

use super::{Centre, agent, call, profile, queue, seconds, settings};
use crate::base::machine::Machine;
use crate::domain::queue::interface::{Arrival, Place, QueueInput, QueueOutput, Withdrawal};
use crate::domain::queue::settings::QueueSettings;

#[test]
fn those_who_wait_keep_their_place_and_new_agents_find_them() {
    let mut settings = settings();
    let mut centre = Centre::new(settings.clone());
    (1..=3).for_each(|number| centre.enter(number, "orders"));
    settings.queues.insert(0, QueueSettings::named("vip"));
    settings.profiles.push(profile("reserve", &[("orders", 1, 10)]));
    let mut dan = agent("dan", "reserve");
    dan.first_status = crate::domain::queue::settings::Status::Available;
    settings.agents.insert(0, dan);
    centre.said();
    centre.tell(QueueInput::Settings(settings.into()));
    assert_eq!(centre.queues.line(&queue("orders")), [1, 2, 3].map(call));
    assert!(centre.offers().is_empty());
    centre.pass(seconds(10));
    let (contact, name, _) = centre.offer();
    assert_eq!((contact, name.as_str()), (call(1), "dan"));
}

#[test]
fn a_conversation_goes_on_when_its_agent_and_queue_are_gone() {
    let mut before = settings();
    let mut centre = Centre::with_agents(before.clone(), &["ann"]);
    centre.enter(1, "orders");
    let (_, _, offer) = centre.offer();
    centre.join(offer);
    centre.enter(2, "orders");
    before.queues.remove(0);
    before.agents.remove(0);
    centre.said();
    centre.tell(QueueInput::Settings(before.into()));
    assert!(centre.said().contains(&QueueOutput::Expelled { contact: call(2) }));
    centre.end(1);
    assert!(centre.queues.agent("ann").is_none());
    assert!(centre.queues.deadline().is_none(), "nothing is waited for any more");
}

#[test]
fn an_offer_from_a_queue_that_is_gone_is_taken_back() {
    let mut before = settings();
    let mut centre = Centre::with_agents(before.clone(), &["ann"]);
    centre.enter(1, "orders");
    centre.said();
    before.queues.remove(0);
    centre.tell(QueueInput::Settings(before.into()));
    assert_eq!(centre.withdrawals(), [(call(1), "ann".to_owned(), Withdrawal::Expelled)]);
    assert_eq!(centre.activity("ann"), "Available");
}

#[test]
fn the_queue_of_an_agent_who_is_gone_is_emptied() {
    let mut before = settings();
    let mut centre = Centre::new(before.clone());
    centre.enter_with(Arrival { ..Centre::arrival(call(1), Place::Agent("ann".into())) });
    before.agents.remove(0);
    centre.said();
    centre.tell(QueueInput::Settings(before.into()));
    assert_eq!(centre.said(), [QueueOutput::Expelled { contact: call(1) }]);
}

#[test]
fn an_agent_keeps_his_status_over_a_reload() {
    let settings = settings();
    let mut centre = Centre::with_agents(settings.clone(), &["ann"]);
    centre.tell(QueueInput::Settings(settings.into()));
    assert_eq!(centre.activity("ann"), "Available");
    assert_eq!(centre.activity("bob"), "Offline");
}
