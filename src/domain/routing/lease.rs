//! The right to command one call: one holder at a time, each with a token that no other had. Commands nothing itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a holder shows with each order. A later one fences off all earlier ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Token(pub u64);

/// Who may command, and since which token. Without a holder only what was declared happens.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lease {
    last: u64,
    held: Option<Held>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Held {
    holder: Arc<str>,
    token: Token,
    /// The holder is gone: until then it may come back.
    until: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeaseFault {
    /// Nobody holds the call.
    NotHeld,
    /// The token was right once.
    Stale,
    /// It is somebody else's, or was never given out.
    NotYours,
}

impl LeaseFault {
    pub fn code(self) -> &'static str {
        match self {
            LeaseFault::NotHeld => "no_lease",
            LeaseFault::Stale => "stale_token",
            LeaseFault::NotYours => "not_your_lease",
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            LeaseFault::NotHeld => "nobody holds a lease of this call",
            LeaseFault::Stale => "the lease has gone on to a later token",
            LeaseFault::NotYours => "this token was not given to you for this call",
        }
    }
}

impl Lease {
    /// From now on this holder commands, and nobody who held it before.
    pub fn take(&mut self, holder: Arc<str>) -> Token {
        self.last = self.last.saturating_add(1);
        let token = Token(self.last);
        self.held = Some(Held { holder, token, until: None });
        token
    }

    /// Whether an order with this token may be done.
    pub fn check(&self, holder: &str, token: Token) -> Result<(), LeaseFault> {
        match &self.held {
            Some(held) if held.token == token && *held.holder == *holder => Ok(()),
            Some(held) if token < held.token => Err(LeaseFault::Stale),
            None if token.0 <= self.last && token.0 > 0 => Err(LeaseFault::Stale),
            Some(_) => Err(LeaseFault::NotYours),
            None => Err(LeaseFault::NotHeld),
        }
    }

    pub fn holder(&self) -> Option<&Arc<str>> {
        self.held.as_ref().map(|held| &held.holder)
    }

    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// To another holder.
    pub fn hand_over(&mut self, from: (&str, Token), to: Arc<str>) -> Result<Token, LeaseFault> {
        self.check(from.0, from.1)?;
        Ok(self.take(to))
    }

    /// The holder wants it no more. Gives who that was.
    pub fn release(&mut self) -> Option<Arc<str>> {
        self.held.take().map(|held| held.holder)
    }

    /// The holder cannot be reached any more. True where it is over at once: without grace nobody waits for it.
    pub fn holder_gone(&mut self, holder: &str, now: Instant, grace: Duration) -> bool {
        let Some(held) = self.held.as_mut().filter(|held| *held.holder == *holder) else { return false };
        if grace.is_zero() {
            self.held = None;
            return true;
        }
        if held.until.is_none() {
            held.until = now.checked_add(grace);
        }
        false
    }

    /// The same holder is back within the grace, or simply has lost its connection's place: a new token, the old one is stale.
    pub fn resume(&mut self, holder: &str, token: Token) -> Result<Token, LeaseFault> {
        self.check(holder, token)?;
        Ok(self.take(holder.into()))
    }

    /// True when the grace is over and nobody came back: the lease is gone.
    pub fn handle_deadline(&mut self, now: Instant) -> bool {
        let is_over = self.deadline().is_some_and(|until| until <= now);
        if is_over {
            self.held = None;
        }
        is_over
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.held.as_ref().and_then(|held| held.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GRACE: Duration = Duration::from_secs(10);

    #[test]
    fn one_holder_commands_and_its_token_is_good_for_it_alone() {
        let mut lease = Lease::default();
        assert_eq!(lease.check("a", Token(1)), Err(LeaseFault::NotHeld));
        let token = lease.take("a".into());
        assert_eq!(lease.check("a", token), Ok(()));
        assert_eq!(lease.check("b", token), Err(LeaseFault::NotYours));
        assert_eq!(lease.check("a", Token(99)), Err(LeaseFault::NotYours));
    }

    #[test]
    fn after_a_hand_over_the_old_token_is_stale() {
        let mut lease = Lease::default();
        let first = lease.take("a".into());
        let second = lease.hand_over(("a", first), "b".into()).expect("the holder may hand over");
        assert_eq!(lease.check("a", first), Err(LeaseFault::Stale));
        assert_eq!(lease.check("b", second), Ok(()));
        assert_eq!(lease.hand_over(("a", first), "c".into()), Err(LeaseFault::Stale), "it is not its to give");
        lease.release();
        assert_eq!(lease.check("b", second), Err(LeaseFault::Stale));
    }

    #[test]
    fn a_holder_that_is_gone_comes_back_within_the_grace_or_not_at_all() {
        let start = Instant::now();
        let mut lease = Lease::default();
        let token = lease.take("a".into());
        assert!(!lease.holder_gone("b", start, GRACE), "that is not the holder");
        assert!(!lease.holder_gone("a", start, GRACE));
        assert!(!lease.handle_deadline(start + GRACE / 2));
        let again = lease.resume("a", token).expect("back in time");
        assert_eq!(lease.deadline(), None);
        assert!(!lease.handle_deadline(start + GRACE * 2), "the grace is over and forgotten");
        assert_eq!(lease.check("a", token), Err(LeaseFault::Stale));
        assert!(!lease.holder_gone("a", start, GRACE));
        assert!(lease.handle_deadline(start + GRACE));
        assert_eq!(lease.resume("a", again), Err(LeaseFault::Stale));
    }

    #[test]
    fn without_grace_it_is_over_at_once() {
        let mut lease = Lease::default();
        lease.take("a".into());
        assert!(lease.holder_gone("a", Instant::now(), Duration::ZERO));
        assert!(!lease.is_held());
    }

    proptest! {
        /// Whatever happens in whatever order, of all tokens that were ever given out at most the last one is good.
        #[test]
        fn only_the_last_token_is_ever_good(turns in proptest::collection::vec((0..5_u8, 0..3_u8, 0..8_u64), 1..60)) {
            let (mut lease, mut given, mut now) = (Lease::default(), Vec::new(), Instant::now());
            let names = ["a", "b", "c"];
            for (turn, who, token) in turns {
                let (who, token) = (names[usize::from(who)], Token(token));
                match turn {
                    0 => given.push(lease.take(who.into())),
                    1 => given.extend(lease.hand_over((who, token), "c".into()).ok()),
                    2 => given.extend(lease.resume(who, token).ok()),
                    3 => { lease.holder_gone(who, now, GRACE); }
                    _ => { now += GRACE; lease.handle_deadline(now); }
                }
                let mut sorted = given.clone();
                sorted.sort();
                sorted.dedup();
                prop_assert_eq!(sorted.len(), given.len(), "a token was given out twice");
                let last = given.last().copied();
                for good in given.iter().filter(|token| names.iter().any(|name| lease.check(name, **token).is_ok())) {
                    prop_assert_eq!(Some(*good), last);
                }
            }
        }
    }
}
