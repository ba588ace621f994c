//! SUBSCRIBE of phones and the NOTIFY requests that follow (RFC 6665). Each subscription has at most one NOTIFY under way.

use crate::base::id::{CallId, LegId};
use crate::base::limits::{SUBSCRIPTIONS_MAX, SUBSCRIPTIONS_PER_PHONE_MAX};
use crate::base::now::Now;
use crate::domain::phone::settings::Phone;
use crate::domain::phone::subscription::{
    ALLOW_EVENTS, EXPIRES_MAX, EXPIRES_MIN, Package, Subscription, dialog_info, presence,
};
use crate::domain::switchboard::board::{Pending, Switchboard};
use crate::domain::switchboard::request::{Names, Side};
use crate::protocol::sip::message::{HeaderName, Message, Method};
use crate::protocol::sip::path::{Path, Target};
use crate::protocol::sip::stamp;
use crate::protocol::sip::transaction::set::{ClientRequest, ServerKey};
use std::sync::Arc;
use std::time::Duration;

/// What a SUBSCRIBE asks for.
struct Asked {
    package: Package,
    event_id: Option<Box<str>>,
    expires: Duration,
}

impl Switchboard {
    pub(super) fn subscribe(&mut self, now: Now, server: ServerKey, from: Path, (phone, message): (&Phone, &Message)) {
        let event = message.get(HeaderName::Event).unwrap_or_default();
        let Some(package) = Package::parse(event) else {
            return self.respond(now, server, from, (message, 489, "Bad Event"), |writer| {
                writer.header(HeaderName::AllowEvents, ALLOW_EVENTS);
            });
        };
        let expires = match message.number(HeaderName::Expires) {
            Ok(Some(seconds)) => Duration::from_secs(u64::from(seconds)),
            Ok(None) => EXPIRES_MAX,
            Err(_) => return self.respond(now, server, from, (message, 400, "Bad Expires"), |_| {}),
        };
        if !expires.is_zero() && expires < EXPIRES_MIN {
            return self.respond(now, server, from, (message, 423, "Interval Too Brief"), |writer| {
                writer.header(HeaderName::MinExpires, EXPIRES_MIN.as_secs());
            });
        }
        let event_id = event.split(';').skip(1).find_map(|param| param.trim().strip_prefix("id=")).map(Into::into);
        let asked = Asked { package, event_id, expires: expires.min(EXPIRES_MAX) };
        match message.to_tag() {
            Some(tag) => self.resubscribe(now, server, from, (phone, message, tag, asked)),
            None => self.subscribe_anew(now, server, from, (phone, message, asked)),
        }
    }

    fn subscribe_anew(
        &mut self,
        now: Now,
        server: ServerKey,
        from: Path,
        (phone, message, asked): (&Phone, &Message, Asked),
    ) {
        let wanted = message.uri().ok().and_then(|uri| uri.user_decoded()).unwrap_or_default();
        let Some(watched) = self.index.phone(&wanted).filter(|watched| watched.profile == phone.profile) else {
            return self.respond(now, server, from, (message, 404, "Not Found"), |_| {});
        };
        let watched = watched.name.clone();
        let full = self.subscriptions.len() >= SUBSCRIPTIONS_MAX
            || self.subscriptions.count_of(&phone.name) >= SUBSCRIPTIONS_PER_PHONE_MAX;
        if full {
            return self.respond(now, server, from, (message, 503, "Too Many Subscriptions"), |writer| {
                writer.header(HeaderName::RetryAfter, 60);
            });
        }
        let (Ok(Some(contact)), Ok(cseq), Some(remote_tag)) = (message.contact(), message.cseq(), message.from_tag())
        else {
            return self.respond(now, server, from, (message, 400, "Contact Missing"), |_| {});
        };
        let tag: Arc<str> = stamp::tag(CallId::SWITCHBOARD, LegId::CALLER, 0, &mut self.entropy).into();
        let subscription = Subscription {
            package: asked.package,
            event_id: asked.event_id,
            subscriber: phone.name.clone(),
            watched,
            call_id: message.call_id().into(),
            local: message.get(HeaderName::To).unwrap_or_default().into(),
            remote: message.get(HeaderName::From).unwrap_or_default().into(),
            remote_tag: remote_tag.into(),
            target: contact.uri.text.into(),
            routes: message.values(HeaderName::RecordRoute).take(8).map(Into::into).collect(),
            path: from,
            local_cseq: 0,
            remote_cseq: cseq.number,
            expires_at: now.instant + asked.expires,
            version: 0,
            is_asking: false,
            is_stale: false,
        };
        self.subscriptions.insert(tag.clone(), subscription);
        self.accept(now, server, from, (message, &tag, asked.expires));
    }

    fn resubscribe(
        &mut self,
        now: Now,
        server: ServerKey,
        from: Path,
        (phone, message, tag, asked): (&Phone, &Message, &str, Asked),
    ) {
        let cseq = message.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let target: Option<Box<str>> = message.contact().ok().flatten().map(|contact| contact.uri.text.into());
        let known = self.subscriptions.get(tag).is_some_and(|one| {
            one.subscriber == phone.name
                && *one.call_id == *message.call_id()
                && message.from_tag() == Some(&*one.remote_tag)
                && one.package == asked.package
        });
        if !known {
            return self.respond(now, server, from, (message, 481, "Subscription Does Not Exist"), |_| {});
        }
        let fresh = self.subscriptions.update(tag, |one| {
            let fresh = cseq > one.remote_cseq;
            if fresh {
                one.remote_cseq = cseq;
                one.expires_at = now.instant + asked.expires;
                one.path = from;
                one.target = target.unwrap_or_else(|| one.target.clone());
            }
            fresh
        });
        if fresh != Some(true) {
            return self.respond(now, server, from, (message, 500, "CSeq Out of Order"), |_| {});
        }
        let tag: Arc<str> = tag.into();
        self.accept(now, server, from, (message, &tag, asked.expires));
    }

    /// 200, and the state at once; with no time left that is also the last word (RFC 6665 4.2.1.4).
    fn accept(
        &mut self,
        now: Now,
        server: ServerKey,
        from: Path,
        (message, tag, expires): (&Message, &Arc<str>, Duration),
    ) {
        let index = self.index.clone();
        let Some((profile, listener)) = index.listener(from.listener) else { return };
        let side = Side { profile, listener, transport: from.transport };
        let mut writer = crate::protocol::sip::message::Writer::reply(message, from.remote, 200, "OK", Some(tag));
        writer.header(HeaderName::Contact, side.contact("offhook")).header(HeaderName::Expires, expires.as_secs());
        self.transactions.respond(now, server, 200, writer.finish());
        if expires.is_zero() {
            return self.end_subscription(now, tag, "timeout");
        }
        self.notify(now, tag, None);
    }

    pub(super) fn notify_watchers(&mut self, now: Now, phone: &str, package: Package) {
        if self.subscriptions.is_empty() {
            return;
        }
        for tag in self.subscriptions.watching(phone, package) {
            self.notify(now, &tag, None);
        }
    }

    /// Tells the watcher that it is over, and why (RFC 6665 4.1.3), and forgets it.
    pub(super) fn end_subscription(&mut self, now: Now, tag: &Arc<str>, reason: &'static str) {
        self.notify(now, tag, Some(reason));
        self.subscriptions.remove(tag);
    }

    pub(super) fn expire_subscriptions(&mut self, now: Now) {
        while let Some(tag) = self.subscriptions.expired(now.instant) {
            self.end_subscription(now, &tag, "timeout");
        }
    }

    /// Sends the state; while a NOTIFY is under way only the last word goes out at once.
    fn notify(&mut self, now: Now, tag: &Arc<str>, over: Option<&'static str>) {
        let waits = self.subscriptions.update(tag, |one| {
            let waits = one.is_asking && over.is_none();
            one.is_stale = waits;
            if !waits {
                one.is_asking = true;
                one.local_cseq += 1;
            }
            waits
        });
        if waits != Some(false) {
            return;
        }
        let index = self.index.clone();
        let Some(one) = self.subscriptions.get(tag).cloned() else { return };
        let Some((profile, listener)) = index.listener(one.path.listener) else { return };
        let side = Side { profile, listener, transport: one.path.transport };
        let key = self.transactions.next_key();
        let own = format!("{};tag={tag}", one.local);
        let names = Names { from: &own, to: &one.remote, call_id: &one.call_id, cseq: one.local_cseq };
        let (mut writer, branch) = side.request((Method::Notify, &one.target), key, &names, &mut self.entropy);
        for route in &one.routes {
            writer.header(HeaderName::Route, route);
        }
        let left = one.expires_at.saturating_duration_since(now.instant).as_secs();
        writer.header(HeaderName::Contact, side.contact("offhook"));
        match &one.event_id {
            Some(id) => writer.header(HeaderName::Event, format_args!("{};id={id}", one.package.name())),
            None => writer.header(HeaderName::Event, one.package.name()),
        };
        match over {
            Some(reason) => writer.header(HeaderName::SubscriptionState, format_args!("terminated;reason={reason}")),
            None => writer.header(HeaderName::SubscriptionState, format_args!("active;expires={left}")),
        };
        let body = self.body_of(&one, &profile.realm);
        let bytes = writer.finish_with(one.package.content_type(), body.as_bytes());
        let target = Target { path: one.path, tls_name: None };
        self.pending.insert(key.0, Pending::Notify { tag: tag.clone() });
        let request = ClientRequest { method: Method::Notify, target, branch, bytes, no_response: None };
        self.transactions.request(now, key, request);
        self.subscriptions.update(tag, |one| one.version = one.version.wrapping_add(1));
    }

    fn body_of(&self, one: &Subscription, realm: &str) -> String {
        let entity = format!("sip:{}@{realm}", one.watched);
        match one.package {
            Package::Dialog => dialog_info(&entity, one.version, self.activity.legs_of(&one.watched)),
            Package::Presence => presence(&entity, self.bindings.is_registered(&one.watched)),
        }
    }

    /// A watcher that says that it does not know the subscription, or says nothing, has none (RFC 6665 4.2.2).
    pub(super) fn notify_answered(&mut self, now: Now, tag: &Arc<str>, status: u16) {
        if !(200..300).contains(&status) {
            return self.notify_failed(tag);
        }
        let stale = self.subscriptions.update(tag, |one| {
            one.is_asking = false;
            one.is_stale
        });
        if stale == Some(true) {
            self.notify(now, tag, None);
        }
    }

    pub(super) fn notify_failed(&mut self, tag: &Arc<str>) {
        self.subscriptions.remove(tag);
    }
}
