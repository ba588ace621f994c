//! Keys that come while no step can use them: kept for the next one, in their order. Never writes a key down.

use super::FlowRun;
use super::waiting::Waiting;
use crate::base::limits;
use crate::base::now::Now;
use crate::domain::flow::definition::Outcome;
use crate::domain::flow::key::Key;

impl FlowRun {
    pub(super) fn on_key(&mut self, now: Now, key: Key) {
        if self.memory.is_habit(now.instant, key) {
            return;
        }
        match std::mem::replace(&mut self.waiting, Waiting::Ended) {
            Waiting::Ask(asking) => self.on_ask_key(now, asking, key),
            Waiting::Collect(collecting) => self.on_collect_key(now, collecting, key),
            Waiting::Confirm(confirming) => self.on_confirm_key(now, &confirming, key),
            Waiting::Record { ticket, until, is_stopping: false } => self.on_record_key(now, ticket, key, until),
            Waiting::Play { ticket, until } => {
                self.keep(key);
                if self.is_interruptible() {
                    self.stop_playing(ticket);
                    self.go(now, super::Turn::Next(Outcome::Success));
                } else {
                    self.waiting = Waiting::Play { ticket, until };
                }
            }
            // What the far end of a dialled call is told by keys is not for the flow; and a key that somebody pressed to
            // pass the time with music would choose from a menu that comes half a minute later.
            waiting @ (Waiting::Ended | Waiting::Loop { .. } | Waiting::Dial { until: None, .. }) => {
                self.waiting = waiting;
            }
            waiting => {
                self.keep(key);
                self.waiting = waiting;
            }
        }
    }

    /// Where the flow keeps keys and there is room; what does not fit is the latest.
    pub(super) fn keep(&mut self, key: Key) {
        if self.at.flow.options.keeps_keys && self.memory.keys.len() < limits::FLOW_KEYS_MAX {
            self.memory.keys.push_back(key);
        }
    }

    fn is_interruptible(&self) -> bool {
        let act = self.at.flow.step(self.at.step).map(|step| &step.act);
        matches!(act, Some(crate::domain::flow::act::Act::Play(play)) if play.is_interruptible)
    }
}
