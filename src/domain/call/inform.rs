//! INFO between the two who talk: passed on where its body may cross, and answered with what the other party says of it.

use crate::base::id::LegId;
use crate::domain::call::digits;
use crate::domain::call::invite;
use crate::domain::call::parts::Parts;
use crate::domain::leg::established::Telling;
use crate::domain::leg::event::Request;
use crate::media::command::SentDigit;
use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::transaction::set::ClientKey;

/// INFO requests that wait for the other party: digits come one after the other.
const WAITING_MAX: usize = 4;

/// What waits for the other party's answer.
#[derive(Default)]
pub struct Infos {
    waiting: Vec<Waiting>,
}

struct Waiting {
    client: ClientKey,
    request: Box<Request>,
}

impl Infos {
    /// Passes it to the other party; what may not cross, or to nobody, is answered here.
    pub fn pass(&mut self, parts: &mut Parts, (from, other): (LegId, LegId), request: Box<Request>) {
        let content_type = request.message.get(HeaderName::ContentType).filter(|text| invite::may_cross(text));
        let Some(content_type) = content_type else { return answer(parts, &request, 200) };
        // Where audio goes through us, a digit is ours to answer for: it may go on as something else than an INFO.
        let digit = digits::read(content_type, request.message.body()).filter(|_| parts.streams.is_relayed);
        if let Some(digit) = digit {
            parts.on_digit_of_info((from, other), digit);
            return answer(parts, &request, 200);
        }
        if self.waiting.len() >= WAITING_MAX {
            return answer(parts, &request, 500);
        }
        let client = parts.with(other, |leg, wire| {
            let (state, line) = leg.established()?;
            let body = Some((content_type, request.message.body()));
            line.peer
                .takes_info()
                .then(|| state.tell(line, wire, &Telling { method: Method::Info, headers: &[], body }))
        });
        match client.flatten() {
            Some(client) => self.waiting.push(Waiting { client, request }),
            None => answer(parts, &request, 200),
        }
    }

    /// What the other party says of it.
    pub fn answered(&mut self, parts: &mut Parts, client: ClientKey, status: u16) {
        if let Some(at) = self.waiting.iter().position(|waiting| waiting.client == client) {
            let Waiting { request, .. } = self.waiting.swap_remove(at);
            answer(parts, &request, status);
        }
    }

    /// RFC 3261 15.1.2: nobody is left who could answer.
    pub fn end(&mut self, parts: &mut Parts) {
        for Waiting { request, .. } in std::mem::take(&mut self.waiting) {
            answer(parts, &request, 487);
        }
    }
}

/// The digit in an INFO, where it holds one.
pub fn digit_of(request: &Request) -> Option<SentDigit> {
    let content_type = request.message.get(HeaderName::ContentType)?;
    digits::read(content_type, request.message.body())
}

/// The same where it means the same on this side.
pub fn answer(parts: &mut Parts, request: &Request, status: u16) {
    let phrase = match status {
        200..=299 => return parts.wire.respond_plain(request.server, &request.message, &request.from, (200, "OK")),
        408 => "Request Timeout",
        415 => "Unsupported Media Type",
        469 => "Bad Info Package",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        _ => return parts.wire.respond_plain(request.server, &request.message, &request.from, FAILED),
    };
    parts.wire.respond_plain(request.server, &request.message, &request.from, (status, phrase));
}

const FAILED: (u16, &str) = (500, "Server Internal Error");
