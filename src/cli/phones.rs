//! `offhook phones`: the phones and where they are registered.

use super::client::Client;
use super::outcome::{Answer, Outcome};
use super::table;
use serde_json::json;

pub fn execute(client: &Client) -> Outcome {
    let json = client.ask(json!({ "command": "phones" }))?;
    let words = table::of(json.get("phones"), &["phone", "calls", "contacts"], "no phone is configured");
    Ok(Answer { words, json })
}
