//! Queues, routing profiles and agents as lines of key and text, for comparing and showing them. Of a password stands a digest.

use crate::base::secret::Secret;
use crate::domain::queue::criteria::Proficiency;
use crate::domain::queue::settings::{
    AgentSettings, ProfileEntry, QueueFlows, QueueSettings, Reach, RoutingProfile, Settings,
};
use crate::domain::routing::engine::{Engine, Engines};
use crate::edge::config::fields::shown;
use crate::edge::config::plan::Effect;
use crate::edge::config::written::Line;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

type Named = Vec<(String, Vec<Line>)>;

fn line(key: &str, text: impl ToString) -> Line {
    Line { key: key.to_owned(), text: text.to_string(), effect: Effect::AtOnce, hidden: false }
}

fn time(key: &str, span: Option<Duration>) -> Line {
    line(key, span.map_or("none".to_owned(), shown))
}

fn word(key: &str, text: Option<impl ToString>) -> Line {
    line(key, text.map_or("none".to_owned(), |text| text.to_string()))
}

fn secret(key: &str, secret: Option<&Secret>) -> Line {
    let digest = secret.map(|secret| Sha256::digest(secret.reveal().as_bytes()));
    let text = digest.map_or("none".to_owned(), |digest| digest.iter().map(|byte| format!("{byte:02x}")).collect());
    Line { key: key.to_owned(), text, effect: Effect::AtOnce, hidden: secret.is_some() }
}

fn list(key: &str, all: impl Iterator<Item = String>) -> Line {
    line(key, format!("[{}]", all.collect::<Vec<_>>().join(", ")))
}

pub fn statuses(settings: &Settings) -> Vec<Line> {
    vec![list("name", settings.statuses.iter().map(ToString::to_string))]
}

// Every field is taken apart below; a new one does not compile until it is written.

/// Under which declaration engines are asked.
pub fn engines(engines: &Engines) -> Named {
    let one = |engine: &Arc<Engine>| {
        let Engine { name, client, patience, fallback, comfort, grace } = &**engine;
        let lines = vec![
            line("client", client),
            time("deadline", Some(*patience)),
            line("fallback", fallback),
            list("comfort", comfort.iter().map(|sound| format!("{sound:?}"))),
            time("grace", Some(*grace)),
        ];
        let lines = lines.into_iter().map(|line| Line { effect: Effect::NewCalls, ..line }).collect();
        (name.to_string(), lines)
    };
    engines.iter().map(one).collect()
}

pub fn queues(settings: &Settings) -> Named {
    let one = |queue: &QueueSettings| {
        let QueueSettings { name, hours, capacity, is_in_service, sticky, caller_id, flows } = queue;
        let QueueFlows { waiting, agent_whisper, customer_whisper, outbound_whisper } = flows;
        let lines = vec![
            word("hours", hours.as_ref()),
            word("capacity", *capacity),
            line("in_service", is_in_service),
            time("last_agent_first", *sticky),
            word("caller_id", *caller_id),
            word("waiting_flow", waiting.as_ref()),
            word("agent_whisper", agent_whisper.as_ref()),
            word("customer_whisper", customer_whisper.as_ref()),
            word("outbound_whisper", outbound_whisper.as_ref()),
        ];
        (name.to_string(), lines)
    };
    settings.queues.iter().map(one).collect()
}

pub fn profiles(settings: &Settings) -> Named {
    let entry = |entry: &ProfileEntry| {
        let ProfileEntry { queue, priority, delay } = entry;
        format!("{queue} priority {priority} delay {}", shown(*delay))
    };
    let one = |profile: &RoutingProfile| {
        let RoutingProfile { name, entries, slots, keeps_place_after_outbound } = profile;
        let lines = vec![
            line("slots", slots),
            line("outbound_keeps_place", keeps_place_after_outbound),
            list("queue", entries.iter().map(entry)),
        ];
        (name.to_string(), lines)
    };
    settings.profiles.iter().map(one).collect()
}

pub fn agents(settings: &Settings) -> Named {
    let skill = |one: &Proficiency| {
        let Proficiency { attribute, value, level } = one;
        format!("{attribute} {value} {level}")
    };
    let one = |agent: &AgentSettings| {
        let AgentSettings { name, profile, reach, auto_accept, wrap_up, proficiencies, password, first_status } = agent;
        let reach = match reach {
            Reach::Phone(phone) => line("phone", phone),
            Reach::Number(number) => line("number", number),
        };
        let lines = vec![
            line("routing_profile", profile),
            reach,
            line("auto_accept", auto_accept),
            time("wrap_up", *wrap_up),
            list("proficiency", proficiencies.iter().map(skill)),
            secret("password_hash", password.as_ref()),
            line("status", first_status.name()),
        ];
        (name.to_string(), lines)
    };
    settings.agents.iter().map(one).collect()
}
