//! Queues and agents for whoever asks on the control socket, and what a supervisor says to an agent. Keeps nothing.

use super::wire::Fault;
use crate::domain::queue::interface::{AgentCommand, AgentRefusal, By};
use crate::domain::queue::questions::{AgentReport, QueueReport};
use crate::domain::queue::settings::Reach;
use crate::domain::switchboard::Switchboard;
use crate::edge::clock;
use crate::edge::ports::Ports;
use serde_json::{Value, json};

pub fn queues(switchboard: &Switchboard) -> Value {
    let reports = switchboard.queues().reports(clock::now());
    json!({ "queues": reports.iter().map(queue).collect::<Vec<_>>() })
}

fn queue(report: &QueueReport) -> Value {
    let (agents, tally) = (&report.agents, &report.tally);
    json!({
        "queue": &*report.name, "waiting": report.size, "with_offered": report.waiting, "capacity": report.capacity,
        "oldest_seconds": report.oldest.map(|age| age.as_secs()), "in_service": report.is_in_service,
        "agents": { "online": agents.online, "staffed": agents.staffed, "available": agents.available,
            "busy": agents.busy, "wrapping_up": agents.wrapping, "missed": agents.missed, "away": agents.away },
        "available": agents.available,
        "queued": tally.queued, "answered": tally.answered, "abandoned": tally.abandoned, "missed": tally.missed,
        "rejected": tally.rejected, "unreachable": tally.unreachable, "refused_full": tally.refused_full,
        "average_wait_seconds": tally.waiting.mean().map(|mean| mean.as_secs()),
        "longest_wait_seconds": tally.longest_wait.as_secs(),
    })
}

pub fn agents(switchboard: &Switchboard) -> Value {
    json!({ "agents": switchboard.queues().agents().map(|report| agent(&report)).collect::<Vec<_>>() })
}

fn agent(report: &AgentReport<'_>) -> Value {
    let settings = &report.plan.settings;
    let reach = match &settings.reach {
        Reach::Phone(phone) => phone.to_string(),
        Reach::Number(number) => number.to_string(),
    };
    json!({
        "agent": &*settings.name, "activity": report.agent.activity_name(), "status": report.agent.status.name(),
        "next_status": report.agent.next.as_ref().map(|status| status.name().to_owned()),
        "since": report.agent.since, "contacts": report.agent.slots.len(), "free": report.free_slots,
        "routing_profile": &*settings.profile, "reach": reach, "reachable": !report.agent.is_unreachable,
    })
}

/// Sets the status, or puts away what stands in an agent's way.
pub async fn command(ports: &Ports, who: &str, agent: String, status: Option<String>) -> Result<Value, Fault> {
    let name = agent.clone();
    let outcome = ports.dispatch.change(move |switchboard| {
        let command = match &status {
            Some(status) => match switchboard.queues().settings().status(status) {
                Some(status) => AgentCommand::Status(status),
                None => return Err(AgentRefusal::UnknownStatus),
            },
            None => AgentCommand::Clear,
        };
        switchboard.handle_agent(clock::now(), &name, command, By::Supervisor)
    });
    match outcome.await {
        Some(Ok(())) => {
            tracing::info!(who, agent, "an agent was told");
            Ok(json!({ "agent": agent }))
        }
        Some(Err(why)) => Err(Fault::new(code(why), words(&agent, why))),
        None => Err(Fault::new("ending", "the daemon is ending")),
    }
}

fn code(why: AgentRefusal) -> &'static str {
    match why {
        AgentRefusal::UnknownAgent => "no_such_agent",
        AgentRefusal::UnknownStatus => "no_such_status",
        AgentRefusal::OnContact => "on_contact",
        AgentRefusal::NotForSupervisors => "not_for_supervisors",
        AgentRefusal::NothingToClear => "nothing_to_clear",
    }
}

fn words(agent: &str, why: AgentRefusal) -> String {
    match why {
        AgentRefusal::UnknownAgent => format!("no agent is named {agent:?}"),
        AgentRefusal::UnknownStatus => {
            "no status is named so; there are available, offline and those configured".into()
        }
        AgentRefusal::OnContact => format!("{agent} is with a contact, is offered one or has work after one"),
        AgentRefusal::NotForSupervisors => "the next status is the agent's own to choose".into(),
        AgentRefusal::NothingToClear => format!("nothing stands in the way of {agent}"),
    }
}
