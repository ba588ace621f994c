//! Offers and answers that pass between the caller and those who are called before anybody has answered. Keeps nothing.

use crate::base::id::LegId;
use crate::domain::call::parts::Parts;
use crate::domain::leg::inbound::Source;
use crate::domain::leg::offer::NotOffered;
use bytes::Bytes;

/// What one side offers in an early dialog, the other is asked.
pub fn offered(parts: &mut Parts, leg: LegId, source: Source, offer: &[u8]) {
    let asked = if leg == LegId::CALLER {
        parts.with(source.leg, |leg, wire| {
            let (state, line) = leg.dialled().ok_or(NotOffered::Pending)?;
            state.offer_early(line, wire, source.fork, offer)
        })
    } else {
        parts.with(LegId::CALLER, |leg, wire| {
            let (state, line) = leg.inviting().ok_or(NotOffered::Pending)?;
            state.offer_early(line, wire, source, offer)
        })
    };
    match asked {
        Some(Ok(())) => {}
        Some(Err(NotOffered::Pending)) | None => tell(parts, leg, source, Err((491, "Request Pending"))),
        Some(Err(NotOffered::Media(_))) => tell(parts, leg, source, Err((488, "Not Acceptable Here"))),
    }
}

/// What one side says to the other's offer.
pub fn answered(parts: &mut Parts, leg: LegId, source: Source, answer: Result<Bytes, u16>) {
    let asker = if leg == LegId::CALLER { source.leg } else { LegId::CALLER };
    let answer = match &answer {
        Ok(answer) => Ok(&answer[..]),
        Err(491) => Err((491, "Request Pending")),
        Err(500..=599) => Err((500, "Server Internal Error")),
        Err(_) => Err((488, "Not Acceptable Here")),
    };
    tell(parts, asker, source, answer);
}

/// A called party is no more: what the caller has asked of it has no answer.
pub fn over(parts: &mut Parts, leg: LegId) {
    parts.with(LegId::CALLER, |caller, wire| {
        if let Some((state, line)) = caller.inviting() {
            state.source_is_gone(line, wire, leg);
        }
    });
}

fn tell(parts: &mut Parts, asker: LegId, source: Source, answer: Result<&[u8], (u16, &str)>) {
    parts.with(asker, |leg, wire| {
        if let Some((state, line)) = leg.inviting() {
            state.answer_early(line, wire, source, answer);
        } else if let Some((state, line)) = leg.dialled() {
            state.answer_update(line, wire, source.fork, answer);
        }
    });
}
