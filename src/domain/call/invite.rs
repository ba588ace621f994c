//! The INVITE toward a party: what crosses from the caller's, and what is ours. Passes nothing that tells where the caller is.

use crate::base::id::LegId;
use crate::domain::call::interface::Dial;
use crate::domain::call::parts::Parts;
use crate::domain::leg::leg::{Leg, Line};
use crate::domain::leg::media_plan::{self, own};
use crate::domain::leg::outbound::{InvitePlan, Outbound};
use crate::domain::leg::party::Party;
use crate::domain::trunk::crossing::{self, Header};
use crate::domain::trunk::identity::Identity;
use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::uri::Uri;
use crate::protocol::sip::multipart;
use crate::protocol::sip::path::Target;
use bytes::Bytes;
use std::borrow::Cow;
use std::net::SocketAddr;

/// What an INVITE says because somebody has asked us to send it: in a Refer-To, or in an INVITE with Replaces.
pub struct Asked {
    pub by: Party,
    /// The dialog elsewhere whose place the INVITE takes (RFC 3891).
    pub replaces: Option<Box<str>>,
    /// The headers of the Refer-To's URI, as they stand there.
    pub headers: Box<str>,
}

/// What the INVITE offers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offered {
    /// What the caller does, whose INVITE still waits.
    Callers,
    /// What we make of what the caller already speaks with us.
    Ours,
    /// Nothing: the party is asked for an offer.
    Nothing,
}

/// What a dial does not say of itself.
pub struct How<'a> {
    /// In the order in which to try them; at least one.
    pub targets: Vec<Target>,
    pub offered: Offered,
    pub asked: Option<&'a Asked>,
    /// Who calls, where that is not the caller.
    pub identity: Option<&'a Identity>,
    /// A phone is asked to answer by itself.
    pub answers_itself: bool,
    /// Our end of its stream, as the party reaches it; `None` where audio goes from end to end.
    pub address: Option<SocketAddr>,
}

/// Makes the leg and sends its INVITE to the first of the targets.
pub fn send(parts: &mut Parts, id: LegId, dial: &Dial, how: How<'_>) -> Result<Leg, media_plan::Refusal> {
    let How { mut targets, offered, asked, identity, answers_itself, address } = how;
    let first = targets.remove(0);
    let Parts { wire, legs, story, streams, served, .. } = parts;
    let caller = legs.iter().find(|leg| leg.id() == *served).and_then(Leg::invited);
    let mut line = Line::new(wire, id, dial.party.clone(), first, &dial.number);
    if let Some(address) = address {
        let recode = story.caller.media().recode && dial.party.media().recode;
        line.media.relay(dial.party.relaying(line.target.path.transport, recode), &mut wire.entropy);
        line.media.opened(address, streams.certificates());
    }
    let host = wire.host(line.target.path.listener);
    let made = match offered {
        Offered::Callers => caller.and_then(|caller| caller.offer.clone()),
        Offered::Ours => Some(ours(legs, *served)),
        Offered::Nothing => None,
    };
    let offer = made.map(|made| line.media.offer_to(&made, &dial.party.side(host))).transpose()?;
    let hops = caller.and_then(|caller| caller.invite.number(HeaderName::MaxForwards).ok().flatten()).unwrap_or(70);
    let may_be_reliable =
        offer.is_some() || (offered == Offered::Callers && caller.is_some_and(|caller| caller.is_reliable));
    // What the gate toward carriers decided comes before what anybody wishes.
    let identity = dial.shown.as_deref().or(identity).unwrap_or(&story.identity);
    let crossing = match caller {
        Some(caller) => {
            let from = story.caller.peer(wire.host(caller.from().listener));
            crossing::of_invite(&caller.invite, identity, &from, &dial.party.peer(host))
        }
        None => crossing::of_ours(identity, &dial.party.peer(host)),
    };
    let mut headers: Vec<(Cow<'static, str>, Box<str>)> =
        crossing.into_iter().map(|header| (header.name, header.value)).collect();
    if answers_itself && dial.party.is_phone() {
        headers.extend(answering_itself(host));
    }
    if let Some(Asked { by, replaces, headers: more }) = asked {
        let replaces = replaces.iter().map(|text| (Cow::Borrowed(HeaderName::Replaces.text()), text.clone()));
        headers.extend(replaces);
        let crossing = crossing::of_uri(more, &by.peer(host), &dial.party.peer(host));
        headers.extend(crossing.into_iter().map(|header| (header.name, header.value)));
    }
    let plan = InvitePlan {
        uri: dial.uri.clone(),
        from: identity.from_value(&dial.party.peer(host)).into(),
        to: to_value(dial),
        routes: dial.routes.clone(),
        headers,
        hops: hops.saturating_sub(1),
        offer,
        may_be_reliable,
    };
    let outbound = Outbound::start(&mut line, wire, plan, targets);
    Ok(Leg::outbound(line, outbound))
}

/// What desk phones are asked to answer by themselves with: there is no one way, and a phone knows one of the two.
fn answering_itself(host: &str) -> [(Cow<'static, str>, Box<str>); 2] {
    let value = |parameters: &str| ["<sip:", host, ">;", parameters].concat().into();
    [("Call-Info".into(), value("answer-after=0")), ("Alert-Info".into(), value("info=alert-autoanswer;delay=0"))]
}

/// An offer of our own, beside what the caller speaks with us.
fn ours(legs: &[Leg], served: LegId) -> Bytes {
    let caller = legs.iter().find(|leg| leg.id() == served);
    let agreement = caller.and_then(|leg| leg.line.media.agreement());
    own::offer(agreement.map_or(&[], |agreement| &agreement.codecs))
}

/// To names the number, and of hosts only what the Request-URI names anyway.
fn to_value(dial: &Dial) -> Box<str> {
    let uri = Uri::parse(&dial.uri).ok();
    match uri {
        Some(uri) if !uri.host.is_empty() => match uri.user {
            Some(user) => ["<sip:", user, "@", &bracketed(uri.host), ">"].concat().into(),
            None => ["<sip:", &bracketed(uri.host), ">"].concat().into(),
        },
        _ => ["<", &dial.uri, ">"].concat().into(),
    }
}

fn bracketed(host: &str) -> Cow<'_, str> {
    if host.contains(':') { format!("[{host}]").into() } else { host.into() }
}

/// Headers of a message from one leg's peer that both sides' allow lists let through to another's.
pub fn passed(parts: &Parts, legs: (LegId, LegId), message: &Message) -> Vec<Header> {
    let (Some(one), Some(other)) = (parts.leg(legs.0), parts.leg(legs.1)) else { return Vec::new() };
    let host = |leg: &Leg| parts.wire.host(leg.line.target.path.listener);
    let (from, to) = (host(one), host(other));
    crossing::of_message(message, &one.line.party.peer(from), &other.line.party.peer(to))
}

/// Bodies of INFO that go from one side to the other.
pub fn may_cross(content_type: &str) -> bool {
    ["application/dtmf-relay", "application/dtmf", "application/media_control+xml"]
        .iter()
        .any(|known| multipart::is_type(content_type, known))
}
