//! `offhook explain NUMBER`: where a call would go and why, without making it.

use super::Daemon;
use super::outcome::{Answer, Failure, Outcome, USAGE, plain};
use crate::domain::switchboard::Switchboard;
use crate::edge::{clock, config, entropy};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

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
    /// Ask this configuration folder instead of a running daemon.
    #[arg(long, value_name = "DIR", conflicts_with = "socket")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub daemon: Daemon,
}

pub fn execute(arguments: &Arguments) -> Outcome {
    if let Some(folder) = &arguments.config {
        return explain_folder(arguments, folder);
    }
    let request = json!({
        "command": "explain", "number": arguments.number, "as": arguments.caller, "from": arguments.from,
    });
    let json = arguments.daemon.client().ask(request)?;
    let trail = json.get("trail").and_then(Value::as_array).into_iter().flatten();
    let words: Vec<String> = trail.filter_map(Value::as_str).map(plain).collect();
    Ok(Answer { words: words.join("\n"), json })
}

/// What a daemon with this configuration would do, with nobody registered and every target up.
fn explain_folder(arguments: &Arguments, folder: &Path) -> Outcome {
    let configuration = config::read(folder, std::env::vars()).map_err(|faults| Failure {
        exit: USAGE,
        details: faults.iter().map(ToString::to_string).collect(),
        ..Failure::failed("bad_configuration", format!("{} has faults", folder.display()))
    })?;
    let switchboard = Switchboard::new(configuration.exchange, entropy::from_system(), clock::now());
    let mut trail = vec!["no daemon was asked: nobody is registered, every target counts as up".to_owned()];
    trail.extend(switchboard.explain(&arguments.number, arguments.caller.as_deref(), arguments.from.as_deref()));
    let words: Vec<String> = trail.iter().map(|line| plain(line)).collect();
    Ok(Answer { words: words.join("\n"), json: json!({ "trail": trail }) })
}
