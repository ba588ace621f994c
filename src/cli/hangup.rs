//! `offhook hangup ID`: end a call.

use super::Daemon;
use super::outcome::{Answer, Outcome};
use clap::Args;
use serde_json::json;

#[derive(Args, Debug)]
pub struct Arguments {
    /// The call's number, as `offhook calls` shows it.
    pub id: String,
    #[command(flatten)]
    pub daemon: Daemon,
}

pub fn execute(arguments: &Arguments) -> Outcome {
    let json = arguments.daemon.client().ask(json!({ "command": "hang_up", "call": arguments.id }))?;
    Ok(Answer { words: format!("call {} is being ended", arguments.id), json })
}
