//! Steps that keep something for later. Sets nothing itself.

use crate::domain::flow::act::{Act, Recorded, Role, Scope, SetAttributes, SetPriority, SetTags, SetVoice};
use crate::edge::config::fields::printable;
use crate::edge::config::flow::step::StepFields;
use crate::edge::config::flow::text;

pub fn attributes(step: &StepFields<'_>) -> Option<Act> {
    let scopes = [("call", Scope::Call), ("flow", Scope::Flow), ("system", Scope::System)];
    let scope = step.fields.choice("scope", &scopes, Scope::Call);
    let pairs = text::arguments(&step.fields, "attributes", "required");
    Some(Act::SetAttributes(SetAttributes { scope, pairs }))
}

pub fn queue(step: &StepFields<'_>) -> Option<Act> {
    if !step.fields.has("queue") && !step.fields.has("agent") {
        let meant = Some("or `agent` for the queue of an agent".to_owned());
        step.fields.reading.error(step.fields.at, &step.fields.path("queue"), "missing key `queue`", meant);
    }
    text::queue_of(&step.fields).map(Act::SetQueue)
}

pub fn priority(step: &StepFields<'_>) -> Option<Act> {
    let fields = &step.fields;
    let priority = fields.integer_opt("priority", "unchanged", 1..=99);
    let age = fields.text("age", "unchanged").and_then(|written| {
        let seconds = text::signed_seconds(&written.text);
        if seconds.is_none() {
            let problem = format!("`{}` is no duration", printable(&written.text));
            fields.error("age", problem, Some("write one such as \"10m\" or \"-90s\"".to_owned()));
        }
        seconds
    });
    Some(Act::SetPriority(SetPriority { priority, age }))
}

pub fn criteria(step: &StepFields<'_>) -> Option<Act> {
    let Some(value) = step.fields.value("criteria", "text or table", "required") else {
        step.fields.missing("criteria");
        return None;
    };
    text::argument(step.fields.reading, value, &step.fields.path("criteria")).map(Act::SetCriteria)
}

pub fn callback_number(step: &StepFields<'_>) -> Option<Act> {
    text::required(&step.fields, "number").map(Act::SetCallbackNumber)
}

pub fn flows(step: &StepFields<'_>) -> Option<Act> {
    let chosen = Role::ALL.map(|role| Some((role, text::text(&step.fields, role.name(), "unchanged")?)));
    Some(Act::SetFlows(chosen.into_iter().flatten().collect()))
}

pub fn recording(step: &StepFields<'_>) -> Option<Act> {
    let who = [
        ("nobody", Recorded::Nobody),
        ("agent", Recorded::Agent),
        ("customer", Recorded::Customer),
        ("both", Recorded::Both),
    ];
    if !step.fields.has("who") {
        step.fields.missing("who");
    }
    step.fields.choice_opt("who", &who, "required").map(Act::SetRecording)
}

pub fn voice(step: &StepFields<'_>) -> Option<Act> {
    let language = text::text(&step.fields, "language", "unchanged");
    let voice = text::text(&step.fields, "voice", "unchanged");
    Some(Act::SetVoice(SetVoice { language, voice }))
}

pub fn log(step: &StepFields<'_>) -> Option<Act> {
    if !step.fields.has("log") {
        step.fields.missing("log");
    }
    Some(Act::SetLog(step.fields.flag("log", true)))
}

pub fn tags(step: &StepFields<'_>) -> Option<Act> {
    let pairs = step.fields.pairs("tags");
    let reading = step.fields.reading;
    let tags =
        pairs.iter().filter_map(|(name, item)| Some((name.text.as_str().into(), text::template(reading, item)?)));
    let tags: Vec<_> = tags.collect();
    let remove: Vec<Box<str>> = step.fields.texts("remove", "empty").into_iter().map(|item| item.text.into()).collect();
    Some(Act::SetTags(SetTags { tags, remove }))
}
