//! Steps that say something or listen for keys. Plays and hears nothing.

use crate::domain::flow::act::{Act, Ask, Collect, Confirm, LoopPrompts, NumberMode, Play, RecordMessage};
use crate::domain::flow::key::Key;
use crate::edge::config::fields::{Fields, printable};
use crate::edge::config::flow::step::StepFields;
use crate::edge::config::flow::{sounds, text};
use std::ops::RangeInclusive;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// How long a caller may be waited for.
const PATIENCE: RangeInclusive<Duration> = SECOND..=Duration::from_secs(179);
const TERMINATOR_KEYS_MAX: usize = 5;

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Local,
    International,
}

pub fn play(step: &StepFields<'_>) -> Option<Act> {
    let sounds = sounds::spoken(&step.fields);
    let is_interruptible = step.fields.flag("interruptible", false);
    Some(Act::Play(Play { sounds, is_interruptible }))
}

pub fn loop_prompts(step: &StepFields<'_>) -> Option<Act> {
    let sounds = sounds::spoken(&step.fields);
    // An agent has 20 s to accept, and nobody can be taken out of the queue meanwhile.
    let range = 21 * SECOND..=Duration::from_secs(7 * 86_400);
    let shortest = *range.start();
    let interrupt = step.fields.duration_opt("interrupt", "never", range);
    // A wrong one is one all the same: the outcome `timeout` is wired because of it.
    let interrupt = interrupt.or(step.fields.has("interrupt").then_some(shortest));
    Some(Act::LoopPrompts(LoopPrompts { sounds, interrupt }))
}

pub fn ask(step: &StepFields<'_>) -> Option<Act> {
    let fields = &step.fields;
    let said = sounds::spoken(fields);
    let again = sounds::list(fields, "again");
    let mut choices: Vec<Key> = Vec::new();
    for (key, to) in fields.pairs("keys") {
        let Some(single) = Key::all(&key.text).filter(|keys| keys.len() == 1).and_then(|keys| keys.first().copied())
        else {
            let problem = format!("`{}` is no key of a telephone", printable(&key.text));
            let meant = Some("write one of 0 to 9, \"*\", \"#\" and A to D".to_owned());
            fields.reading.error(key.at, &key.path, problem, meant);
            continue;
        };
        step.wire(step.choice(choices.len()), to);
        choices.push(single);
    }
    Some(Act::Ask(Ask {
        sounds: said,
        again,
        choices,
        timeout: fields.duration("timeout", 5 * SECOND, PATIENCE),
        retries: fields.integer("retries", 0, 0..=9),
        barge_in: fields.flag("barge_in", true),
        drops_keys: fields.flag("drop_keys", false),
    }))
}

pub fn collect(step: &StepFields<'_>) -> Option<Act> {
    let fields = &step.fields;
    let has_cancel_key = fields.flag("cancel_key", true);
    let terminator = text::keys(fields, "terminator", "#", TERMINATOR_KEYS_MAX);
    Some(Act::Collect(Collect {
        sounds: sounds::spoken(fields),
        digits_max: fields.integer("digits_max", 20, 1..=1024),
        first_timeout: fields.duration("first_timeout", 5 * SECOND, PATIENCE),
        next_timeout: fields.duration("next_timeout", 5 * SECOND, SECOND..=20 * SECOND),
        terminator,
        has_cancel_key,
        number: number(fields),
        encrypt: fields.text("encrypt", "none").map(|item| item.text.into()),
        confirm: fields.table_opt("confirm").map(confirm),
        drops_keys: fields.flag("drop_keys", false),
    }))
}

fn number(fields: &Fields<'_>) -> Option<NumberMode> {
    let modes = [("local", Mode::Local), ("international", Mode::International)];
    let mode = fields.choice_opt("number", &modes, "none");
    let country = fields.text("country", "none");
    if mode != Some(Mode::Local) && fields.has("country") {
        fields.error("country", "is for `number = \"local\"` only", None);
    }
    match (mode?, country) {
        (Mode::International, _) => Some(NumberMode::International),
        (Mode::Local, Some(country)) => Some(NumberMode::Local(country.text.into())),
        (Mode::Local, None) => {
            fields.missing("country");
            // The outcome `invalid_number` is there all the same.
            Some(NumberMode::Local("XX".into()))
        }
    }
}

fn confirm(fields: Fields<'_>) -> Confirm {
    let accept = text::keys(&fields, "accept", "1", 1);
    if accept.is_empty() {
        fields.error("accept", "one key says that it is right", None);
    }
    let confirm = Confirm {
        sounds: sounds::spoken(&fields),
        accept: accept.first().copied().unwrap_or(Key::HASH),
        timeout: fields.duration("timeout", 5 * SECOND, PATIENCE),
        retries: fields.integer("retries", 2, 0..=9),
    };
    fields.finish();
    confirm
}

pub fn record(step: &StepFields<'_>) -> Option<Act> {
    let limit = step.fields.duration("limit", 120 * SECOND, SECOND..=600 * SECOND);
    let silence = step.fields.duration_opt("silence", "never", SECOND..=60 * SECOND);
    let terminator = text::keys(&step.fields, "terminator", "#", TERMINATOR_KEYS_MAX);
    Some(Act::Record(RecordMessage { limit, silence, terminator }))
}

pub fn wait(step: &StepFields<'_>) -> Option<Act> {
    if !step.fields.has("time") {
        step.fields.missing("time");
    }
    let week = Duration::from_secs(7 * 86_400);
    step.fields.duration_opt("time", "required", SECOND..=week).map(Act::Wait)
}
