//! What configuration says of softphones: who may log in by what, for how long, and what pages are told. Holds no state.

use crate::base::secret::Secret;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, PartialEq, Debug)]
pub struct SoftphoneSettings {
    pub is_enabled: bool,
    /// What our tokens are signed with. `None`: drawn at start, so that a restart ends all logins.
    pub secret: Option<Secret>,
    /// How long a login is good for.
    pub login: Duration,
    /// How long a call waits for the agent whose page is gone.
    pub resume: Duration,
    pub jwt: Option<JwtSettings>,
    /// Sites that may show our pages inside of theirs.
    pub frame_ancestors: Vec<Box<str>>,
    pub ice_servers: Vec<IceServer>,
    pub quick_connects: Vec<QuickConnect>,
}

impl Default for SoftphoneSettings {
    fn default() -> SoftphoneSettings {
        SoftphoneSettings {
            is_enabled: true,
            secret: None,
            login: Duration::from_secs(12 * 3_600),
            resume: Duration::from_secs(60),
            jwt: None,
            frame_ancestors: Vec::new(),
            ice_servers: Vec::new(),
            quick_connects: Vec::new(),
        }
    }
}

/// Tokens of somebody else who says who an agent is.
#[derive(Clone, PartialEq, Debug)]
pub struct JwtSettings {
    pub key: JwtKey,
    pub issuer: Option<Box<str>>,
    pub audience: Option<Box<str>>,
    /// How old a token may be, whatever it says of its own end.
    pub age_max: Duration,
    /// How far the clocks may be apart.
    pub leeway: Duration,
}

#[derive(Clone, PartialEq, Debug)]
pub enum JwtKey {
    Hs256(Secret),
    Rs256(PublicKey),
    Es256(PublicKey),
}

impl JwtKey {
    pub fn algorithm(&self) -> &'static str {
        match self {
            JwtKey::Hs256(_) => "HS256",
            JwtKey::Rs256(_) => "RS256",
            JwtKey::Es256(_) => "ES256",
        }
    }
}

/// A key as its file holds it, without the armour.
#[derive(Clone, PartialEq, Debug)]
pub struct PublicKey {
    pub path: PathBuf,
    pub der: Vec<u8>,
}

/// A server for browsers that cannot reach us by themselves. With a secret the credentials are minted (TURN REST).
#[derive(Clone, PartialEq, Debug)]
pub struct IceServer {
    pub urls: Vec<Box<str>>,
    pub secret: Option<Secret>,
    pub lifetime: Duration,
}

#[derive(Clone, PartialEq, Debug)]
pub struct QuickConnect {
    pub name: Box<str>,
    /// A number, `agent:NAME` or `queue:NAME`.
    pub to: Box<str>,
}
