//! `offhook explain NUMBER`: where a call would go and why, without making it.

use super::Daemon;
use super::outcome::{Answer, Failure, Outcome, USAGE, plain};
use crate::base::machine::Machine;
use crate::domain::switchboard::interface::SwitchboardInput;
use crate::domain::switchboard::{DryRun, Switchboard};
use crate::edge::store::numbers::Numbers;
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
    /// When: `2026-12-24T18:00:00+09:00`, or without a zone for that of this machine.
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Ask this configuration folder instead of a running daemon.
    #[arg(long, value_name = "DIR", conflicts_with = "socket")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub daemon: Daemon,
}

pub fn execute(arguments: &Arguments) -> Outcome {
    let at = arguments.at.as_deref().map(read_time).transpose()?;
    if let Some(folder) = &arguments.config {
        return explain_folder(arguments, at, folder);
    }
    let request = json!({
        "command": "explain", "number": arguments.number, "as": arguments.caller, "from": arguments.from, "at": at,
    });
    let json = arguments.daemon.client().ask(request)?;
    let trail = json.get("trail").and_then(Value::as_array).into_iter().flatten();
    let words: Vec<String> = trail.filter_map(Value::as_str).map(plain).collect();
    Ok(Answer { words: words.join("\n"), json })
}

/// Milliseconds since 1970.
fn read_time(text: &str) -> Result<u64, Failure> {
    let zoned = text.parse::<jiff::Timestamp>().ok();
    let local = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::system()).ok();
    let at = zoned.or_else(|| local().map(|at| at.timestamp()));
    at.and_then(|at| u64::try_from(at.as_millisecond()).ok())
        .ok_or_else(|| Failure::usage("bad_time", format!("{text:?} is no time; write 2026-12-24T18:00:00+09:00")))
}

/// What a daemon with this configuration would do, with nobody registered and every target up.
fn explain_folder(arguments: &Arguments, at: Option<u64>, folder: &Path) -> Outcome {
    let configuration = config::read(folder, std::env::vars()).map_err(|faults| Failure {
        exit: USAGE,
        details: faults.iter().map(ToString::to_string).collect(),
        ..Failure::failed("bad_configuration", format!("{} has faults", folder.display()))
    })?;
    let book = Numbers::look(&configuration.daemon.store)
        .map_err(|fault| Failure { exit: USAGE, ..Failure::failed(fault.code(), fault.to_string()) })?;
    let now = clock::at(clock::now(), at);
    let mut switchboard = Switchboard::new(configuration.exchange, entropy::from_system(), now);
    switchboard.handle_input(now, SwitchboardInput::Numbers(book));
    let mut trail = vec!["no daemon was asked: nobody is registered, every target counts as up".to_owned()];
    let (caller, from) = (arguments.caller.as_deref(), arguments.from.as_deref());
    trail.extend(switchboard.explain(now, DryRun { number: &arguments.number, caller, from }));
    let words: Vec<String> = trail.iter().map(|line| plain(line)).collect();
    Ok(Answer { words: words.join("\n"), json: json!({ "trail": trail }) })
}
