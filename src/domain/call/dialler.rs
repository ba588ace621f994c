//! Tries stage after stage until somebody answers: places in trunks, names, parallel dials, failover, redirections.

use crate::base::cause::{Cause, Fault};
use crate::base::id::LegId;
use crate::domain::call::interface::{
    CallEvent, CallOutput, Dial, Led, OnBehalf, Party, Place, Refused, Stage, TrunkOutcome,
};
use crate::domain::call::invite::{self, Asked, How, Offered};
use crate::domain::call::opening::no_port;
use crate::domain::call::parts::{Parts, fault_of};
use crate::domain::call::phase::Answer;
use crate::domain::leg::event::{Failure, FailureReason};
use crate::domain::trunk::identity::Identity;
use crate::protocol::sip::path::Target;
use std::collections::VecDeque;
use std::time::Instant;

/// Contacts of 3xx responses that one call follows.
const REDIRECTIONS_MAX: u8 = 5;

pub struct Dialler {
    stages: VecDeque<Stage>,
    number: u32,
    dials: Vec<Dialling>,
    when_ring_ends: Option<Instant>,
    best: Option<Blame>,
    redirections: u8,
    /// Somebody has spoken for all: no further stage.
    is_final: bool,
    offered: Offered,
    /// What goes along because somebody has asked for this.
    pub asked: Option<Box<Asked>>,
    /// Who calls, where that is not the caller.
    pub identity: Option<Identity>,
    /// Phones are asked to answer by themselves.
    pub answers_itself: bool,
}

/// A failure and whose it is.
#[derive(Clone, Debug)]
pub struct Blame {
    pub failure: Failure,
    pub fault: Fault,
    pub retry_after: Option<u32>,
}

struct Dialling {
    leg: LegId,
    dial: Dial,
    step: Step,
}

enum Step {
    Seizing,
    Resolving,
    /// Its stream is being opened; these places follow.
    Opening(Vec<Target>),
    Ringing,
    /// Redirected: where does this contact lead, and those after it?
    Routing(VecDeque<Box<str>>),
    Done,
}

impl Dialler {
    pub fn new(stages: Vec<Stage>, offered: Offered) -> Dialler {
        Dialler {
            stages: stages.into(),
            number: 0,
            dials: Vec::new(),
            when_ring_ends: None,
            best: None,
            redirections: 0,
            is_final: false,
            offered,
            asked: None,
            identity: None,
            answers_itself: false,
        }
    }

    /// Goes on until something is under way. `Some`: nothing is left to try.
    pub fn advance(&mut self, parts: &mut Parts) -> Option<Blame> {
        loop {
            if self.dials.iter().any(|dialling| !matches!(dialling.step, Step::Done)) {
                return None;
            }
            self.when_ring_ends = None;
            let next = if self.is_final { None } else { self.stages.pop_front() };
            let Some(stage) = next else {
                return Some(self.best.take().unwrap_or_else(|| Blame {
                    failure: Failure::of(Cause::Unreachable, FailureReason::GivenUp),
                    fault: Fault::Ours,
                    retry_after: None,
                }));
            };
            self.begin_stage(parts, stage);
        }
    }

    fn begin_stage(&mut self, parts: &mut Parts, stage: Stage) {
        self.number += 1;
        self.dials.clear();
        self.when_ring_ends = Some(parts.wire.now.instant + stage.ring_timeout);
        for dial in stage.dials {
            self.begin_dial(parts, dial);
        }
    }

    fn begin_dial(&mut self, parts: &mut Parts, dial: Dial) {
        let Some(leg) = parts.next_leg() else {
            parts.say("no further leg: the call has as many as a call may have");
            return;
        };
        let trunk = match &dial.party {
            Party::Trunk(trunk) => Some(trunk.name.clone()),
            Party::Phone(_) => None,
        };
        let target_index = dial.target_index;
        let is_seized = dial.seized;
        self.dials.push(Dialling { leg, dial, step: Step::Seizing });
        let at = self.dials.len() - 1;
        match trunk {
            Some(trunk) if is_seized => {
                parts.sit_down(leg, trunk, target_index);
                self.locate(parts, at);
            }
            Some(trunk) => parts.outputs.push_back(CallOutput::Seize { leg, trunk, target_index }),
            None => self.locate(parts, at),
        }
    }

    fn locate(&mut self, parts: &mut Parts, at: usize) {
        let Some(dialling) = self.dials.get_mut(at) else { return };
        match &dialling.dial.place {
            Place::At(target) => {
                let target = target.clone();
                self.launch(parts, at, vec![target]);
            }
            Place::Name(name) => {
                dialling.step = Step::Resolving;
                parts.outputs.push_back(CallOutput::Resolve { leg: dialling.leg, name: name.clone() });
            }
        }
    }

    fn launch(&mut self, parts: &mut Parts, at: usize, targets: Vec<Target>) {
        let Some(dialling) = self.dials.get_mut(at) else { return };
        let leg = dialling.leg;
        if let Some(first) = targets.first()
            && parts.open_stream(leg, first.path.listener)
        {
            dialling.step = Step::Opening(targets);
            return;
        }
        if targets.is_empty() {
            parts.release(leg, TrunkOutcome::Failed);
            let failure = Failure::of(Cause::Unreachable, FailureReason::Undeliverable);
            return self.failed(parts, at, failure, "is a name that leads nowhere");
        }
        self.send(parts, at, targets);
    }

    /// The INVITE of one of our dials, now that everything is known that it says.
    fn send(&mut self, parts: &mut Parts, at: usize, targets: Vec<Target>) {
        let Some(dialling) = self.dials.get_mut(at) else { return };
        let leg = dialling.leg;
        let address = targets.first().and_then(|first| parts.shown_address(leg, first.path.listener));
        let how = How {
            targets,
            offered: self.offered,
            asked: self.asked.as_deref(),
            address,
            identity: self.identity.as_ref(),
            answers_itself: self.answers_itself,
        };
        match invite::send(parts, leg, &dialling.dial, how) {
            Ok(started) => {
                dialling.step = Step::Ringing;
                let party = started.line.facts.name.clone();
                let remote = started.line.target.path;
                parts.say(format!("stage {}: {party} is called at {remote}", self.number));
                parts.legs.push(started);
                parts.event(CallEvent::LegStarted { leg, party });
            }
            Err(refusal) => {
                parts.release(leg, TrunkOutcome::Unknown);
                parts.close_stream(leg);
                let failure = Failure::of(Cause::MediaNotAcceptable, FailureReason::Media);
                self.failed(parts, at, failure, refusal.words());
            }
        }
    }

    /// The switchboard or the resolver has answered for one of our dials.
    pub fn on_answer(&mut self, parts: &mut Parts, leg: LegId, answer: Answer) -> Option<Blame> {
        let at = self.dials.iter().position(|dialling| dialling.leg == leg)?;
        let dialling = self.dials.get(at)?;
        match (&dialling.step, answer) {
            (Step::Seizing, Answer::Seized(Ok(()))) => {
                if let Party::Trunk(trunk) = &dialling.dial.party {
                    parts.sit_down(leg, trunk.name.clone(), dialling.dial.target_index);
                }
                self.locate(parts, at);
            }
            (Step::Seizing, Answer::Seized(Err(refused))) => self.refused(parts, at, &refused),
            (Step::Resolving, Answer::Resolved(targets)) => self.launch(parts, at, targets),
            (Step::Opening(_), Answer::Opened(true)) => {
                if let Some(dialling) = self.dials.get_mut(at)
                    && let Step::Opening(targets) = std::mem::replace(&mut dialling.step, Step::Ringing)
                {
                    self.send(parts, at, targets);
                }
            }
            (Step::Opening(_), Answer::Opened(false)) => {
                parts.release(leg, TrunkOutcome::Unknown);
                self.refused(parts, at, &no_port());
            }
            (Step::Routing(_), Answer::Routed(led)) => match led.and_then(Led::dialled) {
                Ok(stages) => self.redirect(parts, at, stages),
                Err(refused) => {
                    parts.say(format!("stage {}: the redirection leads nowhere: {}", self.number, refused.words));
                    self.follow(parts, at);
                }
            },
            (_, late) => {
                give_back_late(parts, leg, &dialling.dial, &late);
                return None;
            }
        }
        self.advance(parts)
    }

    fn refused(&mut self, parts: &mut Parts, at: usize, refused: &Refused) {
        let failure = Failure::of(refused.cause, FailureReason::GivenUp);
        self.failed(parts, at, failure, &refused.words);
        if let Some(best) = &mut self.best {
            best.retry_after = best.retry_after.or(refused.retry_after);
        }
    }

    /// The INVITE of one of our dials has come to nothing.
    pub fn on_failed(&mut self, parts: &mut Parts, leg: LegId, failure: Failure) -> Option<Blame> {
        let at =
            self.dials.iter().position(|dialling| dialling.leg == leg && matches!(dialling.step, Step::Ringing))?;
        let contacts: VecDeque<Box<str>> = failure.contacts.iter().cloned().collect();
        let words = failure.words();
        let is_redirected = !contacts.is_empty();
        self.failed(parts, at, failure, &words);
        if is_redirected && let Some(dialling) = self.dials.get_mut(at) {
            dialling.step = Step::Routing(contacts);
            self.follow(parts, at);
        }
        self.advance(parts)
    }

    /// Asks where the next contact of a redirection leads.
    fn follow(&mut self, parts: &mut Parts, at: usize) {
        let Some(dialling) = self.dials.get_mut(at) else { return };
        let Step::Routing(contacts) = &mut dialling.step else { return };
        match contacts.pop_front().filter(|_| self.redirections < REDIRECTIONS_MAX) {
            Some(uri) => {
                self.redirections += 1;
                // It goes on by the rights of the one who redirects.
                let (leg, by) = (dialling.leg, OnBehalf::Party(dialling.dial.party.clone()));
                parts.outputs.push_back(CallOutput::Route { leg, by, uri });
            }
            None => dialling.step = Step::Done,
        }
    }

    fn redirect(&mut self, parts: &mut Parts, at: usize, stages: Vec<Stage>) {
        if let Some(dialling) = self.dials.get_mut(at) {
            dialling.step = Step::Done;
        }
        let mut stages = stages.into_iter();
        let first = stages.next();
        for stage in stages.rev() {
            self.stages.push_front(stage);
        }
        if let Some(stage) = first {
            parts.say(format!("stage {}: redirected", self.number));
            let now = parts.wire.now.instant;
            self.when_ring_ends = self.when_ring_ends.max(Some(now + stage.ring_timeout));
            for dial in stage.dials {
                self.begin_dial(parts, dial);
            }
        }
    }

    /// Notes a failure: says so, keeps the one that tells most, decides whether anything further may be tried.
    fn failed(&mut self, parts: &mut Parts, at: usize, failure: Failure, words: &str) {
        let Some(dialling) = self.dials.get_mut(at) else { return };
        dialling.step = Step::Done;
        let party = &dialling.dial.party;
        let goes_on = may_go_on(party, &failure);
        let place = parts.leg(dialling.leg).map(|leg| format!(" {}", leg.line.target.path.remote));
        let then = match (goes_on, self.stages.is_empty()) {
            (false, _) => ", nothing further is tried",
            (true, false) => ", trying next",
            (true, true) => "",
        };
        let line = format!("stage {}: {}{} {words}{then}", self.number, party.name(), place.unwrap_or_default());
        let fault = fault_of(failure.cause, Some(party));
        parts.trail.say(line);
        if !goes_on {
            self.is_final = true;
        }
        let is_better = self.best.as_ref().is_none_or(|best| weight(&failure) <= weight(&best.failure));
        if is_better {
            self.best = Some(Blame { failure, fault, retry_after: None });
        }
        if self.best.as_ref().is_some_and(|best| best.failure.status().is_some_and(|status| status >= 600)) {
            // RFC 3261 16.7: who answers 6xx speaks for every place of the callee.
            self.give_up(parts, None, Cause::Cancelled);
        }
    }

    /// Nobody has answered in the stage's time.
    pub fn handle_deadline(&mut self, parts: &mut Parts) -> Option<Blame> {
        if self.when_ring_ends.is_none_or(|when| when > parts.wire.now.instant) {
            return None;
        }
        let numbers: Vec<Box<str>> = self.dials.iter().map(|dialling| dialling.dial.number.clone()).collect();
        parts.say(format!("stage {}: nobody answered in time", self.number));
        self.give_up(parts, None, Cause::NoAnswer);
        // Another trunk to the same number would only ring the same telephone again.
        while self.stages.front().is_some_and(|stage| is_same_callee(stage, &numbers)) {
            self.stages.pop_front();
        }
        let failure = Failure::of(Cause::NoAnswer, FailureReason::GivenUp);
        self.best = Some(Blame { failure, fault: Fault::Callee, retry_after: None });
        self.advance(parts)
    }

    /// Gives up every dial but one.
    pub fn give_up(&mut self, parts: &mut Parts, except: Option<LegId>, cause: Cause) {
        self.when_ring_ends = None;
        for dialling in &mut self.dials {
            if Some(dialling.leg) == except || matches!(dialling.step, Step::Done) {
                continue;
            }
            match dialling.step {
                Step::Ringing => parts.hang_up(dialling.leg, cause),
                _ => {
                    parts.release(dialling.leg, TrunkOutcome::Unknown);
                    parts.close_stream(dialling.leg);
                }
            }
            dialling.step = Step::Done;
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.when_ring_ends
    }

    pub fn is_dialling(&self, leg: LegId) -> bool {
        self.dials.iter().any(|dialling| dialling.leg == leg)
    }

    pub fn has_several(&self) -> bool {
        self.dials.len() > 1
    }
}

/// After which failures of a party another one may be tried.
fn may_go_on(party: &Party, failure: &Failure) -> bool {
    match (party, failure.status()) {
        (_, Some(600..)) => false,
        (Party::Trunk(trunk), Some(status)) => (300..400).contains(&status) || trunk.failover.codes.contains(&status),
        (Party::Phone(_), Some(_)) | (_, None) => true,
    }
}

fn is_same_callee(stage: &Stage, numbers: &[Box<str>]) -> bool {
    stage.dials.iter().all(|dial| matches!(dial.party, Party::Trunk(_)) && numbers.contains(&dial.number))
}

/// Which failure tells the caller most: the lower, the better (RFC 3261 16.7 step 6).
fn weight(failure: &Failure) -> u8 {
    match failure.status() {
        Some(600..) => 0,
        Some(486) => 1,
        Some(400..=499) => 2,
        Some(500..) => 3,
        Some(_) => 5,
        None if failure.reason == FailureReason::Media => 2,
        None => 4,
    }
}

/// A place that was granted for a dial that is no more goes back.
fn give_back_late(parts: &mut Parts, leg: LegId, dial: &Dial, answer: &Answer) {
    if let (Answer::Seized(Ok(())), Dial { party: Party::Trunk(trunk), target_index, .. }) = (answer, dial) {
        parts.sit_down(leg, trunk.name.clone(), *target_index);
        parts.release(leg, TrunkOutcome::Unknown);
    }
}
