//! `offhook log LEVEL`: the running daemon says more, or less.

use super::Daemon;
use super::outcome::{Answer, Outcome};
use clap::Args;
use serde_json::json;

#[derive(Args, Debug)]
pub struct Arguments {
    /// `info`, or modules apart: `info,offhook::edge=debug`.
    pub level: String,
    #[command(flatten)]
    pub daemon: Daemon,
}

pub fn execute(arguments: &Arguments) -> Outcome {
    let json = arguments.daemon.client().ask(json!({ "command": "log", "filter": arguments.level }))?;
    Ok(Answer { words: format!("logging at {}", arguments.level), json })
}
