//! Answers to the challenges of carriers (RFC 3261 22). Only with configured credentials, and never to a phone.

use crate::base::cause::Cause;
use crate::base::entropy::Entropy;
use crate::domain::leg::party::Party;
use crate::protocol::sip::digest::client::{Challenge, Login};
use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::method::Method;

/// What a challenge that we do not answer means for the call.
pub const REFUSED: Cause = Cause::NotAllowed;
/// The first challenge, and one more for a nonce that has gone stale or for a second element on the way.
const ANSWERS_MAX: u8 = 2;

/// The challenges that a leg has accepted, and how often in a row.
#[derive(Debug, Default)]
pub struct Logins {
    logins: Vec<Login>,
    in_a_row: u8,
}

impl Logins {
    /// Takes note of a 401 or 407. `true`: the request may be sent again, with what `answer` gives.
    pub fn accept(&mut self, party: &Party, response: &Message) -> bool {
        let Some(credentials) = party.credentials() else { return false };
        let Some(challenge) = Challenge::strongest(response, &credentials.realm) else { return false };
        self.in_a_row += 1;
        let known = self.logins.iter().position(|login| {
            login.challenge().from_proxy == challenge.from_proxy && login.challenge().realm == challenge.realm
        });
        // The same realm again means that the password is wrong, unless only the nonce was too old.
        let is_hopeless = known.is_some() && self.in_a_row > 1 && !challenge.stale;
        if self.in_a_row > ANSWERS_MAX || is_hopeless {
            return false;
        }
        if let Some(known) = known {
            self.logins.remove(known);
        }
        self.logins.push(Login::new(challenge));
        true
    }

    /// The credentials for one request.
    pub fn answer(
        &mut self,
        party: &Party,
        request: (Method, &str),
        entropy: &mut Entropy,
    ) -> Vec<(HeaderName, String)> {
        let Some(credentials) = party.credentials() else { return Vec::new() };
        let (method, uri) = request;
        self.logins
            .iter_mut()
            .map(|login| {
                let answer = login.answer(&credentials.user, &credentials.password, method.name(), uri, entropy);
                (login.header(), answer)
            })
            .collect()
    }

    /// A request went through: the next challenge is a new one.
    pub fn succeeded(&mut self) {
        self.in_a_row = 0;
    }
}
