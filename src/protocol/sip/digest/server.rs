//! Challenges peers and checks what they answer. Nonces carry their own proof; only their use is remembered, and that bounded.

use super::{Algorithm, Parameters, Question, digests};
use crate::base::entropy::Entropy;
use crate::base::limits;
use crate::base::now::Now;
use crate::base::secret::Secret;
use crate::protocol::sip::message::{HeaderName, Message};
use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// What the credentials in a request are worth.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    Granted {
        user: Box<str>,
    },
    /// No credentials for our realm: challenge.
    Missing,
    /// The password is right but the nonce is not usable: challenge with `stale`.
    Stale,
    /// Unknown user, wrong password, or not understood: challenge, and count it against the source.
    Wrong,
}

/// One realm's doorkeeper.
pub struct Authenticator {
    realm: Box<str>,
    key: hmac::Key,
    lifetime: Duration,
    algorithms: Vec<Algorithm>,
    issued: u32,
    /// The highest nonce count seen of each nonce in use, the oldest nonce first.
    uses: BTreeMap<NonceId, u32>,
    uses_max: usize,
    /// Nonces up to this one are forgotten, hence refused.
    forgotten: Option<NonceId>,
    /// Compared against for users that do not exist, so that they cost the same.
    nobody: Secret,
}

/// When a nonce was made, and which one of that instant. Its text is this, and a proof that we made it for one source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct NonceId {
    unix_millis: u64,
    number: u32,
}

const ID_BYTES: usize = 12;

/// What a request brought along.
struct Given<'a> {
    user: &'a str,
    nonce: &'a str,
    response: &'a str,
    uri: &'a str,
    algorithm: Algorithm,
    auth: Option<(&'a str, &'a str)>,
}

impl Authenticator {
    /// `algorithms` in the order in which they are offered; see `Algorithm::ALL`.
    pub fn new(realm: &str, lifetime: Duration, algorithms: &[Algorithm], entropy: &mut Entropy) -> Authenticator {
        let secret: Vec<u8> = (0..4).flat_map(|_| entropy.number().to_be_bytes()).collect();
        Authenticator {
            realm: realm.into(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            lifetime,
            algorithms: algorithms.to_vec(),
            issued: 0,
            uses: BTreeMap::new(),
            uses_max: limits::NONCES_MAX,
            forgotten: None,
            nobody: Secret::new(format!("{:016x}", entropy.number())),
        }
    }

    /// With another bound than `limits::NONCES_MAX`, for a realm with few or very many peers.
    pub fn remembering(self, uses_max: usize) -> Authenticator {
        Authenticator { uses_max, ..self }
    }

    /// The values of the WWW-Authenticate headers of a 401, one per algorithm (RFC 8760 2.3).
    pub fn challenges(&mut self, now: Now, source: SocketAddr, stale: bool) -> Vec<String> {
        self.issued = self.issued.wrapping_add(1);
        let id = NonceId { unix_millis: now.unix_millis(), number: self.issued };
        let nonce = self.nonce(id, source);
        let stale = if stale { ", stale=true" } else { "" };
        let realm = &self.realm;
        self.algorithms
            .iter()
            .map(|algorithm| {
                let algorithm = algorithm.name();
                format!(r#"Digest realm="{realm}", nonce="{nonce}", algorithm={algorithm}, qop="auth"{stale}"#)
            })
            .collect()
    }

    /// Checks the Authorization of a request. The same work is done whether or not the user exists.
    pub fn verify<'a>(
        &mut self,
        now: Now,
        source: SocketAddr,
        request: &Message,
        password_of: impl FnOnce(&str) -> Option<&'a Secret>,
    ) -> Verdict {
        let all: Vec<Parameters<'_>> = request.lines(HeaderName::Authorization).flat_map(digests).collect();
        let Some(parameters) = all.iter().find(|one| one.get("realm") == Some(&*self.realm)) else {
            return Verdict::Missing;
        };
        let Some(given) = Given::read(parameters).filter(|given| self.algorithms.contains(&given.algorithm)) else {
            return Verdict::Wrong;
        };
        let password = password_of(given.user);
        let question = Question {
            algorithm: given.algorithm,
            user: given.user,
            realm: &self.realm,
            method: request.method_text(),
            uri: given.uri,
            nonce: given.nonce,
            auth: given.auth,
        };
        let expected = question.response(password.unwrap_or(&self.nobody));
        let given_response = given.response.to_ascii_lowercase();
        let is_same = constant_time::verify_slices_are_equal(expected.as_bytes(), given_response.as_bytes()).is_ok();
        let id = self.recognise(now, source, given.nonce);
        if !(is_same & password.is_some()) {
            return Verdict::Wrong;
        }
        match id {
            Some(id) if self.use_once(now, id, &given) => Verdict::Granted { user: given.user.into() },
            _ => Verdict::Stale,
        }
    }

    fn nonce(&self, id: NonceId, source: SocketAddr) -> String {
        let mut bytes = id.to_bytes().to_vec();
        bytes.extend_from_slice(self.proof(id, source).as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn proof(&self, id: NonceId, source: SocketAddr) -> hmac::Tag {
        hmac::sign(&self.key, &bound(id, source))
    }

    /// Whether we made this nonce, for this source, and not too long ago.
    fn recognise(&self, now: Now, source: SocketAddr, nonce: &str) -> Option<NonceId> {
        if nonce.len() > 128 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(nonce).ok()?;
        let (id, proof) = bytes.split_first_chunk::<ID_BYTES>()?;
        let id = NonceId::from_bytes(*id);
        hmac::verify(&self.key, &bound(id, source), proof).ok()?;
        self.is_fresh(now, id).then_some(id)
    }

    fn is_fresh(&self, now: Now, id: NonceId) -> bool {
        let age = now.unix_millis().saturating_sub(id.unix_millis);
        u128::from(age) < self.lifetime.as_millis()
    }

    /// Notes the use of a nonce; false when this count, or a higher one, was used before. Without `qop` a nonce is good once.
    fn use_once(&mut self, now: Now, id: NonceId, given: &Given<'_>) -> bool {
        let count = match given.auth {
            Some((nc, _)) => u32::from_str_radix(nc, 16).unwrap_or_default(),
            None => u32::MAX,
        };
        let last = self.uses.get(&id).copied();
        let is_forgotten = self.forgotten.is_some_and(|forgotten| id <= forgotten);
        if count == 0 || last.is_some_and(|last| count <= last) || (last.is_none() && is_forgotten) {
            return false;
        }
        self.uses.insert(id, count);
        self.forget(now);
        true
    }

    /// Drops expired nonces, and the oldest when there are too many: those are refused from then on.
    fn forget(&mut self, now: Now) {
        while let Some((&id, _)) = self.uses.first_key_value()
            && (!self.is_fresh(now, id) || self.uses.len() > self.uses_max)
        {
            self.uses.remove(&id);
            self.forgotten = self.forgotten.max(Some(id));
        }
    }
}

impl NonceId {
    fn to_bytes(self) -> [u8; ID_BYTES] {
        let mut bytes = [0; ID_BYTES];
        let values = self.unix_millis.to_be_bytes().into_iter().chain(self.number.to_be_bytes());
        bytes.iter_mut().zip(values).for_each(|(slot, value)| *slot = value);
        bytes
    }

    fn from_bytes(bytes: [u8; ID_BYTES]) -> NonceId {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = bytes;
        NonceId { unix_millis: u64::from_be_bytes([a, b, c, d, e, f, g, h]), number: u32::from_be_bytes([i, j, k, l]) }
    }
}

/// What the proof is computed over: the nonce's own name and the address and port that it was given to.
fn bound(id: NonceId, source: SocketAddr) -> Vec<u8> {
    let mut bytes = id.to_bytes().to_vec();
    match source.ip().to_canonical() {
        IpAddr::V4(ip) => bytes.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => bytes.extend_from_slice(&ip.octets()),
    }
    bytes.extend_from_slice(&source.port().to_be_bytes());
    bytes
}

impl<'a> Given<'a> {
    fn read(parameters: &Parameters<'a>) -> Option<Given<'a>> {
        let auth = match parameters.get("qop") {
            None => None,
            Some(qop) if qop.eq_ignore_ascii_case("auth") => Some((parameters.get("nc")?, parameters.get("cnonce")?)),
            Some(_) => return None,
        };
        Some(Given {
            user: parameters.get("username")?,
            nonce: parameters.get("nonce")?,
            response: parameters.get("response")?,
            uri: parameters.get("uri")?,
            algorithm: Algorithm::parse(parameters.get("algorithm"))?,
            auth,
        })
    }
}
