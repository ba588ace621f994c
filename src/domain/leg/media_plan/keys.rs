//! SRTP keys of one stream in its descriptions (RFC 4568). Encrypts nothing; prints its keys nowhere else.

use crate::base::entropy::Entropy;
use crate::media::command::SrtpKeys;
use crate::protocol::rtp::suite::Suite;
use crate::protocol::sdp::attribute::Crypto;
use crate::protocol::sdp::parse::{Line, Media};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Some leave out the padding that RFC 4568 6.1 wants.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Our keys toward one peer, one for each suite; they stay the same as long as the stream lives.
pub struct OwnKeys(Vec<(Suite, Box<[u8]>)>);

impl std::fmt::Debug for OwnKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OwnKeys({})", self.0.len())
    }
}

/// One of a peer's keys that is taken, and the tag that the answer names it by.
pub struct Taken {
    pub tag: u32,
    pub keys: SrtpKeys,
}

impl OwnKeys {
    pub fn draw(entropy: &mut Entropy) -> OwnKeys {
        let draw = |suite: Suite, entropy: &mut Entropy| {
            let length = suite.key_bytes() + suite.salt_bytes();
            let mut bytes = Vec::with_capacity(length + 8);
            while bytes.len() < length {
                bytes.extend(entropy.number().to_be_bytes());
            }
            bytes.truncate(length);
            (suite, bytes.into_boxed_slice())
        };
        OwnKeys(Suite::ALL.into_iter().map(|suite| draw(suite, entropy)).collect())
    }

    /// A party without SRTP.
    pub fn none() -> OwnKeys {
        OwnKeys(Vec::new())
    }

    /// For an offer: one line for each suite, in order of preference.
    pub fn lines(&self) -> impl Iterator<Item = Line<'static>> {
        (1_u32..).zip(&self.0).map(|(tag, (suite, key))| line(tag, *suite, key))
    }

    /// The one of a peer's offered keys that we like best.
    pub fn choose(&self, offered: &Media<'_>) -> Option<Taken> {
        self.0.iter().find_map(|(suite, ours)| {
            let mut readable = offered.cryptos().filter_map(|crypto| Some((crypto.tag, read(&crypto)?)));
            let (tag, (_, theirs)) = readable.find(|(_, (own, _))| own == suite)?;
            Some(Taken { tag, keys: SrtpKeys { suite: *suite, ours: ours.clone(), theirs } })
        })
    }

    /// What a peer's answer took of our offer.
    pub fn taken(&self, answered: &Media<'_>) -> Option<SrtpKeys> {
        let crypto = answered.cryptos().next()?;
        let (suite, theirs) = read(&crypto)?;
        let (_, (own, ours)) = (1_u32..).zip(&self.0).find(|(tag, _)| *tag == crypto.tag)?;
        (*own == suite).then(|| SrtpKeys { suite, ours: ours.clone(), theirs })
    }
}

impl Taken {
    pub fn line(&self) -> Line<'static> {
        line(self.tag, self.keys.suite, &self.keys.ours)
    }
}

fn line(tag: u32, suite: Suite, key: &[u8]) -> Line<'static> {
    Line::new(b'a', format!("crypto:{tag} {} inline:{}", suite.name(), BASE64.encode(key)))
}

/// Suite and key, if we can keep to everything that the line demands.
fn read(crypto: &Crypto<'_>) -> Option<(Suite, Box<[u8]>)> {
    let suite = Suite::parse(crypto.suite)?;
    let mut words = crypto.keys.split_ascii_whitespace();
    let mut parts = words.next()?.strip_prefix("inline:")?.split('|');
    let key = BASE64.decode(parts.next()?).ok()?;
    // A master key identifier (RFC 4568 6.1) would stand in every packet; several keys need one.
    let is_plain = parts.all(|part| !part.contains(':') && !part.contains(';'));
    // Of session parameters only the replay window and a rate of zero change nothing for us (RFC 4568 6.3).
    let is_usual = words.all(|word| word.starts_with("WSH=") || word == "KDR=0" || word.starts_with('-'));
    let fits = key.len() == suite.key_bytes() + suite.salt_bytes();
    (is_plain && is_usual && fits).then(|| (suite, key.into_boxed_slice()))
}
