//! Values of flows as JSON and back. Decides nothing about them.

use crate::domain::flow::act::Reply;
use crate::domain::flow::interface::FetchFault;
use crate::domain::flow::value::Value;
use serde_json::{Map, Number, Value as Json};

pub fn write(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(yes) => Json::Bool(*yes),
        // Digits that no number of JSON holds exactly go as text, and lose nothing.
        Value::Number(text) => match serde_json::from_str::<Number>(text) {
            Ok(number) if number.to_string() == **text => Json::Number(number),
            _ => Json::String(text.to_string()),
        },
        Value::Text(text) => Json::String(text.to_string()),
        Value::List(list) => Json::Array(list.iter().map(write).collect()),
        Value::Map(map) => {
            Json::Object(map.iter().map(|(name, value)| (name.to_string(), write(value))).collect::<Map<_, _>>())
        }
    }
}

pub fn read(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(yes) => Value::Bool(yes),
        Json::Number(number) => Value::number(number),
        Json::String(text) => Value::Text(text.into()),
        Json::Array(list) => Value::List(list.into_iter().map(read).collect()),
        Json::Object(map) => Value::Map(map.into_iter().map(|(name, value)| (name.into(), read(value))).collect()),
    }
}

/// An answer in the shape that the step asked for.
pub fn answer(bytes: &[u8], reply: Reply) -> Result<Value, FetchFault> {
    let json: Json = serde_json::from_slice(bytes).map_err(|_| FetchFault::NotUnderstood)?;
    let Value::Map(map) = read(json) else { return Err(FetchFault::NotUnderstood) };
    let is_flat = map.values().all(|value| matches!(value, Value::Text(_)));
    match reply {
        Reply::StringMap if !is_flat => Err(FetchFault::NotUnderstood),
        Reply::StringMap | Reply::Json => Ok(Value::Map(map)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let text = r#"{"a":[1,2.5,"x",null,true],"b":{"c":12345678901234567890}}"#;
        let value = read(serde_json::from_str(text).expect("JSON"));
        assert_eq!(write(&value).to_string(), text);
    }

    #[test]
    fn a_map_of_texts_holds_nothing_else() {
        assert!(answer(br#"{"a":"1"}"#, Reply::StringMap).is_ok());
        assert_eq!(answer(br#"{"a":1}"#, Reply::StringMap), Err(FetchFault::NotUnderstood));
        assert!(answer(br#"{"a":{"b":1}}"#, Reply::Json).is_ok());
        for text in ["[]", "\"x\"", "", "{", "<html>"] {
            assert_eq!(answer(text.as_bytes(), Reply::Json), Err(FetchFault::NotUnderstood), "{text}");
        }
    }
}
