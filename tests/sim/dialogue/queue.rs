//! Queues beside a dialogue: real ones, with agents whose phones are its peers.

use super::world::World;
use offhook::base::id::CallId;
use offhook::base::machine::Machine;
use offhook::base::now::Now;
use offhook::domain::call::interface::{CallInput, QueueWord};
use offhook::domain::queue::interface::{AgentCommand, By, ContactId, Offer, QueueInput, QueueOutput};
use offhook::domain::queue::queues::Queues;
use offhook::domain::queue::settings::{
    AgentSettings, ProfileEntry, QueueFlows, QueueSettings, Reach, RoutingProfile, Settings, Status,
};
use std::sync::Arc;
use std::time::Duration;

/// One queue, `orders`; every agent is named as the peer whose phone is his.
fn settings(agents: &[&str], auto_accept: bool) -> Settings {
    let entry = ProfileEntry { queue: "orders".into(), priority: 1, delay: Duration::ZERO };
    let profile =
        RoutingProfile { name: "all".into(), entries: vec![entry], slots: 1, keeps_place_after_outbound: false };
    let agent = |name: &&str| AgentSettings {
        name: (*name).into(),
        profile: "all".into(),
        reach: Reach::Phone((*name).into()),
        auto_accept,
        wrap_up: None,
        password: None,
        proficiencies: Vec::new(),
        first_status: Status::Offline,
    };
    Settings {
        statuses: Vec::new(),
        queues: vec![QueueSettings::named("orders")],
        profiles: vec![profile],
        agents: agents.iter().map(agent).collect(),
    }
}

impl World {
    /// `set agents callee other`: all of them available, the first idle longest. With `itself` their phones are to answer so.
    pub fn set_agents(&mut self, names: &[&str]) {
        let auto_accept = names.last() == Some(&"itself");
        let names = names.strip_suffix(&["itself"]).unwrap_or(names);
        let mut queues = Queues::new(self.now(), 1);
        let mut now = self.now();
        self.floor.settings = Arc::new(settings(names, auto_accept));
        queues.handle_input(now, QueueInput::Settings(Arc::clone(&self.floor.settings)));
        for name in names {
            queues.handle_command(now, name, AgentCommand::Status(Status::Available), By::Agent).expect("a status");
            now = now.after(Duration::from_micros(1));
        }
        self.floor.queues = Some(queues);
    }

    /// The next thing that the queues say to the call.
    pub fn next_of_queue(&mut self) -> Option<(CallId, CallInput)> {
        loop {
            let said = self.floor.queues.as_mut()?.poll_output()?;
            let contact = match &said {
                QueueOutput::Offer(offer) => offer.contact,
                QueueOutput::Entered { contact, .. }
                | QueueOutput::Refused { contact, .. }
                | QueueOutput::Withdraw { contact, .. }
                | QueueOutput::StartAgentWhisper { contact, .. }
                | QueueOutput::Dequeued { contact, .. }
                | QueueOutput::StartCustomerWhisper { contact, .. }
                | QueueOutput::Join { contact, .. }
                | QueueOutput::HangUp { contact, .. }
                | QueueOutput::Left { contact }
                | QueueOutput::Requeued { contact } => *contact,
                _ => continue,
            };
            let ContactId::Call(call) = contact else { continue };
            let stages = match &said {
                QueueOutput::Offer(offer) => vec![self.stage(&[phone_of(offer)], offer.patience * 2)],
                _ => Vec::new(),
            };
            let word = QueueWord { said, flows: QueueFlows::default(), stages, refusal: None };
            return Some((call, CallInput::Queue(Box::new(word))));
        }
    }

    pub fn on_queue(&mut self, words: &[&str]) -> Result<(), String> {
        let queues = self.floor.queues.as_ref().ok_or("there are no agents")?;
        let told: Vec<String> = queues
            .agents()
            .map(|report| format!("{} {}", report.plan.settings.name, report.agent.activity_name()))
            .collect();
        match words {
            ["agent", wanted @ ..] if told.contains(&wanted.join(" ")) => Ok(()),
            _ => Err(format!("but {}", told.join("; "))),
        }
    }
}

fn phone_of(offer: &Offer) -> String {
    match &offer.reach {
        Reach::Phone(name) => name.to_string(),
        Reach::Number(number) => number.to_string(),
    }
}

/// What is due in the queues.
pub fn deadline(queues: Option<&Queues>) -> Option<std::time::Instant> {
    queues.and_then(Queues::deadline)
}

pub fn handle_deadline(queues: Option<&mut Queues>, now: Now) {
    if let Some(queues) = queues {
        queues.handle_deadline(now);
    }
}
