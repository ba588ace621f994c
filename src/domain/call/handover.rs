//! One call gives a leg of its own to another, by value: the words that they exchange, and the giver's part. Shares nothing.

use crate::base::cause::{Cause, Fault};
use crate::base::id::{CallId, LegId};
use crate::domain::call::interface::CallOutput;
use crate::domain::call::joined::{Exchange, Joined, acknowledge};
use crate::domain::call::parts::Parts;
use crate::domain::call::phase::Phase;
use crate::domain::call::transfer::TransferStep;
use crate::domain::leg::event::{LegEvent, description};
use crate::domain::leg::leg::Leg;
use crate::domain::leg::offer::{NotOffered, Purpose};
use crate::domain::leg::party::Party;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::replaces::Replaces;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long one side waits for the other: longer than the longest transaction in between.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// What two calls say to each other. The switchboard carries it.
#[derive(Debug)]
pub enum Handover {
    /// Give me the party that talks to the one of this dialog.
    Claim(Box<Claim>),
    /// What that party describes: its answer where the claim made an offer, else its offer.
    Pledge(Bytes),
    /// It will not be, with the status that says why. Also: there is no such call.
    Refuse(u16),
    /// The claimer's party agrees: its answer, where the pledge was an offer. The leg is to follow.
    Settle(Option<Bytes>),
    /// The claimer has no use for it after all.
    Withdraw,
    Leg(Box<Handed>),
}

#[derive(Debug)]
pub struct Claim {
    pub replaces: Replaces,
    /// Who asks: only the party of the replaced dialog may.
    pub party: Party,
    pub offer: Option<Bytes>,
    /// Audio of the claiming call goes through us.
    pub is_relayed: bool,
}

/// A leg on its way from one call to another, with its place on a trunk.
pub struct Handed {
    pub leg: Leg,
    pub seat: Option<(Arc<str>, u16)>,
    /// It is an agent's, who talks with whom the queues gave him: they have been told that he goes along.
    pub is_agent: bool,
}

impl fmt::Debug for Handed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handed").field("leg", &self.leg.id()).field("seat", &self.seat).finish()
    }
}

/// A leg of this call is about to leave it.
pub struct Lending {
    claimer: CallId,
    replaced: LegId,
    leg: LegId,
    step: Step,
    /// What the leg's peer had of us, should it not come to it.
    before: Option<Bytes>,
    when_forgotten: Instant,
}

enum Step {
    /// The leg's peer is asked, with the claimer's offer or for its own.
    Asking {
        has_offer: bool,
    },
    Pledged {
        owes_answer: bool,
    },
}

impl Lending {
    /// Asks the party that is claimed; refused where there is none or where it is busy.
    pub fn begin(joined: &mut Joined, parts: &mut Parts, from: CallId, claim: &Claim) {
        match Lending::ask(joined, parts, from, claim) {
            Ok(lending) => joined.lending = Some(Box::new(lending)),
            Err(status) => tell(parts, from, Handover::Refuse(status)),
        }
    }

    fn ask(joined: &Joined, parts: &mut Parts, claimer: CallId, claim: &Claim) -> Result<Lending, u16> {
        let Claim { replaces, party, offer, is_relayed } = claim;
        if *is_relayed != parts.streams.is_relayed {
            // A leg whose audio goes from end to end has no end of ours that could come over, and the other way about.
            return Err(488);
        }
        let replaced = parts.legs.iter().find(|leg| leg.is_of(replaces)).ok_or(481u16)?;
        // RFC 3891 3: whoever is not the party itself has no business in its dialog.
        if replaced.line.party.name() != party.name() {
            return Err(403);
        }
        if replaces.early_only {
            return Err(486);
        }
        let (replaced, leg) = (replaced.id(), joined.other(replaced.id()).ok_or(481u16)?);
        if joined.is_busy() {
            return Err(491);
        }
        let before = parts.leg(leg).map(|leg| leg.line.media.agreed());
        let asked = parts.with(leg, |leg, wire| {
            let (state, line) = leg.established().ok_or(NotOffered::Pending)?;
            state.offer(line, wire, Method::Invite, (Purpose::Own, offer.as_deref()))
        });
        match asked {
            Some(Ok(())) => {}
            Some(Err(NotOffered::Media(_))) => return Err(488),
            Some(Err(NotOffered::Pending)) | None => return Err(491),
        }
        let when_forgotten = parts.wire.now.instant + PATIENCE;
        let step = Step::Asking { has_offer: offer.is_some() };
        Ok(Lending { claimer, replaced, leg, step, before, when_forgotten })
    }

    /// What becomes of an event while a leg is about to leave.
    pub fn on_leg(
        mut self: Box<Self>,
        joined: &mut Joined,
        parts: &mut Parts,
        what: (LegId, LegEvent),
    ) -> TransferStep {
        let (leg, event) = what;
        match (event, &self.step) {
            (LegEvent::Accepted { message, offer }, Step::Asking { has_offer }) if leg == self.leg => {
                let owes_answer = !has_offer;
                let described = offer.or_else(|| description(&message).map(Bytes::copy_from_slice));
                let Some(described) = described else { return self.declined(parts) };
                tell(parts, self.claimer, Handover::Pledge(described));
                self.step = Step::Pledged { owes_answer };
                joined.lending = Some(self);
                TransferStep::Taken
            }
            (LegEvent::Declined { .. }, Step::Asking { .. }) if leg == self.leg => self.declined(parts),
            (LegEvent::Ended { .. }, _) if leg == self.replaced => {
                // It hangs up on what it has given away: the other one waits for its new party.
                joined.lending = Some(self);
                TransferStep::Taken
            }
            (event @ (LegEvent::Ended { .. } | LegEvent::Cancelled { .. }), _) => {
                self.refuse(parts, 480);
                TransferStep::NotMine(event)
            }
            (event, _) => {
                joined.lending = Some(self);
                TransferStep::NotMine(event)
            }
        }
    }

    /// The leg's peer does not want to: its own call goes on, if anybody is left in it.
    fn declined(&self, parts: &mut Parts) -> TransferStep {
        self.refuse(parts, 488);
        if self.is_alone(parts) { TransferStep::Over(Cause::Normal, Fault::Nobody) } else { TransferStep::Taken }
    }

    /// The party that asked for the transfer has hung up on the one it gives away.
    fn is_alone(&self, parts: &Parts) -> bool {
        parts.leg(self.replaced).is_none_or(|leg| leg.line.facts.ended.is_some())
    }

    fn refuse(&self, parts: &mut Parts, status: u16) {
        tell(parts, self.claimer, Handover::Refuse(status));
    }

    /// The claimer's next word. The phase that follows.
    pub fn on_word(self: Box<Self>, mut joined: Box<Joined>, parts: &mut Parts, word: Handover) -> Phase {
        match (word, &self.step) {
            (Handover::Settle(answer), Step::Pledged { owes_answer }) => {
                if *owes_answer {
                    acknowledge(parts, self.leg, answer.as_deref());
                }
                self.give(joined, parts)
            }
            (Handover::Settle(_) | Handover::Withdraw | Handover::Refuse(_), _) => self.give_up(joined, parts),
            _ => {
                joined.lending = Some(self);
                Phase::Joined(joined)
            }
        }
    }

    /// The leg goes, and with it this call's reason to be.
    fn give(&self, mut joined: Box<Joined>, parts: &mut Parts) -> Phase {
        let name = parts.leg(self.leg).map(|leg| leg.line.facts.name.clone()).unwrap_or_default();
        let Some(mut handed) = parts.give_away(self.leg, self.claimer) else {
            self.refuse(parts, 491);
            return self.after(joined, parts);
        };
        parts.say(format!("{name} goes over to call {}: an attended transfer", self.claimer));
        handed.is_agent = joined.agent_goes(parts, self.leg, self.claimer);
        tell(parts, self.claimer, Handover::Leg(Box::new(handed)));
        joined.end(parts, Cause::Normal, Fault::Nobody)
    }

    /// Everything stays as it was: the leg's peer hears again of what held before.
    fn give_up(&self, mut joined: Box<Joined>, parts: &mut Parts) -> Phase {
        parts.say("the attended transfer does not come about");
        joined.take_back(parts, self.leg, self.before.clone());
        self.after(joined, parts)
    }

    /// The pair goes on, unless one of it has left meanwhile.
    fn after(&self, joined: Box<Joined>, parts: &mut Parts) -> Phase {
        match self.is_alone(parts) {
            true => joined.end(parts, Cause::Normal, Fault::Nobody),
            false => Phase::Joined(joined),
        }
    }

    pub fn handle_deadline(self: Box<Self>, mut joined: Box<Joined>, parts: &mut Parts) -> Phase {
        if self.when_forgotten > parts.wire.now.instant {
            joined.lending = Some(self);
            return Phase::Joined(joined);
        }
        self.refuse(parts, 408);
        self.give_up(joined, parts)
    }

    pub fn claimer(&self) -> CallId {
        self.claimer
    }

    pub fn deadline(&self) -> Instant {
        self.when_forgotten
    }
}

/// Says something to another call.
pub fn tell(parts: &mut Parts, to: CallId, word: Handover) {
    parts.outputs.push_back(CallOutput::Handover { to, word });
}

/// A word that no phase waits for: a claim finds nothing here, and a leg that nobody wants is ended.
pub fn answer_stray(parts: &mut Parts, from: CallId, word: Handover) {
    match word {
        Handover::Claim(_) => tell(parts, from, Handover::Refuse(481)),
        Handover::Pledge(_) => tell(parts, from, Handover::Withdraw),
        Handover::Leg(handed) => {
            let id = parts.next_leg().unwrap_or(LegId(u8::MAX));
            parts.take_in(id, *handed);
            parts.hang_up(id, Cause::Normal);
        }
        Handover::Refuse(_) | Handover::Settle(_) | Handover::Withdraw => {}
    }
}

impl Joined {
    /// Whether an offer, a transfer or a hand-over is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.transfer.is_some() || self.lending.is_some() || self.exchange != Exchange::Idle
    }
}
