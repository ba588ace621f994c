//! Steps that ask or tell somebody outside of the call. Asks nobody itself.

use crate::base::limits;
use crate::domain::flow::act::{Act, Function, Reply, Request, Route, StreamWhat, Webhook};
use crate::edge::config::fields::Fields;
use crate::edge::config::flow::step::StepFields;
use crate::edge::config::flow::{sounds, text};
use std::time::Duration;

const TIMEOUT_MAX: Duration = Duration::from_secs(8);

pub fn webhook(step: &StepFields<'_>) -> Option<Act> {
    let request = request(&step.fields);
    let url = text::required(&step.fields, "url")?;
    Some(Act::Webhook(Webhook { url, request }))
}

pub fn function(step: &StepFields<'_>) -> Option<Act> {
    let request = request(&step.fields);
    let name = text::required(&step.fields, "name")?;
    Some(Act::Function(Function { name, request }))
}

pub fn route(step: &StepFields<'_>) -> Option<Act> {
    let range = Duration::from_millis(100)..=limits::ROUTE_PATIENCE_MAX;
    let timeout = step.fields.duration("timeout", limits::FETCH_PATIENCE, range);
    let comfort = sounds::list(&step.fields, "comfort");
    let engine = text::required(&step.fields, "engine")?;
    Some(Act::Route(Route { engine, timeout, comfort, why: None, fallback: None }))
}

fn request(fields: &Fields<'_>) -> Request {
    let replies = [("strings", Reply::StringMap), ("json", Reply::Json)];
    Request {
        parameters: text::arguments(fields, "parameters", "none"),
        timeout: fields.duration("timeout", Duration::from_secs(3), Duration::from_millis(100)..=TIMEOUT_MAX),
        reply: fields.choice("reply", &replies, Reply::StringMap),
        comfort: sounds::list(fields, "comfort"),
    }
}

pub fn stream_start(step: &StepFields<'_>) -> Option<Act> {
    let what = StreamWhat {
        from_customer: step.fields.flag("from_customer", true),
        to_customer: step.fields.flag("to_customer", true),
    };
    Some(Act::StreamStart(what))
}

pub fn send_digits(step: &StepFields<'_>) -> Option<Act> {
    text::required(&step.fields, "digits").map(Act::SendDigits)
}
