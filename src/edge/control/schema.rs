//! The control protocol's messages as JSON Schema and AsyncAPI, made of the types that read and write them.

use super::wire::{Command, Fault, VERSIONS};
use super::wire_told::Told;
use crate::edge::events::wire::{Gap, Line};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

/// Every message of the protocol, each a definition.
pub fn json_schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(build)
}

/// The definition of one message, such as `Command`.
pub fn definition(name: &str) -> &'static Value {
    static NONE: Value = Value::Null;
    json_schema().pointer(&format!("/$defs/{name}")).unwrap_or(&NONE)
}

fn build() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    generator.subschema_for::<Command>();
    generator.subschema_for::<Fault>();
    generator.subschema_for::<Gap>();
    generator.subschema_for::<Told>();
    generator.subschema_for::<Line<'static>>();
    let mut definitions: Map<String, Value> = generator.take_definitions(true);
    if let Some(command) = definitions.get_mut("Command") {
        with_field(command, "id", &json!({ "$ref": "#/$defs/Id" }));
    }
    if let Some(decision) = definitions.get_mut("Decision") {
        let attributes = json!({ "description": "Set first.", "type": ["object", "null"] });
        with_field(decision, "attributes", &attributes);
    }
    let id =
        json!({ "description": "Chosen by the client; the answer has it too.", "type": ["string", "number", "null"] });
    let answer = json!({
        "description": "What came of a command: exactly one of `result` and `error`.",
        "oneOf": [
            { "type": "object", "additionalProperties": false, "required": ["id", "result"],
              "properties": { "id": { "$ref": "#/$defs/Id" }, "result": true } },
            { "type": "object", "additionalProperties": false, "required": ["id", "error"],
              "properties": { "id": { "$ref": "#/$defs/Id" }, "error": { "$ref": "#/$defs/Fault" } } },
        ],
    });
    if let Some(line) = definitions.remove("Line") {
        definitions.insert("Event".to_owned(), line);
    }
    definitions.extend([("Id".to_owned(), id), ("Answer".to_owned(), answer)]);
    let messages =
        ["Command", "Answer", "Told", "Event", "Gap"].map(|name| json!({ "$ref": format!("#/$defs/{name}") }));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("Offhook control protocol, version {}", VERSIONS.first().copied().unwrap_or_default()),
        "anyOf": messages,
        "$defs": definitions,
    })
}

/// What each of the branches may have besides: each command an id, each decision attributes.
fn with_field(branches: &mut Value, name: &str, field: &Value) {
    for branch in branches.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(fields) = branch.get_mut("properties").and_then(Value::as_object_mut) {
            fields.insert(name.to_owned(), field.clone());
        }
    }
}

/// The same as AsyncAPI: what may be sent, and what is received.
pub fn async_api() -> Value {
    let text = json_schema().get("$defs").map(Value::to_string).unwrap_or_default();
    let schemas: Value = serde_json::from_str(&text.replace("#/$defs/", "#/components/schemas/")).unwrap_or_default();
    let message = |name: &str, summary: &str| {
        (name.to_owned(), json!({ "summary": summary, "payload": { "$ref": format!("#/components/schemas/{name}") } }))
    };
    let messages: Map<String, Value> = [
        message("Command", "What a client asks. Every command with an id has exactly one answer with that id."),
        message("Answer", "What came of a command."),
        message("Told", "What an engine is asked, and what it hears of calls that it has control of."),
        message("Event", "What has happened, for those who follow."),
        message("Gap", "Told in the place of events that a follower does not get."),
    ]
    .into_iter()
    .collect();
    let on_channel = |name: &str| json!({ "$ref": format!("#/channels/control/messages/{name}") });
    let of_channel: Map<String, Value> = messages
        .keys()
        .map(|name| (name.clone(), json!({ "$ref": format!("#/components/messages/{name}") })))
        .collect();
    let heard = ["Answer", "Told", "Event", "Gap"].map(on_channel);
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Offhook control protocol",
            "version": VERSIONS.first().copied().unwrap_or_default().to_string(),
            "description": "One JSON object per line on a Unix socket, or per frame over WebSocket on TLS.",
        },
        "channels": { "control": { "address": "/", "messages": of_channel } },
        "operations": {
            "ask": { "action": "send", "channel": { "$ref": "#/channels/control" }, "messages": [on_channel("Command")] },
            "hear": { "action": "receive", "channel": { "$ref": "#/channels/control" },
                "messages": heard },
        },
        "components": { "schemas": schemas, "messages": messages },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With OFFHOOK_BLESS it is published first.
    fn published(name: &str, spoken: &Value) -> Value {
        let path = format!("{}/docs/schema/{name}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("OFFHOOK_BLESS").is_some() {
            std::fs::write(&path, format!("{spoken:#}\n")).expect("a file");
        }
        serde_json::from_str(&std::fs::read_to_string(path).unwrap_or_default()).unwrap_or_default()
    }

    #[test]
    fn what_is_published_is_what_is_spoken() {
        let schema = "run `offhook schema > docs/schema/control.schema.json`";
        assert!(published("control.schema.json", json_schema()) == *json_schema(), "{schema}");
        let api = "run `offhook schema --asyncapi > docs/schema/control.asyncapi.json`";
        assert!(published("control.asyncapi.json", &async_api()) == async_api(), "{api}");
    }

    #[test]
    fn nothing_refers_to_what_is_not_there() {
        for document in [json_schema(), &async_api()] {
            let mut left = vec![document];
            while let Some(value) = left.pop() {
                match value {
                    Value::Object(fields) => left.extend(fields.values()),
                    Value::Array(items) => left.extend(items),
                    Value::String(text) if text.starts_with("#/") => {
                        assert!(document.pointer(text.trim_start_matches('#')).is_some(), "{text}");
                    }
                    _ => {}
                }
            }
        }
    }
}
