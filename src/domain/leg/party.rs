//! Who is at the other end of a leg, and what is asked of everybody alike. Reaches nobody.

use crate::domain::leg::media_plan::{Relaying, Side};
use crate::domain::phone::identity;
use crate::domain::phone::settings::Phone;
use crate::domain::trunk::identity::Peer;
use crate::domain::trunk::media::{MediaRoute, MediaSettings};
use crate::domain::trunk::settings::{Credentials, NumberRules, SrtpPolicy, Trunk};
use crate::protocol::sip::path::Transport;
use std::sync::Arc;
use std::time::Duration;

/// Who is at the other end of a leg.
#[derive(Clone, PartialEq, Debug)]
pub enum Party {
    Trunk(Arc<Trunk>),
    Phone(Arc<Phone>),
}

impl Party {
    /// How long a call of theirs may last.
    pub fn max_duration(&self) -> Duration {
        match self {
            Party::Trunk(trunk) => trunk.max_duration,
            Party::Phone(phone) => phone.max_duration,
        }
    }

    /// "trunk:carrier-a" or "phone:alice".
    pub fn name(&self) -> String {
        match self {
            Party::Trunk(trunk) => ["trunk:", &trunk.name].concat(),
            Party::Phone(phone) => ["phone:", &phone.name].concat(),
        }
    }

    pub fn is_phone(&self) -> bool {
        matches!(self, Party::Phone(_))
    }

    /// How its media is to be spoken of; `host` is our advertised host on its listener.
    pub fn side<'a>(&'a self, host: &'a str) -> Side<'a> {
        match self {
            Party::Trunk(trunk) => Side::of_trunk(trunk, host),
            Party::Phone(phone) => Side::of_phone(phone, host),
        }
    }

    /// How it is spoken to as far as numbers, headers and identity go.
    pub fn peer<'a>(&'a self, host: &'a str) -> Peer<'a> {
        match self {
            Party::Trunk(trunk) => Peer::of_trunk(trunk, host),
            Party::Phone(phone) => identity::peer(phone, host),
        }
    }

    /// What is configured of its audio.
    /// How numbers are written on its side.
    pub fn number_rules(&self) -> &NumberRules {
        match self {
            Party::Trunk(trunk) => &trunk.numbers,
            Party::Phone(phone) => &phone.numbers,
        }
    }

    pub fn media(&self) -> &MediaSettings {
        match self {
            Party::Trunk(trunk) => &trunk.media,
            Party::Phone(phone) => &phone.media,
        }
    }

    /// How its audio goes through us when it is spoken to over this transport: phones on WebSocket are browsers.
    pub fn relaying(&self, over: Transport, recode: bool) -> Relaying {
        let is_browser = match (self, self.media().route) {
            (Party::Trunk(_), _) | (_, MediaRoute::Pass) => false,
            (Party::Phone(_), MediaRoute::WebRtc) => true,
            (Party::Phone(_), MediaRoute::Relay) => matches!(over, Transport::Ws | Transport::Wss),
        };
        Relaying { recode, srtp: self.srtp(), is_browser }
    }

    pub fn srtp(&self) -> SrtpPolicy {
        match self {
            Party::Trunk(trunk) => trunk.srtp,
            Party::Phone(phone) => phone.srtp,
        }
    }

    /// Our credentials toward it. A phone never gets an answer to a challenge: it is a callee, not our registrar.
    pub fn credentials(&self) -> Option<&Credentials> {
        match self {
            Party::Trunk(trunk) => trunk.outbound_digest.as_ref(),
            Party::Phone(_) => None,
        }
    }

    /// How long silence lasts before the next place is tried.
    pub fn no_response(&self) -> Option<Duration> {
        match self {
            Party::Trunk(trunk) => Some(trunk.failover.no_response),
            Party::Phone(_) => None,
        }
    }

    pub fn large_by_tcp(&self) -> bool {
        matches!(self, Party::Trunk(trunk) if trunk.large_by_tcp)
    }
}
