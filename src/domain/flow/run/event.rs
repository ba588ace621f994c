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

/// The body of a webhook and of an engine's function.
pub fn contact_event(memory: &Memory, parameters: Map) -> Value {
    let known = CONTACT.iter().filter_map(|name| memory.shared.get(*name).map(|value| ((*name).into(), value.clone())));
    let contact: Map = known.collect();
    Value::map([
        ("Name", Value::text("ContactFlowEvent")),
        ("Details", Value::map([("ContactData", Value::Map(contact)), ("Parameters", Value::Map(parameters))])),
    ])
}
