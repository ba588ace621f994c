//! What a flow wishes, done or handed out. Answers at once where nothing has to be waited for.

use crate::base::cause::{Cause, Fault};
use crate::domain::call::interface::{CallEvent, CallOutput};
use crate::domain::call::parts::Parts;
use crate::domain::call::serving::Serving;
use crate::domain::call::serving::sounding::Heard;
use crate::domain::flow::interface::{FlowEnd, FlowInput, FlowWish, Ticket};
use crate::domain::flow::log::Entry;
use crate::media::command::SentDigit;
use std::time::Duration;

/// What a wish means for the one who grants it.
pub enum Granted {
    Goes,
    /// The flow has had its last wish.
    Ended(FlowEnd),
    /// The call cannot go on.
    Over(Cause, Fault),
}

impl Serving {
    pub(super) fn grant(&mut self, parts: &mut Parts, wish: FlowWish) -> Granted {
        match wish {
            FlowWish::Answer { ticket } => match self.answer(parts, None) {
                Ok(()) => self.done(parts, ticket, true),
                Err((cause, fault)) => return Granted::Over(cause, fault),
            },
            FlowWish::EarlyMedia => self.open_early(parts),
            FlowWish::Play { ticket, sounds, times } => {
                let slip = self.attendant.slip(ticket);
                let (sounding, prompts) = (&mut self.attendant.sounding, &self.script.prompts);
                if let Some(Heard { ticket, ok }) = sounding.begin(parts, prompts, slip, (sounds, times)) {
                    self.feed(parts, FlowInput::Played { ticket, ok });
                }
            }
            FlowWish::StopPlaying { ticket } => {
                if self.attendant.sounding.is_of(ticket) {
                    self.attendant.sounding.stop(parts);
                }
            }
            FlowWish::Dial { ticket, order } => self.dial(parts, ticket, order),
            FlowWish::CancelDial { ticket } => self.cancel_dial(parts, ticket),
            FlowWish::Route { ticket, order } => self.route(parts, ticket, order),
            FlowWish::CancelRoute { ticket } => self.stop_asking(parts, ticket),
            FlowWish::Control { came, details } => self.expect_order(parts, came, details),
            FlowWish::Record { ticket, order } => self.taping.begin_message(parts, self.attendant.slip(ticket), order),
            FlowWish::StopRecording { ticket } => {
                if let Some(kept) = self.taping.finish_message(parts, ticket) {
                    self.feed(parts, kept);
                }
            }
            FlowWish::Recording(recorded) => self.taping.choose(parts, recorded),
            FlowWish::SendDigits { ticket, digits } => {
                parts.send_digits(parts.served, keys(&digits));
                self.done(parts, ticket, true);
            }
            FlowWish::Queue { ticket, order } => self.queue(parts, ticket, &order),
            FlowWish::Callback { ticket, order } => self.promise(parts, ticket, &order),
            FlowWish::TransferToAgent { ticket, agent } => self.transfer_to_agent(parts, ticket, agent),
            FlowWish::Hold { ticket, who } => self.hold(parts, ticket, who),
            FlowWish::Priority { priority, age } => self.rank(parts, priority, age),
            FlowWish::Log(entry) => log(parts, entry),
            FlowWish::Ended(end) => return Granted::Ended(end),
            wish => self.hand_out(parts, wish),
        }
        Granted::Goes
    }

    /// Questions, which others answer.
    fn hand_out(&mut self, parts: &mut Parts, wish: FlowWish) {
        let slip = |ticket| self.attendant.slip(ticket);
        let output = match wish {
            FlowWish::Fetch { ticket, order } => CallOutput::Fetch { slip: slip(ticket), order },
            FlowWish::CancelFetch { ticket } => CallOutput::CancelFetch { slip: slip(ticket) },
            FlowWish::Ask { ticket, question } => CallOutput::Ask { slip: slip(ticket), question: Box::new(question) },
            FlowWish::Encrypt { ticket, key, digits } => CallOutput::Encrypt { slip: slip(ticket), key, digits },
            wish => return self.refuse(parts, wish),
        };
        parts.outputs.push_back(output);
    }

    /// Wishes of calls that wait for agents, and of those who listen along.
    fn refuse(&mut self, parts: &Parts, wish: FlowWish) {
        match wish {
            // Who is called back has answered by then.
            FlowWish::CallOut { ticket, .. } => self.done(parts, ticket, self.promise.is_some()),
            FlowWish::Stream { ticket, .. } => self.done(parts, ticket, false),
            _ => {}
        }
    }

    fn done(&mut self, parts: &Parts, ticket: Ticket, ok: bool) {
        self.feed(parts, FlowInput::Done { ticket, ok });
    }
}

/// A line for the file of flows, and a short one for the call's record.
fn log(parts: &mut Parts, entry: Box<Entry>) {
    parts.story.note_step(&entry);
    if entry.outcome == Some(crate::domain::flow::definition::Outcome::Error) {
        parts.event(CallEvent::FlowErred { flow: entry.flow.clone() });
    }
    parts.outputs.push_back(CallOutput::FlowLog(entry));
}

pub(super) fn keys(digits: &str) -> Box<[SentDigit]> {
    let (lasts, pause_after) = (Duration::from_millis(120), Duration::from_millis(80));
    let keys = digits.bytes().filter(|key| key.is_ascii_digit() || b"*#ABCDabcd".contains(key));
    keys.map(|key| SentDigit { digit: key.to_ascii_uppercase(), lasts, pause_after }).collect()
}
