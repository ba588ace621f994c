//! `offhook explain NUMBER`: where a call would go and why, without making it.

use super::Daemon;
use super::outcome::{Answer, Outcome, plain};
use clap::Args;
use serde_json::{Value, json};

#[derive(Args, Debug)]
pub struct Arguments {
    /// What is dialled.
    pub number: String,
    /// Who dials: `trunk:NAME` or `phone:NAME`.
    #[arg(long = "as", value_name = "PARTY")]
    pub caller: Option<String>,
    /// The caller's number.
    #[arg(long, value_name = "NUMBER")]
    pub from: Option<String>,
    #[command(flatten)]
    pub daemon: Daemon,
}

pub fn execute(arguments: &Arguments) -> Outcome {
    let request = json!({
        "command": "explain", "number": arguments.number, "as": arguments.caller, "from": arguments.from,
    });
    let json = arguments.daemon.client().ask(request)?;
    let trail = json.get("trail").and_then(Value::as_array).into_iter().flatten();
    let words: Vec<String> = trail.filter_map(Value::as_str).map(plain).collect();
    Ok(Answer { words: words.join("\n"), json })
}
