//! The step `ask`: one key decides. Collects no numbers.

use super::waiting::{Asking, Heard, Waiting};
use super::{FlowRun, Turn};
use crate::base::limits;
use crate::base::now::Now;
use crate::domain::flow::act::{Act, Ask, SoundSpec};
use crate::domain::flow::definition::Outcome;
use crate::domain::flow::interface::{Break, FlowEnd, Sound};
use crate::domain::flow::key::Key;
use std::sync::Arc;
use std::time::Duration;

impl FlowRun {
    pub(super) fn ask(&mut self, now: Now, ask: &Ask) -> Turn {
        if ask.drops_keys {
            self.memory.keys.clear();
        }
        self.ask_once(now, ask, &ask.sounds, ask.retries)
    }

    fn ask_once(&mut self, now: Now, ask: &Ask, sounds: &[SoundSpec], retries: u8) -> Turn {
        let Some(sounds) = self.sounds(sounds) else { return Turn::Next(Outcome::Error) };
        self.need_audio();
        let counts_now = ask.barge_in || sounds.is_empty();
        if let Some(key) = self.memory.keys.front().copied().filter(|_| counts_now) {
            self.memory.keys.pop_front();
            return self.decide_by(now, ask, key, retries);
        }
        let heard = self.say_first(now, sounds, ask.timeout);
        Turn::Wait(Waiting::Ask(Asking { heard, retries }))
    }

    /// What is said first, where there is something.
    pub(super) fn say_first(&mut self, now: Now, sounds: Vec<Sound>, then: Duration) -> Heard {
        if sounds.is_empty() {
            return Heard::Listening { until: now.instant + then };
        }
        let ticket = self.start_playing(sounds, Some(1));
        Heard::Saying { ticket, until: now.instant + limits::FLOW_PLAY_MAX }
    }

    fn decide_by(&mut self, now: Now, ask: &Ask, key: Key, retries: u8) -> Turn {
        self.came_to(&key.as_char().to_string());
        match ask.choices.iter().position(|choice| *choice == key).and_then(|at| u8::try_from(at).ok()) {
            Some(choice) => Turn::Next(Outcome::Choice(choice)),
            None => self.ask_again(now, ask, retries, Outcome::Default),
        }
    }

    fn ask_again(&mut self, now: Now, ask: &Ask, retries: u8, otherwise: Outcome) -> Turn {
        let Some(left) = retries.checked_sub(1) else { return Turn::Next(otherwise) };
        let sounds = if ask.again.is_empty() { &ask.sounds } else { &ask.again };
        self.ask_once(now, ask, sounds, left)
    }

    /// A key while the step waits. One that cannot count yet is kept.
    pub(super) fn on_ask_key(&mut self, now: Now, asking: Asking, key: Key) {
        self.with_ask(now, |run, ask| match asking.heard.saying() {
            Some(_) if !ask.barge_in => {
                run.keep(key);
                Turn::Wait(Waiting::Ask(asking))
            }
            saying => {
                if let Some(ticket) = saying {
                    run.stop_playing(ticket);
                }
                run.decide_by(now, ask, key, asking.retries)
            }
        });
    }

    pub(super) fn on_ask_played(&mut self, now: Now, asking: Asking, ok: bool) {
        self.with_ask(now, |run, ask| {
            if !ok {
                return Turn::Next(Outcome::Error);
            }
            match run.memory.keys.pop_front() {
                Some(key) => run.decide_by(now, ask, key, asking.retries),
                None => {
                    let heard = Heard::Listening { until: now.instant + ask.timeout };
                    Turn::Wait(Waiting::Ask(Asking { heard, ..asking }))
                }
            }
        });
    }

    pub(super) fn on_ask_deadline(&mut self, now: Now, asking: Asking) {
        self.with_ask(now, |run, ask| match asking.heard.saying() {
            Some(ticket) => {
                run.stop_playing(ticket);
                Turn::Next(Outcome::Error)
            }
            None => run.ask_again(now, ask, asking.retries, Outcome::Timeout),
        });
    }

    fn with_ask(&mut self, now: Now, what: impl FnOnce(&mut FlowRun, &Ask) -> Turn) {
        let flow = Arc::clone(&self.at.flow);
        if let Some(Act::Ask(ask)) = flow.step(self.at.step).map(|step| &step.act) {
            let turn = what(self, ask);
            self.go(now, turn);
        } else {
            self.end(now, FlowEnd::Broken(Break::NotWired));
        }
    }
}
