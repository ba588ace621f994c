//! Steps that do something to the legs of the call: answer, hold, streams, messages, keys. Owns no leg.

use super::waiting::{Doing, Waiting};
use super::{FlowRun, Turn};
use crate::base::cause::Cause;
use crate::base::limits;
use crate::base::now::Now;
use crate::domain::flow::act::{HoldWho, RecordMessage, StreamWhat};
use crate::domain::flow::definition::{Kind, Outcome};
use crate::domain::flow::interface::{Break, FlowEnd, FlowWish, RecordOrder, Ticket};
use crate::domain::flow::key::Key;
use crate::domain::flow::memory::RECORDING;
use crate::domain::flow::template::Template;
use crate::domain::flow::value::Value;
use std::time::{Duration, Instant};

/// What the keys of `send-digits` may take: fifty of them and as many pauses.
const SENDING_MAX: Duration = Duration::from_secs(60);

impl FlowRun {
    pub(super) fn answer(&mut self, now: Now) -> Turn {
        if self.memory.is_answered {
            return Turn::Next(Outcome::Success);
        }
        let ticket = self.ticket();
        self.wish(FlowWish::Answer { ticket });
        self.wait_done(ticket, now.instant + limits::FLOW_ANSWERED_MAX, Doing::Answer)
    }

    pub(super) fn hold(&mut self, now: Now, who: HoldWho) -> Turn {
        let ticket = self.ticket();
        self.wish(FlowWish::Hold { ticket, who });
        self.wait_done(ticket, now.instant + limits::FLOW_ANSWER_PATIENCE, Doing::Hold)
    }

    pub(super) fn stream(&mut self, now: Now, what: Option<StreamWhat>) -> Turn {
        if what.is_some() {
            self.need_audio();
        }
        let ticket = self.ticket();
        self.wish(FlowWish::Stream { ticket, what });
        self.wait_done(ticket, now.instant + limits::FLOW_ANSWER_PATIENCE, Doing::Stream(what))
    }

    pub(super) fn send_digits(&mut self, now: Now, digits: &Template) -> Turn {
        let Some(digits) = self.digits(digits) else { return Turn::Next(Outcome::Error) };
        self.need_audio();
        let ticket = self.ticket();
        self.wish(FlowWish::SendDigits { ticket, digits });
        self.wait_done(ticket, now.instant + SENDING_MAX, Doing::SendDigits)
    }

    pub(super) fn on_done(&mut self, now: Now, what: Doing, ok: bool) {
        let turn = match (what, ok) {
            (Doing::CallOut, false) => Turn::End(FlowEnd::Broken(Break::NotReached)),
            (Doing::Transfer, true) => Turn::End(FlowEnd::Handed),
            // An agent who is busy with somebody else: the call is over.
            (Doing::Transfer, false) => Turn::End(FlowEnd::HangUp(Cause::Busy)),
            (_, false) => Turn::Next(Outcome::Error),
            (Doing::Answer, true) => {
                self.memory.is_answered = true;
                Turn::Next(Outcome::Success)
            }
            (Doing::Stream(what), true) => {
                let name = if what.is_some() { "StartTimestamp" } else { "StopTimestamp" };
                self.memory.know_stream(name, now.unix_millis());
                Turn::Next(Outcome::Success)
            }
            (Doing::Hold | Doing::SendDigits | Doing::CallOut, true) => Turn::Next(Outcome::Success),
        };
        self.go(now, turn);
    }

    pub(super) fn record(&mut self, now: Now, record: &RecordMessage) -> Turn {
        self.need_audio();
        // What was keyed before says nothing about a message that had not begun.
        self.memory.keys.clear();
        let ticket = self.ticket();
        self.wish(FlowWish::Record { ticket, order: RecordOrder { limit: record.limit, silence: record.silence } });
        let until = now.instant + record.limit + limits::FLOW_ANSWER_PATIENCE;
        Turn::Wait(Waiting::Record { ticket, until, is_stopping: false })
    }

    /// A key during a message ends it where the step says so, and is otherwise part of it.
    pub(super) fn on_record_key(&mut self, now: Now, ticket: Ticket, key: Key, until: Instant) {
        let ends = self.at.flow.step(self.at.step).is_some_and(|step| match &step.act {
            crate::domain::flow::act::Act::Record(record) => record.terminator.contains(&key),
            _ => false,
        });
        if ends {
            self.wish(FlowWish::StopRecording { ticket });
            let until = now.instant + limits::FLOW_ANSWER_PATIENCE;
            self.waiting = Waiting::Record { ticket, until, is_stopping: true };
        } else {
            self.waiting = Waiting::Record { ticket, until, is_stopping: false };
        }
    }

    pub(super) fn on_recorded(&mut self, now: Now, place: Option<Box<str>>) {
        let turn = match place {
            Some(place) => {
                self.came_to(&place);
                self.memory.store(RECORDING, Value::map([("Location", Value::Text(place))]), false);
                Turn::Next(Outcome::Success)
            }
            None => Turn::Next(Outcome::Error),
        };
        self.go(now, turn);
    }

    /// A message that nobody ended in time is asked for once more; after that it is lost.
    pub(super) fn on_record_deadline(&mut self, now: Now, ticket: Ticket, is_stopping: bool) {
        if is_stopping {
            return self.on_recorded(now, None);
        }
        self.wish(FlowWish::StopRecording { ticket });
        let until = now.instant + limits::FLOW_ANSWER_PATIENCE;
        self.waiting = Waiting::Record { ticket, until, is_stopping: true };
    }

    pub(super) fn finish(&mut self) -> Turn {
        Turn::End(match self.at.flow.kind {
            Kind::CustomerQueue
            | Kind::CustomerHold
            | Kind::AgentHold
            | Kind::CustomerWhisper
            | Kind::AgentWhisper
            | Kind::OutboundWhisper
            | Kind::TransferToAgent
            | Kind::TransferToQueue => FlowEnd::Resume,
            Kind::Inbound | Kind::Disconnect | Kind::Module => FlowEnd::HangUp(Cause::Normal),
        })
    }
}
