//! The INVITE toward a party: what crosses from the caller's, and what is ours. Passes nothing that tells where the caller is.

use crate::base::id::LegId;
use crate::domain::call::interface::{Dial, Party};
use crate::domain::call::parts::Parts;
use crate::domain::leg::leg::{Leg, Line};
use crate::domain::leg::media_plan;
use crate::domain::leg::outbound::{InvitePlan, Outbound};
use crate::domain::trunk::identity::Identity;
use crate::domain::trunk::settings::HeaderRules;
use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::uri::Uri;
use crate::protocol::sip::multipart;
use crate::protocol::sip::path::Target;
use bytes::Bytes;

/// Makes the leg and sends its INVITE to the first of the targets.
pub fn send(parts: &mut Parts, id: LegId, dial: &Dial, how: (Vec<Target>, bool)) -> Result<Leg, media_plan::Refusal> {
    let (mut targets, has_offer) = how;
    let first = targets.remove(0);
    let Parts { wire, legs, story, .. } = parts;
    let caller = legs.iter().find(|leg| leg.id() == LegId::CALLER).and_then(Leg::invited);
    let mut line = Line::new(wire, id, dial.party.clone(), first, &dial.number);
    let host = wire.host(line.target.path.listener);
    let offered = caller.filter(|_| has_offer).and_then(|caller| caller.offer.as_ref());
    let offer: Option<Bytes> = match offered {
        Some(offer) => Some(line.media.offer_to(offer, &dial.party.side(host))?),
        None => None,
    };
    let hops = caller.and_then(|caller| caller.invite.number(HeaderName::MaxForwards).ok().flatten()).unwrap_or(70);
    let may_be_reliable = offer.is_some() || (has_offer && caller.is_some_and(|caller| caller.is_reliable));
    let plan = InvitePlan {
        uri: dial.uri.clone(),
        from: from_value(&story.identity, &dial.party, host),
        to: to_value(dial),
        routes: dial.routes.clone(),
        headers: Vec::new(),
        hops: hops.saturating_sub(1),
        offer,
        may_be_reliable,
    };
    let outbound = Outbound::start(&mut line, wire, plan, targets);
    Ok(Leg::outbound(line, outbound))
}

/// From toward a party. Who asked to be hidden is hidden from those who are not trusted (RFC 3323 4.1.1.3).
fn from_value(identity: &Identity, party: &Party, host: &str) -> Box<str> {
    if identity.private && !party.is_trusted() {
        return "\"Anonymous\" <sip:anonymous@anonymous.invalid>".into();
    }
    if identity.display.is_empty() {
        format!("<sip:{}@{host}>", identity.number).into()
    } else {
        format!("\"{}\" <sip:{}@{host}>", identity.display.replace(['"', '\\'], ""), identity.number).into()
    }
}

/// To names the number, and of hosts only what the Request-URI names anyway.
fn to_value(dial: &Dial) -> Box<str> {
    let uri = Uri::parse(&dial.uri).ok();
    match uri {
        Some(uri) if !uri.host.is_empty() => match uri.user {
            Some(user) => format!("<sip:{user}@{}>", bracketed(uri.host)).into(),
            None => format!("<sip:{}>", bracketed(uri.host)).into(),
        },
        _ => format!("<{}>", dial.uri).into(),
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.into() }
}

/// Headers of a provisional response that both sides' allow lists let through.
pub fn passed_up(parts: &Parts, from: LegId, message: &Message) -> Vec<(HeaderName, Box<str>)> {
    let callee = parts.leg(from).map(|leg| &leg.line.party);
    [HeaderName::PEarlyMedia, HeaderName::AlertInfo, HeaderName::CallInfo]
        .into_iter()
        .filter(|name| {
            let passes_in = callee.is_some_and(|party| lists(party, |rules| &rules.pass_in, *name));
            passes_in && lists(&parts.story.caller, |rules| &rules.pass_out, *name)
        })
        .filter_map(|name| message.get(name).map(|value| (name, value.into())))
        .collect()
}

fn lists(party: &Party, list: impl Fn(&HeaderRules) -> &Vec<Box<str>>, name: HeaderName) -> bool {
    party.header_rules().is_some_and(|rules| list(rules).iter().any(|own| HeaderName::parse(own) == name))
}

/// Bodies of INFO that go from one side to the other.
pub fn may_cross(content_type: &str) -> bool {
    ["application/dtmf-relay", "application/dtmf", "application/media_control+xml"]
        .iter()
        .any(|known| multipart::is_type(content_type, known))
}
