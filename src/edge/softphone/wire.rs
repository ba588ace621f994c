//! The agents' protocol as types: what pages say and what they are told (docs/agents.md). Decides nothing.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of the protocol.
pub const VERSION: u32 = 1;
/// Identifiers that pages choose.
const ID_BYTES_MAX: usize = 64;

/// What a page says first.
#[derive(Deserialize)]
pub struct Hello {
    pub version: u32,
    pub user: Option<String>,
    pub password: Option<String>,
    pub token: Option<String>,
    #[serde(default)]
    pub media: bool,
}

/// What a page says afterwards.
#[derive(Deserialize, Clone, PartialEq, Debug)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Order {
    SetStatus { status: String },
    CancelNextStatus {},
    Accept { contact: String, sdp: String },
    Reject { contact: String },
    Dial { number: String, sdp: String, caller_id: Option<String> },
    HangUp { contact: String },
    Hold { contact: String },
    Resume { contact: String },
    Mute { contact: String, on: bool },
    Dtmf { contact: String, digits: String },
    Transfer { contact: String, to: String },
    Consult { contact: String, to: String, sdp: String },
    Complete { contact: String },
    Attach { contact: String, sdp: String },
    Clear { contact: String },
    Report { contact: String, quality: Value },
    Logout {},
    Ping { at: Option<Value> },
}

/// Why something is not done.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    pub code: &'static str,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<&'static str>,
}

impl Refusal {
    pub fn new(code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { code, message: message.into(), at: None }
    }

    pub fn at(self, at: &'static str) -> Refusal {
        Refusal { at: Some(at), ..self }
    }
}

/// A message as it came: who is to be answered, and what was said. An `id` that cannot be used is answered as none.
pub fn read<T: for<'a> Deserialize<'a>>(text: &[u8]) -> (Option<String>, Result<T, Refusal>) {
    let value: Value = match serde_json::from_slice(text) {
        Ok(value) => value,
        Err(_) => return (None, Err(Refusal::new("bad_request", "this is no JSON object"))),
    };
    let id = value.get("id").and_then(Value::as_str).filter(|id| id.len() <= ID_BYTES_MAX).map(str::to_owned);
    if id.is_none() {
        return (None, Err(Refusal::new("bad_request", "`id` is missing, no text or too long").at("/id")));
    }
    match serde_json::from_value(value) {
        Ok(said) => (id, Ok(said)),
        Err(error) => (id, Err(Refusal::new("bad_request", error.to_string()))),
    }
}

/// Whether the first message is the greeting.
pub fn is_hello(text: &[u8]) -> bool {
    let value: Option<Value> = serde_json::from_slice(text).ok();
    value.is_some_and(|value| value.get("do").and_then(Value::as_str) == Some("hello"))
}

pub fn done(id: &str, more: Map<String, Value>) -> String {
    let mut answer = more;
    answer.insert("done".to_owned(), Value::from(id));
    Value::Object(answer).to_string()
}

pub fn refused(id: Option<&str>, refusal: &Refusal) -> String {
    serde_json::json!({ "refused": id, "error": refusal }).to_string()
}

/// One of several texts that stand in a list.
pub fn told(what: &str, more: Map<String, Value>) -> String {
    let mut news = more;
    news.insert("told".to_owned(), Value::from(what));
    Value::Object(news).to_string()
}

/// An agent as he sees himself.
#[derive(Serialize, Clone, PartialEq, Debug)]
pub struct AgentLine {
    pub name: String,
    pub status: String,
    pub status_kind: &'static str,
    pub status_since: u64,
    pub next_status: Option<String>,
    pub activity: &'static str,
    pub auto_accept: bool,
}

/// An agent as the others see him.
#[derive(Serialize, Clone, PartialEq, Debug)]
pub struct Colleague {
    pub name: String,
    pub status: String,
    pub activity: &'static str,
}

/// A contact as its agent sees it.
#[derive(Serialize, Clone, PartialEq, Debug)]
pub struct ContactLine {
    pub id: String,
    pub direction: &'static str,
    pub state: &'static str,
    pub since: u64,
    pub held: bool,
    pub muted: bool,
    pub consults: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub name: Option<String>,
    pub queue: Option<String>,
    pub waited_ms: Option<u64>,
    pub attributes: Map<String, Value>,
    pub offer: Option<String>,
    pub answer: Option<String>,
    pub needs_attach: bool,
    pub acw_until: Option<u64>,
    pub ended: Option<Ended>,
    /// The call in events and records; absent until there is one.
    pub call: Option<String>,
}

#[derive(Serialize, Clone, PartialEq, Debug)]
pub struct Ended {
    pub cause: &'static str,
    pub text: String,
}

/// A line of an agent's history.
#[derive(Serialize, Clone, PartialEq, Debug)]
pub struct Past {
    pub at: u64,
    pub direction: &'static str,
    pub number: Option<String>,
    pub queue: Option<String>,
    pub duration_ms: u64,
    pub outcome: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_by_their_name_and_what_is_missing_is_named() {
        let (id, order) = read::<Order>(br#"{"do":"mute","id":"7","contact":"c","on":true,"new":1}"#);
        assert_eq!((id.as_deref(), order), (Some("7"), Ok(Order::Mute { contact: "c".into(), on: true })));
        let (id, order) = read::<Order>(br#"{"do":"mute","id":"8","contact":"c"}"#);
        assert_eq!(id.as_deref(), Some("8"));
        assert!(order.is_err_and(|refusal| refusal.message.contains("on")));
        for text in ["", "7", "[]", "{}", r#"{"id":7,"do":"logout"}"#, r#"{"id":"1"}"#, r#"{"id":"1","do":"jump"}"#] {
            let (_, order) = read::<Order>(text.as_bytes());
            assert_eq!(order.map_err(|refusal| refusal.code), Err("bad_request"), "{text}");
        }
    }

    #[test]
    fn answers_name_what_they_answer() {
        assert_eq!(done("1", Map::new()), r#"{"done":"1"}"#);
        let refusal = Refusal::new("gone", "no").at("/contact");
        assert_eq!(
            refused(Some("1"), &refusal),
            r#"{"error":{"at":"/contact","code":"gone","message":"no"},"refused":"1"}"#
        );
    }
}
