//! `offhook agents`: what agents do, and setting the status of one.

use super::Daemon;
use super::outcome::{Answer, Outcome};
use super::table;
use clap::Args;
use serde_json::json;

#[derive(Args, Debug)]
pub struct Arguments {
    /// The agent whose status is set.
    #[arg(requires = "status")]
    pub agent: Option<String>,
    /// `available`, `offline` or a configured status; `clear` only puts away what was missed or is over.
    pub status: Option<String>,
    #[command(flatten)]
    pub daemon: Daemon,
}

pub fn execute(arguments: &Arguments) -> Outcome {
    let client = arguments.daemon.client();
    let (Some(agent), Some(status)) = (&arguments.agent, &arguments.status) else {
        let json = client.ask(json!({ "command": "agents" }))?;
        let columns = ["agent", "activity", "next_status", "contacts", "routing_profile", "reach"];
        let words = table::of(json.get("agents"), &columns, "no agent is configured");
        return Ok(Answer { words, json });
    };
    let status = (status != "clear").then_some(status);
    let json = client.ask(json!({ "command": "agent", "agent": agent, "status": status }))?;
    Ok(Answer { words: format!("{agent}: done"), json })
}
