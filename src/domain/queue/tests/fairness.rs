//! Random days of a call centre, and the laws that hold on each of them after each event.

use super::{Centre, call, profile, queue, seconds, settings, skilled};
use crate::base::entropy::Entropy;
use crate::domain::queue::criteria::{Criteria, CriteriaStep, Expression, Proficiency};
use crate::domain::queue::interface::{
    AgentCommand, Arrival, By, ContactId, OfferAnswer, OfferId, QueueInput, QueueOutput, Rank,
};
use crate::domain::queue::settings::{Settings, Status};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const AGENTS: u64 = 12;

fn day() -> Settings {
    let mut settings = settings();
    settings.profiles.push(profile("orders-first", &[("orders", 1, 0), ("help", 2, 0)]));
    settings.profiles.push(profile("reserve", &[("orders", 1, 45), ("help", 1, 20)]));
    let profiles = ["both", "orders-first", "reserve"];
    let agent = |number: u64| {
        let skills: &[(&str, &str, u8)] = match number % 4 {
            0 => &[("language", "ja", 5)],
            1 => &[("language", "ja", 2), ("product", "boats", 4)],
            2 => &[("product", "boats", 1)],
            _ => &[],
        };
        skilled(&format!("agent{number}"), profiles[usize::try_from(number % 3).expect("small")], skills)
    };
    settings.agents = (0..AGENTS).map(agent).collect();
    settings
}

/// What an observer who only hears the outputs knows.
#[derive(Default)]
struct Observer {
    /// Offers under way: whose, to whom, and how far.
    offers: BTreeMap<OfferId, (ContactId, String)>,
    joined: BTreeMap<ContactId, String>,
    waiting: BTreeSet<ContactId>,
    ended: usize,
}

impl Observer {
    fn hear(&mut self, said: &[QueueOutput]) {
        for output in said {
            match output {
                QueueOutput::Entered { contact, .. } => {
                    assert!(self.waiting.insert(*contact), "{contact:?} entered twice");
                }
                QueueOutput::Requeued { contact } => {
                    self.waiting.insert(*contact);
                }
                QueueOutput::Offer(offer) => {
                    let agent = offer.agent.to_string();
                    let busy = self.offers.values().any(|(_, other)| *other == agent);
                    assert!(!busy, "{agent} is offered two contacts");
                    assert!(
                        !self.joined.values().any(|other| *other == agent),
                        "{agent} is offered one in conversation"
                    );
                    let twice = self.offers.values().any(|(other, _)| *other == offer.contact);
                    assert!(!twice, "{:?} is offered to two agents", offer.contact);
                    assert!(self.waiting.contains(&offer.contact));
                    self.offers.insert(offer.id, (offer.contact, agent));
                }
                QueueOutput::Withdraw { offer, .. } => assert!(self.offers.remove(offer).is_some()),
                QueueOutput::Dequeued { contact, .. } => assert!(self.waiting.remove(contact)),
                QueueOutput::Join { offer, contact, agent } => {
                    assert!(self.offers.remove(offer).is_some());
                    self.joined.insert(*contact, agent.to_string());
                }
                QueueOutput::HangUp { contact, .. } => {
                    self.ended += 1;
                    self.waiting.remove(contact);
                }
                QueueOutput::Refused { .. } | QueueOutput::Expelled { .. } => panic!("{output:?}"),
                _ => {}
            }
        }
    }
}

fn criteria(entropy: &mut Entropy) -> Option<Criteria> {
    let condition = match entropy.below(6) {
        0 => ("language", "ja", 5),
        1 => ("language", "ja", 1),
        2 => ("product", "boats", 2),
        _ => return None,
    };
    let condition = Proficiency::new(condition.0, condition.1, condition.2).expect("a condition");
    let expires = Some(seconds(10 + entropy.below(60)));
    Criteria::new(vec![CriteriaStep { expression: Expression::All(vec![condition]), expires }]).ok()
}

fn agent_event(centre: &mut Centre, entropy: &mut Entropy) {
    let name = format!("agent{}", entropy.below(AGENTS));
    let command = match entropy.below(8) {
        0 => AgentCommand::Status(Status::Custom("Lunch".into())),
        1 => AgentCommand::NextStatus(Some(Status::Offline)),
        2 => AgentCommand::Clear,
        _ => AgentCommand::Status(Status::Available),
    };
    let _refused = centre.queues.handle_command(centre.now, &name, command, By::Agent);
    centre.drain();
}

fn offer_event(centre: &mut Centre, seen: &Observer, entropy: &mut Entropy) {
    let at = usize::try_from(entropy.below(seen.offers.len() as u64)).expect("small");
    let Some((offer, (contact, _))) = seen.offers.iter().nth(at) else { return };
    let (offer, contact) = (*offer, *contact);
    centre.tell(match entropy.below(12) {
        0 => QueueInput::Answer { offer, answer: OfferAnswer::Rejected },
        1 => QueueInput::Answer { offer, answer: OfferAnswer::Unreachable },
        2 => QueueInput::AgentGone { offer },
        3 => QueueInput::Gone { contact },
        4..=7 => QueueInput::Answer { offer, answer: OfferAnswer::Accepted },
        8..=9 => QueueInput::AgentWhispered { offer },
        _ => QueueInput::CustomerWhispered { offer },
    });
}

fn step(centre: &mut Centre, seen: &mut Observer, entropy: &mut Entropy, number: &mut u64) {
    match entropy.below(10) {
        0..=2 => {
            *number += 1;
            let place = queue(if entropy.below(2) == 0 { "orders" } else { "help" });
            let rank = Rank { priority: u8::try_from(1 + entropy.below(5)).ok(), age: 0 };
            let criteria = criteria(entropy);
            centre.enter_with(Arrival { rank, criteria, ..Centre::arrival(call(*number), place) });
        }
        3..=4 => agent_event(centre, entropy),
        5..=7 => offer_event(centre, seen, entropy),
        8 => {
            if let Some(contact) = seen.joined.keys().next().copied() {
                seen.joined.remove(&contact);
                seen.ended += 1;
                centre.tell(QueueInput::Ended { contact });
            }
        }
        _ => centre.pass(Duration::from_millis(entropy.below(15_000))),
    }
    let gone: Vec<_> = centre
        .withdrawals()
        .into_iter()
        .filter(|(_, _, why)| *why == crate::domain::queue::interface::Withdrawal::CustomerGone)
        .map(|(contact, ..)| contact)
        .collect();
    let said = centre.said();
    seen.hear(&said);
    for contact in gone {
        seen.ended += 1;
        seen.waiting.remove(&contact);
    }
}

/// No agent who may be offered something and serves the queue stays idle beside one who waits and asks for nothing.
fn nobody_is_idle_beside_one_who_waits(centre: &Centre) {
    let free: Vec<_> =
        centre.queues.agents().filter(|report| report.free_slots > 0 && report.agent.next.is_none()).collect();
    for name in ["orders", "help"] {
        for contact in centre.queues.line(&queue(name)) {
            let (_, waited, is_offered) = centre.queues.waits(centre.now, contact).expect("it waits");
            if is_offered || waited < seconds(120) {
                continue;
            }
            assert!(
                free.is_empty(),
                "{contact:?} has waited {waited:?} while {:?} is free",
                free[0].plan.settings.name
            );
        }
    }
}

#[test]
fn on_a_thousand_random_days_no_law_is_broken() {
    for seed in 0..1_000 {
        let mut entropy = Entropy::from_number(seed);
        let (mut centre, mut seen, mut number) = (Centre::new(day()), Observer::default(), 0);
        centre.said();
        for _ in 0..150 {
            step(&mut centre, &mut seen, &mut entropy, &mut number);
            nobody_is_idle_beside_one_who_waits(&centre);
        }
        close_of_day(&mut centre, &mut seen);
        assert_eq!(seen.ended, usize::try_from(number).expect("small"), "seed {seed}: every contact ends once");
        let stuck: Vec<_> = centre.queues.agents().filter(|report| !report.agent.slots.is_empty()).collect();
        assert!(stuck.is_empty(), "seed {seed}: nobody is left in an offer, a conversation or work after one");
        assert_eq!(centre.queues.report(centre.now, &queue("orders")).map(|report| report.waiting), Ok(0));
    }
}

/// Everybody works until all have been served.
fn close_of_day(centre: &mut Centre, seen: &mut Observer) {
    for _ in 0..2_000 {
        for number in 0..AGENTS {
            let name = format!("agent{number}");
            for command in
                [AgentCommand::NextStatus(None), AgentCommand::Clear, AgentCommand::Status(Status::Available)]
            {
                let _refused = centre.queues.handle_command(centre.now, &name, command, By::Agent);
            }
        }
        centre.drain();
        let said = centre.said();
        seen.hear(&said);
        let offers: Vec<_> = seen.offers.keys().copied().collect();
        for offer in offers {
            centre.join(offer);
        }
        let said = centre.said();
        seen.hear(&said);
        for contact in std::mem::take(&mut seen.joined).into_keys() {
            seen.ended += 1;
            centre.tell(QueueInput::Ended { contact });
        }
        centre.pass(seconds(5));
        let said = centre.said();
        seen.hear(&said);
        if seen.waiting.is_empty() && seen.offers.is_empty() {
            centre.pass(seconds(60));
            for number in 0..AGENTS {
                let name = format!("agent{number}");
                let _refused = centre.queues.handle_command(centre.now, &name, AgentCommand::Clear, By::Agent);
            }
            return;
        }
    }
    panic!("somebody starves: {:?}", seen.waiting);
}

#[test]
fn within_one_queue_service_is_by_priority_and_then_by_age() {
    for seed in 0..200 {
        let mut entropy = Entropy::from_number(seed);
        let mut centre = Centre::new(settings());
        let mut expected = Vec::new();
        for number in 1..=30 {
            let priority = u8::try_from(1 + entropy.below(5)).expect("small");
            centre.enter_ranked(number, "orders", Some(priority), 0);
            expected.push((priority, number));
        }
        expected.sort();
        centre.said();
        centre.available("ann");
        let mut served = Vec::new();
        for _ in 0..30 {
            let (contact, _, offer) = centre.offer();
            served.push(contact);
            centre.join(offer);
            centre.said();
            centre.tell(QueueInput::Ended { contact });
            centre.command("ann", AgentCommand::Clear);
        }
        let expected: Vec<_> = expected.into_iter().map(|(_, number)| call(number)).collect();
        assert_eq!(served, expected, "seed {seed}");
    }
}
