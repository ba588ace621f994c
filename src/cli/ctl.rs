//! `offhook ctl`: any command of the control protocol, and its events as they happen. Knows the meaning of none.

use super::Daemon;
use super::client::Client;
use super::outcome::{Answer, Failure, Outcome, Style, plain};
use crate::edge::clock::Stamp;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use std::io::{BufRead, Write};
use std::process::ExitCode;

#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    pub what: What,
    #[command(flatten)]
    pub daemon: Daemon,
}

#[derive(Subcommand, Debug)]
pub enum What {
    /// Send one command: its name and its fields, or all of it as JSON. docs/control.md lists them.
    Send {
        /// Such as `status`, or `{"command":"status"}`.
        command: String,
        /// Such as `call=00000000000000a1`; values that are JSON are taken as such.
        #[arg(value_name = "FIELD=VALUE")]
        fields: Vec<String>,
    },
    /// Show events as they happen.
    Follow(FollowArguments),
}

#[derive(Args, Debug)]
pub struct FollowArguments {
    /// From this number on, as far as they are kept; otherwise from now on.
    #[arg(long, value_name = "NUMBER")]
    pub from: Option<u64>,
    /// Only these kinds, such as `call.ended` or `agent.*`.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub kinds: Vec<String>,
    /// Only these calls.
    #[arg(long, value_name = "CALL", value_delimiter = ',')]
    pub calls: Vec<String>,
    /// Only these trunks.
    #[arg(long, value_name = "TRUNK", value_delimiter = ',')]
    pub trunks: Vec<String>,
    /// Only these queues.
    #[arg(long, value_name = "QUEUE", value_delimiter = ',')]
    pub queues: Vec<String>,
    /// Only these agents.
    #[arg(long, value_name = "AGENT", value_delimiter = ',')]
    pub agents: Vec<String>,
    /// End after so many.
    #[arg(long, value_name = "EVENTS")]
    pub count: Option<u64>,
}

pub fn run(arguments: &Arguments, style: Style) -> ExitCode {
    let client = arguments.daemon.client();
    match &arguments.what {
        What::Send { command, fields } => super::outcome::tell(send(&client, command, fields), style),
        What::Follow(follow) => match self::follow(&client, follow, style) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => super::outcome::tell(Err(failure), style),
        },
    }
}

fn send(client: &Client, command: &str, fields: &[String]) -> Outcome {
    let json = client.ask(read_command(command, fields)?)?;
    let words = serde_json::to_string_pretty(&json).unwrap_or_default();
    Ok(Answer { words, json })
}

/// What is meant by a name and fields.
fn read_command(command: &str, fields: &[String]) -> Result<Value, Failure> {
    let mut object = match command.trim_start().starts_with('{') {
        true => match serde_json::from_str(command) {
            Ok(Value::Object(object)) => object,
            Ok(_) => return Err(Failure::usage("bad_command", "a command is a JSON object")),
            Err(error) => return Err(Failure::usage("bad_command", format!("this is no JSON: {error}"))),
        },
        false => Map::from_iter([("command".to_owned(), json!(command))]),
    };
    for field in fields {
        let Some((name, value)) = field.split_once('=') else {
            return Err(Failure::usage("bad_field", format!("write {field:?} as NAME=VALUE")));
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
        object.insert(name.to_owned(), value);
    }
    Ok(Value::Object(object))
}

fn follow(client: &Client, follow: &FollowArguments, style: Style) -> Result<(), Failure> {
    let mut request = json!({ "command": "follow", "only": {
        "kinds": follow.kinds, "calls": follow.calls, "trunks": follow.trunks,
        "queues": follow.queues, "agents": follow.agents,
    } });
    if let (Some(from), Some(object)) = (follow.from, request.as_object_mut()) {
        object.insert("from".to_owned(), json!(from));
    }
    let (_, lines) = client.hold(request)?;
    let mut left = follow.count.unwrap_or(u64::MAX);
    let mut out = std::io::stdout().lock();
    for line in lines.lines() {
        if left == 0 {
            return Ok(());
        }
        let line = line.map_err(|error| Failure::failed("broken", format!("the control socket broke: {error}")))?;
        let event: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(error) = event.get("error") {
            let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            return Err(Failure::failed(&text("code"), text("message")));
        }
        let shown = if style == Style::Json { line } else { words(&event) };
        // A reader that went away early, such as `head`, is no failure.
        if writeln!(out, "{shown}").and_then(|()| out.flush()).is_err() {
            return Ok(());
        }
        left -= 1;
        if left == 0 {
            return Ok(());
        }
    }
    Err(Failure::failed("ended", "the daemon has closed the connection"))
}

/// One event on one line: when, number, call, what, and the rest as it is called.
fn words(event: &Value) -> String {
    let text = |key: &str| event.get(key).map_or_else(String::new, bare);
    let at =
        event.get("at").and_then(Value::as_u64).map_or_else(String::new, |at| Stamp { unix_millis: at }.to_string());
    let mut line = format!("{at:24} {:>8} {:16} {:20}", text("seq"), text("call"), text("event"));
    for (key, value) in event.as_object().into_iter().flatten() {
        if !["at", "seq", "n", "call", "event"].contains(&key.as_str()) {
            line.push_str(&format!(" {key}={}", bare(value)));
        }
    }
    plain(&line.trim_end().replace('\n', "?"))
}

fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_a_name_with_fields_or_json() {
        let read = |command: &str, fields: &[&str]| {
            let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
            read_command(command, &fields)
        };
        assert_eq!(read("status", &[]), Ok(json!({ "command": "status" })));
        let numbers = json!({ "command": "numbers", "ask": { "do": "list" } });
        assert_eq!(read("numbers", &["ask={\"do\":\"list\"}"]), Ok(numbers.clone()));
        assert_eq!(read(&numbers.to_string(), &[]), Ok(numbers));
        assert_eq!(read("agent", &["agent=ann", "status=true"]).unwrap()["status"], json!(true));
        assert_eq!(read("agent", &["ann"]).unwrap_err().exit, super::super::outcome::USAGE);
        assert!(read("{\"command\":", &[]).is_err());
    }

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let event = json!({ "seq": 12, "at": 0, "n": 3, "event": "leg.started", "call": "00000000000000a1", "leg": 1,
            "party": "trunk:a\n\u{1b}[2J" });
        let line = words(&event);
        assert!(line.contains("       12 00000000000000a1 leg.started"), "{line}");
        assert!(line.ends_with("leg=1 party=trunk:a??[2J"), "{line}");
    }
}
