//! Session timers (RFC 4028) of one dialog: negotiates, says when to refresh and when to give up. Sends nothing itself.

use crate::base::now::{Now, earliest};
use crate::protocol::sip::message::{HeaderName, Message, Method};
use std::fmt;
use std::time::{Duration, Instant};

/// RFC 4028 4: nothing below 90 seconds.
const SMALLEST: u32 = 90;
/// How often one request is tried again after 422 before the call is given up.
const TOO_SMALL_MAX: u8 = 3;
/// How long after a failed refresh the next is tried, while the session has not expired.
const RETRY: Duration = Duration::from_secs(10);

/// Who refreshes, in the words of the header: relative to the request in which it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refresher {
    Uac,
    Uas,
}

/// The value of a Session-Expires header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionExpires {
    pub seconds: u32,
    pub refresher: Option<Refresher>,
}

impl SessionExpires {
    pub fn parse(value: &str) -> Option<SessionExpires> {
        let mut parts = value.split(';').map(str::trim);
        let digits = parts.next().filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
        let seconds = digits.parse().ok()?;
        let refresher = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            let value = value.trim();
            let is_refresher = name.trim().eq_ignore_ascii_case("refresher");
            match () {
                () if is_refresher && value.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
                () if is_refresher && value.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
                () => None,
            }
        });
        Some(SessionExpires { seconds, refresher })
    }

    fn of(message: &Message) -> Option<SessionExpires> {
        message.get(HeaderName::SessionExpires).and_then(SessionExpires::parse)
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refresher = match self.refresher {
            Some(Refresher::Uac) => ";refresher=uac",
            Some(Refresher::Uas) => ";refresher=uas",
            None => "",
        };
        write!(f, "{}{refresher}", self.seconds)
    }
}

/// What our INVITE or UPDATE says, besides `Supported: timer`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestTerms {
    pub expires: SessionExpires,
    pub min_se: u32,
}

/// What our 2xx says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AnswerTerms {
    pub expires: SessionExpires,
    /// `Require: timer`, because the peer has its part to do.
    pub require: bool,
}

/// Answer 422 with this Min-SE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooSmall {
    pub min_se: u32,
}

/// What has to be done now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionDue {
    /// Send UPDATE (without a body) or re-INVITE (with the description as it is).
    Refresh(Method),
    /// The peer is gone: BYE.
    Expired,
}

/// The timer of one dialog. `None` anywhere in its negotiation means: this session never expires.
#[derive(Clone, Debug)]
pub struct SessionTimer {
    enabled: bool,
    /// What we ask for; grows by 422.
    wish: u32,
    /// The smallest we accept.
    min: u32,
    /// The Min-SE that our requests must say: our own, or what a 422 demanded.
    min_said: u32,
    too_small: u8,
    peer_has_update: bool,
    running: Option<Running>,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    seconds: u32,
    /// Whether we refresh.
    ours: bool,
    /// Whether the peer keeps RFC 4028 too; if not, this is our way to notice that it is gone.
    agreed: bool,
    when_refresh: Option<Instant>,
    when_expired: Instant,
}

impl SessionTimer {
    /// From the profile: what we ask for, and the smallest that we accept.
    pub fn new(enabled: bool, expires: Duration, min: Duration) -> SessionTimer {
        let seconds = |wanted: Duration| u32::try_from(wanted.as_secs()).unwrap_or(u32::MAX).max(SMALLEST);
        let min = seconds(min);
        let wish = seconds(expires).max(min);
        SessionTimer { enabled, wish, min, min_said: min, too_small: 0, peer_has_update: false, running: None }
    }

    /// Takes note of a message of the peer in this dialog: its Allow says whether UPDATE may be used.
    pub fn on_peer(&mut self, message: &Message) {
        if message.get(HeaderName::Allow).is_some() {
            self.peer_has_update = message.has_token(HeaderName::Allow, Method::Update.name());
        }
    }

    /// What the next INVITE, re-INVITE or UPDATE of ours says. In a running session the roles stay as they are (RFC 4028 7.4).
    pub fn request_terms(&self) -> Option<RequestTerms> {
        let refresher = match self.running {
            Some(Running { ours: true, .. }) => Some(Refresher::Uac),
            Some(Running { ours: false, .. }) => Some(Refresher::Uas),
            None => None,
        };
        let seconds = self.running.map_or(self.wish, |running| running.seconds).max(self.min_said);
        self.enabled.then_some(RequestTerms { expires: SessionExpires { seconds, refresher }, min_se: self.min_said })
    }

    /// Our request was refused with 422. Whether to send it again, with `request_terms` as they now are (RFC 4028 7.3).
    #[must_use]
    pub fn on_too_small(&mut self, response: &Message) -> bool {
        let asked = response.number(HeaderName::MinSe).ok().flatten();
        let Some(min_se) = asked.filter(|min_se| *min_se > self.min_said) else { return false };
        self.too_small += 1;
        self.min_said = min_se;
        self.wish = self.wish.max(min_se);
        self.too_small <= TOO_SMALL_MAX
    }

    /// Our INVITE, re-INVITE or UPDATE was answered with 2xx (RFC 4028 7.2).
    pub fn on_answer(&mut self, now: Now, response: &Message) {
        self.on_peer(response);
        self.too_small = 0;
        let agreed = SessionExpires::of(response);
        // A refresher must be named; where it is not, refreshing ourselves is what cannot hurt. Nor can it where the peer
        // has agreed to nothing: that peer may vanish like any other, and must be asked to be missed.
        self.running = self.enabled.then(|| match agreed {
            Some(agreed) => Running::start(now, agreed.seconds, agreed.refresher != Some(Refresher::Uas), true),
            None => Running::start(now, self.wish, true, false),
        });
    }

    /// An INVITE, re-INVITE or UPDATE of the peer: what our 2xx to it says (RFC 4028 9). Takes effect with `on_answered`.
    pub fn on_request(&mut self, request: &Message) -> Result<Option<AnswerTerms>, TooSmall> {
        self.on_peer(request);
        if !self.enabled {
            return Ok(None);
        }
        let supports = request.has_token(HeaderName::Supported, "timer");
        let asked = SessionExpires::of(request);
        let floor = request.number(HeaderName::MinSe).ok().flatten().unwrap_or(SMALLEST).max(SMALLEST);
        let seconds = match asked {
            // Only a peer that knows the extension can understand 422.
            Some(asked) if asked.seconds < self.min && supports => return Err(TooSmall { min_se: self.min }),
            Some(asked) => self.wish.max(floor).min(asked.seconds.max(SMALLEST)),
            None => self.wish.max(floor),
        };
        let wanted = asked.and_then(|asked| asked.refresher);
        let refresher = match (supports, wanted, self.running) {
            (false, ..) => Refresher::Uas,
            (true, Some(wanted), _) => wanted,
            (true, None, Some(Running { ours: false, .. })) => Refresher::Uac,
            (true, None, _) => Refresher::Uas,
        };
        let expires = SessionExpires { seconds, refresher: Some(refresher) };
        Ok(Some(AnswerTerms { expires, require: supports }))
    }

    /// Our 2xx with these terms went out.
    pub fn on_answered(&mut self, now: Now, terms: Option<AnswerTerms>) {
        self.running = terms.map(|AnswerTerms { expires, require }| {
            Running::start(now, expires.seconds, expires.refresher != Some(Refresher::Uac), require)
        });
    }

    /// A refresh of ours failed for now (491, 5xx, 503): again soon, until the session expires. After 408 or 481, or no answer
    /// at all, the dialog is over and this is not for it (RFC 4028 7.2, RFC 3261 12.2.1.2).
    pub fn on_refresh_refused(&mut self, now: Now) {
        if let Some(running) = self.running.filter(|running| running.ours && !running.agreed) {
            // A peer that never agreed to refreshes may refuse them: it lives, and that was the question.
            self.running = Some(Running::start(now, running.seconds, true, false));
        } else {
            self.on_refresh_failed(now);
        }
    }

    /// A refresh of ours could not be sent now: again soon.
    pub fn on_refresh_failed(&mut self, now: Now) {
        if let Some(running) = &mut self.running
            && running.ours
        {
            running.when_refresh = Some(now.instant + RETRY);
        }
    }

    /// The next thing that is due, each once.
    #[must_use]
    pub fn handle_deadline(&mut self, now: Now) -> Option<SessionDue> {
        let running = self.running.as_mut()?;
        if running.when_expired <= now.instant {
            self.running = None;
            return Some(SessionDue::Expired);
        }
        running.when_refresh.filter(|when| *when <= now.instant)?;
        running.when_refresh = None;
        Some(SessionDue::Refresh(if self.peer_has_update { Method::Update } else { Method::Invite }))
    }

    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.running.and_then(|running| earliest(running.when_refresh, Some(running.when_expired)))
    }
}

impl Running {
    fn start(now: Now, seconds: u32, ours: bool, agreed: bool) -> Running {
        // RFC 4028 4: a foreign value below the minimum would have us refresh without pause.
        let seconds = seconds.max(SMALLEST);
        let whole = Duration::from_secs(u64::from(seconds));
        // RFC 4028 10: BYE a little before the session expires.
        let margin = (whole / 3).min(Duration::from_secs(32));
        Running {
            seconds,
            ours,
            agreed,
            when_refresh: ours.then(|| now.instant + whole / 2),
            when_expired: now.instant + whole - margin,
        }
    }
}

#[cfg(test)]
mod tests;
