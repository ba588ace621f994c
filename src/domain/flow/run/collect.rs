//! The step `collect`: keys become a value, checked, written under a key or read back where the step says so.

use super::collector::{Collected, Collector, Fed};
use super::waiting::{Collecting, Confirming, Heard, Keyed, Waiting};
use super::{FlowRun, Turn};
use crate::base::limits;
use crate::base::now::Now;
use crate::base::secret::{self, Secret};
use crate::domain::flow::act::{Act, Collect, NumberMode};
use crate::domain::flow::definition::Outcome;
use crate::domain::flow::interface::{Answer, Break, Dialability, FlowEnd, FlowWish, Question};
use crate::domain::flow::key::{self, Key};
use crate::domain::flow::memory::STORED_INPUT;
use crate::domain::flow::value::Value;
use std::sync::Arc;

/// What stands in `$.StoredCustomerInput` when nothing was keyed.
const NOTHING_KEYED: &str = "Timeout";

impl FlowRun {
    pub(super) fn collect(&mut self, now: Now, collect: &Collect) -> Turn {
        if collect.drops_keys {
            self.memory.keys.clear();
        }
        // Nothing of a value that is to be secret may be read from the log.
        self.is_secret |= collect.encrypt.is_some();
        let retries = collect.confirm.as_ref().map_or(0, |confirm| confirm.retries);
        self.collect_once(now, collect, retries)
    }

    fn collect_once(&mut self, now: Now, collect: &Collect, retries: u8) -> Turn {
        let Some(sounds) = self.sounds(&collect.sounds) else { return Turn::Next(Outcome::Error) };
        self.need_audio();
        let mut collector = Collector::new(collect);
        let mut until = collector.listen(now.instant);
        let was_keyed_ahead = !self.memory.keys.is_empty();
        while let Some(key) = self.memory.keys.pop_front() {
            match collector.key(now.instant, key) {
                Fed::More(deadline) => until = deadline,
                Fed::Done(collected) => return self.collected(now, collect, collected, retries),
            }
        }
        let heard = if was_keyed_ahead {
            Heard::Listening { until }
        } else {
            self.say_first(now, sounds, collect.first_timeout)
        };
        Turn::Wait(Waiting::Collect(Box::new(Collecting { heard, collector, retries })))
    }

    fn collected(&mut self, now: Now, collect: &Collect, mut collected: Collected, retries: u8) -> Turn {
        if self.at.flow.options.keeps_keys {
            self.memory.give_back(&collected.rest);
        }
        self.memory.expect_habit(now.instant, std::mem::take(&mut collected.habit));
        let Some(keys) = &collected.keys else {
            self.memory.store(STORED_INPUT, Value::text(NOTHING_KEYED), false);
            self.came_to(NOTHING_KEYED);
            return Turn::Next(Outcome::Success);
        };
        let mut keys: Box<str> = key::text(keys).into();
        let Some(mode) = &collect.number else {
            let turn = self.keep_input(now, collect, &keys, retries);
            secret::wipe(&mut keys);
            return turn;
        };
        let ticket = self.ticket();
        let (text, country) = match mode {
            NumberMode::Local(country) => (keys.clone(), Some(country.clone())),
            NumberMode::International => (format!("+{keys}").into(), None),
        };
        self.wish(FlowWish::Ask { ticket, question: Question::Number { text, country } });
        let until = now.instant + limits::FLOW_ANSWER_PATIENCE;
        Turn::Wait(Waiting::Number { ticket, until, keyed: Keyed { keys, retries } })
    }

    /// The value is complete and right: it is kept, or first written under a key.
    fn keep_input(&mut self, now: Now, collect: &Collect, input: &str, retries: u8) -> Turn {
        let Some(key) = &collect.encrypt else {
            self.memory.store(STORED_INPUT, Value::text(input), self.is_secret);
            self.came_to(input);
            return self.confirm(now, collect, retries);
        };
        let ticket = self.ticket();
        self.wish(FlowWish::Encrypt { ticket, key: key.clone(), digits: Secret::new(input) });
        Turn::Wait(Waiting::Encrypt { ticket, until: now.instant + limits::FLOW_ANSWER_PATIENCE })
    }

    fn confirm(&mut self, now: Now, collect: &Collect, retries: u8) -> Turn {
        let Some(confirm) = &collect.confirm else { return Turn::Next(Outcome::Success) };
        let Some(sounds) = self.sounds(&confirm.sounds) else { return Turn::Next(Outcome::Error) };
        // What was keyed ahead was not keyed as a yes to what had not been read back yet.
        self.memory.keys.clear();
        let heard = self.say_first(now, sounds, confirm.timeout);
        Turn::Wait(Waiting::Confirm(Confirming { heard, retries }))
    }

    pub(super) fn on_collect_key(&mut self, now: Now, mut collecting: Box<Collecting>, key: Key) {
        self.with_collect(now, |run, collect| {
            if let Some(ticket) = collecting.heard.saying() {
                run.stop_playing(ticket);
            }
            match collecting.collector.key(now.instant, key) {
                Fed::Done(collected) => run.collected(now, collect, collected, collecting.retries),
                Fed::More(until) => {
                    collecting.heard = Heard::Listening { until };
                    Turn::Wait(Waiting::Collect(collecting))
                }
            }
        });
    }

    pub(super) fn on_collect_played(&mut self, now: Now, mut collecting: Box<Collecting>, ok: bool) {
        self.with_collect(now, |_, _| {
            if !ok {
                return Turn::Next(Outcome::Error);
            }
            collecting.heard = Heard::Listening { until: collecting.collector.listen(now.instant) };
            Turn::Wait(Waiting::Collect(collecting))
        });
    }

    pub(super) fn on_collect_deadline(&mut self, now: Now, mut collecting: Box<Collecting>) {
        self.with_collect(now, |run, collect| {
            if let Some(ticket) = collecting.heard.saying() {
                run.stop_playing(ticket);
                return Turn::Next(Outcome::Error);
            }
            let collected = collecting.collector.time_out();
            run.collected(now, collect, collected, collecting.retries)
        });
    }

    pub(super) fn on_number(&mut self, now: Now, keyed: &Keyed, answer: Option<&Answer>) {
        self.with_collect(now, |run, collect| match answer {
            // Whether it may be called is for the step that wants to call it.
            Some(Answer::Number(Dialability::Dialable(number) | Dialability::NotDialable(number))) => {
                run.keep_input(now, collect, &number.to_string(), keyed.retries)
            }
            Some(Answer::Number(Dialability::Invalid)) => {
                match collect.encrypt {
                    Some(_) => run.memory.drop_stored(STORED_INPUT),
                    None => run.memory.store(STORED_INPUT, Value::Text(keyed.keys.clone()), run.is_secret),
                }
                Turn::Next(Outcome::InvalidNumber)
            }
            _ => Turn::Next(Outcome::Error),
        });
    }

    pub(super) fn on_encrypted(&mut self, now: Now, envelope: Option<Box<str>>) {
        let turn = match envelope {
            Some(envelope) => {
                self.memory.store(STORED_INPUT, Value::Text(envelope), false);
                Turn::Next(Outcome::Success)
            }
            None => {
                self.memory.drop_stored(STORED_INPUT);
                Turn::Next(Outcome::Error)
            }
        };
        self.go(now, turn);
    }

    pub(super) fn on_confirm_key(&mut self, now: Now, confirming: &Confirming, key: Key) {
        self.with_collect(now, |run, collect| {
            if let Some(ticket) = confirming.heard.saying() {
                run.stop_playing(ticket);
            }
            if collect.confirm.as_ref().is_some_and(|confirm| confirm.accept == key) {
                return Turn::Next(Outcome::Success);
            }
            run.collect_again(now, collect, confirming.retries)
        });
    }

    pub(super) fn on_confirm_played(&mut self, now: Now, mut confirming: Confirming, ok: bool) {
        self.with_collect(now, |_, collect| match &collect.confirm {
            Some(confirm) if ok => {
                confirming.heard = Heard::Listening { until: now.instant + confirm.timeout };
                Turn::Wait(Waiting::Confirm(confirming))
            }
            _ => Turn::Next(Outcome::Error),
        });
    }

    pub(super) fn on_confirm_deadline(&mut self, now: Now, confirming: &Confirming) {
        self.with_collect(now, |run, collect| {
            if let Some(ticket) = confirming.heard.saying() {
                run.stop_playing(ticket);
                return Turn::Next(Outcome::Error);
            }
            run.collect_again(now, collect, confirming.retries)
        });
    }

    fn collect_again(&mut self, now: Now, collect: &Collect, retries: u8) -> Turn {
        match retries.checked_sub(1) {
            Some(left) => self.collect_once(now, collect, left),
            None => Turn::Next(Outcome::Error),
        }
    }

    fn with_collect(&mut self, now: Now, what: impl FnOnce(&mut FlowRun, &Collect) -> Turn) {
        let flow = Arc::clone(&self.at.flow);
        if let Some(Act::Collect(collect)) = flow.step(self.at.step).map(|step| &step.act) {
            let turn = what(self, collect);
            self.go(now, turn);
        } else {
            self.end(now, FlowEnd::Broken(Break::NotWired));
        }
    }
}
