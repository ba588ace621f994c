//! Refusals and small things of the agents' protocol, put into words. Decides nothing.

use super::settings::QuickConnect;
use super::wire::Refusal;
use crate::domain::queue::interface::AgentRefusal;
use crate::domain::softphone::interface::Refused;
use serde_json::{Value, json};

pub fn refusal(why: AgentRefusal) -> Refusal {
    match why {
        AgentRefusal::UnknownAgent => Refusal::new("gone", "the agent is in the configuration no more"),
        AgentRefusal::UnknownStatus => Refusal::new("bad_request", "no status has this name").at("/status"),
        AgentRefusal::OnContact => Refusal::new("wrong_state", "a contact is in hand"),
        AgentRefusal::NotForSupervisors => Refusal::new("not_allowed", "this is not for you to choose"),
        AgentRefusal::NothingToClear => Refusal::new("wrong_state", "there is nothing to clear"),
    }
}

pub fn refused(why: Refused) -> Refusal {
    match why {
        Refused::UnknownTalk => Refusal::new("unknown_contact", "no contact of that name is here").at("/contact"),
        Refused::WrongStage => Refusal::new("wrong_state", "the contact is not where that can be done"),
        Refused::Description => {
            Refusal::new("bad_request", "the description holds no audio that can be used").at("/sdp")
        }
        Refused::Destination => Refusal::new("bad_request", "this is no number, agent:NAME, queue:NAME or key"),
        Refused::TooMany => Refusal::new("too_many", "as many contacts are in hand as may be"),
        Refused::Status(status) => Refusal::new("not_allowed", format!("the exchange has refused it ({status})")),
    }
}

pub fn quick_connect(one: &QuickConnect) -> Value {
    let kind = match one.to.split_once(':') {
        Some(("agent", _)) => "agent",
        Some(("queue", _)) => "queue",
        _ => "number",
    };
    json!({ "name": one.name, "to": one.to, "kind": kind })
}
