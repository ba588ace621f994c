//! When a worker waits for more before it looks again: at once while little comes, in rounds under load. Measures, never sleeps.

use std::time::{Duration, Instant};

/// How long a round gathers: what it adds to the delay is less than a packet's own jitter, and a wake-up per packet is what
/// costs most (DESIGN 4.1).
pub const ROUND: Duration = Duration::from_micros(500);
/// Packets of one round from which gathering pays.
const WORTH_GATHERING: f64 = 2.0;
/// Over which time the rate is smoothed: half of a packet time.
const SMOOTHING: f64 = 0.010;

/// How fast packets come, smoothed.
pub struct Pace {
    per_second: f64,
    looked_at: Instant,
}

impl Pace {
    pub fn new(now: Instant) -> Pace {
        Pace { per_second: 0.0, looked_at: now }
    }

    /// Another round brought so many packets.
    pub fn round(&mut self, now: Instant, packets: usize) {
        let gone = now.saturating_duration_since(self.looked_at).as_secs_f64().max(1e-6);
        self.looked_at = now;
        let share = (gone / SMOOTHING).min(1.0);
        let packets = f64::from(u32::try_from(packets).unwrap_or(u32::MAX));
        self.per_second += (packets / gone - self.per_second) * share;
    }

    /// How long to let packets gather before the next look.
    pub fn rest(&self) -> Option<Duration> {
        (self.per_second * ROUND.as_secs_f64() >= WORTH_GATHERING).then_some(ROUND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rests(packets_per_second: u32, seconds: f64) -> bool {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let step = Duration::from_secs_f64(1.0 / f64::from(packets_per_second));
        let mut now = start;
        while now.duration_since(start).as_secs_f64() < seconds {
            now += step;
            pace.round(now, 1);
        }
        pace.rest().is_some()
    }

    #[test]
    fn few_packets_are_taken_at_once_and_many_in_rounds() {
        assert!(!rests(50, 2.0));
        assert!(!rests(2_000, 1.0));
        assert!(rests(10_000, 0.1));
        assert!(rests(50_000, 0.1));
    }

    #[test]
    fn after_the_load_has_gone_the_first_packet_is_taken_at_once() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        (1..=1_000_u32).for_each(|step| pace.round(start + ROUND * step, 25));
        assert!(pace.rest().is_some());
        pace.round(start + Duration::from_secs(1), 0);
        assert!(pace.rest().is_none());
    }
}
