//! The phases of a call: each has one struct, and a transition consumes it.

use crate::base::cause::{Cause, Fault};
use crate::base::id::{CallId, LegId};
use crate::domain::call::connect::Connecting;
use crate::domain::call::ending::Ending;
use crate::domain::call::handover::{Handover, answer_stray};
use crate::domain::call::interface::{Command, Led, News, QueueWord, Refused, Script, Slip, Stage, Verdict};
use crate::domain::call::joined::Joined;
use crate::domain::call::opening::Opening;
use crate::domain::call::parts::Parts;
use crate::domain::call::replacing::Replacing;
use crate::domain::call::serving::Serving;
use crate::domain::call::serving::asking::{reply, too_late};
use crate::domain::call::streams::Hearing;
use crate::domain::leg::event::{LegEvent, Request};
use crate::domain::queue::callback::Callback;
use crate::domain::routing::request::OrderFault;
use crate::media::command::SourceId;
use crate::media::event::SourceOutcome;
use crate::protocol::sip::path::Target;
use std::time::Instant;

pub enum Phase {
    /// The caller's INVITE is on its way in.
    Routing(Box<Routing>),
    /// The caller waits for a port of ours.
    Opening(Box<Opening>),
    Connecting(Box<Connecting>),
    /// A flow of ours serves the caller.
    Serving(Box<Serving>),
    /// The caller takes the place of a party of another call.
    Replacing(Box<Replacing>),
    Joined(Box<Joined>),
    Ending(Ending),
}

/// What the switchboard has decided before the call began.
pub struct Routing {
    pub stages: Vec<Stage>,
    pub refusal: Option<Refused>,
    pub script: Option<Box<Script>>,
    /// What was promised to whom, where nobody has called us.
    pub due: Option<Box<Callback>>,
}

/// What the switchboard or the resolver answers.
pub enum Answer {
    Seized(Result<(), Refused>),
    Resolved(Vec<Target>),
    Routed(Result<Led, Refused>),
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
            Phase::Serving(serving) => serving.on_leg(parts, leg, event),
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
            Phase::Serving(serving) => serving.on_answer(parts, leg, answer),
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
            Phase::Serving(serving) => serving.on_hang_up(parts, cause),
            Phase::Replacing(replacing) => replacing.on_hang_up(parts, cause),
            Phase::Joined(joined) => joined.end(parts, cause, Fault::Ours),
            Phase::Routing(_) => Ending::begin(parts, cause, Fault::Ours),
            Phase::Ending(_) => self,
        }
    }

    /// Ends the call from within.
    pub fn end(self, parts: &mut Parts, cause: Cause, fault: Fault) -> Phase {
        match self {
            Phase::Joined(joined) => joined.end(parts, cause, fault),
            Phase::Serving(serving) => serving.end(parts, cause, fault),
            _ => Ending::begin(parts, cause, fault),
        }
    }

    /// Whether somebody, or a flow, listens to this leg.
    pub fn wants_audio_of(&self, leg: LegId, served: LegId) -> bool {
        match self {
            Phase::Serving(_) => leg == served,
            other => other.talking().is_some_and(|(a, b)| a == leg || b == leg),
        }
    }

    pub fn handle_deadline(self, parts: &mut Parts) -> Phase {
        match self {
            Phase::Connecting(connecting) => connecting.handle_deadline(parts),
            Phase::Serving(serving) => serving.handle_deadline(parts),
            Phase::Replacing(replacing) => replacing.handle_deadline(parts),
            Phase::Joined(joined) => joined.handle_deadline(parts),
            Phase::Ending(_) | Phase::Routing(_) | Phase::Opening(_) => self,
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Phase::Connecting(connecting) => connecting.deadline(),
            Phase::Serving(serving) => serving.deadline(),
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
            Phase::Routing(_) | Phase::Opening(_) | Phase::Replacing(_) | Phase::Serving(_) | Phase::Ending(_) => None,
        }
    }

    /// Who has been joined with whom.
    pub fn joined(&self) -> Option<(LegId, LegId)> {
        match self {
            Phase::Joined(joined) => Some(joined.pair),
            _ => None,
        }
    }

    /// Whether what is keyed now may be a secret: while a flow serves, all that is not keyed for an open question.
    pub fn hides_keys(&self) -> bool {
        match self {
            Phase::Serving(serving) => serving.hides_keys(),
            _ => false,
        }
    }

    pub fn hearing(&self, served: LegId) -> Hearing {
        match self {
            Phase::Serving(serving) => serving.hearing(served),
            Phase::Joined(joined) => joined.hearing(),
            other => other.talking().into(),
        }
    }

    /// A party has pressed a key.
    pub fn on_key(self, parts: &mut Parts, leg: LegId, digit: u8) -> Phase {
        match self {
            Phase::Serving(serving) => serving.on_key(parts, leg, digit),
            other => other,
        }
    }

    /// What was played is over.
    pub fn on_source(self, parts: &mut Parts, source: SourceId, outcome: SourceOutcome) -> Phase {
        match self {
            Phase::Serving(serving) => serving.on_source(parts, source, outcome),
            Phase::Joined(mut joined) => {
                joined.on_source(parts, source, outcome);
                Phase::Joined(joined)
            }
            other => other,
        }
    }

    /// Somebody outside has answered a wish of a flow.
    pub fn on_news(self, parts: &mut Parts, slip: Slip, news: News) -> Phase {
        match self {
            Phase::Serving(serving) => serving.on_news(parts, slip, news),
            Phase::Joined(mut joined) => {
                joined.overhear(parts, slip, news);
                Phase::Joined(joined)
            }
            other => {
                // The edge has opened it, and nobody will stop it any more.
                if let News::Taping { tap, place: Some(_) } = news {
                    parts.stop_tap(tap);
                }
                other
            }
        }
    }

    /// What an engine has decided.
    pub fn on_verdict(self, parts: &mut Parts, verdict: Verdict) -> Phase {
        match self {
            Phase::Serving(serving) => serving.on_verdict(parts, verdict),
            other => {
                reply(parts, verdict.reply, Err(too_late()));
                other
            }
        }
    }

    /// What the holder of the call's lease wants.
    pub fn on_command(self, parts: &mut Parts, command: Command) -> Phase {
        match self {
            Phase::Serving(serving) => serving.on_command(parts, command),
            Phase::Joined(joined) => joined.on_command(parts, command),
            other => {
                let fault = OrderFault::new("no_lease", "call", "nobody can hold this call now");
                reply(parts, command.reply, Err(fault));
                other
            }
        }
    }

    pub fn on_holder_gone(self, parts: &mut Parts, holder: &str) -> Phase {
        match self {
            Phase::Serving(mut serving) => {
                serving.holder_gone(parts, holder);
                serving.go_on(parts)
            }
            Phase::Joined(mut joined) => {
                joined.holder_gone(parts, holder);
                Phase::Joined(joined)
            }
            other => other,
        }
    }

    /// The queues have something to say. Who is in no queue any more has said so, and needs no answer.
    pub fn on_queue(self, parts: &mut Parts, word: QueueWord) -> Phase {
        match self {
            Phase::Serving(serving) => serving.on_queue(parts, word),
            Phase::Routing(routing) => Serving::call_back(parts, *routing, word),
            other => other,
        }
    }

    pub fn is_ending(&self) -> bool {
        matches!(self, Phase::Ending(_))
    }
}
