//! Is one target of a trunk up? Judged by OPTIONS and by the calls that were tried there. Sends nothing itself.

use crate::base::entropy::Entropy;
use crate::domain::trunk::settings::HealthPolicy;
use std::time::{Duration, Instant};

/// What changed by the last thing that was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    WentUp,
    WentDown,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Failures in a row since it last spoke.
    Up { failures: u32 },
    /// Not used until it answers OPTIONS, or, without OPTIONS, until one call may try it (half open).
    Down { half_open_at: Instant },
}

/// The health of one target.
#[derive(Clone, Debug)]
pub struct Health {
    policy: HealthPolicy,
    state: State,
    /// When the next OPTIONS is due; `None` while one is under way or when the policy sends none.
    when_options: Option<Instant>,
}

impl Health {
    /// A target counts as up until it fails. The first OPTIONS comes at a random point of the interval, so that the
    /// targets of a large configuration are not all asked at once.
    pub fn new(policy: HealthPolicy, now: Instant, entropy: &mut Entropy) -> Health {
        let when_options = (!policy.options_every.is_zero()).then(|| {
            let every = u64::try_from(policy.options_every.as_millis()).unwrap_or(u64::MAX);
            now + Duration::from_millis(entropy.below(every.max(1)))
        });
        Health { policy, state: State::Up { failures: 0 }, when_options }
    }

    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    /// Whether a call may be sent there: it is up, or it is time to try it with one call. Asking takes that one try.
    pub fn try_call(&mut self, now: Instant) -> bool {
        match &mut self.state {
            State::Up { .. } => true,
            State::Down { .. } if !self.policy.options_every.is_zero() => false,
            State::Down { half_open_at } if *half_open_at <= now => {
                *half_open_at = now + self.policy.retry_every;
                true
            }
            State::Down { .. } => false,
        }
    }

    /// It answered something that is not a failure.
    pub fn spoke(&mut self) -> Option<Change> {
        let was_up = self.is_up();
        self.state = State::Up { failures: 0 };
        (!was_up).then_some(Change::WentUp)
    }

    /// It stayed silent or said that it cannot serve.
    pub fn failed(&mut self, now: Instant) -> Option<Change> {
        let half_open_at = now + self.policy.retry_every;
        match self.state {
            State::Up { failures } if failures + 1 < self.policy.failures_max.max(1) => {
                self.state = State::Up { failures: failures + 1 };
                None
            }
            State::Up { .. } => {
                self.state = State::Down { half_open_at };
                Some(Change::WentDown)
            }
            State::Down { .. } => {
                self.state = State::Down { half_open_at };
                None
            }
        }
    }

    /// Whether OPTIONS is to be sent now. If so the next one is armed by `options_done`.
    pub fn options_due(&mut self, now: Instant) -> bool {
        let due = self.when_options.is_some_and(|at| at <= now);
        if due {
            self.when_options = None;
        }
        due
    }

    /// The OPTIONS ended, one way or the other: when the next one follows, give or take a tenth.
    pub fn options_done(&mut self, now: Instant, entropy: &mut Entropy) {
        if self.policy.options_every.is_zero() {
            return;
        }
        let every = match self.state {
            State::Up { failures: 0 } => self.policy.options_every,
            _ => self.policy.retry_every.min(self.policy.options_every),
        };
        self.when_options = Some(now + jittered(every, entropy));
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.when_options
    }
}

/// Nine to eleven tenths of a time.
pub fn jittered(time: Duration, entropy: &mut Entropy) -> Duration {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let tenth = millis / 10;
    Duration::from_millis(millis - tenth + entropy.below(tenth.saturating_mul(2).saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn health(options_every: u64, now: Instant) -> Health {
        let policy = HealthPolicy {
            options_every: SECOND * u32::try_from(options_every).unwrap(),
            failures_max: 2,
            retry_every: SECOND * 10,
        };
        Health::new(policy, now, &mut Entropy::from_number(1))
    }

    #[test]
    fn it_goes_down_after_failures_in_a_row_and_up_when_it_speaks() {
        let now = Instant::now();
        let mut health = health(30, now);
        assert_eq!(health.failed(now), None);
        assert_eq!(health.spoke(), None);
        assert_eq!(health.failed(now), None);
        assert_eq!(health.failed(now), Some(Change::WentDown));
        assert_eq!(health.failed(now), None);
        assert!(!health.is_up());
        assert_eq!(health.spoke(), Some(Change::WentUp));
    }

    #[test]
    fn options_come_once_per_interval_and_sooner_while_it_is_down() {
        let now = Instant::now();
        let mut entropy = Entropy::from_number(2);
        let mut health = health(30, now);
        let first = health.deadline().unwrap();
        assert!(first < now + SECOND * 30);
        assert!(!health.options_due(first - Duration::from_millis(1)) || first == now);
        let mut health = health.clone();
        assert!(health.options_due(first) && !health.options_due(first));
        health.options_done(first, &mut entropy);
        let next = health.deadline().unwrap() - first;
        assert!(next >= SECOND * 27 && next <= SECOND * 33, "{next:?}");
        health.failed(first);
        health.options_done(first, &mut entropy);
        let next = health.deadline().unwrap() - first;
        assert!(next >= SECOND * 9 && next <= SECOND * 11, "{next:?}");
    }

    #[test]
    fn without_options_a_target_that_is_down_gets_one_call_per_retry_time() {
        let now = Instant::now();
        let mut health = health(0, now);
        assert_eq!(health.deadline(), None);
        health.failed(now);
        health.failed(now);
        assert!(!health.try_call(now + SECOND * 9));
        assert!(health.try_call(now + SECOND * 10));
        assert!(!health.try_call(now + SECOND * 10));
        assert!(health.try_call(now + SECOND * 20));
        assert_eq!(health.spoke(), Some(Change::WentUp));
        assert!(health.try_call(now + SECOND * 20));
    }

    #[test]
    fn with_options_calls_wait_until_it_answers() {
        let now = Instant::now();
        let mut health = health(30, now);
        health.failed(now);
        health.failed(now);
        assert!(!health.try_call(now + SECOND * 1_000));
    }
}
