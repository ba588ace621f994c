//! A party asks us to connect the other one elsewhere (REFER, RFC 3515, RFC 5589): blind or attended, reported by NOTIFY.

use crate::base::cause::{Cause, Fault};
use crate::base::id::{CallId, LegId};
use crate::domain::call::dialler::{Blame, Dialler};
use crate::domain::call::handover::{Claim, Handover, PATIENCE, answer_stray, tell};
use crate::domain::call::interface::{CallEvent, CallOutput, Led, OnBehalf, Script, Stage};
use crate::domain::call::invite::{Asked, Offered};
use crate::domain::call::joined::{Exchange, Joined, acknowledge};
use crate::domain::call::parts::Parts;
use crate::domain::call::phase::Answer;
use crate::domain::call::refusal::answer_of;
use crate::domain::leg::established::Telling;
use crate::domain::leg::event::{LegEvent, Request, description};
use crate::domain::leg::offer::Purpose;
use crate::domain::leg::party::Party;
use crate::protocol::sip::dialog::uri_without_headers;
use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::message::value::NameAddr;
use crate::protocol::sip::replaces::Replaces;
use crate::protocol::sip::stamp;
use bytes::Bytes;
use std::time::Instant;

pub struct Transfer {
    referrer: LegId,
    remaining: LegId,
    /// Whether the referrer wants to hear how it goes (RFC 4488).
    reports: bool,
    /// What the INVITE is to say; not there where a leg is fetched instead.
    asked: Option<Box<Asked>>,
    /// What the remaining party had of us before it was asked, should it not come to it.
    before: Option<Bytes>,
    step: Step,
}

enum Step {
    /// Where does the target lead? Asked under the number of a leg that is not made yet.
    Routing(LegId),
    Dialling(Box<Dialler>),
    /// The new party has made its offer; the remaining one is asked.
    Joining(LegId),
    /// An attended transfer: the new party is a leg of another call.
    Fetching(Box<Fetching>),
}

struct Fetching {
    of: CallId,
    /// The number that the leg will have here.
    leg: LegId,
    /// The remaining party is asked with what the new one offers.
    is_asking: bool,
    when_given_up: Instant,
}

/// What became of an event that a running transfer was shown.
pub enum TransferStep {
    Taken,
    NotMine(LegEvent),
    Over(Cause, Fault),
}

impl Transfer {
    /// Answers the REFER, and asks where its target leads. `None`: refused.
    pub fn begin(parts: &mut Parts, legs: (LegId, LegId), request: &Request) -> Option<Transfer> {
        let (referrer, remaining) = legs;
        let Request { server, from, message } = request;
        let target = message.get(HeaderName::ReferTo).and_then(|text| NameAddr::parse(text, HeaderName::ReferTo).ok());
        let Some(target) = target else {
            parts.wire.respond_plain(*server, message, from, (400, "Bad Refer-To"));
            return None;
        };
        let mut writer = parts.wire.reply(message, from, 202, "Accepted");
        writer.header(HeaderName::Contact, parts.wire.contact(from));
        let reports = !message.get(HeaderName::ReferSub).is_some_and(|text| text.trim().starts_with("false"));
        if !reports {
            writer.header(HeaderName::ReferSub, "false");
        }
        parts.wire.transactions.respond(parts.wire.now, *server, 202, writer.finish());
        let step = Step::Routing(LegId::CALLER);
        let mut transfer = Transfer { referrer, remaining, reports, asked: None, before: None, step };
        let replaces = match Replaces::asked_by(&target.uri) {
            Some(None) => {
                transfer.report(parts, 400, "Bad Replaces");
                return None;
            }
            asked => asked.flatten(),
        };
        transfer.report(parts, 100, "Trying");
        let Some(leg) = parts.next_leg() else {
            transfer.report(parts, 503, "Service Unavailable");
            return None;
        };
        transfer.step = Step::Routing(leg);
        let party = parts.leg(referrer).map(|leg| leg.line.party.clone())?;
        parts.say(format!("{} transfers the call", party.name()));
        let owner = replaces.as_ref().and_then(|replaces| stamp::tag_owner(&replaces.to_tag));
        match (replaces, owner) {
            (Some(replaces), Some((of, _))) => return Some(transfer.fetch(parts, (of, leg), replaces, party)),
            (replaces, _) => {
                let replaces = replaces.map(|replaces| replaces.to_string().into());
                let headers = target.uri.headers.unwrap_or_default().into();
                transfer.asked = Some(Box::new(Asked { by: party.clone(), replaces, headers }));
            }
        }
        let uri = uri_without_headers(&target.uri).into();
        parts.outputs.push_back(CallOutput::Route { leg, by: OnBehalf::Party(party), uri });
        Some(transfer)
    }

    /// Nobody of the pair has asked for it: whoever has control of the call has, and its way is being asked for.
    pub fn ordered((referrer, remaining): (LegId, LegId), leg: LegId) -> Transfer {
        Transfer { referrer, remaining, reports: false, asked: None, before: None, step: Step::Routing(leg) }
    }

    /// The new party talks to the referrer in another call of ours: that call is asked for it.
    fn fetch(mut self, parts: &mut Parts, whence: (CallId, LegId), replaces: Replaces, party: Party) -> Transfer {
        let (of, leg) = whence;
        parts.say(format!("its target is in call {of}"));
        let when_given_up = parts.wire.now.instant + PATIENCE;
        tell(
            parts,
            of,
            Handover::Claim(Box::new(Claim { replaces, party, offer: None, is_relayed: parts.streams.is_relayed })),
        );
        self.step = Step::Fetching(Box::new(Fetching { of, leg, is_asking: false, when_given_up }));
        self
    }

    pub fn claims_of(&self, call: CallId) -> bool {
        matches!(&self.step, Step::Fetching(fetching) if fetching.of == call)
    }

    /// What the call says that was asked for its party.
    pub fn on_word(mut self: Box<Self>, joined: &mut Joined, parts: &mut Parts, word: Handover) -> TransferStep {
        let Step::Fetching(fetching) = &mut self.step else { return self.keep(joined) };
        let (of, leg) = (fetching.of, fetching.leg);
        match word {
            Handover::Pledge(offer) => {
                fetching.is_asking = true;
                match self.ask(parts, Some(&offer)) {
                    true => self.keep(joined),
                    false => self.failed(joined, parts, (488, "Not Acceptable Here")),
                }
            }
            Handover::Refuse(status) => {
                self.step = Step::Routing(leg);
                let phrase = if status == 481 { "Call/Transaction Does Not Exist" } else { "Refused" };
                self.failed(joined, parts, (status, phrase))
            }
            Handover::Leg(handed) => {
                let (party, is_agent) = (handed.leg.line.facts.name.clone(), handed.is_agent);
                parts.take_in(leg, *handed);
                parts.say(format!("{party} comes over from call {of}"));
                joined.let_go(parts, self.referrer, is_agent);
                self.done(joined, parts, leg)
            }
            word => {
                answer_stray(parts, of, word);
                self.keep(joined)
            }
        }
    }

    /// NOTIFY with the state as a status line (RFC 3515 2.4.5). A final one ends the subscription.
    fn report(&self, parts: &mut Parts, status: u16, phrase: &str) {
        if !self.reports {
            return;
        }
        let state = if status < 200 { "active;expires=180" } else { "terminated;reason=noresource" };
        let line = format!("SIP/2.0 {status} {phrase}\r\n");
        parts.with(self.referrer, |leg, wire| {
            if let Some((established, line_of_leg)) = leg.established() {
                let headers = [(HeaderName::Event, "refer"), (HeaderName::SubscriptionState, state)];
                let body = Some(("message/sipfrag;version=2.0", line.as_bytes()));
                established.tell(line_of_leg, wire, &Telling { method: Method::Notify, headers: &headers, body });
            }
        });
    }

    pub fn on_leg(
        mut self: Box<Self>,
        joined: &mut Joined,
        parts: &mut Parts,
        what: (LegId, LegEvent),
    ) -> TransferStep {
        let (leg, event) = what;
        match event {
            LegEvent::Ended { cause, fault } if leg == self.remaining => {
                self.give_up(parts, cause);
                TransferStep::Over(cause, fault)
            }
            LegEvent::Ended { .. } if leg == self.referrer => {
                // Its part is done; the one who remains waits for the new party.
                self.reports = false;
                self.keep(joined)
            }
            LegEvent::Ended { cause, .. } => self.failed(joined, parts, cause.status()),
            LegEvent::Progressed { message, .. } => {
                if message.status() == 180 {
                    parts.event(CallEvent::Ringing { leg });
                    self.report(parts, 180, "Ringing");
                }
                self.keep(joined)
            }
            LegEvent::Answered { offer, .. } => self.on_answered(joined, parts, (leg, offer)),
            LegEvent::Failed(failure) => {
                let nothing = match &mut self.step {
                    Step::Dialling(dialler) => dialler.on_failed(parts, leg, failure),
                    _ => None,
                };
                self.unless(joined, parts, nothing)
            }
            LegEvent::Accepted { message, .. } if leg == self.remaining => match self.step {
                Step::Joining(new) => {
                    acknowledge(parts, new, description(&message));
                    joined.let_go(parts, self.referrer, false);
                    self.done(joined, parts, new)
                }
                Step::Fetching(ref fetching) if fetching.is_asking => {
                    let answer = description(&message).map(Bytes::copy_from_slice);
                    tell(parts, fetching.of, Handover::Settle(answer));
                    self.keep(joined)
                }
                _ => TransferStep::NotMine(LegEvent::Accepted { message, offer: None }),
            },
            LegEvent::Declined { .. } if leg == self.remaining && self.is_asking() => {
                self.before = None;
                self.failed(joined, parts, (488, "Not Acceptable Here"))
            }
            event => {
                joined.transfer = Some(self);
                TransferStep::NotMine(event)
            }
        }
    }

    /// Whether the remaining party is asked with the new one's offer.
    fn is_asking(&self) -> bool {
        match &self.step {
            Step::Joining(_) => true,
            Step::Fetching(fetching) => fetching.is_asking,
            Step::Routing(_) | Step::Dialling(_) => false,
        }
    }

    fn keep(self: Box<Self>, joined: &mut Joined) -> TransferStep {
        joined.transfer = Some(self);
        TransferStep::Taken
    }

    fn unless(mut self: Box<Self>, joined: &mut Joined, parts: &mut Parts, nothing: Option<Blame>) -> TransferStep {
        match nothing {
            None => self.keep(joined),
            Some(blame) => self.failed(joined, parts, answer_of(&blame.failure)),
        }
    }

    /// The new party offers; the remaining one is asked by a re-INVITE (RFC 3725 flow I).
    fn on_answered(
        mut self: Box<Self>,
        joined: &mut Joined,
        parts: &mut Parts,
        what: (LegId, Option<Bytes>),
    ) -> TransferStep {
        let (new, offer) = what;
        if let Step::Dialling(dialler) = &mut self.step {
            dialler.give_up(parts, Some(new), Cause::Normal);
        }
        self.step = Step::Joining(new);
        parts.event(CallEvent::Answered { leg: new });
        if !self.ask(parts, offer.as_deref()) {
            return self.failed(joined, parts, (503, "Service Unavailable"));
        }
        self.keep(joined)
    }

    /// Asks the remaining party with what the new one describes. `false`: it cannot be asked.
    fn ask(&mut self, parts: &mut Parts, offer: Option<&[u8]>) -> bool {
        let before = parts.leg(self.remaining).map(|leg| leg.line.media.agreed());
        let asked = parts.with(self.remaining, |leg, wire| {
            let (state, line) = leg.established()?;
            state.offer(line, wire, Method::Invite, (Purpose::Own, offer)).ok()
        });
        let is_asked = asked.flatten().is_some();
        self.before = before.filter(|_| is_asked);
        is_asked
    }

    /// The flow that the target turned out to be, where nobody is to be dialled.
    pub(super) fn script_of(&self, leg: LegId, answer: &Answer) -> Option<Box<Script>> {
        let (Step::Routing(asked), Answer::Routed(Ok(led))) = (&self.step, answer) else { return None };
        let is_plain = self.asked.as_ref().is_none_or(|asked| asked.replaces.is_none());
        led.script.clone().filter(|_| *asked == leg && led.stages.is_empty() && is_plain)
    }

    pub(super) fn legs(&self) -> (LegId, LegId) {
        (self.referrer, self.remaining)
    }

    /// The referrer is out of it.
    pub(super) fn part(&self, parts: &mut Parts) {
        self.report(parts, 200, "OK");
        parts.hang_up(self.referrer, Cause::Normal);
        parts.event(CallEvent::Transferred { leg: self.referrer });
        parts.say("the transfer is done");
    }

    fn done(&self, joined: &mut Joined, parts: &mut Parts, new: LegId) -> TransferStep {
        self.part(parts);
        joined.pair = (self.remaining, new);
        joined.exchange = Exchange::Idle;
        joined.tell_holder(parts, "transferred", Some(new));
        TransferStep::Taken
    }

    /// The call stays as it was; without the referrer there is nobody left to talk to.
    pub(super) fn failed(&mut self, joined: &mut Joined, parts: &mut Parts, answer: (u16, &str)) -> TransferStep {
        let (status, phrase) = answer;
        parts.say(format!("the transfer has failed: {status}"));
        self.report(parts, status, phrase);
        if let Step::Joining(new) = self.step {
            acknowledge(parts, new, None);
            parts.hang_up(new, Cause::MediaNotAcceptable);
        }
        self.withdraw(parts);
        let is_alone = parts.leg(self.referrer).is_none_or(|leg| leg.line.facts.ended.is_some());
        joined.transfer = None;
        joined.tell_holder(parts, "not_transferred", None);
        if !is_alone {
            joined.take_back(parts, self.remaining, self.before.take());
        }
        if is_alone { TransferStep::Over(Cause::from_status(status), Fault::Callee) } else { TransferStep::Taken }
    }

    /// The other call may keep its party.
    fn withdraw(&self, parts: &mut Parts) {
        if let Step::Fetching(fetching) = &self.step {
            tell(parts, fetching.of, Handover::Withdraw);
        }
    }

    fn give_up(&mut self, parts: &mut Parts, cause: Cause) {
        self.withdraw(parts);
        if let Step::Dialling(dialler) = &mut self.step {
            dialler.give_up(parts, None, cause);
        }
    }

    pub fn on_answer(
        mut self: Box<Self>,
        joined: &mut Joined,
        parts: &mut Parts,
        what: (LegId, Answer),
    ) -> TransferStep {
        let (leg, answer) = what;
        match (&mut self.step, answer) {
            (Step::Routing(asked), Answer::Routed(Ok(Led { stages, .. }))) if *asked == leg => {
                let stages = match self.asked.as_ref().and_then(|asked| asked.replaces.as_ref()) {
                    Some(_) => stages_that_replace(stages),
                    None => stages,
                };
                if stages.is_empty() {
                    parts.say("a transfer names a dialog that is not ours, and its target takes no Replaces");
                    return self.failed(joined, parts, (481, "Call/Transaction Does Not Exist"));
                }
                let mut dialler = Box::new(Dialler::new(stages, Offered::Nothing));
                dialler.asked = self.asked.take();
                let nothing = dialler.advance(parts);
                self.step = Step::Dialling(dialler);
                self.unless(joined, parts, nothing)
            }
            (Step::Routing(asked), Answer::Routed(Err(refused))) if *asked == leg => {
                parts.say(refused.words);
                self.failed(joined, parts, refused.cause.status())
            }
            (Step::Dialling(dialler), answer) => {
                let nothing = dialler.on_answer(parts, leg, answer);
                self.unless(joined, parts, nothing)
            }
            _ => self.keep(joined),
        }
    }

    pub fn handle_deadline(mut self: Box<Self>, joined: &mut Joined, parts: &mut Parts) -> TransferStep {
        let nothing = match &mut self.step {
            Step::Dialling(dialler) => dialler.handle_deadline(parts),
            Step::Fetching(fetching) if fetching.when_given_up <= parts.wire.now.instant => {
                return self.failed(joined, parts, (408, "Request Timeout"));
            }
            _ => None,
        };
        self.unless(joined, parts, nothing)
    }

    pub fn deadline(&self) -> Option<Instant> {
        match &self.step {
            Step::Dialling(dialler) => dialler.deadline(),
            Step::Fetching(fetching) => Some(fetching.when_given_up),
            Step::Routing(_) | Step::Joining(_) => None,
        }
    }
}

/// What is left of a route when only those may be called that understand Replaces.
pub(super) fn stages_that_replace(stages: Vec<Stage>) -> Vec<Stage> {
    let mut stages = stages;
    for stage in &mut stages {
        stage.dials.retain(|dial| matches!(&dial.party, Party::Trunk(trunk) if trunk.replaces));
    }
    stages.retain(|stage| !stage.dials.is_empty());
    stages
}
