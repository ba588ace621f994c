//! What an endpoint outside is told of the call, as the reference system tells it. Sends nothing.

use crate::domain::flow::memory::Memory;
use crate::domain::flow::value::{Map, Value};

/// What stands in `ContactData`, where it is known.
const CONTACT: [&str; 15] = [
    "Attributes",
    "Channel",
    "ContactId",
    "CustomerEndpoint",
    "CustomerId",
    "Description",
    "InitialContactId",
    "InitiationMethod",
    "LanguageCode",
    "MediaStreams",
    "Name",
    "PreviousContactId",
    "Queue",
    "SystemEndpoint",
    "Tags",
];

/// What an engine is told besides the numbers and headers, which stand in its request by themselves.
pub const CONTACT_ROUTED: [&str; 8] =
    ["Attributes", "CustomerId", "Description", "InitiationMethod", "LanguageCode", "Name", "Queue", "Tags"];

pub fn known(memory: &Memory, names: &[&str]) -> Map {
    names.iter().filter_map(|name| memory.shared.get(*name).map(|value| ((*name).into(), value.clone()))).collect()
}

/// The body of a webhook and of an engine's function.
pub fn contact_event(memory: &Memory, parameters: Map) -> Value {
    let contact = known(memory, &CONTACT);
    Value::map([
        ("Name", Value::text("ContactFlowEvent")),
        ("Details", Value::map([("ContactData", Value::Map(contact)), ("Parameters", Value::Map(parameters))])),
    ])
}
