//! A caller who was not answered is sent elsewhere (RFC 3261 21.3.3). Calls nobody.

use crate::base::cause::{Cause, Fault};
use crate::base::id::LegId;
use crate::domain::call::interface::TrunkOutcome;
use crate::domain::call::parts::Parts;
use crate::domain::call::phase::Phase;
use crate::domain::call::serving::Serving;
use crate::domain::leg::inbound::Rejection;

impl Serving {
    pub(super) fn redirect(self: Box<Self>, parts: &mut Parts, to: &str) -> Phase {
        if self.is_answered {
            parts.say("the caller was answered meanwhile and cannot be redirected");
            return self.end(parts, Cause::TemporarilyUnavailable, Fault::Ours);
        }
        parts.say(format!("the caller is sent to {to}"));
        let (status, phrase) = (302, "Moved Temporarily");
        let rejection = Rejection { status, phrase, cause: Cause::Normal, retry_after: None, contact: Some(to) };
        parts.with(LegId::CALLER, |leg, wire| leg.reject(wire, &rejection));
        parts.leg_ended(LegId::CALLER, Cause::Normal, TrunkOutcome::Spoke);
        self.end(parts, Cause::Normal, Fault::Nobody)
    }
}
