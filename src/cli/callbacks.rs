//! `offhook callbacks`: who is owed a call, and taking a promise back.

use super::Daemon;
use super::outcome::{Answer, Outcome};
use super::table;
use clap::{Args, Subcommand};
use serde_json::json;

#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    pub action: Option<Action>,
    #[command(flatten)]
    pub daemon: Daemon,
}

#[derive(Subcommand, Debug)]
pub enum Action {
    /// All that are owed, in the order in which they were promised.
    List,
    /// Take a promise back, unless an agent has it in hand just now.
    Cancel {
        /// As `list` names it, such as cb-17.
        callback: String,
    },
}

pub fn execute(arguments: &Arguments) -> Outcome {
    let client = arguments.daemon.client();
    match &arguments.action {
        None | Some(Action::List) => {
            let json = client.ask(json!({ "command": "callbacks" }))?;
            let columns = ["callback", "number", "waits", "standing", "due", "attempts", "retries"];
            let words = table::of(json.get("callbacks"), &columns, "nobody is owed a call");
            Ok(Answer { words, json })
        }
        Some(Action::Cancel { callback }) => {
            let json = client.ask(json!({ "command": "cancel_callback", "callback": callback }))?;
            Ok(Answer { words: format!("{callback} is taken back"), json })
        }
    }
}
