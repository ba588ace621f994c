//! Steps that bring the caller to somebody, to another flow, or to an end. Connects nobody itself.

use crate::base::cause::Cause;
use crate::domain::flow::act::{Act, CallOut, Callback, Dial, DialTimeout, HoldWho};
use crate::edge::config::fields::printable;
use crate::edge::config::flow::step::StepFields;
use crate::edge::config::flow::text::{self, Lasting};
use crate::edge::config::suggest;
use std::time::Duration;

const WEEK: Duration = Duration::from_secs(7 * 86_400);

pub fn queue(step: &StepFields<'_>) -> Option<Act> {
    Some(Act::Queue(text::queue_of(&step.fields)))
}

pub fn callback(step: &StepFields<'_>) -> Option<Act> {
    Some(Act::Callback(Callback {
        queue: text::queue_of(&step.fields),
        delay: step.fields.duration("delay", Duration::ZERO, Duration::ZERO..=WEEK),
        retries: step.fields.integer("retries", 0, 0..=20),
        gap: step.fields.duration("gap", Duration::from_secs(600), Duration::from_secs(1)..=WEEK),
    }))
}

pub fn dial(step: &StepFields<'_>) -> Option<Act> {
    let fields = &step.fields;
    let range = Duration::from_secs(1)..=Duration::from_secs(600);
    let timeout = match text::lasting(fields, "timeout", Duration::from_secs(30), range) {
        Lasting::Fixed(time) => DialTimeout::Fixed(time),
        Lasting::From(reference) => DialTimeout::From(reference),
    };
    let resumes = fields.flag("resume", false);
    let digits = text::text(fields, "digits", "none");
    let caller_number = text::text(fields, "caller_number", "the caller's own");
    let caller_name = text::text(fields, "caller_name", "none");
    let to = text::required(fields, "to")?;
    Some(Act::Dial(Dial { to, timeout, resumes, digits, caller_number, caller_name, via: None }))
}

pub fn call_out(step: &StepFields<'_>) -> Option<Act> {
    let caller_number = text::text(&step.fields, "caller_number", "the queue's");
    let caller_name = text::text(&step.fields, "caller_name", "none");
    Some(Act::CallOut(CallOut { caller_number, caller_name }))
}

pub fn transfer_to_flow(step: &StepFields<'_>) -> Option<Act> {
    text::required(&step.fields, "flow").map(Act::TransferToFlow)
}

pub fn transfer_to_agent(step: &StepFields<'_>) -> Option<Act> {
    Some(Act::TransferToAgent(text::text(&step.fields, "agent", "whom the transferring agent chose")))
}

pub fn module(step: &StepFields<'_>) -> Option<Act> {
    text::required(&step.fields, "module").map(Act::Module)
}

pub fn hold(step: &StepFields<'_>) -> Option<Act> {
    let who = [("agent", HoldWho::Agent), ("customer", HoldWho::Customer), ("nobody", HoldWho::Nobody)];
    if !step.fields.has("who") {
        step.fields.missing("who");
    }
    step.fields.choice_opt("who", &who, "required").map(Act::Hold)
}

pub fn hang_up(step: &StepFields<'_>) -> Option<Act> {
    let name = step.fields.text_or("cause", Cause::Normal.name());
    let cause = Cause::all().find(|cause| cause.name() == name);
    if cause.is_none() {
        let meant = suggest::did_you_mean(&name, Cause::all().map(Cause::name).collect::<Vec<_>>(), "causes");
        step.fields.error("cause", format!("`{}` is no cause", printable(&name)), meant);
    }
    cause.map(Act::HangUp)
}
