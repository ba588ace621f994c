//! Steps that set something in the memory of the call. Nothing is heard of them.

use super::{FlowRun, Turn};
use crate::base::now::Now;
use crate::domain::flow::act::{Act, Argument, QueueOf, Recorded, Role, SetAttributes, SetPriority, SetTags, SetVoice};
use crate::domain::flow::definition::Outcome;
use crate::domain::flow::interface::{Break, Dialability, FlowEnd, FlowWish, Question};
use crate::domain::flow::memory::{is_language, is_voice};
use crate::domain::flow::template::Template;
use crate::domain::flow::value::Value;

impl FlowRun {
    pub(super) fn set(&mut self, now: Now, act: &Act) -> Turn {
        match act {
            Act::SetAttributes(set) => self.set_attributes(set),
            Act::SetQueue(queue) => self.set_queue(queue),
            Act::SetPriority(set) => self.set_priority(set),
            Act::SetCriteria(criteria) => self.set_criteria(criteria),
            Act::SetCallbackNumber(number) => self.set_callback_number(now, number),
            Act::SetFlows(roles) => self.set_flows(roles),
            Act::SetRecording(who) => self.set_recording(*who),
            Act::SetVoice(set) => self.set_voice(set),
            Act::SetLog(is_on) => self.set_log(*is_on),
            Act::SetTags(set) => self.set_tags(set),
            _ => Turn::End(FlowEnd::Broken(Break::NotWired)),
        }
    }

    fn set_attributes(&mut self, set: &SetAttributes) -> Turn {
        for (name, argument) in &set.pairs {
            let was_secret = std::mem::take(&mut self.is_secret);
            let value = self.argument(argument);
            let is_secret = self.is_secret;
            self.is_secret |= was_secret;
            let Some(value) = value else { return Turn::Next(Outcome::Error) };
            if let (Some(text), true) = (value.as_text(), self.memory.is_logged) {
                let text = format!("{name}={text}");
                self.note("Attribute", &text);
            }
            if !self.memory.set_attribute(set.scope, name, value, is_secret) {
                return Turn::Next(Outcome::Error);
            }
        }
        Turn::Next(Outcome::Success)
    }

    fn set_queue(&mut self, queue: &QueueOf) -> Turn {
        let Some(queue) = self.queue_of(Some(queue)) else { return Turn::Next(Outcome::Error) };
        self.memory.take_queue(queue);
        Turn::Next(Outcome::Success)
    }

    fn set_priority(&mut self, set: &SetPriority) -> Turn {
        if let Some(priority) = set.priority {
            self.memory.priority = priority;
            self.note("Priority", &priority.to_string());
        }
        if let Some(age) = set.age {
            self.memory.age = self.memory.age.saturating_add(age);
            self.note("Age", &age.to_string());
        }
        self.wish(FlowWish::Priority { priority: self.memory.priority, age: self.memory.age });
        Turn::Next(Outcome::Success)
    }

    fn set_criteria(&mut self, criteria: &Argument) -> Turn {
        match self.argument(criteria) {
            Some(criteria) => {
                self.memory.criteria = criteria;
                Turn::Next(Outcome::Success)
            }
            None => Turn::Next(Outcome::Error),
        }
    }

    /// What is no number at all is told apart from what may not be called.
    fn set_callback_number(&mut self, now: Now, number: &Template) -> Turn {
        let Some(text) = self.fill_name(number) else { return Turn::Next(Outcome::InvalidNumber) };
        self.note("CallbackNumber", &text);
        self.question(now, Question::Number { text, country: None })
    }

    pub(super) fn callback_number_is(&mut self, number: Dialability) -> Outcome {
        match number {
            Dialability::Dialable(number) => {
                self.memory.set_callback_number(number.to_string().into());
                Outcome::Success
            }
            Dialability::NotDialable(_) => Outcome::NotDialable,
            Dialability::Invalid => Outcome::InvalidNumber,
        }
    }

    /// All or none: a flow that does not exist, or is of another kind, sets nothing.
    fn set_flows(&mut self, roles: &[(Role, Template)]) -> Turn {
        let mut chosen = Vec::new();
        for (role, name) in roles {
            let Some(name) = self.fill_name(name) else { return Turn::Next(Outcome::Error) };
            self.note(role.name(), &name);
            if !self.book.find(&name).is_some_and(|flow| role.fits(flow.kind)) {
                return Turn::Next(Outcome::Error);
            }
            chosen.push((*role, name));
        }
        self.memory.flows.extend(chosen);
        Turn::Next(Outcome::Success)
    }

    fn set_recording(&mut self, who: Recorded) -> Turn {
        self.memory.recording = who;
        self.wish(FlowWish::Recording(who));
        Turn::Next(Outcome::Success)
    }

    fn set_voice(&mut self, set: &SetVoice) -> Turn {
        let language = self.fill_some(set.language.as_ref());
        let voice = self.fill_some(set.voice.as_ref());
        let (Some(language), Some(voice)) = (language, voice) else { return Turn::Next(Outcome::Error) };
        let is_odd = language.as_deref().is_some_and(|name| !is_language(name))
            || voice.as_deref().is_some_and(|name| !is_voice(name));
        if is_odd {
            return Turn::Next(Outcome::Error);
        }
        for (name, value) in [("LanguageCode", language), ("TextToSpeechVoiceId", voice)] {
            if let Some(value) = value {
                self.note(name, &value);
                self.memory.know(name, Value::Text(value));
            }
        }
        Turn::Next(Outcome::Success)
    }

    /// The step that switches the log on is its first line, the one that switches it off is not its last.
    fn set_log(&mut self, is_on: bool) -> Turn {
        self.memory.is_logged = is_on;
        Turn::Next(Outcome::Success)
    }

    fn set_tags(&mut self, set: &SetTags) -> Turn {
        let mut tags = Vec::new();
        for (name, value) in &set.tags {
            let Some(value) = self.fill(value) else { return Turn::Next(Outcome::Error) };
            tags.push((name.clone(), value));
        }
        if self.memory.set_tags(tags, &set.remove) { Turn::Next(Outcome::Success) } else { Turn::Next(Outcome::Error) }
    }
}
