//! The hash over a certificate by which a description vouches for it (RFC 8122): SHA-256 and nothing weaker. Computes none.

use super::attribute;
use super::parse::{Description, Media};
use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// `sha-256 AA:BB:...`
    pub fn parse(text: &str) -> Option<Fingerprint> {
        let (hash, value) = text.trim().split_once(' ')?;
        if !hash.eq_ignore_ascii_case("sha-256") {
            return None;
        }
        let mut bytes = [0; 32];
        let mut pairs = value.trim().split(':');
        for slot in &mut bytes {
            let pair = pairs.next().filter(|pair| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit()))?;
            *slot = u8::from_str_radix(pair, 16).ok()?;
        }
        pairs.next().is_none().then_some(Fingerprint(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha-256 ")?;
        for (at, byte) in self.0.iter().enumerate() {
            let colon = if at == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Description<'_> {
    /// The first fingerprint that holds for a stream and whose hash we take: its own before those of the session.
    pub fn sha_256_fingerprint(&self, media: &Media<'_>) -> Option<Fingerprint> {
        let own = attribute::values(&media.lines, "fingerprint");
        own.chain(attribute::values(&self.lines, "fingerprint")).find_map(Fingerprint::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_and_nothing_shorter_or_weaker() {
        let own = Fingerprint(std::array::from_fn(|at| u8::try_from(at * 8).unwrap_or(0)));
        let text = own.to_string();
        assert!(text.starts_with("sha-256 00:08:10:") && text.ends_with(":F0:F8"), "{text}");
        assert_eq!(Fingerprint::parse(&text), Some(own));
        assert_eq!(Fingerprint::parse(&text.to_lowercase()), Some(own));
        for odd in [
            text.replace("sha-256", "sha-1"),
            text.replace(":F8", ""),
            format!("{text}:00"),
            text.replace("F8", "+8"),
            text.replace(':', "-"),
            "sha-256".to_owned(),
        ] {
            assert_eq!(Fingerprint::parse(&odd), None, "{odd}");
        }
    }

    #[test]
    fn a_streams_own_fingerprint_comes_before_that_of_the_session() {
        let of = |byte: u8| Fingerprint([byte; 32]);
        let body = format!(
            "v=0\na=fingerprint:{}\nm=audio 9 UDP/TLS/RTP/SAVPF 0\na=fingerprint:sha-1 00\na=fingerprint:{}\nm=audio 9 RTP/AVP 0\n",
            of(1),
            of(2)
        );
        let description = Description::parse(body.as_bytes()).expect("a description");
        let found: Vec<_> = description.media.iter().map(|media| description.sha_256_fingerprint(media)).collect();
        assert_eq!(found, [Some(of(2)), Some(of(1))]);
    }
}
