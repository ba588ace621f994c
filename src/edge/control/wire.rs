//! The control protocol's messages, and their conversion from and to JSON. Executes nothing.

use super::check;
use super::schema;
use super::scope::Scope;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The versions that we speak, best first.
pub const VERSIONS: &[u32] = &[1];

/// What a client asks. Every request carries an `id` and gets exactly one answer with it.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Who speaks, and which versions it knows. Commands of a client with a name are done once for each of its ids.
    Hello {
        #[serde(default)]
        client: Option<String>,
        #[serde(default)]
        versions: Option<Vec<u32>>,
        /// Proves who it is, where the socket's file does not.
        #[serde(default)]
        token: Option<String>,
    },
    /// From now on requests for the engine of this name come here.
    Attach {
        engine: String,
    },
    /// No more requests.
    Detach,
    /// From now on events come here: those of `only`, from the number `from` on, where absent those that are to come.
    Follow {
        #[serde(default)]
        from: Option<u64>,
        #[serde(default)]
        only: super::follow::Choice,
    },
    /// No more events.
    Unfollow,
    /// What an engine says to a `route.request`; `null`: that it does not know.
    Decide {
        request: String,
        #[schemars(with = "Option<super::wire_decision::Spoken>")]
        decision: Value,
    },
    /// What an engine says to a `function.call`: its result, or why there is none.
    Return {
        request: String,
        #[serde(default)]
        result: Value,
        #[serde(default)]
        error: Option<String>,
    },
    /// What the holder of a call's lease wants.
    Order {
        call: String,
        lease: u64,
        #[schemars(with = "super::wire_decision::Spoken")]
        order: Value,
    },
    Status,
    Calls,
    HangUp {
        call: String,
    },
    Trunks,
    Phones,
    Queues,
    Agents,
    /// A supervisor sets an agent's status; without one, what the agent missed or has work after is put away.
    Agent {
        agent: String,
        #[serde(default)]
        status: Option<String>,
    },
    Callbacks,
    /// Takes a promise to call back again.
    CancelCallback {
        callback: String,
    },
    Explain {
        number: String,
        #[serde(default, rename = "as")]
        caller: Option<String>,
        #[serde(default)]
        from: Option<String>,
        /// Milliseconds since 1970; now where absent.
        #[serde(default)]
        at: Option<u64>,
    },
    Numbers {
        ask: super::wire_numbers::Ask,
    },
    Guards,
    /// Lets calls out again that a guard stops.
    ResetGuard {
        guard: String,
        #[serde(default)]
        subject: Option<String>,
    },
    Reload {
        /// Only show the plan.
        #[serde(default)]
        dry_run: bool,
    },
    Drain,
    Log {
        filter: String,
    },
}

/// Why a request was not done. One variant, one code.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Fault {
    pub code: &'static str,
    pub message: String,
    /// Details where there are several, such as the faults of a configuration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub details: Vec<String>,
    /// The field at fault, as a JSON pointer into the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl Fault {
    pub fn new(code: &'static str, message: impl Into<String>) -> Fault {
        Fault { code, message: message.into(), details: Vec::new(), path: None }
    }

    pub fn at(self, path: impl Into<String>) -> Fault {
        Fault { path: Some(path.into()), ..self }
    }
}

impl Command {
    /// The right that it needs; `None`: everybody may who is connected.
    pub fn scope(&self) -> Option<Scope> {
        Some(match self {
            Command::Hello { .. } | Command::Detach | Command::Unfollow => return None,
            Command::Attach { .. } | Command::Decide { .. } | Command::Return { .. } => Scope::Route,
            Command::Follow { .. }
            | Command::Status
            | Command::Calls
            | Command::Trunks
            | Command::Phones
            | Command::Queues
            | Command::Agents
            | Command::Explain { .. }
            | Command::Callbacks
            | Command::Guards => Scope::Observe,
            Command::HangUp { .. } | Command::Agent { .. } | Command::CancelCallback { .. } | Command::Order { .. } => {
                Scope::Command
            }
            Command::Numbers { ask } if ask.only_looks() => Scope::Observe,
            Command::Numbers { .. }
            | Command::ResetGuard { .. }
            | Command::Reload { .. }
            | Command::Drain
            | Command::Log { .. } => Scope::Administer,
        })
    }

    /// Whether it must not be done again when it comes again under the same id.
    pub fn changes(&self) -> bool {
        !matches!(self, Command::Hello { .. } | Command::Attach { .. } | Command::Detach | Command::Unfollow)
            && self.scope() != Some(Scope::Observe)
    }
}

/// Reads one line. The id comes back even when the rest cannot be read, so that the client knows what failed.
pub fn read(line: &[u8]) -> (Value, Result<Command, Fault>) {
    let mut value: Value = match serde_json::from_slice(line) {
        Ok(value) => value,
        Err(error) => return (Value::Null, Err(Fault::new("bad_json", error.to_string()))),
    };
    let Some(object) = value.as_object_mut() else {
        return (Value::Null, Err(Fault::new("bad_request", "a request is a JSON object")));
    };
    let id = object.remove("id").unwrap_or(Value::Null);
    if !(id.is_null() || id.is_string() || id.is_number()) {
        return (Value::Null, Err(Fault::new("bad_request", "`id` must be a string or a number")));
    }
    let command = Command::deserialize(&value).map_err(|error| misread(&value, &error.to_string()));
    (id, command)
}

/// What is wrong with a command, and where: the schema knows the place, which the reader of the type does not.
fn misread(value: &Value, error: &str) -> Fault {
    match check::check(schema::json_schema(), schema::definition("Command"), value) {
        Err(wrong) => Fault::new("bad_request", format!("{}: {}", wrong.path, wrong.what)).at(wrong.path),
        Ok(()) => Fault::new("bad_request", error),
    }
}

/// Writes one answer as a line.
pub fn write(id: &Value, answer: Result<Value, Fault>) -> Bytes {
    let message = match answer {
        Ok(result) => serde_json::json!({ "id": id, "result": result }),
        Err(fault) => serde_json::json!({ "id": id, "error": fault }),
    };
    let mut line = message.to_string().into_bytes();
    line.push(b'\n');
    line.into()
}

#[cfg(test)]
mod tests {
    mod replay;
    use super::*;

    #[test]
    fn a_request_is_read_with_its_id() {
        let (id, command) = read(br#"{"id":7,"command":"reload"}"#);
        assert_eq!(id, Value::from(7));
        assert_eq!(command, Ok(Command::Reload { dry_run: false }));
    }

    #[test]
    fn an_unknown_command_is_refused_by_name_and_keeps_its_id() {
        let (id, command) = read(br#"{"id":"a","command":"relaod"}"#);
        assert_eq!(id, Value::from("a"));
        let fault = command.expect_err("refused");
        assert_eq!(fault.code, "bad_request");
        assert!(fault.message.contains("relaod"), "{}", fault.message);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let (_, command) = read(br#"{"id":1,"command":"hang_up","call":"0","force":true}"#);
        assert!(command.expect_err("refused").message.contains("force"));
    }

    #[test]
    fn the_field_at_fault_is_told_however_deep_it_stands() {
        let at = |line: &[u8]| read(line).1.expect_err("refused").path;
        let claim = br#"{"command":"numbers","ask":{"do":"claim","number":"+81","capacity":-1}}"#;
        assert_eq!(at(claim).as_deref(), Some("/ask/capacity"));
        assert_eq!(at(br#"{"command":"numbers","ask":{"do":"clame"}}"#).as_deref(), Some("/ask/do"));
        assert_eq!(at(br#"{"command":"hang_up"}"#).as_deref(), Some("/call"));
        assert_eq!(at(br#"{"command":"follow","only":{"kind":[]}}"#).as_deref(), Some("/only/kind"));
        assert_eq!(at(br#"{"id":1}"#).as_deref(), Some("/command"));
    }

    #[test]
    fn what_is_no_json_gets_a_fault_without_id() {
        let (id, command) = read(b"GET / HTTP/1.1");
        assert_eq!(id, Value::Null);
        assert_eq!(command.expect_err("refused").code, "bad_json");
    }

    #[test]
    fn deep_nesting_is_refused_and_does_not_overflow() {
        let deep = [b'['; 60_000];
        assert_eq!(read(&deep).1.expect_err("refused").code, "bad_json");
    }
}
