//! `offhook queues`: who waits where, and what has become of those who waited.

use super::client::Client;
use super::outcome::{Answer, Outcome};
use super::table;
use serde_json::json;

pub fn execute(client: &Client) -> Outcome {
    let json = client.ask(json!({ "command": "queues" }))?;
    let columns = ["queue", "waiting", "oldest_seconds", "available", "queued", "answered", "abandoned", "missed"];
    let words = table::of(json.get("queues"), &columns, "no queue is configured");
    Ok(Answer { words, json })
}
