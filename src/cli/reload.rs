//! `offhook reload`: the configuration is read again, and applied whole or not at all.

use super::Daemon;
use super::outcome::{Answer, Failure, Outcome, USAGE, plain};
use clap::Args;
use serde_json::{Value, json};

#[derive(Args, Debug)]
pub struct Arguments {
    /// Show what would change and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub daemon: Daemon,
}

pub fn execute(arguments: &Arguments) -> Outcome {
    let request = json!({ "command": "reload", "dry_run": arguments.dry_run });
    let asked = arguments.daemon.client().ask(request);
    // Details are the faults of the configuration: the exit code says so, as that of `check` does.
    let json = asked.map_err(|failure| match failure.details.is_empty() {
        true => failure,
        false => Failure { exit: USAGE, ..failure },
    })?;
    let plan = json.get("plan").and_then(Value::as_array).into_iter().flatten();
    let lines: Vec<String> = plan.filter_map(Value::as_str).map(plain).collect();
    let words = if lines.is_empty() { "nothing has changed".to_owned() } else { lines.join("\n") };
    Ok(Answer { words, json })
}
