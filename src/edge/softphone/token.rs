//! Tokens of our own: who logged in, until when, signed. Remembers none of them.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longer ones are not ours.
const BYTES_MAX: usize = 512;
/// What our tokens begin with, so that they are told apart from those of others.
const MARK: &str = "offhook1";

/// What a token of ours is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    /// A login, wherever.
    Login,
    /// Coming back to the one seat of that number, as long as it is kept.
    Resume(u64),
}

/// What a token says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    pub agent: Box<str>,
    pub good_for: Use,
    /// Milliseconds since 1970.
    pub issued: u64,
    pub until: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenFault {
    /// Not ours, or changed on the way.
    Forged,
    Expired,
}

/// The key that signs.
pub struct Signer(hmac::Key);

impl Signer {
    pub fn new(secret: &[u8]) -> Signer {
        Signer(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    pub fn issue(&self, claim: &Claim) -> String {
        let Claim { agent, good_for, issued, until } = claim;
        let good_for = match good_for {
            Use::Login => "login".to_owned(),
            Use::Resume(seat) => format!("{seat:x}"),
        };
        let text = format!("{agent} {good_for} {issued} {until}");
        let proof = hmac::sign(&self.0, text.as_bytes());
        format!("{MARK}.{}.{}", URL_SAFE_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(proof))
    }

    /// Whether it looks like one of ours, so that it is nobody else's to judge.
    pub fn is_ours(token: &str) -> bool {
        token.split('.').next() == Some(MARK)
    }

    pub fn read(&self, token: &str, now: u64) -> Result<Claim, TokenFault> {
        let claim = self.parts(token).ok_or(TokenFault::Forged)?;
        if claim.until <= now { Err(TokenFault::Expired) } else { Ok(claim) }
    }

    fn parts(&self, token: &str) -> Option<Claim> {
        let mut parts = token.split('.').filter(|_| token.len() <= BYTES_MAX);
        if parts.next() != Some(MARK) {
            return None;
        }
        let text = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        let proof = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        hmac::verify(&self.0, &text, &proof).ok().filter(|()| parts.next().is_none())?;
        let text = String::from_utf8(text).ok()?;
        let mut words = text.split(' ');
        let agent = words.next()?.into();
        let good_for = match words.next()? {
            "login" => Use::Login,
            seat => Use::Resume(u64::from_str_radix(seat, 16).ok()?),
        };
        Some(Claim { agent, good_for, issued: words.next()?.parse().ok()?, until: words.next()?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim() -> Claim {
        Claim { agent: "alice".into(), good_for: Use::Resume(0xfeed), issued: 1_000, until: 5_000 }
    }

    #[test]
    fn a_token_says_what_was_signed_until_its_time_is_over() {
        let signer = Signer::new(b"a key");
        for good_for in [Use::Login, Use::Resume(7)] {
            let claim = Claim { good_for, ..claim() };
            let token = signer.issue(&claim);
            assert!(Signer::is_ours(&token));
            assert_eq!(signer.read(&token, 4_999), Ok(claim));
            assert_eq!(signer.read(&token, 5_000), Err(TokenFault::Expired));
        }
    }

    #[test]
    fn whatever_is_changed_in_a_token_is_noticed() {
        let signer = Signer::new(b"a key");
        let token = signer.issue(&claim());
        assert_eq!(Signer::new(b"another").read(&token, 0), Err(TokenFault::Forged));
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("letters");
            // The last letter of each part has bits that say nothing.
            let same = signer.read(&changed, 0) == Ok(claim());
            assert!(!same || token.as_bytes().get(at + 1).is_none_or(|next| *next == b'.'), "{at}");
        }
        for other in ["", "offhook1", "offhook1..", "offhook1.a.b.c", &format!("{token}.x"), &"x".repeat(10_000)] {
            assert_eq!(signer.read(other, 0), Err(TokenFault::Forged));
        }
    }
}
