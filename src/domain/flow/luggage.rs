//! What a call leaves to the call that calls its customer back: attributes, chosen flows, language. Sensitive values stay behind.

use super::act::{Recorded, Role};
use super::interface::CallerId;
use super::memory::{Memory, Origin};
use super::value::{Map, Value};

/// Names that are of the one call alone.
const OF_ONE_CALL: [&str; 6] = ["ContactId", "PreviousContactId", "InitiationMethod", "Agent", "Queue", "MediaStreams"];

/// As a value, which can be written down. What was marked sensitive is left out: it must never reach a disk.
pub fn pack(memory: &Memory) -> Value {
    let mut shared: Map = memory.shared.clone();
    OF_ONE_CALL.iter().for_each(|name| drop(shared.remove(*name)));
    for secret in memory.secrets() {
        match secret.split_once('.') {
            Some((namespace, name)) => {
                if let Some(Value::Map(map)) = shared.get_mut(namespace) {
                    map.remove(name);
                }
            }
            None => drop(shared.remove(secret)),
        }
    }
    let flows = memory.flows.iter().map(|(role, name)| (role.name().into(), Value::Text(name.clone()))).collect();
    let text = |text: &Option<Box<str>>| text.clone().map_or(Value::Null, Value::Text);
    let caller = [("Number", text(&memory.caller.number)), ("Name", text(&memory.caller.name))];
    Value::map([
        ("Shared", Value::Map(shared)),
        ("Flows", Value::Map(flows)),
        ("Recording", Value::text(recorded_name(memory.recording))),
        ("Caller", Value::map(caller)),
        ("IsLogged", Value::Bool(memory.is_logged)),
    ])
}

/// The memory of the call that keeps the promise: `call` is it, `before` the one in which it was given.
pub fn unpack(luggage: &Value, (call, before): (&str, &str), customer: &str) -> Memory {
    let origin =
        Origin { contact: call.into(), customer: customer.into(), initiation: "CALLBACK", ..Origin::default() };
    let mut memory = Memory::new(&origin);
    let initial = member(luggage, "Shared").and_then(|shared| shared.member("InitialContactId")).cloned();
    if let Some(Value::Map(shared)) = member(luggage, "Shared") {
        let own = ["ContactId", "InitiationMethod", "CustomerEndpoint", "CustomerCallbackNumber"];
        let brought = shared.iter().filter(|(name, _)| !own.contains(&&***name));
        memory.shared.extend(brought.map(|(name, value)| (name.clone(), value.clone())));
    }
    memory.know("PreviousContactId", Value::text(before));
    memory.know("InitialContactId", initial.unwrap_or_else(|| Value::text(before)));
    if let Some(Value::Map(flows)) = member(luggage, "Flows") {
        let named = flows.iter().filter_map(|(role, name)| Some((Role::named(role)?, name.as_text()?.into())));
        memory.flows = named.collect();
    }
    let text = |name: &str| member(luggage, "Caller")?.member(name)?.as_text().map(Box::from);
    memory.caller = CallerId { number: text("Number"), name: text("Name") };
    memory.recording = recorded(member(luggage, "Recording").and_then(Value::as_text).unwrap_or_default());
    memory.is_logged = member(luggage, "IsLogged") != Some(&Value::Bool(false));
    memory
}

/// Whom the customer is to see, as the call's flow has said.
pub fn caller(luggage: &Value) -> CallerId {
    unpack(luggage, ("", ""), "").caller.clone()
}

fn member<'a>(luggage: &'a Value, name: &str) -> Option<&'a Value> {
    luggage.member(name)
}

fn recorded_name(recorded: Recorded) -> &'static str {
    match recorded {
        Recorded::Nobody => "nobody",
        Recorded::Agent => "agent",
        Recorded::Customer => "customer",
        Recorded::Both => "both",
    }
}

fn recorded(name: &str) -> Recorded {
    let all = [Recorded::Agent, Recorded::Customer, Recorded::Both];
    all.into_iter().find(|recorded| recorded_name(*recorded) == name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::flow::act::Scope;
    use crate::domain::flow::template::Reference;

    fn look_up<'a>(memory: &'a Memory, path: &[&str]) -> Option<&'a str> {
        let reference = Reference { path: path.iter().map(|name| Box::from(*name)).collect() };
        memory.look_up(&reference).and_then(Value::as_text)
    }

    fn asked() -> Memory {
        let origin = Origin { contact: "first".into(), customer: "+81312345678".into(), ..Origin::default() };
        let mut memory = Memory::new(&origin);
        assert!(memory.set_attribute(Scope::Call, "order", Value::text("100"), false));
        assert!(memory.set_attribute(Scope::Call, "card", Value::text("4111"), true));
        memory.flows.insert(Role::AgentWhisper, "whisper".into());
        memory.recording = Recorded::Both;
        memory
    }

    #[test]
    fn attributes_and_chosen_flows_survive_into_the_callback() {
        let memory = unpack(&pack(&asked()), ("second", "first"), "+81312345679");
        assert_eq!(look_up(&memory, &["Attributes", "order"]), Some("100"));
        assert_eq!(memory.flow_for(Role::AgentWhisper), Some("whisper"));
        assert_eq!(memory.recording, Recorded::Both);
        assert_eq!(look_up(&memory, &["InitiationMethod"]), Some("CALLBACK"));
        assert_eq!(look_up(&memory, &["ContactId"]), Some("second"));
        assert_eq!(look_up(&memory, &["PreviousContactId"]), Some("first"));
        assert_eq!(look_up(&memory, &["CustomerEndpoint", "Address"]), Some("+81312345679"));
    }

    #[test]
    fn what_is_sensitive_is_never_written_down() {
        let packed = format!("{:?}", pack(&asked()));
        assert!(packed.contains("100") && !packed.contains("4111"), "{packed}");
    }
}
