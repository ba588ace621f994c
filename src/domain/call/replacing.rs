//! An INVITE that takes the place of a dialog of ours (RFC 3891): its party is fetched from the other call. Dials nobody.

use crate::base::cause::{Cause, Fault};
use crate::base::id::{CallId, LegId};
use crate::domain::call::ending::Ending;
use crate::domain::call::handover::{Claim, Handover, PATIENCE, answer_stray, tell};
use crate::domain::call::inform;
use crate::domain::call::interface::CallEvent;
use crate::domain::call::joined::Joined;
use crate::domain::call::parts::Parts;
use crate::domain::call::phase::Phase;
use crate::domain::leg::event::{LegEvent, description};
use crate::domain::leg::inbound::{Rejection, Source};
use crate::domain::leg::leg::Leg;
use crate::protocol::sip::replaces::Replaces;
use crate::protocol::sip::stamp;
use std::time::Instant;

pub struct Replacing {
    of: CallId,
    /// The number that the fetched leg will have here.
    leg: LegId,
    step: Step,
    when_given_up: Instant,
}

enum Step {
    Claiming,
    /// The caller has its 200 with the party's offer; its ACK answers it.
    Answering,
    Settling,
}

impl Replacing {
    /// Claims the party of the dialog that the caller's INVITE names; `None` where the dialog is not of our making.
    pub fn begin(parts: &mut Parts, replaces: Replaces) -> Option<Phase> {
        let (of, _) = stamp::tag_owner(&replaces.to_tag)?;
        let leg = parts.next_leg()?;
        let caller = parts.leg(LegId::CALLER)?;
        let (party, offer) = (caller.line.party.clone(), caller.invited().and_then(|caller| caller.offer.clone()));
        parts.say(format!("the INVITE takes the place of a dialog of call {of}"));
        tell(
            parts,
            of,
            Handover::Claim(Box::new(Claim { replaces, party, offer, is_relayed: parts.streams.is_relayed })),
        );
        let when_given_up = parts.wire.now.instant + PATIENCE;
        Some(Phase::Replacing(Box::new(Replacing { of, leg, step: Step::Claiming, when_given_up })))
    }

    pub fn on_word(mut self: Box<Self>, parts: &mut Parts, from: CallId, word: Handover) -> Phase {
        if from != self.of {
            answer_stray(parts, from, word);
            return Phase::Replacing(self);
        }
        match (word, &self.step) {
            (Handover::Pledge(description), Step::Claiming) => {
                let source = Source { leg: self.leg, fork: 0 };
                let had_offer =
                    parts.leg(LegId::CALLER).and_then(Leg::invited).is_some_and(|caller| caller.offer.is_some());
                let answered = parts.with(LegId::CALLER, |leg, wire| leg.answer(wire, source, Some(&description)));
                if !matches!(answered, Some(Ok(()))) {
                    tell(parts, self.of, Handover::Withdraw);
                    return fail(parts, (488, "Not Acceptable Here"), Cause::MediaNotAcceptable);
                }
                parts.story.answered_at = Some(parts.wire.now.unix_millis());
                parts.event(CallEvent::Answered { leg: LegId::CALLER });
                self.step = Step::Answering;
                if had_offer { self.settle(parts, None) } else { Phase::Replacing(self) }
            }
            (Handover::Refuse(status), _) => {
                parts.say(format!("the other call refuses: {status}"));
                let phrase = match status {
                    403 => "Forbidden",
                    481 => "Call/Transaction Does Not Exist",
                    486 => "Busy Here",
                    488 => "Not Acceptable Here",
                    491 => "Request Pending",
                    _ => return fail(parts, (480, "Temporarily Unavailable"), Cause::TemporarilyUnavailable),
                };
                fail(parts, (status, phrase), Cause::from_status(status))
            }
            (Handover::Leg(handed), Step::Settling) => {
                let party = handed.leg.line.facts.name.clone();
                parts.take_in(self.leg, *handed);
                parts.say(format!("{party} comes over from call {from}"));
                Phase::Joined(Box::new(Joined::new(parts, self.leg, false)))
            }
            (word, _) => {
                answer_stray(parts, from, word);
                Phase::Replacing(self)
            }
        }
    }

    fn settle(mut self: Box<Self>, parts: &mut Parts, answer: Option<bytes::Bytes>) -> Phase {
        tell(parts, self.of, Handover::Settle(answer));
        self.step = Step::Settling;
        Phase::Replacing(self)
    }

    pub fn on_leg(self: Box<Self>, parts: &mut Parts, event: LegEvent) -> Phase {
        match event {
            LegEvent::Cancelled { cause } | LegEvent::Ended { cause, .. } => {
                tell(parts, self.of, Handover::Withdraw);
                Ending::begin(parts, cause, Fault::Caller)
            }
            LegEvent::Acknowledged { message } if matches!(self.step, Step::Answering) => {
                let answer = description(&message).map(bytes::Bytes::copy_from_slice);
                self.settle(parts, answer)
            }
            LegEvent::Offered { .. } => {
                parts.with(LegId::CALLER, |leg, wire| {
                    if let Some((state, line)) = leg.established() {
                        state.refuse(line, wire, (491, "Request Pending"));
                    }
                });
                Phase::Replacing(self)
            }
            LegEvent::Referred { request } => {
                let (server, from, message) = (request.server, &request.from, &request.message);
                parts.wire.respond_plain(server, message, from, (491, "Request Pending"));
                Phase::Replacing(self)
            }
            LegEvent::Informed { request } => {
                inform::answer(parts, &request, 200);
                Phase::Replacing(self)
            }
            _ => Phase::Replacing(self),
        }
    }

    pub fn on_hang_up(&self, parts: &mut Parts, cause: Cause) -> Phase {
        tell(parts, self.of, Handover::Withdraw);
        Ending::begin(parts, cause, Fault::Ours)
    }

    pub fn handle_deadline(self: Box<Self>, parts: &mut Parts) -> Phase {
        if self.when_given_up > parts.wire.now.instant {
            return Phase::Replacing(self);
        }
        tell(parts, self.of, Handover::Withdraw);
        fail(parts, (480, "Temporarily Unavailable"), Cause::TemporarilyUnavailable)
    }

    pub fn deadline(&self) -> Instant {
        self.when_given_up
    }
}

/// The caller is refused, or hung up on where it has its 200 already.
fn fail(parts: &mut Parts, answer: (u16, &str), cause: Cause) -> Phase {
    let (status, phrase) = answer;
    parts.with(LegId::CALLER, |leg, wire| {
        leg.reject(wire, &Rejection { status, phrase, cause, retry_after: None, contact: None });
    });
    Ending::begin(parts, cause, Fault::Caller)
}
