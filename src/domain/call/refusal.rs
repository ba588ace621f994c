//! What a caller is told when its call leads nowhere. Decides a status; sends nothing but that.

use crate::base::id::LegId;
use crate::domain::call::parts::Parts;
use crate::domain::leg::event::Failure;
use crate::domain::leg::inbound::Rejection;

/// Status and phrase for the caller: the callee's own where that means the same on this side, else that of the cause.
pub fn answer_of(failure: &Failure) -> (u16, &'static str) {
    if failure.status() == Some(503) {
        // RFC 3261 16.7 point 6: 503 would say that it is us who are out of service.
        return (500, "Server Internal Error");
    }
    let own = failure.status().and_then(|status| phrase(status).map(|phrase| (status, phrase)));
    own.unwrap_or_else(|| failure.cause.status())
}

/// Final responses that pass from one side to the other. Challenges, redirections and what concerns one hop alone do not.
fn phrase(status: u16) -> Option<&'static str> {
    Some(match status {
        403 => "Forbidden",
        404 => "Not Found",
        410 => "Gone",
        415 => "Unsupported Media Type",
        433 => "Anonymity Disallowed",
        480 => "Temporarily Unavailable",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        488 => "Not Acceptable Here",
        500 => "Server Internal Error",
        502 => "Bad Gateway",
        504 => "Server Time-out",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        607 => "Unwanted",
        608 => "Rejected",
        _ => return None,
    })
}

/// Rejects the caller's INVITE.
pub fn refuse_caller(parts: &mut Parts, failure: &Failure, retry_after: Option<u32>) {
    let (status, phrase) = answer_of(failure);
    let cause = failure.cause;
    parts.say(format!("the caller is told {status}: {}", cause.name()));
    parts.with(LegId::CALLER, |leg, wire| {
        leg.reject(wire, &Rejection { status, phrase, cause, retry_after, contact: None });
    });
    parts.leg_ended(LegId::CALLER, cause, crate::domain::call::interface::TrunkOutcome::Spoke);
}
