//! Header values that every leg writes and reads the same way: what we allow and support, and reasons. Keeps no state.

use crate::base::cause::Cause;
use crate::domain::profile::ReliablePolicy;
use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::message::value::NameAddr;
use crate::protocol::sip::message::writer::Writer;
use crate::protocol::sip::session_timer::RequestTerms;

/// What a request in a dialog of ours may be.
pub const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY";

/// Option tags that we can say yes to (RFC 3261 8.2.2.3).
pub fn unsupported(message: &Message, reliable: ReliablePolicy) -> Option<String> {
    let known = |tag: &str| {
        ["timer", "replaces"].iter().any(|known| tag.eq_ignore_ascii_case(known))
            || (tag.eq_ignore_ascii_case("100rel") && reliable != ReliablePolicy::Off)
    };
    let unknown: Vec<&str> = message.values(HeaderName::Require).filter(|tag| !known(tag)).collect();
    (!unknown.is_empty()).then(|| unknown.join(", "))
}

/// Supported of what we send; nothing where that is nothing.
pub fn support(writer: &mut Writer, reliable: bool, timer: bool) {
    let tags = match (reliable, timer) {
        (true, true) => "timer, 100rel, replaces",
        (true, false) => "100rel, replaces",
        (false, true) => "timer, replaces",
        (false, false) => "replaces",
    };
    writer.header(HeaderName::Supported, tags);
}

/// What of RFC 4028 a request of ours says.
pub fn session_terms(writer: &mut Writer, terms: Option<RequestTerms>) {
    if let Some(terms) = terms {
        writer.header(HeaderName::SessionExpires, terms.expires).header(HeaderName::MinSe, terms.min_se);
    }
}

/// A Reason header for what ends here (RFC 3326).
pub fn reason(writer: &mut Writer, cause: Cause) {
    let (number, text) = cause.q850();
    writer.header(HeaderName::Reason, format_args!("Q.850;cause={number};text=\"{text}\""));
}

/// What the peer gives as reason, Q.850 before SIP.
pub fn reason_of(message: &Message) -> Option<Cause> {
    let number = |protocol: &str| {
        message.values(HeaderName::Reason).find_map(|value| {
            let (name, params) = value.split_once(';')?;
            if !name.trim().eq_ignore_ascii_case(protocol) {
                return None;
            }
            params.split(';').find_map(|param| {
                let (key, number) = param.split_once('=')?;
                key.trim().eq_ignore_ascii_case("cause").then(|| number.trim().parse::<u16>().ok()).flatten()
            })
        })
    };
    number("Q.850")
        .and_then(|number| u8::try_from(number).ok().and_then(Cause::from_q850))
        .or_else(|| number("SIP").map(Cause::from_status))
}

/// What a failed final response means: its Reason where that says more than the status.
pub fn cause_of(response: &Message) -> Cause {
    let by_status = Cause::from_status(response.status());
    match (by_status, reason_of(response)) {
        (Cause::Rejected | Cause::TemporarilyUnavailable | Cause::Unreachable, Some(said)) if said != Cause::Normal => {
            said
        }
        _ => by_status,
    }
}

/// The contacts of a redirection, best first (RFC 3261 8.1.3.4).
pub fn redirections(response: &Message) -> Vec<Box<str>> {
    let mut contacts: Vec<(u32, &str)> = response
        .values(HeaderName::Contact)
        .filter_map(|value| NameAddr::parse(value, HeaderName::Contact).ok())
        .map(|contact| (thousandths(contact.params.value("q")), contact.uri.text))
        .collect();
    contacts.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
    contacts.into_iter().map(|(_, uri)| uri.into()).collect()
}

/// A q value in thousandths; 1 where absent.
fn thousandths(q: Option<&str>) -> u32 {
    let Some(q) = q else { return 1_000 };
    let (whole, part) = q.split_once('.').unwrap_or((q, ""));
    if whole.trim() != "0" {
        return 1_000;
    }
    let digits: String = part.chars().chain("000".chars()).take(3).collect();
    digits.parse().unwrap_or(0)
}

/// What a peer has said of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Abilities {
    /// `None` until it has sent an Allow header.
    update: Option<bool>,
    info: Option<bool>,
    pub reliable: bool,
    pub timer: bool,
}

impl Abilities {
    pub fn learn(&mut self, message: &Message) {
        if message.get(HeaderName::Allow).is_some() {
            self.update = Some(message.has_token(HeaderName::Allow, Method::Update.name()));
            self.info = Some(message.has_token(HeaderName::Allow, Method::Info.name()));
        }
        if message.get(HeaderName::Supported).is_some() || message.get(HeaderName::Require).is_some() {
            let has =
                |tag| message.has_token(HeaderName::Supported, tag) || message.has_token(HeaderName::Require, tag);
            self.reliable = has("100rel");
            self.timer = has("timer");
        }
    }

    /// UPDATE only where it was named (RFC 3311 5.1).
    pub fn takes_update(self) -> bool {
        self.update == Some(true)
    }

    /// INFO unless it was left out: many send no Allow at all.
    pub fn takes_info(self) -> bool {
        self.info != Some(false)
    }
}
