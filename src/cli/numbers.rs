//! `offhook numbers`: the numbers that are ours, where each leads, and what was done to them. Asks the daemon for everything.

use super::Daemon;
use super::outcome::{Answer, FAILED, Failure, Outcome, plain};
use super::table;
use crate::domain::number::refusal::Day;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    pub action: Action,
    #[command(flatten)]
    pub daemon: Daemon,
}

#[derive(Subcommand, Debug)]
pub enum Action {
    /// All numbers, or those that fit.
    List {
        /// CLAIMED, IN_PROGRESS, FAILED or RELEASED.
        #[arg(long)]
        status: Option<String>,
        /// did, toll-free, uifn, mobile, national, short-code or extension.
        #[arg(long)]
        kind: Option<String>,
        /// Two letters, such as JP.
        #[arg(long)]
        country: Option<String>,
        #[arg(long)]
        tag: Option<String>,
        #[arg(long)]
        account: Option<String>,
    },
    /// One number, with the calls that it has now.
    Show { number: String },
    /// Take a number into the inventory.
    Claim {
        number: String,
        /// By its numbering plan where this is not given.
        #[arg(long)]
        kind: Option<String>,
        /// Who carries it; may be given several times, for a DID once.
        #[arg(long = "carrier", value_name = "NAME")]
        carriers: Vec<String>,
        /// Calls at the same time; 0 sets no limit.
        #[arg(long)]
        capacity: Option<u32>,
        /// flow:NAME, phone:NAME, group:NAME, queue:NAME, engine:NAME, trunk:NAME or number:+DIGITS.
        #[arg(long)]
        to: Option<String>,
        #[arg(long, default_value = "")]
        account: String,
        #[arg(long = "tag", value_name = "WORD")]
        tags: Vec<String>,
        /// Ordered or being ported: calls that come are taken, `settle` says how it ended.
        #[arg(long)]
        in_progress: bool,
        /// Also when its numbering plan has no such number.
        #[arg(long)]
        anyway: bool,
    },
    /// Say how a claim in progress ended: it is ours, or it failed.
    Settle {
        number: String,
        /// Why it failed.
        #[arg(long, value_name = "WHY")]
        failed: Option<String>,
    },
    /// Say where calls to a number go.
    Assign {
        number: String,
        /// flow:NAME, phone:NAME, group:NAME, queue:NAME, engine:NAME, trunk:NAME or number:+DIGITS.
        to: String,
        /// Only calls from this country; UIFN only.
        #[arg(long)]
        country: Option<String>,
    },
    /// Calls to the number go nowhere from now on.
    Unassign {
        number: String,
        #[arg(long)]
        country: Option<String>,
    },
    /// Change what is kept of a number.
    Change {
        number: String,
        #[arg(long)]
        capacity: Option<u32>,
        /// Replaces all carriers.
        #[arg(long = "carrier", value_name = "NAME")]
        carriers: Option<Vec<String>>,
        /// Replaces all tags.
        #[arg(long = "tag", value_name = "WORD")]
        tags: Option<Vec<String>>,
    },
    /// Give a number to another account, which has to assign it anew.
    Move { number: String, account: String },
    /// Give a number back: it rests for 30 days and then is forgotten.
    Release { number: String },
    /// Read numbers from a table of comma-separated values: good lines are done, bad ones are named.
    Import { file: PathBuf },
    /// What was done to numbers, by whom, when, with before and after.
    Audit {
        number: Option<String>,
        /// How many lines, the latest ones.
        #[arg(long, default_value_t = 100)]
        last: u32,
    },
}

pub fn execute(arguments: &Arguments) -> Outcome {
    match &arguments.action {
        Action::List { .. } => list(arguments),
        Action::Import { file } => import(&arguments.daemon, file),
        Action::Audit { number, last } => {
            let json = ask(&arguments.daemon, json!({ "do": "audit", "number": number, "most": last }))?;
            Ok(Answer { words: audit_words(&json), json })
        }
        action => {
            let json = ask(&arguments.daemon, one(action))?;
            let words = json.get("number").map(table::of_one).unwrap_or_default();
            Ok(Answer { words, json })
        }
    }
}

fn ask(daemon: &Daemon, ask: Value) -> Result<Value, Failure> {
    daemon.client().ask(json!({ "command": "numbers", "ask": without_nulls(ask) }))
}

fn without_nulls(ask: Value) -> Value {
    match ask {
        Value::Object(object) => object.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>().into(),
        other => other,
    }
}

/// What is asked for one number.
fn one(action: &Action) -> Value {
    match action {
        Action::Show { number } => json!({ "do": "show", "number": number }),
        Action::Claim { number, kind, carriers, capacity, to, account, tags, in_progress, anyway } => json!({
            "do": "claim", "number": number, "kind": kind, "carriers": carriers, "capacity": capacity, "to": to,
            "account": account, "tags": tags, "in_progress": in_progress, "anyway": anyway,
        }),
        Action::Settle { number, failed } => json!({ "do": "settle", "number": number, "failed": failed }),
        Action::Assign { number, to, country } => {
            json!({ "do": "assign", "number": number, "to": to, "country": country })
        }
        Action::Unassign { number, country } => json!({ "do": "unassign", "number": number, "country": country }),
        Action::Change { number, capacity, carriers, tags } => {
            json!({ "do": "change", "number": number, "capacity": capacity, "carriers": carriers, "tags": tags })
        }
        Action::Move { number, account } => json!({ "do": "move", "number": number, "account": account }),
        Action::Release { number } => json!({ "do": "release", "number": number }),
        Action::List { .. } | Action::Import { .. } | Action::Audit { .. } => Value::Null,
    }
}

fn list(arguments: &Arguments) -> Outcome {
    let Action::List { status, kind, country, tag, account } = &arguments.action else {
        return Err(Failure::failed("not_here", "this is no list"));
    };
    let mut all: Vec<Value> = Vec::new();
    loop {
        let after = all.last().and_then(|last| last.get("number")).cloned();
        let page = ask(
            &arguments.daemon,
            json!({
                "do": "list", "status": status, "kind": kind, "country": country, "tag": tag, "account": account,
                "after": after,
            }),
        )?;
        let numbers = page.get("numbers").and_then(Value::as_array).cloned().unwrap_or_default();
        let is_last = numbers.is_empty() || page.get("last").and_then(Value::as_bool).unwrap_or(true);
        all.extend(numbers);
        if is_last {
            break;
        }
    }
    let json = json!({ "numbers": all });
    let columns = ["number", "kind", "country", "status", "to", "capacity", "carriers", "account", "tags"];
    Ok(Answer { words: table::of(json.get("numbers"), &columns, "no number"), json })
}

/// Bytes of the table that go along with one request: half of what a line may have, for what JSON adds to them.
const CHUNK_BYTES: usize = 24 * 1_024;

fn import(daemon: &Daemon, file: &Path) -> Outcome {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage("unreadable", format!("{}: {error}", file.display())))?;
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default();
    let mut told: Vec<Value> = Vec::new();
    let (mut chunk, mut first_line) = (String::new(), 2);
    let mut send = |chunk: &mut String, first_line: usize| -> Result<(), Failure> {
        let table = format!("{head}\n{chunk}");
        let answer = ask(daemon, json!({ "do": "import", "csv": table, "first_line": first_line }))?;
        told.extend(answer.get("lines").and_then(Value::as_array).into_iter().flatten().cloned());
        chunk.clear();
        Ok(())
    };
    for (number, line) in (2..).zip(lines) {
        if chunk.len() + line.len() > CHUNK_BYTES {
            send(&mut chunk, first_line)?;
        }
        if chunk.is_empty() {
            first_line = number;
        }
        chunk.push_str(line);
        chunk.push('\n');
    }
    send(&mut chunk, first_line)?;
    report(told)
}

/// The lines that were not done are what an operator has to look at; with any of them the command has failed.
fn report(lines: Vec<Value>) -> Outcome {
    let is = |line: &Value, outcome: &str| line.get("outcome").and_then(Value::as_str) == Some(outcome);
    let count = |outcome: &str| lines.iter().filter(|line| is(line, outcome)).count();
    let [claimed, changed, unchanged, refused] = ["claimed", "changed", "unchanged", "refused"].map(count);
    let sum = format!("{claimed} claimed, {changed} changed, {unchanged} unchanged, {refused} refused");
    let bad: Vec<String> = lines
        .iter()
        .filter(|line| is(line, "refused"))
        .map(|line| format!("line {}: {}", table::cell(line.get("line")), table::cell(line.get("why"))))
        .collect();
    if refused == 0 {
        return Ok(Answer { words: sum, json: json!({ "lines": lines }) });
    }
    Err(Failure { exit: FAILED, details: bad, ..Failure::failed("lines_refused", sum) })
}

fn audit_words(json: &Value) -> String {
    let lines = json.get("audit").and_then(Value::as_array);
    let told = lines.into_iter().flatten().map(|line| {
        let at = line.get("at").and_then(Value::as_u64).unwrap_or_default();
        let word = |key: &str| table::cell(line.get(key));
        let changed = changes(line.get("before"), line.get("after"));
        format!("{}  {}  {}  {}  {}", Day(at), word("who"), word("action"), word("number"), plain(&changed))
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { "nothing was done".to_owned() } else { told.join("\n") }
}

/// The keys that differ, as `to: flow:a -> flow:b`.
fn changes(before: Option<&Value>, after: Option<&Value>) -> String {
    let empty = Map::new();
    let object = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_else(|| empty.clone());
    let (before, after) = (object(before), object(after));
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).filter(|key| *key != "number").collect();
    keys.sort();
    keys.dedup();
    let differing = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    let told: Vec<String> = differing
        .map(|key| format!("{key}: {} -> {}", table::cell(before.get(key)), table::cell(after.get(key))))
        .collect();
    told.join(", ")
}
