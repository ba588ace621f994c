//! Places on a trunk: how many calls it carries and may begin. Knows no call, only counts.

use crate::base::bucket::TokenBucket;
use crate::domain::trunk::settings::TrunkLimits;
use std::time::Instant;

/// Why a trunk takes no further call now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Full {
    Calls,
    Rate,
}

/// The places in use on one trunk, both directions together.
#[derive(Clone, Debug)]
pub struct Places {
    limits: TrunkLimits,
    used: u32,
    bucket: TokenBucket,
}

impl Places {
    pub fn new(limits: TrunkLimits, now: Instant) -> Places {
        Places { limits, used: 0, bucket: TokenBucket::new(limits.calls_per_second, limits.burst, now) }
    }

    /// Takes a place, or says which limit is reached and takes nothing.
    pub fn take(&mut self, now: Instant) -> Result<(), Full> {
        if self.limits.calls_max > 0 && self.used >= self.limits.calls_max {
            return Err(Full::Calls);
        }
        if !self.bucket.take(now) {
            return Err(Full::Rate);
        }
        self.used += 1;
        Ok(())
    }

    /// Takes a place whatever the limits say: emergency calls.
    pub fn take_anyway(&mut self, now: Instant) {
        self.bucket.take_anyway(now);
        self.used += 1;
    }

    pub fn give_back(&mut self) {
        self.used = self.used.saturating_sub(1);
    }

    pub fn used(&self) -> u32 {
        self.used
    }

    /// New limits count the places that are in use already.
    pub fn set_limits(&mut self, limits: TrunkLimits, now: Instant) {
        self.limits = limits;
        self.bucket.set(limits.calls_per_second, limits.burst, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_given_back_can_be_taken_again() {
        let now = Instant::now();
        let mut places = Places::new(TrunkLimits { calls_max: 2, calls_per_second: 0.0, burst: 0.0 }, now);
        assert_eq!((places.take(now), places.take(now), places.take(now)), (Ok(()), Ok(()), Err(Full::Calls)));
        places.give_back();
        assert_eq!(places.take(now), Ok(()));
        assert_eq!(places.used(), 2);
    }

    #[test]
    fn the_rate_refuses_without_taking_a_place() {
        let now = Instant::now();
        let mut places = Places::new(TrunkLimits { calls_max: 9, calls_per_second: 1.0, burst: 1.0 }, now);
        assert_eq!((places.take(now), places.take(now)), (Ok(()), Err(Full::Rate)));
        assert_eq!(places.used(), 1);
    }

    #[test]
    fn an_emergency_call_takes_a_place_beyond_every_limit() {
        let now = Instant::now();
        let mut places = Places::new(TrunkLimits { calls_max: 1, calls_per_second: 1.0, burst: 1.0 }, now);
        assert_eq!(places.take(now), Ok(()));
        places.take_anyway(now);
        assert_eq!(places.used(), 2);
    }

    #[test]
    fn lower_limits_count_the_calls_that_run() {
        let now = Instant::now();
        let mut places = Places::new(TrunkLimits { calls_max: 5, calls_per_second: 0.0, burst: 0.0 }, now);
        for _ in 0..3 {
            assert_eq!(places.take(now), Ok(()));
        }
        places.set_limits(TrunkLimits { calls_max: 2, calls_per_second: 0.0, burst: 0.0 }, now);
        assert_eq!(places.take(now), Err(Full::Calls));
    }
}
