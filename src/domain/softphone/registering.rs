//! The softphone says where it is, again and again, and that it is there no more. Its own proof is its password.

use crate::base::entropy::Entropy;
use crate::base::now::Now;
use crate::domain::softphone::phone::{Asked, Softphone};
use crate::protocol::sip::digest::client::{Challenge, Login};
use crate::protocol::sip::message::value::NameAddr;
use crate::protocol::sip::message::{HeaderName, Message, Method, Writer};
use crate::protocol::sip::stamp;
use std::time::{Duration, Instant};

/// How long a registration is asked for, and when it is tried again that failed.
const EXPIRES: u32 = 600;
const AGAIN: Duration = Duration::from_secs(5);

pub(super) struct Registration {
    call_id: String,
    tag: String,
    cseq: u32,
    expires: u32,
    is_wanted: bool,
    pub is_there: bool,
    /// The last request brought credentials: if that is not enough, nothing is.
    is_proven: bool,
    pub when_again: Option<Instant>,
}

impl Registration {
    pub fn new(entropy: &mut Entropy) -> Registration {
        Registration {
            call_id: stamp::call_id(entropy),
            tag: format!("{:016x}", entropy.number()),
            cseq: 0,
            expires: EXPIRES,
            is_wanted: false,
            is_there: false,
            is_proven: false,
            when_again: None,
        }
    }

    pub fn failed(&mut self, now: Now) {
        self.is_there = false;
        self.when_again = self.is_wanted.then(|| now.instant + AGAIN);
    }
}

impl Softphone {
    /// Is there from now on, or no more.
    pub fn register(&mut self, now: Now, is_wanted: bool) {
        if self.registration.is_wanted == is_wanted {
            return;
        }
        self.registration.is_wanted = is_wanted;
        self.registration.is_proven = self.login.is_some();
        self.send_register(now);
        self.work(now);
    }

    fn send_register(&mut self, now: Now) {
        self.registration.when_again = None;
        self.registration.cseq += 1;
        let (key, branch, via) = self.next_via();
        let own = &self.registration;
        let uri = format!("sip:{}", self.account.realm);
        let person = format!("<sip:{}@{}>", self.account.name, self.account.realm);
        let expires = if own.is_wanted { own.expires } else { 0 };
        let mut writer = Writer::request("REGISTER", &uri);
        writer
            .header(HeaderName::Via, via)
            .header(HeaderName::MaxForwards, 70)
            .header(HeaderName::From, format_args!("{person};tag={}", own.tag))
            .header(HeaderName::To, &person)
            .header(HeaderName::CallId, &own.call_id)
            .header(HeaderName::CSeq, format_args!("{} REGISTER", own.cseq))
            .header(HeaderName::Contact, format_args!("{};expires={expires}", self.contact()));
        if let Some((name, value)) = self.credentials("REGISTER", &uri) {
            writer.header(name, value);
        }
        self.start(now, Asked::Register, (Method::Register, branch, writer.finish()), key);
    }

    pub(super) fn registered(&mut self, now: Now, response: &Message) {
        match response.status() {
            100..200 => {}
            200..300 => {
                let own = &mut self.registration;
                (own.is_there, own.is_proven) = (own.is_wanted, true);
                let granted = granted(response, &self.host).unwrap_or(self.registration.expires);
                let again = Duration::from_secs(u64::from(granted / 2).max(5));
                self.registration.when_again = self.registration.is_wanted.then(|| now.instant + again);
                self.changed();
            }
            401 | 407 => {
                let challenge = Challenge::strongest(response, "");
                let may_try = challenge.as_ref().is_some_and(|one| one.stale) || !self.registration.is_proven;
                match challenge.filter(|_| may_try) {
                    Some(challenge) => {
                        self.login = Some(Login::new(challenge));
                        self.registration.is_proven = true;
                        self.send_register(now);
                    }
                    None => {
                        (self.login, self.registration.is_proven) = (None, false);
                        self.registration.failed(now);
                    }
                }
            }
            423 => {
                let least = response.number(HeaderName::MinExpires).ok().flatten().unwrap_or(0);
                let may_try = least > self.registration.expires && least <= 604_800;
                self.registration.expires = if may_try { least } else { EXPIRES };
                if may_try { self.send_register(now) } else { self.registration.failed(now) }
            }
            _ => self.registration.failed(now),
        }
    }

    pub(super) fn registration_due(&mut self, now: Now) {
        if self.registration.when_again.is_some_and(|at| at <= now.instant) {
            self.registration.is_proven = self.login.is_some();
            self.send_register(now);
        }
    }
}

/// For how long our own contact is there.
fn granted(response: &Message, host: &str) -> Option<u32> {
    let mut own = response.values(HeaderName::Contact).filter(|contact| contact.contains(host));
    let contact = NameAddr::parse(own.next()?, HeaderName::Contact).ok()?;
    contact.params.value("expires")?.parse().ok()
}
