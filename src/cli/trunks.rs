//! `offhook trunks`: the trunks, whether they are up, and their calls.

use super::client::Client;
use super::outcome::{Answer, Outcome};
use super::table;
use serde_json::{Value, json};

pub fn execute(client: &Client) -> Outcome {
    let json = client.ask(json!({ "command": "trunks" }))?;
    Ok(Answer { words: words(&json), json })
}

/// One line per trunk; its targets as `host up` or `host down`.
fn words(json: &Value) -> String {
    let mut rows = json.get("trunks").cloned().unwrap_or_default();
    for row in rows.as_array_mut().into_iter().flatten() {
        let targets = row.get("targets").and_then(Value::as_array).into_iter().flatten();
        let told = targets.map(|target| {
            let up = target.get("up").and_then(Value::as_bool).unwrap_or(false);
            format!("{} {}", table::cell(target.get("target")), if up { "up" } else { "down" })
        });
        let told: Vec<String> = told.collect();
        if let Some(row) = row.as_object_mut() {
            row.insert("targets".to_owned(), json!(told));
        }
    }
    table::of(Some(&rows), &["trunk", "calls", "calls_max", "registered", "targets"], "no trunk is configured")
}
