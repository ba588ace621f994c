//! Whether datagrams come so fast that it pays to take them in rounds. Measures, never waits.

use std::time::{Duration, Instant};

/// Over how long datagrams are counted.
const WINDOW: Duration = Duration::from_millis(50);
/// So many in one window, 200 a second, are nearly one for each round.
const HEAVY: u32 = 10;
/// With fewer in one window rest is restored: half of it, so that a rate in between does not go to and fro.
const LIGHT: u32 = 5;

/// The load of one socket.
#[derive(Debug)]
pub struct Load {
    window_began: Instant,
    taken: u32,
    is_heavy: bool,
}

impl Load {
    pub fn new(now: Instant) -> Load {
        Load { window_began: now, taken: 0, is_heavy: false }
    }

    pub fn is_heavy(&self) -> bool {
        self.is_heavy
    }

    /// Somebody looked, and took so many.
    pub fn took(&mut self, now: Instant, datagrams: u32) {
        let gone = now.saturating_duration_since(self.window_began);
        if gone >= WINDOW {
            // A window that lasted longer has to have brought more.
            self.is_heavy &= WINDOW * self.taken >= gone * LIGHT;
            self.window_began = now;
            self.taken = 0;
        }
        self.taken = self.taken.saturating_add(datagrams);
        self.is_heavy |= self.taken >= HEAVY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After a second of so many datagrams a second, each taken as it comes.
    fn after(load: &mut Load, began: Instant, per_second: u32) -> bool {
        (1..=per_second).for_each(|number| load.took(began + Duration::from_secs(1) * number / per_second, 1));
        load.is_heavy()
    }

    #[test]
    fn few_datagrams_are_taken_as_they_come_and_many_in_rounds() {
        let now = Instant::now();
        assert!(!after(&mut Load::new(now), now, 20));
        assert!(!after(&mut Load::new(now), now, 160));
        assert!(after(&mut Load::new(now), now, 240));
        assert!(after(&mut Load::new(now), now, 50_000));
    }

    #[test]
    fn a_rate_between_leaves_things_as_they_are() {
        let now = Instant::now();
        let mut load = Load::new(now);
        assert!(!after(&mut load, now, 140));
        assert!(after(&mut load, now + Duration::from_secs(1), 1_000));
        assert!(after(&mut load, now + Duration::from_secs(2), 140));
    }

    #[test]
    fn rest_returns_with_the_first_window_that_brings_little() {
        let now = Instant::now();
        let mut load = Load::new(now);
        assert!(after(&mut load, now, 10_000));
        load.took(now + Duration::from_millis(1_051), 0);
        load.took(now + Duration::from_millis(1_102), 0);
        assert!(!load.is_heavy());
    }
}
