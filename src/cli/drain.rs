//! `offhook drain`: new calls are refused, and the daemon ends when the running ones have ended.

use super::client::Client;
use super::outcome::{Answer, Outcome};
use super::table;
use serde_json::json;

pub fn execute(client: &Client) -> Outcome {
    let json = client.ask(json!({ "command": "drain" }))?;
    Ok(Answer { words: format!("draining; calls still running: {}", table::cell(json.get("calls"))), json })
}
