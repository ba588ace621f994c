//! Answers challenges with our credentials. How often it may be tried is for the caller to count.

use super::{Algorithm, Parameters, Question, digests};
use crate::base::entropy::Entropy;
use crate::base::secret::Secret;
use crate::protocol::sip::message::{HeaderName, Message};
use std::fmt::Write;

/// A challenge that we can answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    pub realm: Box<str>,
    nonce: Box<str>,
    opaque: Option<Box<str>>,
    pub algorithm: Algorithm,
    /// As written, so that it is echoed as written.
    algorithm_text: Option<Box<str>>,
    has_qop: bool,
    /// The credentials were right, only the nonce was old: trying again is no guessing.
    pub stale: bool,
    /// From a 407.
    pub from_proxy: bool,
}

impl Challenge {
    /// The strongest challenge of each realm in a 401 or 407 that we know how to answer.
    pub fn all(response: &Message) -> Vec<Challenge> {
        let (name, from_proxy) = match response.status() {
            401 => (HeaderName::WwwAuthenticate, false),
            407 => (HeaderName::ProxyAuthenticate, true),
            _ => return Vec::new(),
        };
        let mut best: Vec<Challenge> = Vec::new();
        for parameters in response.lines(name).flat_map(digests) {
            let Some(challenge) = Challenge::read(&parameters, from_proxy) else { continue };
            match best.iter_mut().find(|other| other.realm == challenge.realm) {
                Some(other) if challenge.algorithm < other.algorithm => *other = challenge,
                Some(_) => {}
                None => best.push(challenge),
            }
        }
        best
    }

    /// The strongest of the realm that our credentials are for; an empty realm means whichever asks.
    pub fn strongest(response: &Message, realm: &str) -> Option<Challenge> {
        let challenges = Challenge::all(response).into_iter();
        challenges.filter(|challenge| realm.is_empty() || *challenge.realm == *realm).min_by_key(|c| c.algorithm)
    }

    fn read(parameters: &Parameters<'_>, from_proxy: bool) -> Option<Challenge> {
        let algorithm_text = parameters.get("algorithm");
        let qop = parameters.get("qop");
        let has_auth = qop.is_some_and(|qop| qop.split(',').any(|one| one.trim().eq_ignore_ascii_case("auth")));
        if qop.is_some() && !has_auth {
            return None;
        }
        Some(Challenge {
            realm: parameters.get("realm")?.into(),
            nonce: parameters.get("nonce")?.into(),
            opaque: parameters.get("opaque").map(Box::from),
            algorithm: Algorithm::parse(algorithm_text)?,
            algorithm_text: algorithm_text.map(Box::from),
            has_qop: has_auth,
            stale: parameters.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            from_proxy,
        })
    }
}

/// A challenge that was accepted, and how often its nonce was used: good for several requests.
#[derive(Clone, Debug)]
pub struct Login {
    challenge: Challenge,
    used: u32,
}

impl Login {
    pub fn new(challenge: Challenge) -> Login {
        Login { challenge, used: 0 }
    }

    /// The header that `answer` is the value of.
    pub fn header(&self) -> HeaderName {
        if self.challenge.from_proxy { HeaderName::ProxyAuthorization } else { HeaderName::Authorization }
    }

    pub fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// The credentials for one request; the nonce count rises with each (RFC 7616 3.4).
    pub fn answer(&mut self, user: &str, password: &Secret, method: &str, uri: &str, entropy: &mut Entropy) -> String {
        self.used = self.used.saturating_add(1);
        let Challenge { realm, nonce, opaque, algorithm, algorithm_text, has_qop, .. } = &self.challenge;
        let nc = format!("{:08x}", self.used);
        let cnonce = format!("{:016x}", entropy.number());
        let auth = has_qop.then_some((nc.as_str(), cnonce.as_str()));
        let question = Question { algorithm: *algorithm, user, realm, method, uri, nonce, auth };
        let response = question.response(password);
        let mut value = format!(r#"Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}""#);
        let _ = write!(value, r#", response="{response}""#);
        if let Some(algorithm) = algorithm_text {
            let _ = write!(value, ", algorithm={algorithm}");
        }
        if *has_qop {
            let _ = write!(value, r#", cnonce="{cnonce}", qop=auth, nc={nc}"#);
        }
        if let Some(opaque) = opaque {
            let _ = write!(value, r#", opaque="{opaque}""#);
        }
        value
    }
}
