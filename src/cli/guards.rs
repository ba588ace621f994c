//! `offhook guards`: which spending guards have tripped, and letting calls out again.

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
    /// Let calls out again under a guard, and forget what was spent.
    Reset {
        guard: String,
        /// Only for this trunk, phone or account.
        #[arg(long, value_name = "NAME")]
        subject: Option<String>,
    },
}

pub fn execute(arguments: &Arguments) -> Outcome {
    let client = arguments.daemon.client();
    match &arguments.action {
        None => {
            let json = client.ask(json!({ "command": "guards" }))?;
            let words = table::of(json.get("guards"), &["guard", "stops", "why"], "no guard has tripped");
            Ok(Answer { words, json })
        }
        Some(Action::Reset { guard, subject }) => {
            let json = client.ask(json!({ "command": "reset_guard", "guard": guard, "subject": subject }))?;
            Ok(Answer { words: format!("guard {guard} is reset"), json })
        }
    }
}
