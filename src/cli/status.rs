//! `offhook status`: what the daemon is doing.

use super::client::Client;
use super::outcome::{Answer, Outcome};
use super::table;
use serde_json::json;

pub fn execute(client: &Client) -> Outcome {
    let json = client.ask(json!({ "command": "status" }))?;
    Ok(Answer { words: table::of_one(&json), json })
}
