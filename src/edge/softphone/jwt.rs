//! Tokens of a single sign-on: checked by the configured key and algorithm alone (RFC 7519, RFC 8725). Fetches no keys.

use super::settings::{JwtKey, JwtSettings};
use aws_lc_rs::{hmac, signature};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use std::time::Duration;

/// A token with groups and names of a big directory has some thousand bytes.
const BYTES_MAX: usize = 8_192;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JwtFault {
    /// Not a token, or signed by somebody else or otherwise than agreed.
    Forged,
    Expired,
    /// For somebody else, from somebody else, or of nobody.
    Foreign,
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    /// Extensions that must be understood; we know none (RFC 7515 4.1.11).
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    iss: Option<String>,
    aud: Option<Audience>,
    exp: Option<f64>,
    nbf: Option<f64>,
    iat: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Who the token says that it is of. `now` in seconds since 1970.
pub fn subject(settings: &JwtSettings, token: &str, now: Duration) -> Result<String, JwtFault> {
    let (signed, proof) = token.rsplit_once('.').filter(|_| token.len() <= BYTES_MAX).ok_or(JwtFault::Forged)?;
    let (head, claims) = signed.split_once('.').ok_or(JwtFault::Forged)?;
    let head: Head = part(head)?;
    if head.alg != settings.key.algorithm() || head.crit.is_some() {
        return Err(JwtFault::Forged);
    }
    let proof = URL_SAFE_NO_PAD.decode(proof).map_err(|_| JwtFault::Forged)?;
    if !is_signed(&settings.key, signed.as_bytes(), &proof) {
        return Err(JwtFault::Forged);
    }
    let claims: Claims = part(claims)?;
    in_time(settings, &claims, now)?;
    let is_ours = |wanted: &Option<Box<str>>, given: &dyn Fn(&str) -> bool| wanted.as_deref().is_none_or(given);
    let audience = |wanted: &str| match &claims.aud {
        Some(Audience::One(one)) => one == wanted,
        Some(Audience::Many(many)) => many.iter().any(|one| one == wanted),
        None => false,
    };
    if !is_ours(&settings.issuer, &|wanted| claims.iss.as_deref() == Some(wanted))
        || !is_ours(&settings.audience, &audience)
    {
        return Err(JwtFault::Foreign);
    }
    claims.sub.filter(|subject| !subject.is_empty()).ok_or(JwtFault::Foreign)
}

fn part<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, JwtFault> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| JwtFault::Forged)?;
    serde_json::from_slice(&bytes).map_err(|_| JwtFault::Forged)
}

/// Its own end must be said; without the time of its making it cannot be told how old it is.
fn in_time(settings: &JwtSettings, claims: &Claims, now: Duration) -> Result<(), JwtFault> {
    let (now, leeway) = (now.as_secs_f64(), settings.leeway.as_secs_f64());
    let until = claims.exp.ok_or(JwtFault::Foreign)?;
    let issued = claims.iat.ok_or(JwtFault::Foreign)?;
    let is_over = now >= until + leeway || now >= issued + settings.age_max.as_secs_f64() + leeway;
    let is_early = issued > now + leeway || claims.nbf.is_some_and(|from| from > now + leeway);
    if is_over || is_early { Err(JwtFault::Expired) } else { Ok(()) }
}

fn is_signed(key: &JwtKey, signed: &[u8], proof: &[u8]) -> bool {
    let checked = |algorithm: &'static dyn signature::VerificationAlgorithm, der: &[u8]| {
        signature::UnparsedPublicKey::new(algorithm, der).verify(signed, proof).is_ok()
    };
    match key {
        JwtKey::Hs256(secret) => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
            hmac::verify(&key, signed, proof).is_ok()
        }
        JwtKey::Rs256(key) => checked(&signature::RSA_PKCS1_2048_8192_SHA256, &key.der),
        JwtKey::Es256(key) => checked(&signature::ECDSA_P256_SHA256_FIXED, &key.der),
    }
}

#[cfg(test)]
mod tests;
