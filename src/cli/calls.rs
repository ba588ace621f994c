//! `offhook calls [ID]`: the calls that are running, or one of them.

use super::Daemon;
use super::outcome::{Answer, Failure, Outcome};
use super::table;
use clap::Args;
use serde_json::{Value, json};

#[derive(Args, Debug)]
pub struct Arguments {
    /// The call's number, as logs and records write it.
    pub id: Option<String>,
    #[command(flatten)]
    pub daemon: Daemon,
}

pub fn execute(arguments: &Arguments) -> Outcome {
    let json = arguments.daemon.client().ask(json!({ "command": "calls" }))?;
    let Some(id) = &arguments.id else {
        let words = table::of(json.get("calls"), &columns(&json), "no call is running");
        return Ok(Answer { words, json });
    };
    let calls = json.get("calls").and_then(Value::as_array).into_iter().flatten();
    let found = calls.into_iter().find(|call| call.get("call").and_then(Value::as_str) == Some(id));
    let call = found.ok_or_else(|| Failure::failed("no_such_call", format!("no call `{id}` is running")))?;
    Ok(Answer { words: table::of_one(call), json: call.clone() })
}

/// The columns that the daemon tells, the call's number first.
fn columns(json: &Value) -> Vec<&str> {
    let first = json.pointer("/calls/0").and_then(Value::as_object);
    let mut columns: Vec<&str> = first.into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    columns.sort_by_key(|column| *column != "call");
    columns
}
