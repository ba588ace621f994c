//! The simulated network: every datagram may be lost, doubled, delayed and so overtaken, as the seed says.

use super::chance::Chance;
use std::net::SocketAddr;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Datagram {
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

/// Per mille, drawn once for each run.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    pub loss: u64,
    pub doubling: u64,
    pub delay_max: Duration,
}

impl Weather {
    /// Nothing is lost, doubled or overtaken.
    pub const FAIR: Weather = Weather { loss: 0, doubling: 0, delay_max: Duration::from_millis(1) };

    pub fn draw(chance: &mut Chance) -> Weather {
        match chance.below(4) {
            0 => Weather::FAIR,
            1 => Weather { loss: 20, doubling: 10, delay_max: Duration::from_millis(40) },
            2 => Weather { loss: 100, doubling: 50, delay_max: Duration::from_millis(300) },
            _ => Weather { loss: 250, doubling: 100, delay_max: Duration::from_millis(900) },
        }
    }

    /// When the copies of one datagram arrive; none when it is lost.
    pub fn arrivals(&self, now: Duration, chance: &mut Chance) -> Vec<Duration> {
        let copies =
            if chance.below(1_000) < self.loss { 0 } else { 1 + u64::from(chance.below(1_000) < self.doubling) };
        let spread = u64::try_from(self.delay_max.as_micros()).unwrap_or(1_000);
        (0..copies).map(|_| now + Duration::from_micros(100 + chance.below(spread))).collect()
    }
}
