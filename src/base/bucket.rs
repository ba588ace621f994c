//! A token bucket: so many per second, with a burst. Reads no clock; time is an argument.

use std::time::Instant;

/// Holds at most `burst` tokens and gains `rate` of them per second. A rate of zero sets no limit.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    at: Instant,
}

impl TokenBucket {
    /// A full bucket. A burst below one would never let anything through, so it counts as one.
    pub fn new(rate: f64, burst: f64, now: Instant) -> TokenBucket {
        let burst = burst.max(1.0);
        TokenBucket { rate, burst, tokens: burst, at: now }
    }

    /// Takes one token if there is one.
    pub fn take(&mut self, now: Instant) -> bool {
        if self.rate <= 0.0 {
            return true;
        }
        self.fill(now);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }

    /// Takes one token even if that leaves a debt of up to one burst, for what must never be refused.
    pub fn take_anyway(&mut self, now: Instant) {
        self.fill(now);
        self.tokens = (self.tokens - 1.0).max(-self.burst);
    }

    /// Changes the limits and keeps what has been used.
    pub fn set(&mut self, rate: f64, burst: f64, now: Instant) {
        self.fill(now);
        self.rate = rate;
        self.burst = burst.max(1.0);
        self.tokens = self.tokens.min(self.burst);
    }

    fn fill(&mut self, now: Instant) {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * self.rate;
        self.tokens = (self.tokens + gained).min(self.burst);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(10.0, 3.0, start);
        assert_eq!((0..5).filter(|_| bucket.take(start)).count(), 3);
        assert_eq!((0..5).filter(|_| bucket.take(start + Duration::from_millis(100))).count(), 1);
        let passed = (1..=1000u64).filter(|i| bucket.take(start + Duration::from_millis(100 + i * 10))).count();
        assert!((99..=101).contains(&passed), "{passed}");
    }

    #[test]
    fn without_a_rate_there_is_no_limit() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(0.0, 0.0, start);
        assert_eq!((0..10_000).filter(|_| bucket.take(start)).count(), 10_000);
    }

    #[test]
    fn what_must_pass_leaves_a_debt_that_later_ones_pay() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(1.0, 1.0, start);
        bucket.take_anyway(start);
        bucket.take_anyway(start);
        assert!(!bucket.take(start + Duration::from_millis(1_500)));
        assert!(bucket.take(start + Duration::from_millis(2_100)));
    }
}
