//! The phases of a call: each has one struct, and a transition consumes it.

use crate::base::cause::{Cause, Fault};
use crate::base::id::{CallId, LegId};
use crate::domain::call::connect::Connecting;
use crate::domain::call::ending::Ending;
use crate::domain::call::handover::{Handover, answer_stray};
use crate::domain::call::interface::{Refused, Stage};
use crate::domain::call::joined::Joined;
use crate::domain::call::opening::Opening;
use crate::domain::call::parts::Parts;
use crate::domain::call::replacing::Replacing;
use crate::domain::call::streams::Hearing;
use crate::domain::leg::event::{LegEvent, Request};
use crate::protocol::sip::path::Target;
use std::time::Instant;

pub enum Phase {
    /// The caller's INVITE is on its way in.
    Routing(Box<Routing>),
    /// The caller waits for a port of ours.
    Opening(Box<Opening>),
    Connecting(Box<Connecting>),
    /// The caller takes the place of a party of another call.
    Replacing(Box<Replacing>),
    Joined(Box<Joined>),
    Ending(Ending),
}

/// What the switchboard has decided before the call began.
pub struct Routing {
    pub stages: Vec<Stage>,
    pub refusal: Option<Refused>,
}

/// What the switchboard or the resolver answers.
pub enum Answer {
    Seized(Result<(), Refused>),
    Resolved(Vec<Target>),
    Routed(Result<Vec<Stage>, Refused>),
    /// The leg's stream has a port, or will have none.
    Opened(bool),
}

impl Phase {
    /// The INVITE that the call exists for.
    pub fn on_invite(self, parts: &mut Parts, request: Request) -> Phase {
        match self {
            Phase::Routing(routing) => Connecting::begin(*routing, parts, request),
            other => {
                let Request { server, from, message } = &request;
                parts.wire.respond_plain(*server, message, from, (482, "Loop Detected"));
                other
            }
        }
    }

    pub fn on_leg(self, parts: &mut Parts, leg: LegId, event: LegEvent) -> Phase {
        match self {
            Phase::Opening(opening) => opening.on_leg(parts, event),
            Phase::Connecting(connecting) => connecting.on_leg(parts, leg, event),
            Phase::Replacing(replacing) => replacing.on_leg(parts, event),
            Phase::Joined(joined) => joined.on_leg(parts, leg, event),
            Phase::Ending(ending) => {
                ending.on_leg(parts, event);
                Phase::Ending(ending)
            }
            Phase::Routing(_) => self,
        }
    }

    pub fn on_answer(self, parts: &mut Parts, leg: LegId, answer: Answer) -> Phase {
        match self {
            Phase::Opening(opening) => opening.on_answer(parts, leg, answer),
            Phase::Connecting(connecting) => connecting.on_answer(parts, leg, answer),
            Phase::Joined(joined) => joined.on_answer(parts, leg, answer),
            Phase::Ending(_) | Phase::Routing(_) | Phase::Replacing(_) => {
                // A place that was granted too late goes back at once.
                parts.release(leg, crate::domain::call::interface::TrunkOutcome::Unknown);
                self
            }
        }
    }

    /// What another call says.
    pub fn on_word(self, parts: &mut Parts, from: CallId, word: Handover) -> Phase {
        match self {
            Phase::Joined(joined) => joined.on_word(parts, from, word),
            Phase::Replacing(replacing) => replacing.on_word(parts, from, word),
            other => {
                answer_stray(parts, from, word);
                other
            }
        }
    }

    pub fn on_hang_up(self, parts: &mut Parts, cause: Cause) -> Phase {
        match self {
            Phase::Opening(opening) => opening.on_hang_up(parts, cause),
            Phase::Connecting(mut connecting) => connecting.on_hang_up(parts, cause),
            Phase::Replacing(replacing) => replacing.on_hang_up(parts, cause),
            Phase::Joined(_) | Phase::Routing(_) => Ending::begin(parts, cause, Fault::Ours),
            Phase::Ending(_) => self,
        }
    }

    pub fn handle_deadline(self, parts: &mut Parts) -> Phase {
        match self {
            Phase::Connecting(connecting) => connecting.handle_deadline(parts),
            Phase::Replacing(replacing) => replacing.handle_deadline(parts),
            Phase::Joined(joined) => joined.handle_deadline(parts),
            Phase::Ending(_) | Phase::Routing(_) | Phase::Opening(_) => self,
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Phase::Connecting(connecting) => connecting.deadline(),
            Phase::Replacing(replacing) => Some(replacing.deadline()),
            Phase::Joined(joined) => joined.deadline(),
            Phase::Ending(_) | Phase::Routing(_) | Phase::Opening(_) => None,
        }
    }

    /// The two who are to hear each other.
    pub fn talking(&self) -> Option<(LegId, LegId)> {
        match self {
            Phase::Connecting(connecting) => connecting.talking(),
            Phase::Joined(joined) => Some(joined.pair),
            Phase::Routing(_) | Phase::Opening(_) | Phase::Replacing(_) | Phase::Ending(_) => None,
        }
    }

    pub fn hearing(&self) -> Hearing {
        self.talking().into()
    }

    pub fn is_ending(&self) -> bool {
        matches!(self, Phase::Ending(_))
    }
}
