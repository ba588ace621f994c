//! The caller waits for a port of its own: nobody is dialled before we know where its audio will come to.

use crate::base::cause::{Cause, Fault};
use crate::base::id::LegId;
use crate::domain::call::connect::{Connecting, refuse};
use crate::domain::call::ending::Ending;
use crate::domain::call::inform;
use crate::domain::call::interface::{Refused, Script, Stage};
use crate::domain::call::parts::Parts;
use crate::domain::call::phase::{Answer, Phase};
use crate::domain::call::refusal::refuse_caller;
use crate::domain::leg::event::{Failure, FailureReason, LegEvent};

pub struct Opening {
    pub stages: Vec<Stage>,
    pub script: Option<Box<Script>>,
}

impl Opening {
    pub fn on_answer(self: Box<Self>, parts: &mut Parts, leg: LegId, answer: Answer) -> Phase {
        match answer {
            Answer::Opened(true) if leg == LegId::CALLER => {
                parts.relay(leg);
                Connecting::proceed(parts, self.stages, self.script)
            }
            Answer::Opened(false) if leg == LegId::CALLER => refuse(parts, &no_port()),
            _ => Phase::Opening(self),
        }
    }

    pub fn on_leg(self: Box<Self>, parts: &mut Parts, event: LegEvent) -> Phase {
        match event {
            LegEvent::Cancelled { cause } | LegEvent::Ended { cause, .. } => {
                parts.say("the caller gave up");
                Ending::begin(parts, cause, Fault::Caller)
            }
            LegEvent::Referred { request } => {
                let (server, from, message) = (request.server, &request.from, &request.message);
                parts.wire.respond_plain(server, message, from, (403, "Forbidden"));
                Phase::Opening(self)
            }
            LegEvent::Informed { request } => {
                inform::answer(parts, &request, 200);
                Phase::Opening(self)
            }
            _ => Phase::Opening(self),
        }
    }

    pub fn on_hang_up(&self, parts: &mut Parts, cause: Cause) -> Phase {
        refuse_caller(parts, &Failure::of(cause, FailureReason::GivenUp), None);
        Ending::begin(parts, cause, Fault::Ours)
    }
}

/// How a call is refused that would have no audio.
pub fn no_port() -> Refused {
    Refused { cause: Cause::LimitReached, retry_after: Some(5), words: "no port for audio is free".into() }
}
