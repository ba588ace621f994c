//! A call whose legs have all been told to end. Begins nothing any more; answers what still crosses.

use crate::base::cause::{Cause, Fault};
use crate::domain::call::parts::Parts;
use crate::domain::call::phase::Phase;
use crate::domain::leg::event::LegEvent;

pub struct Ending;

impl Ending {
    /// Ends every leg for this cause.
    pub fn begin(parts: &mut Parts, cause: Cause, fault: Fault) -> Phase {
        parts.conclude(cause, fault);
        parts.hang_up_all(cause);
        Phase::Ending(Ending)
    }

    pub fn on_leg(&self, parts: &mut Parts, event: LegEvent) {
        if let LegEvent::Referred { request } = event {
            let (server, from, message) = (request.server, &request.from, &request.message);
            parts.wire.respond_plain(server, message, from, (481, "Call/Transaction Does Not Exist"));
        } else if let LegEvent::Informed { request } = event {
            crate::domain::call::inform::answer(parts, &request, 487);
        }
    }
}
