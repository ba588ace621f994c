//! What has happened in one queue so far, as plain counters. Knows no metric's name.

use std::time::Duration;

/// Counters that only rise, and two averages that follow the last some ten contacts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    pub queued: u64,
    /// Joined to an agent.
    pub answered: u64,
    /// The customer left while waiting.
    pub abandoned: u64,
    /// Refused because the queue was full.
    pub refused_full: u64,
    pub moved_in: u64,
    pub moved_out: u64,
    pub offered: u64,
    pub missed: u64,
    pub rejected: u64,
    pub unreachable: u64,
    /// Offers that ended because the customer hung up.
    pub offers_abandoned: u64,
    pub callbacks_promised: u64,
    pub callbacks_reached: u64,
    /// Dials of callbacks that nobody answered.
    pub callbacks_unanswered: u64,
    pub callbacks_not_dialable: u64,
    pub callbacks_expired: u64,
    /// All the time that answered contacts had waited.
    pub waited: Duration,
    pub longest_wait: Duration,
    /// How long an agent is with a contact, work after it included.
    pub handling: Average,
    pub waiting: Average,
}

impl Tally {
    pub fn on_answered(&mut self, waited: Duration) {
        self.answered += 1;
        self.waited += waited;
        self.longest_wait = self.longest_wait.max(waited);
        self.waiting.add(waited);
    }

    pub fn on_abandoned(&mut self, waited: Duration) {
        self.abandoned += 1;
        self.longest_wait = self.longest_wait.max(waited);
    }
}

/// A mean that forgets: each new value counts one tenth.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Average {
    seconds: Option<f64>,
}

impl Average {
    pub fn add(&mut self, value: Duration) {
        let value = value.as_secs_f64();
        self.seconds = Some(self.seconds.map_or(value, |mean| mean + (value - mean) / 10.0));
    }

    pub fn mean(&self) -> Option<Duration> {
        self.seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_follows_what_comes() {
        let mut mean = Average::default();
        assert_eq!(mean.mean(), None);
        mean.add(Duration::from_secs(100));
        assert_eq!(mean.mean(), Some(Duration::from_secs(100)));
        (0..100).for_each(|_| mean.add(Duration::from_secs(10)));
        assert!(mean.mean().is_some_and(|mean| mean < Duration::from_secs(11)));
    }
}
