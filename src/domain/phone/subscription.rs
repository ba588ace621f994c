//! Who watches which phone (RFC 6665): the table of subscriptions and what a notification says. Sends nothing itself.

use crate::base::id::{CallId, LegId};
use crate::domain::phone::activity::{PhoneLeg, Stage};
use crate::protocol::sip::path::{ConnectionId, Path};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The event packages that we have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Package {
    /// RFC 4235.
    Dialog,
    /// RFC 3856.
    Presence,
}

/// What Allow-Events says. There are no mailboxes, so message-summary (RFC 3842) is not among them: a phone that hears 489
/// shows nothing, where a "no" for ever would be a claim that nobody can make.
pub const ALLOW_EVENTS: &str = "dialog, presence";

impl Package {
    /// Reads an Event header's package, which compares byte by byte (RFC 6665 8.2.1).
    pub fn parse(event: &str) -> Option<Package> {
        match event.split(';').next()?.trim() {
            "dialog" => Some(Package::Dialog),
            "presence" => Some(Package::Presence),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Package::Dialog => "dialog",
            Package::Presence => "presence",
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Package::Dialog => "application/dialog-info+xml",
            Package::Presence => "application/pidf+xml",
        }
    }
}

/// How long a subscription lasts at most, and at least.
pub const EXPIRES_MAX: Duration = Duration::from_secs(3_600);
pub const EXPIRES_MIN: Duration = Duration::from_secs(60);

/// One subscription with its dialog.
#[derive(Clone, PartialEq, Debug)]
pub struct Subscription {
    pub package: Package,
    /// The `id` parameter of the Event header, which notifications repeat.
    pub event_id: Option<Box<str>>,
    pub subscriber: Arc<str>,
    pub watched: Arc<str>,
    pub call_id: Box<str>,
    /// Our side as it stands in From of a NOTIFY, without its tag (the tag is the key of the table).
    pub local: Box<str>,
    /// Their side as it stands in To of a NOTIFY, with its tag.
    pub remote: Box<str>,
    /// Their tag alone.
    pub remote_tag: Box<str>,
    /// Request-URI of a NOTIFY.
    pub target: Box<str>,
    pub routes: Vec<Box<str>>,
    pub path: Path,
    pub local_cseq: u32,
    pub remote_cseq: u32,
    pub expires_at: Instant,
    /// Version of the dialog-info document.
    pub version: u32,
    /// A NOTIFY is under way; what changes meanwhile is told after it.
    pub is_asking: bool,
    pub is_stale: bool,
}

/// All subscriptions by our tag.
#[derive(Clone, Debug, Default)]
pub struct Subscriptions {
    all: BTreeMap<Arc<str>, Subscription>,
    watched: BTreeSet<(Arc<str>, Package, Arc<str>)>,
    subscribers: BTreeMap<Arc<str>, usize>,
    expiries: BTreeSet<(Instant, Arc<str>)>,
}

impl Subscriptions {
    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn get(&self, tag: &str) -> Option<&Subscription> {
        self.all.get(tag)
    }

    /// How many one phone has.
    pub fn count_of(&self, subscriber: &str) -> usize {
        self.subscribers.get(subscriber).copied().unwrap_or_default()
    }

    pub fn insert(&mut self, tag: Arc<str>, subscription: Subscription) {
        self.remove(&tag);
        self.watched.insert((subscription.watched.clone(), subscription.package, tag.clone()));
        self.expiries.insert((subscription.expires_at, tag.clone()));
        *self.subscribers.entry(subscription.subscriber.clone()).or_default() += 1;
        self.all.insert(tag, subscription);
    }

    pub fn remove(&mut self, tag: &str) -> Option<Subscription> {
        let (tag, old) = self.all.remove_entry(tag)?;
        self.watched.remove(&(old.watched.clone(), old.package, tag.clone()));
        self.expiries.remove(&(old.expires_at, tag));
        if let Some(count) = self.subscribers.get_mut(&old.subscriber) {
            *count -= 1;
            if *count == 0 {
                self.subscribers.remove(&old.subscriber);
            }
        }
        Some(old)
    }

    /// Changes one; its expiry may move with it.
    pub fn update<R>(&mut self, tag: &str, change: impl FnOnce(&mut Subscription) -> R) -> Option<R> {
        let (name, _) = self.all.get_key_value(tag)?;
        let name = name.clone();
        let subscription = self.all.get_mut(tag)?;
        let before = subscription.expires_at;
        let result = change(subscription);
        if subscription.expires_at != before {
            self.expiries.remove(&(before, name.clone()));
            self.expiries.insert((subscription.expires_at, name));
        }
        Some(result)
    }

    /// The tags of those who watch a phone's package.
    pub fn watching(&self, phone: &str, package: Package) -> Vec<Arc<str>> {
        let from = (Arc::from(phone), package, Arc::from(""));
        self.watched
            .range(from..)
            .take_while(|(watched, other, _)| **watched == *phone && *other == package)
            .map(|(_, _, tag)| tag.clone())
            .collect()
    }

    /// The tags of those of which something is true. Walks them all: for reloads.
    pub fn where_any(&self, holds: impl Fn(&Subscription) -> bool) -> Vec<Arc<str>> {
        self.all.iter().filter(|(_, one)| holds(one)).map(|(tag, _)| tag.clone()).collect()
    }

    /// The tags of those over this connection.
    pub fn over(&self, connection: ConnectionId) -> Vec<Arc<str>> {
        self.where_any(|one| one.path.connection == Some(connection))
    }

    /// One whose time is over; it is still in the table.
    pub fn expired(&self, now: Instant) -> Option<Arc<str>> {
        self.expiries.first().filter(|(at, _)| *at <= now).map(|(_, tag)| tag.clone())
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.expiries.first().map(|(at, _)| *at)
    }
}

/// Every dialog of a phone (RFC 4235), always the full state. It names no other party.
pub fn dialog_info<'a>(
    entity: &str,
    version: u32,
    legs: impl Iterator<Item = (CallId, LegId, &'a PhoneLeg)>,
) -> String {
    let mut body = format!(
        "<?xml version=\"1.0\"?>\r\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{version}\" \
         state=\"full\" entity=\"{}\">\r\n",
        Escaped(entity)
    );
    for (call, leg, entry) in legs {
        let direction = if entry.is_initiator { "initiator" } else { "recipient" };
        let state = match entry.stage {
            Stage::Trying => "trying",
            Stage::Early => "early",
            Stage::Confirmed => "confirmed",
        };
        let _ =
            write!(body, "<dialog id=\"{call}-{leg}\" direction=\"{direction}\"><state>{state}</state></dialog>\r\n");
    }
    body.push_str("</dialog-info>\r\n");
    body
}

/// Open when the phone is registered (RFC 3863).
pub fn presence(entity: &str, is_open: bool) -> String {
    let basic = if is_open { "open" } else { "closed" };
    format!(
        "<?xml version=\"1.0\"?>\r\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{}\">\r\n<tuple id=\"phone\">\
         <status><basic>{basic}</basic></status></tuple>\r\n</presence>\r\n",
        Escaped(entity)
    )
}

/// Text within XML.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&apos;")?,
                c if c.is_control() => f.write_str("?")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::phone::activity::Activity;

    #[test]
    fn the_dialogs_of_a_phone_are_told_without_naming_the_other_side() {
        let mut activity = Activity::default();
        activity.begin(CallId(1), LegId(1), &"bob".into(), false);
        activity.advance(CallId(1), LegId(1), Stage::Early);
        let body = dialog_info("sip:bob@x", 4, activity.legs_of("bob"));
        assert!(body.contains("version=\"4\"") && body.contains("entity=\"sip:bob@x\""), "{body}");
        assert!(body.contains("direction=\"recipient\"><state>early</state>"), "{body}");
    }

    #[test]
    fn nothing_in_a_name_can_break_out_of_the_document() {
        let body = presence("sip:\"><evil/>&\r\n@x", true);
        assert!(body.contains("entity=\"sip:&quot;&gt;&lt;evil/&gt;&amp;??@x\""), "{body}");
    }

    #[test]
    fn a_package_has_one_spelling() {
        assert_eq!(Package::parse("dialog;id=7"), Some(Package::Dialog));
        assert_eq!(Package::parse("Dialog"), None);
        assert_eq!(Package::parse("refer"), None);
    }
}
