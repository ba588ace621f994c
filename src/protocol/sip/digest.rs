//! Digest authentication (RFC 3261 22, RFC 7616, RFC 8760): MD5 and SHA-256, no `qop` and `qop=auth`. Never prints a password.

pub mod client;
pub mod server;

use crate::base::secret::Secret;
use md5::Md5;
use sha2::{Digest, Sha256};

/// The hash functions, the stronger first: that is the order in which we offer them (RFC 8760 2.3) and choose (2.4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Algorithm {
    Sha256,
    Md5,
}

impl Algorithm {
    pub const ALL: &[Algorithm] = &[Algorithm::Sha256, Algorithm::Md5];

    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Md5 => "MD5",
        }
    }

    /// A challenge without `algorithm` means MD5 (RFC 7616 3.3).
    pub fn parse(text: Option<&str>) -> Option<Algorithm> {
        let Some(text) = text else { return Some(Algorithm::Md5) };
        Algorithm::ALL.iter().copied().find(|algorithm| text.eq_ignore_ascii_case(algorithm.name()))
    }

    /// The hash of the parts with a colon between them, in lower-case hexadecimal.
    fn hash(self, parts: &[&str]) -> String {
        match self {
            Algorithm::Sha256 => hash_with::<Sha256>(parts),
            Algorithm::Md5 => hash_with::<Md5>(parts),
        }
    }
}

fn hash_with<D: Digest>(parts: &[&str]) -> String {
    let mut hasher = D::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            hasher.update(b":");
        }
        hasher.update(part.as_bytes());
    }
    hasher.finalize().iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect()
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

/// What both sides compute the response from.
struct Question<'a> {
    algorithm: Algorithm,
    user: &'a str,
    realm: &'a str,
    method: &'a str,
    uri: &'a str,
    nonce: &'a str,
    /// nc and cnonce; `None` for the form of RFC 2069, without `qop`.
    auth: Option<(&'a str, &'a str)>,
}

impl Question<'_> {
    /// RFC 7616 3.4.1.
    fn response(&self, password: &Secret) -> String {
        let secret = self.algorithm.hash(&[self.user, self.realm, password.reveal()]);
        let request = self.algorithm.hash(&[self.method, self.uri]);
        match self.auth {
            Some((nc, cnonce)) => self.algorithm.hash(&[&secret, self.nonce, nc, cnonce, "auth", &request]),
            None => self.algorithm.hash(&[&secret, self.nonce, &request]),
        }
    }
}

/// The parameters of one challenge or of one set of credentials. Quoted values come without quotes, still escaped.
#[derive(Default)]
struct Parameters<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Parameters<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

/// More parameters than any peer sends; a longer header is cut here.
const PARAMETERS_MAX: usize = 32;
/// Challenges in one message that are looked at.
const SCHEMES_MAX: usize = 8;

/// Reads one header line: `Digest a=b, c="d", Digest e=f` as one list per scheme name. Other schemes than Digest are left out.
fn digests(line: &str) -> Vec<Parameters<'_>> {
    let mut found: Vec<Parameters<'_>> = Vec::new();
    let mut is_digest = false;
    for part in comma_parts(line) {
        let mut parameter = part;
        // A scheme name is a word before the first parameter's name.
        if let Some((scheme, rest)) = part.split_once([' ', '\t'])
            && !scheme.contains(['=', '"'])
            && !rest.trim_start().starts_with('=')
        {
            is_digest = scheme.eq_ignore_ascii_case("Digest");
            if is_digest && found.len() < SCHEMES_MAX {
                found.push(Parameters::default());
            }
            parameter = rest.trim_start();
        }
        let (true, Some(last), Some((name, value))) = (is_digest, found.last_mut(), parameter.split_once('=')) else {
            continue;
        };
        let value = value.trim();
        let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        if last.0.len() < PARAMETERS_MAX {
            last.0.push((name.trim(), unquoted));
        }
    }
    found
}

/// Splits at commas outside quotes.
fn comma_parts(line: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    line.split(move |c| {
        let splits = c == ',' && !quoted;
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && quoted && !escaped;
        splits
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests;
