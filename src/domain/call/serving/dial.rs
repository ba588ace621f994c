//! Somebody is called for a caller whom a flow serves: routed, rung, sent digits, joined. Chooses no route.

use crate::base::cause::Cause;
use crate::base::id::LegId;
use crate::base::now::earliest;
use crate::domain::call::dialler::{Blame, Dialler};
use crate::domain::call::interface::{CallEvent, CallOutput, Led, OnBehalf, Stage, TrunkOutcome};
use crate::domain::call::invite::Offered;
use crate::domain::call::parts::Parts;
use crate::domain::call::phase::{Answer, Phase};
use crate::domain::call::serving::Serving;
use crate::domain::call::serving::sounding;
use crate::domain::flow::interface::{DialOrder, DialOutcome, FlowInput, Ticket};
use crate::domain::leg::event::{LegEvent, description};
use crate::domain::leg::leg::Leg;
use crate::domain::trunk::identity::Identity;
use crate::media::command::{SentDigit, SourceId};
use bytes::Bytes;
use std::time::{Duration, Instant};

/// Each key, what follows it, and what a comma waits.
const KEY_LASTS: Duration = Duration::from_millis(120);
const KEY_PAUSE: Duration = Duration::from_millis(80);
const COMMA: Duration = Duration::from_millis(750);

pub struct Dialling {
    ticket: Ticket,
    order: Box<DialOrder>,
    step: Step,
    when_given_up: Instant,
    /// What the caller hears meanwhile.
    ringing: Option<SourceId>,
}

enum Step {
    /// Where does it lead? Asked under the number of a leg that is not made yet.
    Routing(LegId),
    Calling(Box<Dialler>),
    /// It has answered, and hears the digits before the caller.
    Keying {
        leg: LegId,
        described: Option<Bytes>,
        /// What is still to be sent, once the pause before it is over.
        keys: Box<[SentDigit]>,
        when_done: Instant,
    },
}

/// What a dial has come to.
enum Came {
    Nowhere(Box<Dialling>),
    To(DialOutcome),
}

impl Dialling {
    pub fn is_of(&self, ticket: Ticket) -> bool {
        self.ticket == ticket
    }

    pub fn ringing(&self) -> Option<SourceId> {
        self.ringing
    }

    pub fn deadline(&self) -> Option<Instant> {
        match &self.step {
            Step::Routing(_) => Some(self.when_given_up),
            Step::Calling(dialler) => earliest(Some(self.when_given_up), dialler.deadline()),
            Step::Keying { when_done, .. } => Some(*when_done),
        }
    }

    /// Everybody who was called is told.
    pub fn give_up(&mut self, parts: &mut Parts, cause: Cause) {
        self.hush(parts);
        match &mut self.step {
            Step::Routing(_) => {}
            Step::Calling(dialler) => dialler.give_up(parts, None, cause),
            Step::Keying { leg, .. } => parts.hang_up(*leg, cause),
        }
    }

    fn hush(&mut self, parts: &mut Parts) {
        if let Some(source) = self.ringing.take() {
            parts.stop_playing(source);
        }
    }

    /// Goes on, or is over.
    fn unless(mut self: Box<Self>, parts: &mut Parts, nothing_left: Option<Blame>) -> Came {
        let Some(blame) = nothing_left else { return Came::Nowhere(self) };
        self.hush(parts);
        let outcome = match blame.failure.cause {
            Cause::NoAnswer => DialOutcome::TimedOut,
            Cause::NotAllowed => DialOutcome::Refused,
            _ => DialOutcome::Failed,
        };
        Came::To(outcome)
    }
}

impl Serving {
    pub(super) fn dial(&mut self, parts: &mut Parts, ticket: Ticket, order: Box<DialOrder>) {
        if let Some(mut before) = self.dialling.take() {
            before.give_up(parts, Cause::Cancelled);
        }
        let Some(leg) = parts.next_leg() else {
            parts.say("no further leg: the call has as many as a call may have");
            return self.feed(parts, FlowInput::Dialled { ticket, outcome: DialOutcome::Failed });
        };
        let uri = uri_of(&order.to);
        let (name, caller) = (self.script.flow.name.clone(), parts.story.caller.clone());
        let by = OnBehalf::Flow { name, caller, shown: order.caller.clone(), via: order.via.clone() };
        parts.outputs.push_back(CallOutput::Route { leg, by, uri });
        let when_given_up = parts.wire.now.instant + order.timeout;
        let ringing = self.is_described.then(|| sounding::ring(parts));
        self.dialling = Some(Box::new(Dialling { ticket, order, step: Step::Routing(leg), when_given_up, ringing }));
    }

    pub(super) fn cancel_dial(&mut self, parts: &mut Parts, ticket: Ticket) {
        if let Some(mut dialling) = self.dialling.take_if(|dialling| dialling.is_of(ticket)) {
            dialling.give_up(parts, Cause::Cancelled);
        }
    }

    /// The next step of a dial, or its end for the flow to hear of.
    fn on_came(mut self: Box<Self>, parts: &mut Parts, ticket: Ticket, came: Came) -> Phase {
        match came {
            Came::Nowhere(dialling) => {
                self.dialling = Some(dialling);
                Phase::Serving(self)
            }
            Came::To(outcome) => {
                self.feed(parts, FlowInput::Dialled { ticket, outcome });
                self.go_on(parts)
            }
        }
    }

    pub(super) fn on_dial_answer(
        self: Box<Self>,
        parts: &mut Parts,
        mut dialling: Box<Dialling>,
        (leg, answer): (LegId, Answer),
    ) -> Phase {
        let ticket = dialling.ticket;
        let came = match (&mut dialling.step, answer) {
            (Step::Routing(asked), Answer::Routed(routed)) if *asked == leg => match routed.and_then(Led::dialled) {
                Ok(stages) => self.call(parts, dialling, stages),
                Err(refused) => {
                    parts.say(format!("{} leads nowhere: {}", dialling.order.to, refused.words));
                    dialling.hush(parts);
                    Came::To(DialOutcome::Refused)
                }
            },
            (Step::Calling(dialler), answer) => {
                let nothing = dialler.on_answer(parts, leg, answer);
                dialling.unless(parts, nothing)
            }
            (_, answer) => {
                give_back(parts, leg, &answer);
                Came::Nowhere(dialling)
            }
        };
        self.on_came(parts, ticket, came)
    }

    fn call(&self, parts: &mut Parts, mut dialling: Box<Dialling>, stages: Vec<Stage>) -> Came {
        // What the caller already speaks with us is offered on; before that, what it offers itself.
        let offered = if self.is_described { Offered::Ours } else { Offered::Callers };
        let mut dialler = Dialler::new(stages, offered);
        dialler.identity = identity_of(parts, &dialling.order);
        let nothing = dialler.advance(parts);
        dialling.step = Step::Calling(Box::new(dialler));
        dialling.unless(parts, nothing)
    }

    /// What happens at a party that is called.
    pub(super) fn on_dialled(mut self: Box<Self>, parts: &mut Parts, leg: LegId, event: LegEvent) -> Phase {
        let Some(mut dialling) = self.dialling.take() else { return self.go_on(parts) };
        let ticket = dialling.ticket;
        let came = match (event, &mut dialling.step) {
            (LegEvent::Progressed { message, .. }, _) => {
                if message.status() == 180 {
                    parts.event(CallEvent::Ringing { leg });
                    self.tell_ringing(parts);
                }
                Came::Nowhere(dialling)
            }
            (LegEvent::Answered { message, .. }, Step::Calling(dialler)) => {
                dialler.give_up(parts, Some(leg), Cause::Normal);
                return self.on_far_answer(parts, dialling, (leg, description(&message)));
            }
            (LegEvent::Failed(failure), Step::Calling(dialler)) => {
                let nothing = dialler.on_failed(parts, leg, failure);
                dialling.unless(parts, nothing)
            }
            (LegEvent::Ended { .. }, Step::Keying { leg: keyed, .. }) if *keyed == leg => {
                dialling.hush(parts);
                Came::To(DialOutcome::Failed)
            }
            _ => Came::Nowhere(dialling),
        };
        self.on_came(parts, ticket, came)
    }

    fn on_far_answer(
        self: Box<Self>,
        parts: &mut Parts,
        mut dialling: Box<Dialling>,
        (leg, described): (LegId, Option<&[u8]>),
    ) -> Phase {
        let name = parts.leg(leg).map(|leg| leg.line.facts.name.clone()).unwrap_or_default();
        parts.say(format!("{name} answered"));
        parts.event(CallEvent::Answered { leg });
        let keys = keys_of(&dialling.order.digits);
        if keys.is_empty() {
            return self.on_reached(parts, dialling, (leg, described));
        }
        let when_done = parts.wire.now.instant + pause_before(&dialling.order.digits);
        let described = described.map(Bytes::copy_from_slice);
        dialling.step = Step::Keying { leg, described, keys: keys.into(), when_done };
        self.on_dial_deadline(parts, dialling)
    }

    /// The far end is ready for the caller.
    fn on_reached(
        mut self: Box<Self>,
        parts: &mut Parts,
        mut dialling: Box<Dialling>,
        (leg, described): (LegId, Option<&[u8]>),
    ) -> Phase {
        dialling.hush(parts);
        self.attendant.joined = Some(dialling.ticket);
        match self.answer(parts, described) {
            Ok(()) => self.join(parts, leg, false),
            Err((cause, fault)) => self.end(parts, cause, fault),
        }
    }

    pub(super) fn on_dial_deadline(self: Box<Self>, parts: &mut Parts, mut dialling: Box<Dialling>) -> Phase {
        let (now, ticket) = (parts.wire.now.instant, dialling.ticket);
        let came = match &mut dialling.step {
            Step::Keying { leg, keys, when_done, .. } if *when_done <= now && !keys.is_empty() => {
                *when_done = now + keys.iter().map(|key| key.lasts + key.pause_after).sum::<Duration>();
                parts.send_digits(*leg, std::mem::take(keys));
                Came::Nowhere(dialling)
            }
            Step::Keying { leg, described, when_done, .. } if *when_done <= now => {
                let (leg, described) = (*leg, described.take());
                return self.on_reached(parts, dialling, (leg, described.as_deref()));
            }
            Step::Routing(_) | Step::Calling(_) if dialling.when_given_up <= now => {
                parts.say("nobody answered in the flow's time");
                dialling.give_up(parts, Cause::NoAnswer);
                Came::To(DialOutcome::TimedOut)
            }
            Step::Calling(dialler) => {
                let nothing = dialler.handle_deadline(parts);
                dialling.unless(parts, nothing)
            }
            Step::Routing(_) | Step::Keying { .. } => Came::Nowhere(dialling),
        };
        match came {
            Came::Nowhere(dialling) => {
                let mut serving = self;
                serving.dialling = Some(dialling);
                serving.go_on(parts)
            }
            came => self.on_came(parts, ticket, came),
        }
    }
}

/// A place that was granted for a dial that is no more goes back.
pub(super) fn give_back(parts: &mut Parts, leg: LegId, answer: &Answer) {
    match answer {
        Answer::Seized(Ok(())) => parts.release(leg, TrunkOutcome::Unknown),
        Answer::Opened(true) => parts.close_stream(leg),
        _ => {}
    }
}

/// A number, a phone's name, or a whole URI.
pub fn uri_of(to: &str) -> Box<str> {
    let is_uri = ["sip:", "sips:", "tel:"].iter().any(|scheme| to.starts_with(scheme));
    if is_uri { to.into() } else { format!("sip:{}@offhook.invalid", to.trim()).into() }
}

/// Whom the called party sees: the caller, unless the flow says somebody else.
fn identity_of(parts: &Parts, order: &DialOrder) -> Option<Identity> {
    let caller = &order.caller;
    if caller.number.is_none() && caller.name.is_none() {
        return None;
    }
    let own = &parts.story.identity;
    let rules = parts.leg(parts.served).map(|leg: &Leg| leg.line.party.number_rules())?;
    let number = caller.number.as_deref().unwrap_or(&own.number);
    let display = caller.name.as_deref().unwrap_or(&own.display);
    let is_own = caller.number.is_none();
    Some(Identity { private: own.private && is_own, ..Identity::assigned(number, display, rules) })
}

/// A comma makes the pause before it longer.
fn keys_of(digits: &str) -> Vec<SentDigit> {
    let mut keys: Vec<SentDigit> = Vec::new();
    for key in digits.bytes() {
        match key {
            b',' => {
                if let Some(last) = keys.last_mut() {
                    last.pause_after += COMMA;
                }
            }
            digit => {
                keys.push(SentDigit { digit: digit.to_ascii_uppercase(), lasts: KEY_LASTS, pause_after: KEY_PAUSE })
            }
        }
    }
    keys
}

/// Commas before the first key.
fn pause_before(digits: &str) -> Duration {
    let count = digits.bytes().take_while(|key| *key == b',').count();
    COMMA * u32::try_from(count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_waits_three_quarters_of_a_second_where_it_stands() {
        let keys = keys_of(",,12,,3#");
        let pauses: Vec<u128> = keys.iter().map(|key| key.pause_after.as_millis()).collect();
        assert_eq!(keys.iter().map(|key| char::from(key.digit)).collect::<String>(), "123#");
        assert_eq!(pauses, [80, 80 + 1_500, 80, 80]);
        assert_eq!(pause_before(",,12,,3#"), COMMA * 2);
        assert_eq!((keys_of("").len(), pause_before("12")), (0, Duration::ZERO));
    }

    #[test]
    fn numbers_names_and_whole_addresses_can_be_called() {
        assert_eq!(&*uri_of("+81312345678"), "sip:+81312345678@offhook.invalid");
        assert_eq!(&*uri_of(" alice "), "sip:alice@offhook.invalid");
        assert_eq!(&*uri_of("sip:bob@example.com"), "sip:bob@example.com");
    }
}
