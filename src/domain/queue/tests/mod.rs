//! A small call centre in virtual time, and what it must do: the specifications of queues, agents and callbacks.

mod callbacks;
mod capacity;
mod criteria;
mod fairness;
mod offers;
mod order;
mod questions;
mod reload;
mod statuses;
mod timeline;

use super::callback::{CallbackId, DialOutcome};
use super::criteria::{Criteria, Proficiency};
use super::interface::{
    AgentCommand, Arrival, By, CallbackOrder, ContactId, Offer, OfferAnswer, OfferId, Place, QueueInput, QueueOutput,
    Rank, Withdrawal,
};
use super::queues::Queues;
use super::settings::{AgentSettings, ProfileEntry, QueueSettings, Reach, RoutingProfile, Settings, Status};
use crate::base::e164::E164;
use crate::base::id::CallId;
use crate::base::machine::Machine;
use crate::base::now::Now;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub fn call(number: u64) -> ContactId {
    ContactId::Call(CallId(number))
}

pub fn queue(name: &str) -> Place {
    Place::Queue(name.into())
}

pub fn profile(name: &str, entries: &[(&str, u32, u64)]) -> RoutingProfile {
    let entry = |(queue, priority, delay): &(&str, u32, u64)| ProfileEntry {
        queue: (*queue).into(),
        priority: *priority,
        delay: seconds(*delay),
    };
    RoutingProfile {
        name: name.into(),
        entries: entries.iter().map(entry).collect(),
        slots: 1,
        keeps_place_after_outbound: false,
    }
}

pub fn agent(name: &str, profile: &str) -> AgentSettings {
    AgentSettings {
        name: name.into(),
        profile: profile.into(),
        reach: Reach::Phone(name.into()),
        auto_accept: false,
        password: None,
        wrap_up: Some(seconds(30)),
        proficiencies: Vec::new(),
        first_status: Status::Offline,
    }
}

pub fn skilled(name: &str, profile: &str, skills: &[(&str, &str, u8)]) -> AgentSettings {
    let all = skills.iter().map(|(attribute, value, level)| Proficiency::new(attribute, value, *level));
    AgentSettings { proficiencies: all.map(|one| one.expect("a proficiency")).collect(), ..agent(name, profile) }
}

/// Two queues, `orders` and `help`, and the agents `ann`, `bob` and `cid` who serve both.
pub fn settings() -> Settings {
    Settings {
        statuses: vec!["Lunch".into(), "Training".into()],
        queues: vec![QueueSettings::named("orders"), QueueSettings::named("help")],
        profiles: vec![profile("both", &[("orders", 1, 0), ("help", 1, 0)])],
        agents: ["ann", "bob", "cid"].map(|name| agent(name, "both")).to_vec(),
    }
}

/// The queues under test, their clock, and what they have said and nobody has looked at.
pub struct Centre {
    pub queues: Queues,
    pub now: Now,
    pub said: Vec<QueueOutput>,
}

impl Centre {
    pub fn new(settings: Settings) -> Centre {
        let wall = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let now = Now { instant: Instant::now(), wall };
        let mut centre = Centre { queues: Queues::new(now, 1), now, said: Vec::new() };
        centre.tell(QueueInput::Settings(Arc::new(settings)));
        centre
    }

    pub fn with_agents(settings: Settings, available: &[&str]) -> Centre {
        let mut centre = Centre::new(settings);
        for name in available {
            centre.available(name);
        }
        centre.said.clear();
        centre
    }

    pub fn tell(&mut self, input: QueueInput) {
        self.queues.handle_input(self.now, input);
        self.drain();
    }

    pub fn drain(&mut self) {
        while let Some(output) = self.queues.poll_output() {
            self.said.push(output);
        }
    }

    /// Lets time pass, each deadline at its moment.
    pub fn pass(&mut self, span: Duration) {
        let end = self.now.after(span);
        while let Some(at) = self.queues.deadline().filter(|at| *at <= end.instant) {
            self.now = self.now.after(at.saturating_duration_since(self.now.instant));
            self.queues.handle_deadline(self.now);
            self.drain();
        }
        self.now = end;
    }

    pub fn command(&mut self, name: &str, command: AgentCommand) {
        self.queues.handle_command(self.now, name, command, By::Agent).expect("the command is taken");
        self.drain();
    }

    pub fn available(&mut self, name: &str) {
        self.command(name, AgentCommand::Status(Status::Available));
        self.now = self.now.after(Duration::from_millis(1));
    }

    pub fn arrival(contact: ContactId, place: Place) -> Arrival {
        Arrival { contact, place, rank: Rank::default(), criteria: None, customer: None, is_transfer: false }
    }

    pub fn enter(&mut self, number: u64, name: &str) {
        self.enter_with(Centre::arrival(call(number), queue(name)));
    }

    pub fn enter_with(&mut self, arrival: Arrival) {
        self.tell(QueueInput::Enter(Box::new(arrival)));
        self.now = self.now.after(Duration::from_millis(1));
    }

    pub fn enter_asking(&mut self, number: u64, name: &str, criteria: Criteria) {
        let arrival = Centre::arrival(call(number), queue(name));
        self.enter_with(Arrival { criteria: Some(criteria), ..arrival });
    }

    pub fn enter_ranked(&mut self, number: u64, name: &str, priority: Option<u8>, age: i64) {
        let arrival = Centre::arrival(call(number), queue(name));
        self.enter_with(Arrival { rank: Rank { priority, age }, ..arrival });
    }

    /// Takes what was said.
    pub fn said(&mut self) -> Vec<QueueOutput> {
        std::mem::take(&mut self.said)
    }

    /// Takes the offers that were made, as contact and agent.
    pub fn offers(&mut self) -> Vec<Offer> {
        let offers = self.said.iter().filter_map(|output| match output {
            QueueOutput::Offer(offer) => Some((**offer).clone()),
            _ => None,
        });
        let offers = offers.collect();
        self.said.clear();
        offers
    }

    /// The only offer that was made: whom it was made to, and its number.
    pub fn offer(&mut self) -> (ContactId, String, OfferId) {
        let offers = self.offers();
        let [offer] = offers.as_slice() else { panic!("one offer was expected: {offers:?}") };
        (offer.contact, offer.agent.to_string(), offer.id)
    }

    pub fn answer(&mut self, offer: OfferId, answer: OfferAnswer) {
        self.tell(QueueInput::Answer { offer, answer });
    }

    pub fn accept(&mut self, offer: OfferId) {
        self.answer(offer, OfferAnswer::Accepted);
    }

    /// From the offer to the conversation, with whispers that take no time.
    pub fn join(&mut self, offer: OfferId) {
        self.accept(offer);
        self.tell(QueueInput::AgentWhispered { offer });
        self.tell(QueueInput::CustomerWhispered { offer });
    }

    pub fn end(&mut self, number: u64) {
        self.tell(QueueInput::Ended { contact: call(number) });
    }

    /// The conversation ends and the work after it too.
    pub fn finish(&mut self, number: u64, agent: &str) {
        self.end(number);
        self.command(agent, AgentCommand::Clear);
    }

    pub fn withdrawals(&mut self) -> Vec<(ContactId, String, Withdrawal)> {
        let all = self.said.iter().filter_map(|output| match output {
            QueueOutput::Withdraw { contact, agent, why, .. } => Some((*contact, agent.to_string(), *why)),
            _ => None,
        });
        all.collect()
    }

    pub fn activity(&self, name: &str) -> String {
        self.queues.agent(name).expect("the agent").agent.activity_name().to_owned()
    }

    pub fn order(number: u64, name: &str) -> CallbackOrder {
        CallbackOrder {
            call: CallId(number),
            number: E164::from_digits("819012345678").expect("a number"),
            place: queue(name),
            rank: Rank::default(),
            criteria: None,
            started: 1_700_000_000_000,
            delay: Duration::ZERO,
            retries: 0,
            gap: seconds(600),
            luggage: std::sync::Arc::default(),
        }
    }

    pub fn dialled(&mut self, offer: OfferId, outcome: DialOutcome) {
        self.tell(QueueInput::Dialled { offer, outcome });
    }
}

pub fn callback(number: u64) -> ContactId {
    ContactId::Callback(CallbackId(number))
}
