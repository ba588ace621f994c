//! Our registration with a carrier (RFC 3261 10.2): when to ask, whom, and what an answer means. Sends nothing itself.

use crate::base::entropy::Entropy;
use crate::base::now::Now;
use crate::domain::trunk::health::jittered;
use crate::domain::trunk::settings::{Credentials, Registration};
use crate::protocol::sip::digest::client::{Challenge, Login};
use crate::protocol::sip::message::value::NameAddr;
use crate::protocol::sip::message::{HeaderName, Message, Method};
use crate::protocol::sip::path::Target;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What is to be done next. At most one thing is ever under way.
#[derive(Clone, PartialEq, Debug)]
pub enum Wish {
    /// Where is the trunk's target of this index? Answered with `resolved`.
    Resolve { target_index: u16 },
    /// Send a REGISTER; `expires` zero ends the registration. Answered with `answered` or `silent`.
    Send { target: Target, expires: Duration },
}

/// What the rest of the switchboard wants to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    Registered,
    /// With the status that ended it; 408 when nobody answered.
    Lost(u16),
}

/// What follows from something that happened.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Step {
    pub wish: Option<Wish>,
    pub change: Option<Change>,
}

#[derive(Clone, PartialEq, Debug)]
enum State {
    /// When the next attempt begins.
    Waiting {
        when_begin: Instant,
    },
    Resolving,
    /// A REGISTER is under way. Challenges answered so far in this attempt.
    Asking {
        target: Target,
        challenges: u8,
    },
    /// When to refresh, and when the carrier forgets us.
    Registered {
        target: Target,
        when_refresh: Instant,
        when_lost: Instant,
    },
    /// Refreshing or moving while the old registration still holds until `when_lost`.
    Leaving {
        challenges: u8,
        target: Target,
    },
    Left,
}

/// Challenges answered in a row before the attempt fails: a carrier that changes its nonce each time would never end.
const CHALLENGES_MAX: u8 = 2;

/// The registration of one trunk.
#[derive(Clone, Debug)]
pub struct Registering {
    settings: Registration,
    state: State,
    /// How many targets the trunk has, and which is being tried.
    target_count: u16,
    target_index: u16,
    /// Further addresses of the target that is being tried.
    candidates: Vec<Target>,
    /// Where the carrier may call from while we are registered.
    addresses: Vec<IpAddr>,
    /// What the carrier insists on (423).
    expires: Duration,
    failures: u32,
    /// Registered as far as the carrier knows, also while a refresh is under way.
    when_lost: Option<Instant>,
    service_route: Vec<Box<str>>,
    call_id: Box<str>,
    from_tag: Box<str>,
    cseq: u32,
    /// The carrier's last challenge: a refresh answers it unasked (RFC 7616 3.6).
    login: Option<Login>,
}

impl Registering {
    pub fn new(settings: Registration, target_count: u16, names: (Box<str>, Box<str>), now: Now) -> Registering {
        let expires = settings.expires;
        let (call_id, from_tag) = names;
        Registering {
            settings,
            state: State::Waiting { when_begin: now.instant },
            target_count,
            target_index: 0,
            candidates: Vec::new(),
            addresses: Vec::new(),
            expires,
            failures: 0,
            when_lost: None,
            service_route: Vec::new(),
            call_id,
            from_tag,
            cseq: 0,
            login: None,
        }
    }

    pub fn settings(&self) -> &Registration {
        &self.settings
    }

    pub fn is_registered(&self) -> bool {
        self.when_lost.is_some()
    }

    pub fn has_left(&self) -> bool {
        self.state == State::Left
    }

    /// Whether a message from this address may be the carrier that we are registered with.
    pub fn comes_from(&self, address: IpAddr) -> bool {
        self.is_registered() && self.addresses.contains(&address.to_canonical())
    }

    /// Routes that calls to the carrier must take (RFC 3608).
    pub fn service_route(&self) -> &[Box<str>] {
        &self.service_route
    }

    /// Call-ID, From tag and the next CSeq: one set for the life of the registration (RFC 3261 10.2).
    pub fn next_names(&mut self) -> (&str, &str, u32) {
        self.cseq += 1;
        (&self.call_id, &self.from_tag, self.cseq)
    }

    /// A challenge that our credentials are for: from now on every REGISTER answers it.
    pub fn note_challenge(&mut self, challenge: Challenge) {
        self.login = Some(Login::new(challenge));
    }

    /// The credentials of the next REGISTER, with the nonce's next count; nothing before the first challenge.
    pub fn credentials(&mut self, own: &Credentials, uri: &str, entropy: &mut Entropy) -> Option<(HeaderName, String)> {
        let login = self.login.as_mut()?;
        let value = login.answer(&own.user, &own.password, Method::Register.name(), uri, entropy);
        Some((login.header(), value))
    }

    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting { when_begin } => Some(self.when_lost.map_or(*when_begin, |lost| lost.min(*when_begin))),
            State::Registered { when_refresh, .. } => Some(*when_refresh),
            State::Asking { .. } | State::Resolving => self.when_lost,
            State::Leaving { .. } | State::Left => None,
        }
    }

    pub fn handle_deadline(&mut self, now: Now) -> Step {
        let mut step = Step::default();
        if self.when_lost.is_some_and(|at| at <= now.instant) {
            self.when_lost = None;
            step.change = Some(Change::Lost(408));
        }
        match &self.state {
            State::Waiting { when_begin } if *when_begin <= now.instant => step.wish = Some(self.resolve()),
            State::Registered { target, when_refresh, .. } if *when_refresh <= now.instant => {
                let target = target.clone();
                step.wish = Some(self.ask(target, 0));
            }
            _ => {}
        }
        step
    }

    /// The addresses of the target that was asked for.
    pub fn resolved(&mut self, now: Now, targets: Vec<Target>, entropy: &mut Entropy) -> Step {
        if self.state != State::Resolving {
            return Step::default();
        }
        self.addresses = targets.iter().map(|target| target.path.remote.ip().to_canonical()).collect();
        self.candidates = targets;
        self.try_next(now, None, 404, entropy)
    }

    /// A final answer that is no challenge, or a challenge that cannot be answered.
    pub fn answered(&mut self, now: Now, message: &Message, contact_user: &str, entropy: &mut Entropy) -> Step {
        match &self.state {
            State::Leaving { .. } => {
                self.state = State::Left;
                return self.lost(message.status());
            }
            State::Asking { .. } => {}
            _ => return Step::default(),
        }
        match message.status() {
            200..=299 => self.registered(now, message, contact_user),
            423 => self.too_brief(now, message, entropy),
            status @ (408 | 500..=599) => {
                let wait = retry_after(message);
                self.try_next(now, wait, status, entropy)
            }
            status => self.back_off(now, retry_after(message), status, entropy),
        }
    }

    /// A challenge that we have an answer for: ask again with it, unless the carrier keeps changing its mind.
    pub fn challenged(&mut self, now: Now, status: u16, entropy: &mut Entropy) -> Step {
        match self.state.clone() {
            State::Asking { target, challenges } if challenges < CHALLENGES_MAX => {
                Step { wish: Some(self.ask(target, challenges + 1)), change: None }
            }
            State::Asking { .. } => self.back_off(now, None, status, entropy),
            State::Leaving { target, challenges } if challenges < CHALLENGES_MAX => {
                self.state = State::Leaving { target: target.clone(), challenges: challenges + 1 };
                Step { wish: Some(Wish::Send { target, expires: Duration::ZERO }), change: None }
            }
            State::Leaving { .. } => {
                self.state = State::Left;
                self.lost(status)
            }
            _ => Step::default(),
        }
    }

    /// No answer, or no way to deliver the request.
    pub fn silent(&mut self, now: Now, entropy: &mut Entropy) -> Step {
        match &self.state {
            State::Asking { .. } => self.try_next(now, None, 408, entropy),
            State::Leaving { .. } => {
                self.state = State::Left;
                self.lost(408)
            }
            _ => Step::default(),
        }
    }

    /// The connection over which we are registered is gone: the carrier cannot call us, so register again at once.
    pub fn connection_closed(&mut self, now: Now, remote: std::net::SocketAddr) -> bool {
        match &self.state {
            State::Registered { target, .. } if target.path.transport.is_reliable() && target.path.remote == remote => {
                self.state = State::Waiting { when_begin: now.instant };
                true
            }
            _ => false,
        }
    }

    /// Ends the registration: the drain, or a reload that removed it.
    pub fn leave(&mut self) -> Step {
        match self.state.clone() {
            State::Registered { target, .. } | State::Asking { target, .. } if self.is_registered() => {
                self.state = State::Leaving { target: target.clone(), challenges: 0 };
                Step { wish: Some(Wish::Send { target, expires: Duration::ZERO }), change: None }
            }
            State::Leaving { .. } => Step::default(),
            _ => {
                self.state = State::Left;
                Step::default()
            }
        }
    }

    fn resolve(&mut self) -> Wish {
        self.state = State::Resolving;
        Wish::Resolve { target_index: self.target_index }
    }

    fn ask(&mut self, target: Target, challenges: u8) -> Wish {
        self.state = State::Asking { target: target.clone(), challenges };
        Wish::Send { target, expires: self.expires }
    }

    fn registered(&mut self, now: Now, message: &Message, contact_user: &str) -> Step {
        let State::Asking { target, .. } = self.state.clone() else { return Step::default() };
        let granted = granted(message, contact_user).unwrap_or(self.expires);
        let was = self.is_registered();
        self.failures = 0;
        self.service_route = message.values(HeaderName::ServiceRoute).take(8).map(Into::into).collect();
        let when_lost = now.instant + granted;
        self.when_lost = Some(when_lost);
        self.state = State::Registered { target, when_refresh: now.instant + refresh_after(granted), when_lost };
        Step { wish: None, change: (!was).then_some(Change::Registered) }
    }

    fn too_brief(&mut self, now: Now, message: &Message, entropy: &mut Entropy) -> Step {
        let asked = message.number(HeaderName::MinExpires).ok().flatten().map(u64::from).map(Duration::from_secs);
        match (asked, self.state.clone()) {
            (Some(asked), State::Asking { target, challenges }) if asked > self.expires => {
                self.expires = asked;
                Step { wish: Some(self.ask(target, challenges)), change: None }
            }
            _ => self.back_off(now, None, 423, entropy),
        }
    }

    /// The next address of this target, else the next target, else a pause.
    fn try_next(&mut self, now: Now, wait: Option<Duration>, status: u16, entropy: &mut Entropy) -> Step {
        if !self.candidates.is_empty() {
            let target = self.candidates.remove(0);
            return Step { wish: Some(self.ask(target, 0)), change: None };
        }
        if self.target_index + 1 < self.target_count {
            self.target_index += 1;
            return Step { wish: Some(self.resolve()), change: None };
        }
        self.back_off(now, wait, status, entropy)
    }

    /// Pauses twice as long after each failure, between the configured bounds.
    fn back_off(&mut self, now: Now, wait: Option<Duration>, status: u16, entropy: &mut Entropy) -> Step {
        let doubled = self.settings.retry_min.saturating_mul(1u32.checked_shl(self.failures.min(16)).unwrap_or(1));
        let pause = doubled.clamp(self.settings.retry_min, self.settings.retry_max.max(self.settings.retry_min));
        let pause = jittered(pause, entropy).max(wait.unwrap_or_default().min(self.settings.retry_max));
        self.failures += 1;
        self.target_index = 0;
        self.candidates.clear();
        self.state = State::Waiting { when_begin: now.instant + pause };
        // The carrier's "no" ends the registration at once; its silence only when the granted time is over.
        let refused = (300..700).contains(&status) && status != 408 && status < 500;
        if refused || !self.is_registered() { self.lost(status) } else { Step::default() }
    }

    fn lost(&mut self, status: u16) -> Step {
        self.when_lost = None;
        self.service_route.clear();
        Step { wish: None, change: Some(Change::Lost(status)) }
    }
}

/// Nine tenths of a short time, a minute before the end of a long one.
fn refresh_after(granted: Duration) -> Duration {
    let margin = (granted / 10).min(Duration::from_secs(60)).max(Duration::from_millis(500));
    granted.saturating_sub(margin).max(Duration::from_secs(1))
}

/// What the registrar granted: the parameter of our contact, else the header (RFC 3261 10.2.4).
fn granted(message: &Message, contact_user: &str) -> Option<Duration> {
    let ours = message.values(HeaderName::Contact).find_map(|value| {
        let contact = NameAddr::parse(value, HeaderName::Contact).ok()?;
        let is_ours = contact.uri.user == Some(contact_user);
        is_ours.then(|| contact.params.value("expires").and_then(|text| text.parse::<u32>().ok())).flatten()
    });
    let seconds = ours.or_else(|| message.number(HeaderName::Expires).ok().flatten())?;
    (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)))
}

/// Seconds of Retry-After, which may be followed by a comment or parameters (RFC 3261 20.33).
fn retry_after(message: &Message) -> Option<Duration> {
    let text = message.get(HeaderName::RetryAfter)?;
    let digits: &str = text.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse::<u32>().ok().map(|seconds| Duration::from_secs(u64::from(seconds)))
}
