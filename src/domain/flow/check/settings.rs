//! The settings of each step: ranges, keys, texts. Follows no wire.

use super::fault::{FaultKind, FlowFault};
use crate::base::limits;
use crate::domain::flow::act::{
    Act, Ask, CallOut, Callback, Collect, Count, Dial, DialTimeout, NumberMode, QueueCondition, RecordMessage, Request,
    Scope, SetAttributes, SetPriority, SetTags, SetVoice, SoundSpec,
};
use crate::domain::flow::draft::{FlowDraft, StepDraft};
use crate::domain::flow::key::Key;
use crate::domain::flow::memory::{SETTABLE, is_language, is_voice};
use crate::domain::flow::template::{Part, Template};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);
/// An agent has 20 s to accept; an interrupt within it could take the call away meanwhile.
const INTERRUPT_LEAST: Duration = Duration::from_secs(21);
const DIGITS_MAX: u16 = 1_024;
const TERMINATOR_MAX: usize = 5;
const RETRIES_MAX: u8 = 9;
const CALLBACK_RETRIES_MAX: u8 = 20;
const TAGS_MAX: usize = 6;

/// The faults of one step.
struct Faults<'a> {
    step: &'a str,
    all: &'a mut Vec<FlowFault>,
}

pub fn check(draft: &FlowDraft, faults: &mut Vec<FlowFault>) {
    if draft.options.language.as_deref().is_some_and(|language| !is_language(language)) {
        faults.push(FlowFault::of_flow("language", FaultKind::NotALanguage));
    }
    if draft.options.voice.as_deref().is_some_and(|voice| !is_voice(voice)) {
        faults.push(FlowFault::of_flow("voice", FaultKind::NotAVoice));
    }
    for step in &draft.steps {
        step_faults(step, &mut Faults { step: &step.name, all: &mut *faults });
    }
}

fn step_faults(step: &StepDraft, faults: &mut Faults) {
    match &step.act {
        Act::Play(play) => faults.heard("sounds", &play.sounds),
        Act::LoopPrompts(prompts) => {
            faults.heard("sounds", &prompts.sounds);
            if let Some(interrupt) = prompts.interrupt {
                faults.time("interrupt", interrupt, INTERRUPT_LEAST, WEEK);
            }
        }
        Act::Ask(ask) => faults.ask(ask),
        Act::Collect(collect) => faults.collect(collect),
        Act::Record(record) => faults.record(record),
        Act::Wait(time) => faults.time("time", *time, SECOND, WEEK),
        Act::Check(check) => faults.some("when", check.conditions.len(), "at least one condition"),
        Act::CheckQueue(check) => faults.queue_conditions(&check.conditions),
        Act::Distribute(shares) => faults.shares(shares),
        Act::Loop(Count::Fixed(times)) => faults.range("times", u64::from(*times), 0, 100),
        Act::SetAttributes(set) => faults.attributes(set),
        Act::SetPriority(set) => faults.priority(set),
        Act::SetFlows(roles) => faults.some("", roles.len(), "at least one flow to set"),
        Act::SetVoice(set) => faults.voice(set),
        Act::SetTags(set) => faults.tags(set),
        Act::Webhook(webhook) => {
            faults.address(&webhook.url);
            faults.request(&webhook.request);
        }
        Act::Function(function) => faults.request(&function.request),
        Act::Route(route) => {
            faults.time("timeout", route.timeout, Duration::from_millis(100), limits::ROUTE_PATIENCE_MAX);
            faults.sounds("comfort", &route.comfort);
        }
        Act::Callback(callback) => faults.callback(callback),
        Act::Dial(dial) => faults.dial(dial),
        Act::CallOut(call_out) => faults.caller_name(call_out),
        Act::StreamStart(what) if !what.from_customer && !what.to_customer => {
            faults.tell("", FaultKind::Empty("at least one of from_customer and to_customer"));
        }
        Act::SendDigits(digits) => faults.digits("digits", digits),
        _ => {}
    }
}

impl Faults<'_> {
    fn tell(&mut self, key: &str, kind: FaultKind) {
        self.all.push(FlowFault::of_step(self.step, key, kind));
    }

    fn some(&mut self, key: &str, count: usize, what: &'static str) {
        if count == 0 {
            self.tell(key, FaultKind::Empty(what));
        }
    }

    fn time(&mut self, key: &str, time: Duration, least: Duration, most: Duration) {
        if time < least || time > most {
            let text = |time: Duration| Box::from(format!("{}s", time.as_secs()));
            self.tell(key, FaultKind::OutOfRange { least: text(least), most: text(most) });
        }
    }

    fn range(&mut self, key: &str, value: u64, least: u64, most: u64) {
        if !(least..=most).contains(&value) {
            let text = |value: u64| Box::from(value.to_string());
            self.tell(key, FaultKind::OutOfRange { least: text(least), most: text(most) });
        }
    }

    /// Something that is heard, and each of it right.
    fn heard(&mut self, key: &str, sounds: &[SoundSpec]) {
        self.some(key, sounds.len(), "at least one sound: say, prompt, ssml or sounds");
        self.sounds(key, sounds);
    }

    fn sounds(&mut self, key: &str, sounds: &[SoundSpec]) {
        for (at, sound) in sounds.iter().enumerate() {
            let key = format!("{key}[{at}]");
            match sound {
                SoundSpec::Text(text) | SoundSpec::Ssml(text) => {
                    self.some(&key, text.parts.len(), "a text with something in it");
                    if fixed_chars(text) > limits::SPOKEN_CHARS_MAX {
                        self.tell(&key, FaultKind::TooLong { most: limits::SPOKEN_CHARS_MAX });
                    }
                }
                SoundSpec::Prompt(name) | SoundSpec::Say(_, name) => {
                    self.some(&key, name.parts.len(), "a text with something in it");
                }
                SoundSpec::Silence(time) => {
                    self.time(&key, *time, Duration::from_millis(1), Duration::from_secs(60));
                }
                SoundSpec::Tone(_) => {}
            }
        }
    }

    fn ask(&mut self, ask: &Ask) {
        self.sounds("sounds", &ask.sounds);
        self.sounds("again", &ask.again);
        self.time("timeout", ask.timeout, SECOND, Duration::from_secs(179));
        self.range("retries", u64::from(ask.retries), 0, u64::from(RETRIES_MAX));
        self.some("keys", ask.choices.len(), "at least one key");
        for (at, key) in ask.choices.iter().enumerate() {
            if ask.choices.iter().take(at).any(|before| before == key) {
                self.tell("keys", FaultKind::KeyTwice(key.as_char()));
            }
        }
    }

    fn collect(&mut self, collect: &Collect) {
        self.sounds("sounds", &collect.sounds);
        self.range("digits_max", u64::from(collect.digits_max), 1, u64::from(DIGITS_MAX));
        self.time("first_timeout", collect.first_timeout, SECOND, Duration::from_secs(179));
        self.time("next_timeout", collect.next_timeout, SECOND, Duration::from_secs(20));
        if collect.terminator.len() > TERMINATOR_MAX {
            self.tell("terminator", FaultKind::TooLong { most: TERMINATOR_MAX });
        }
        if collect.has_cancel_key && collect.terminator.contains(&Key::STAR) {
            self.tell("terminator", FaultKind::StarErases);
        }
        let is_country =
            |country: &str| country.len() == 2 && country.bytes().all(|letter| letter.is_ascii_uppercase());
        if matches!(&collect.number, Some(NumberMode::Local(country)) if !is_country(country)) {
            self.tell("country", FaultKind::NotACountry);
        }
        if collect.encrypt.as_ref().is_some_and(|key| key.trim().is_empty()) {
            self.tell("encrypt", FaultKind::NoName);
        }
        let Some(confirm) = &collect.confirm else { return };
        if collect.encrypt.is_some() {
            self.tell("confirm", FaultKind::ReadBackOfSecret);
        }
        self.heard("confirm.sounds", &confirm.sounds);
        self.time("confirm.timeout", confirm.timeout, SECOND, Duration::from_secs(179));
        self.range("confirm.retries", u64::from(confirm.retries), 0, u64::from(RETRIES_MAX));
    }

    fn record(&mut self, record: &RecordMessage) {
        self.time("limit", record.limit, SECOND, Duration::from_secs(600));
        if let Some(silence) = record.silence {
            self.time("silence", silence, SECOND, Duration::from_secs(60));
        }
        if record.terminator.len() > TERMINATOR_MAX {
            self.tell("terminator", FaultKind::TooLong { most: TERMINATOR_MAX });
        }
    }

    fn queue_conditions(&mut self, conditions: &[QueueCondition]) {
        self.some("when", conditions.len(), "at least one condition");
    }

    fn shares(&mut self, shares: &[u8]) {
        self.some("shares", shares.len(), "at least one share");
        for (at, share) in shares.iter().enumerate() {
            self.range(&format!("shares[{at}].percent"), u64::from(*share), 1, 100);
        }
        let sum = shares.iter().map(|share| u32::from(*share)).sum();
        if sum > 100 {
            self.tell("shares", FaultKind::SharesOver(sum));
        }
    }

    fn attributes(&mut self, set: &SetAttributes) {
        self.some("attributes", set.pairs.len(), "at least one attribute");
        for (name, _) in &set.pairs {
            let key = format!("attributes.{name}");
            if name.trim().is_empty() || name.contains(['$', '.']) || name.chars().any(char::is_control) {
                self.tell(&key, FaultKind::BadAttribute);
            } else if set.scope == Scope::System && !SETTABLE.contains(&&**name) {
                self.tell(&key, FaultKind::NotSettable);
            }
        }
    }

    fn priority(&mut self, set: &SetPriority) {
        if set.priority.is_none() && set.age.is_none() {
            self.tell("", FaultKind::Empty("at least one of priority and age"));
        }
        if let Some(priority) = set.priority {
            self.range("priority", u64::from(priority), 1, 99);
        }
        if let Some(age) = set.age {
            self.time("age", Duration::from_secs(age.unsigned_abs()), Duration::ZERO, WEEK);
        }
    }

    fn voice(&mut self, set: &SetVoice) {
        if set.language.is_none() && set.voice.is_none() {
            self.tell("", FaultKind::Empty("at least one of language and voice"));
        }
        if set.language.as_ref().and_then(Template::fixed).is_some_and(|language| !is_language(language)) {
            self.tell("language", FaultKind::NotALanguage);
        }
        if set.voice.as_ref().and_then(Template::fixed).is_some_and(|voice| !is_voice(voice)) {
            self.tell("voice", FaultKind::NotAVoice);
        }
    }

    fn tags(&mut self, set: &SetTags) {
        self.some("", set.tags.len() + set.remove.len(), "at least one of tags and remove");
        if set.tags.len() > TAGS_MAX {
            self.tell("tags", FaultKind::OutOfRange { least: "1".into(), most: TAGS_MAX.to_string().into() });
        }
        for (name, _) in &set.tags {
            if !is_tag(name) {
                self.tell(&format!("tags.{name}"), FaultKind::BadAttribute);
            }
        }
    }

    fn address(&mut self, url: &Template) {
        let Some(Part::Text(start)) = url.parts.first() else { return self.tell("url", FaultKind::NotAnAddress) };
        let rest = start.strip_prefix("https://").or_else(|| start.strip_prefix("http://"));
        // Where a reference follows, the host has ended before it.
        let host = rest.and_then(|rest| match rest.split_once(['/', '?']) {
            Some((host, _)) => Some(host),
            None if url.parts.len() == 1 => Some(rest),
            None => None,
        });
        let is_bad = |letter: char| letter.is_whitespace() || letter.is_control() || letter == '@';
        if host.is_none_or(|host| host.is_empty() || host.contains(is_bad)) {
            self.tell("url", FaultKind::NotAnAddress);
        }
    }

    fn request(&mut self, request: &Request) {
        self.time("timeout", request.timeout, Duration::from_millis(100), limits::FETCH_PATIENCE);
        self.sounds("comfort", &request.comfort);
    }

    fn callback(&mut self, callback: &Callback) {
        self.time("delay", callback.delay, Duration::ZERO, WEEK);
        self.range("retries", u64::from(callback.retries), 0, u64::from(CALLBACK_RETRIES_MAX));
        self.time("gap", callback.gap, SECOND, WEEK);
    }

    fn dial(&mut self, dial: &Dial) {
        self.some("to", dial.to.parts.len(), "a number");
        if let DialTimeout::Fixed(timeout) = dial.timeout {
            self.time("timeout", timeout, SECOND, Duration::from_secs(600));
        }
        if let Some(digits) = &dial.digits {
            self.digits("digits", digits);
        }
    }

    fn caller_name(&mut self, call_out: &CallOut) {
        let name = call_out.caller_name.as_ref();
        if name.is_some_and(|name| fixed_chars(name) > limits::DISPLAY_CHARS_MAX) {
            self.tell("caller_name", FaultKind::TooLong { most: limits::DISPLAY_CHARS_MAX });
        }
    }

    fn digits(&mut self, key: &str, digits: &Template) {
        let is_sent = |letter: char| letter == ',' || Key::from_char(letter).is_some();
        let texts = digits.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text),
            Part::Reference(_) => None,
        });
        self.some(key, digits.parts.len(), "at least one key");
        for text in texts {
            if !text.chars().all(is_sent) {
                self.tell(key, FaultKind::NotKeys);
            }
        }
        if fixed_chars(digits) > crate::domain::flow::run::DIGITS_MAX {
            self.tell(key, FaultKind::TooLong { most: crate::domain::flow::run::DIGITS_MAX });
        }
    }
}

/// Letters, digits, space and what the reference allows besides.
fn is_tag(name: &str) -> bool {
    !name.trim().is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || " _:/=+@-".contains(letter))
}

/// The letters that stand there whatever the references are.
fn fixed_chars(template: &Template) -> usize {
    let of = |part: &Part| match part {
        Part::Text(text) => text.chars().count(),
        Part::Reference(_) => 0,
    };
    template.parts.iter().map(of).sum()
}
