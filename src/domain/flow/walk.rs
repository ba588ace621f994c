//! Every text and every reference of a step, with the key that it stands under. Judges none.

use super::act::{Act, Argument, Count, Dial, DialTimeout, QueueOf, Request, SoundSpec};
use super::template::{Reference, Template};

/// What is found: a text, or a reference that stands alone.
pub enum Found<'a> {
    Text(&'a Template),
    Reference(&'a Reference),
}

/// Calls `see` for each, in the order of the settings.
pub fn walk<'a>(act: &'a Act, see: &mut dyn FnMut(&str, Found<'a>)) {
    match act {
        Act::Play(play) => sounds("sounds", &play.sounds, see),
        Act::LoopPrompts(prompts) => sounds("sounds", &prompts.sounds, see),
        Act::Ask(ask) => {
            sounds("sounds", &ask.sounds, see);
            sounds("again", &ask.again, see);
        }
        Act::Collect(collect) => {
            sounds("sounds", &collect.sounds, see);
            if let Some(confirm) = &collect.confirm {
                sounds("confirm.sounds", &confirm.sounds, see);
            }
        }
        Act::Check(check) => {
            see("what", Found::Reference(&check.what));
            for (at, condition) in check.conditions.iter().enumerate() {
                see(&format!("when[{at}]"), Found::Text(&condition.value));
            }
        }
        Act::CheckHours(check) => text("hours", check.hours.as_ref(), see),
        Act::CheckQueue(check) => queue(check.queue.as_ref(), see),
        Act::CheckStaffing(check) => queue(check.queue.as_ref(), see),
        Act::QueueMetrics(of) | Act::Queue(of) => queue(of.as_ref(), see),
        Act::Loop(Count::From(reference)) => see("times", Found::Reference(reference)),
        Act::SetQueue(of) => queue(Some(of), see),
        Act::Callback(callback) => queue(callback.queue.as_ref(), see),
        Act::SetAttributes(set) => arguments("attributes", &set.pairs, see),
        Act::SetCriteria(criteria) => argument("criteria", criteria, see),
        Act::SetCallbackNumber(number) => see("number", Found::Text(number)),
        Act::SetFlows(roles) => roles.iter().for_each(|(role, name)| see(role.name(), Found::Text(name))),
        Act::SetVoice(set) => {
            text("language", set.language.as_ref(), see);
            text("voice", set.voice.as_ref(), see);
        }
        Act::SetTags(set) => set.tags.iter().for_each(|(name, tag)| see(&format!("tags.{name}"), Found::Text(tag))),
        Act::Webhook(webhook) => {
            see("url", Found::Text(&webhook.url));
            request(&webhook.request, see);
        }
        Act::Function(function) => {
            see("name", Found::Text(&function.name));
            request(&function.request, see);
        }
        Act::Dial(dial) => self::dial(dial, see),
        Act::CallOut(call_out) => {
            text("caller_number", call_out.caller_number.as_ref(), see);
            text("caller_name", call_out.caller_name.as_ref(), see);
        }
        Act::TransferToFlow(flow) => see("flow", Found::Text(flow)),
        Act::TransferToAgent(agent) => text("agent", agent.as_ref(), see),
        Act::Module(module) => see("module", Found::Text(module)),
        Act::SendDigits(digits) => see("digits", Found::Text(digits)),
        Act::Route(route) => {
            see("engine", Found::Text(&route.engine));
            sounds("comfort", &route.comfort, see);
        }
        _ => {}
    }
}

fn text<'a>(key: &str, found: Option<&'a Template>, see: &mut dyn FnMut(&str, Found<'a>)) {
    if let Some(found) = found {
        see(key, Found::Text(found));
    }
}

fn sounds<'a>(key: &str, specs: &'a [SoundSpec], see: &mut dyn FnMut(&str, Found<'a>)) {
    for (at, spec) in specs.iter().enumerate() {
        match spec {
            SoundSpec::Prompt(text) | SoundSpec::Text(text) | SoundSpec::Ssml(text) | SoundSpec::Say(_, text) => {
                see(&format!("{key}[{at}]"), Found::Text(text));
            }
            SoundSpec::Tone(_) | SoundSpec::Silence(_) => {}
        }
    }
}

fn queue<'a>(of: Option<&'a QueueOf>, see: &mut dyn FnMut(&str, Found<'a>)) {
    match of {
        Some(QueueOf::Queue(name)) => see("queue", Found::Text(name)),
        Some(QueueOf::Agent(name)) => see("agent", Found::Text(name)),
        None => {}
    }
}

fn request<'a>(request: &'a Request, see: &mut dyn FnMut(&str, Found<'a>)) {
    arguments("parameters", &request.parameters, see);
    sounds("comfort", &request.comfort, see);
}

fn dial<'a>(dial: &'a Dial, see: &mut dyn FnMut(&str, Found<'a>)) {
    see("to", Found::Text(&dial.to));
    if let DialTimeout::From(reference) = &dial.timeout {
        see("timeout", Found::Reference(reference));
    }
    text("digits", dial.digits.as_ref(), see);
    text("caller_number", dial.caller_number.as_ref(), see);
    text("caller_name", dial.caller_name.as_ref(), see);
}

fn arguments<'a>(key: &str, pairs: &'a [(Box<str>, Argument)], see: &mut dyn FnMut(&str, Found<'a>)) {
    pairs.iter().for_each(|(name, value)| argument(&format!("{key}.{name}"), value, see));
}

fn argument<'a>(key: &str, value: &'a Argument, see: &mut dyn FnMut(&str, Found<'a>)) {
    match value {
        Argument::Text(text) => see(key, Found::Text(text)),
        Argument::List(list) => {
            list.iter().enumerate().for_each(|(at, value)| argument(&format!("{key}[{at}]"), value, see));
        }
        Argument::Map(pairs) => arguments(key, pairs, see),
        Argument::Null | Argument::Bool(_) | Argument::Number(_) => {}
    }
}
