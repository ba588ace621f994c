//! What a REGISTER of a phone that has proved itself does to its bindings (RFC 3261 10.3). Authenticates nobody.

use crate::base::now::Now;
use crate::domain::phone::bindings::{Binding, Bindings};
use crate::domain::phone::settings::Phone;
use crate::protocol::sip::message::uri::Scheme;
use crate::protocol::sip::message::value::NameAddr;
use crate::protocol::sip::message::{HeaderName, Message, Writer};
use crate::protocol::sip::path::Path;
use std::time::{Duration, Instant};

/// Why a REGISTER is refused. Its `Min-Expires` goes with 423.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegisterError {
    /// The address of record is not the phone that proved itself.
    NotItsOwn,
    Malformed,
    /// An expiry shorter than the phone's settings allow (RFC 3261 10.3 point 7).
    TooBrief(Duration),
    TooManyContacts,
    /// Older than what is known: the same Call-ID with a CSeq that is not higher.
    OutOfOrder,
}

impl RegisterError {
    pub fn status(self) -> (u16, &'static str) {
        match self {
            RegisterError::NotItsOwn => (403, "Forbidden"),
            RegisterError::Malformed => (400, "Bad Request"),
            RegisterError::TooBrief(_) => (423, "Interval Too Brief"),
            RegisterError::TooManyContacts => (403, "Too Many Contacts"),
            RegisterError::OutOfOrder => (500, "CSeq Out of Order"),
        }
    }
}

/// The longest Contact URI that is kept; phones send some hundred bytes.
const URI_BYTES_MAX: usize = 1_024;
/// The most Path values that are kept.
const ROUTES_MAX: usize = 8;

/// Applies a REGISTER as a whole or not at all.
pub fn register(
    bindings: &mut Bindings,
    phone: &Phone,
    message: &Message,
    path: Path,
    now: Now,
) -> Result<(), RegisterError> {
    let to = message.to().map_err(|_| RegisterError::Malformed)?;
    if to.uri.user_decoded().as_deref() != Some(&*phone.name) {
        return Err(RegisterError::NotItsOwn);
    }
    let order =
        Order { call_id: message.call_id(), cseq: message.cseq().map_err(|_| RegisterError::Malformed)?.number };
    let general = message.number(HeaderName::Expires).map_err(|_| RegisterError::Malformed)?;
    let contacts: Vec<&str> = message.values(HeaderName::Contact).collect();
    if contacts.contains(&"*") {
        return remove_all(bindings, phone, (contacts.len(), general), order);
    }
    if contacts.is_empty() {
        return Ok(());
    }
    let mut next = bindings.of(&phone.name).to_vec();
    for contact in contacts {
        let contact = NameAddr::parse(contact, HeaderName::Contact).map_err(|_| RegisterError::Malformed)?;
        let expires = expiry(&contact, general, phone)?;
        let Some(expires) = expires else {
            let instance = instance_of(&contact);
            remove_one(&mut next, |old| old.is_same_contact(&contact.uri, instance.as_deref()), order)?;
            continue;
        };
        let serial = bindings.next_serial();
        let fresh = bind(&contact, message, path, (order, now.instant + expires, serial))?;
        remove_one(&mut next, |old| old.is_same_contact(&contact.uri, fresh.instance.as_deref()), order)?;
        next.push(fresh);
    }
    if next.len() > usize::from(phone.contacts_max.max(1)) {
        return Err(RegisterError::TooManyContacts);
    }
    bindings.set(&phone.name, next);
    Ok(())
}

/// Lists the bindings in a 200 (RFC 3261 10.3 point 8).
pub fn list(writer: &mut Writer, bindings: &[Binding], now: Instant) {
    for binding in bindings {
        let left = binding.expires_at.saturating_duration_since(now);
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        // A phone tells its own contact from the others' by its instance (RFC 5626); linphone calls with what stands here.
        let (instance, flow) = own_marks(binding);
        let (open, close) = if instance.is_empty() { ("", "") } else { (";+sip.instance=\"", "\"") };
        let reg_id = if flow.is_empty() { "" } else { ";reg-id=" };
        let uri = &binding.uri;
        let contact = format_args!("<{uri}>;expires={seconds}{open}{instance}{close}{reg_id}{flow}");
        writer.header(HeaderName::Contact, contact);
    }
}

/// Where a request stands among those of its Call-ID.
#[derive(Clone, Copy)]
struct Order<'a> {
    call_id: &'a str,
    cseq: u32,
}

impl Order<'_> {
    fn is_after(self, old: &Binding) -> bool {
        *old.call_id != *self.call_id || self.cseq > old.cseq
    }
}

fn remove_all(
    bindings: &mut Bindings,
    phone: &Phone,
    (contacts, expires): (usize, Option<u32>),
    order: Order<'_>,
) -> Result<(), RegisterError> {
    // RFC 3261 10.3 point 6: the star stands alone and with Expires 0.
    if contacts != 1 || expires != Some(0) {
        return Err(RegisterError::Malformed);
    }
    if !bindings.of(&phone.name).iter().all(|old| order.is_after(old)) {
        return Err(RegisterError::OutOfOrder);
    }
    bindings.forget(&phone.name);
    Ok(())
}

fn remove_one(
    next: &mut Vec<Binding>,
    is_same: impl Fn(&Binding) -> bool,
    order: Order<'_>,
) -> Result<(), RegisterError> {
    if next.iter().any(|old| is_same(old) && !order.is_after(old)) {
        return Err(RegisterError::OutOfOrder);
    }
    next.retain(|old| !is_same(old));
    Ok(())
}

/// The life of a contact, `None` to remove it: its own parameter, else the header, else the longest allowed.
fn expiry(contact: &NameAddr<'_>, general: Option<u32>, phone: &Phone) -> Result<Option<Duration>, RegisterError> {
    let asked = match contact.params.value("expires") {
        // RFC 3261 10.2.1.1: a malformed value counts as 3600.
        Some(text) => Some(text.parse::<u32>().unwrap_or(3_600)),
        None => general,
    };
    match asked.map(|seconds| Duration::from_secs(u64::from(seconds))) {
        Some(Duration::ZERO) => Ok(None),
        Some(time) if time < phone.expires_min => Err(RegisterError::TooBrief(phone.expires_min)),
        Some(time) => Ok(Some(time.min(phone.expires_max))),
        None => Ok(Some(phone.expires_max)),
    }
}

fn bind(
    contact: &NameAddr<'_>,
    message: &Message,
    path: Path,
    (order, expires_at, serial): (Order<'_>, Instant, u64),
) -> Result<Binding, RegisterError> {
    let uri = contact.uri;
    let usable = matches!(uri.scheme, Scheme::Sip | Scheme::Sips) && !uri.host.is_empty();
    if !usable || uri.text.len() > URI_BYTES_MAX || uri.headers.is_some() {
        return Err(RegisterError::Malformed);
    }
    Ok(Binding {
        uri: uri.text.into(),
        instance: instance_of(contact),
        path,
        routes: message.values(HeaderName::Path).take(ROUTES_MAX).map(Into::into).collect(),
        call_id: order.call_id.into(),
        cseq: order.cseq,
        expires_at,
        serial,
    })
}

/// Instance and flow number together: a phone may keep several flows (RFC 5626 4.2).
fn instance_of(contact: &NameAddr<'_>) -> Option<Box<str>> {
    let instance = contact.params.value("+sip.instance")?;
    let flow = contact.params.value("reg-id").unwrap_or_default();
    Some(format!("{instance};{flow}").into())
}

/// Instance and flow number as `instance_of` joined them; empty where absent or not fit to be written.
fn own_marks(binding: &Binding) -> (&str, &str) {
    let (instance, flow) = binding.instance.as_deref().and_then(|both| both.rsplit_once(';')).unwrap_or_default();
    let plain = !instance.contains(['"', '\\']);
    let number = flow.bytes().all(|byte| byte.is_ascii_digit());
    (if plain { instance } else { "" }, if plain && number { flow } else { "" })
}
