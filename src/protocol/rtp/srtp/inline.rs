//! The key of `a=crypto` as text (RFC 4568 section 6.1): what follows `inline:`. Chooses no key.

use crate::protocol::rtp::suite::Suite;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Peers forget the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Master key and salt as they were written.
#[derive(Clone, PartialEq, Eq)]
pub struct InlineKey {
    /// Key and salt, one after the other.
    pub master: Box<[u8]>,
    /// How many packets it may protect, where the peer has said so.
    pub lifetime: Option<u64>,
}

impl std::fmt::Debug for InlineKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InlineKey(***)")
    }
}

/// Why a key was not understood.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum InlineFault {
    NotBase64,
    /// Not as long as the suite's key and salt.
    WrongLength,
    WrongLifetime,
    /// A master key identifier, or several keys: we speak with one key at a time.
    KeyIdentifier,
}

impl InlineKey {
    /// Reads what follows `inline:`, as in `d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20`.
    pub fn parse(suite: Suite, text: &str) -> Result<InlineKey, InlineFault> {
        let mut parts = text.split('|');
        let master = BASE64.decode(parts.next().unwrap_or_default().trim()).map_err(|_| InlineFault::NotBase64)?;
        if master.len() != suite.key_bytes() + suite.salt_bytes() {
            return Err(InlineFault::WrongLength);
        }
        let lifetime = match parts.next() {
            None => None,
            Some(identifier) if identifier.contains(':') => return Err(InlineFault::KeyIdentifier),
            Some(lifetime) => Some(read_lifetime(lifetime.trim()).ok_or(InlineFault::WrongLifetime)?),
        };
        if parts.next().is_some() {
            return Err(InlineFault::KeyIdentifier);
        }
        Ok(InlineKey { master: master.into(), lifetime })
    }
}

/// What to write after `inline:`, without a lifetime: ours is the suite's own (RFC 4568 6.1).
pub fn print(master: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(master)
}

/// A number or a power of two, at most the 2^48 of RFC 3711 9.2.
fn read_lifetime(text: &str) -> Option<u64> {
    let number = match text.strip_prefix("2^") {
        Some(power) => 1u64.checked_shl(power.parse().ok()?)?,
        None => text.parse().ok()?,
    };
    (1..=1 << 48).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";

    fn check(text: &str, expected: Result<Option<u64>, InlineFault>) {
        let read = InlineKey::parse(Suite::AesCm128HmacSha1_80, text);
        assert_eq!(read.as_ref().map(|key| key.lifetime), expected.as_ref().map(|lifetime| *lifetime), "{text}");
        if let Ok(key) = read {
            assert_eq!(print(&key.master), KEY);
        }
    }

    #[test]
    fn a_key_is_read_with_its_lifetime() {
        check(KEY, Ok(None));
        check(&format!("{KEY}|2^20"), Ok(Some(1 << 20)));
        check(&format!("{KEY}|1048576"), Ok(Some(1 << 20)));
        check(&format!("{KEY}|2^48"), Ok(Some(1 << 48)));
    }

    #[test]
    fn what_we_do_not_speak_is_refused_by_name() {
        check(&format!("{KEY}|2^20|1:4"), Err(InlineFault::KeyIdentifier));
        check(&format!("{KEY}|1:4"), Err(InlineFault::KeyIdentifier));
        for lifetime in ["", "2^49", "2^64", "2^99999", "0", "-1", "x", "2^"] {
            check(&format!("{KEY}|{lifetime}"), Err(InlineFault::WrongLifetime));
        }
        check("", Err(InlineFault::WrongLength));
        check(&KEY[4..], Err(InlineFault::WrongLength));
        check("!!!!", Err(InlineFault::NotBase64));
    }

    #[test]
    fn padding_may_be_forgotten() {
        let master = [7; 44];
        let written = print(&master);
        assert!(written.ends_with('='));
        for text in [written.as_str(), written.trim_end_matches('=')] {
            let key = InlineKey::parse(Suite::AeadAes256Gcm, text).expect("key");
            assert_eq!(key.master[..], master);
        }
    }

    #[test]
    fn a_key_does_not_show_itself() {
        let key = InlineKey::parse(Suite::AesCm128HmacSha1_80, KEY).expect("key");
        assert_eq!(format!("{key:?}"), "InlineKey(***)");
    }
}
