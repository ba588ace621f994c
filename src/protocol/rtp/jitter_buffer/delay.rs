//! How late packets come beyond the fastest ones, and how much delay that asks for. Holds no packet.

/// Width of a bin in milliseconds, and their number: delays up to a second are told apart.
const BIN_MILLIS: u32 = 10;
const BINS: usize = 100;
/// The weight of one packet: about the last five seconds count.
const WEIGHT: f32 = 1.0 / 256.0;
/// As many packets shall come in time.
const IN_TIME: f32 = 0.98;
/// For so many seconds the fastest packet is remembered at least, and twice that at most: clocks drift.
const FASTEST_SECONDS: i64 = 8;

#[derive(Debug)]
pub(super) struct Delays {
    bin_ticks: i64,
    window_ticks: i64,
    bins: Box<[f32; BINS]>,
    /// The smallest transit in this window and in the one before.
    fastest: Option<i64>,
    fastest_before: Option<i64>,
    window_until: i64,
    needed: i64,
}

impl Delays {
    pub fn new(clock: u32) -> Delays {
        let bin_ticks = i64::from(clock / 1_000 * BIN_MILLIS).max(1);
        Delays {
            bin_ticks,
            window_ticks: i64::from(clock) * FASTEST_SECONDS,
            bins: Box::new([0.0; BINS]),
            fastest: None,
            fastest_before: None,
            window_until: 0,
            needed: bin_ticks,
        }
    }

    /// No packet has come on this timeline.
    pub fn is_empty(&self) -> bool {
        self.fastest.is_none() && self.fastest_before.is_none()
    }

    /// The transit of the fastest packets: arrival less timestamp, on clocks that never met.
    pub fn fastest(&self) -> i64 {
        let both = [self.fastest, self.fastest_before];
        both.into_iter().flatten().min().unwrap_or_default()
    }

    /// The delay in ticks with which nearly all packets come in time.
    pub fn needed(&self) -> i64 {
        self.needed
    }

    pub fn forget_fastest(&mut self) {
        (self.fastest, self.fastest_before) = (None, None);
    }

    pub fn take(&mut self, now: i64, transit: i64) {
        if self.fastest.is_none() || now >= self.window_until {
            if self.fastest.is_some() {
                self.fastest_before = self.fastest;
            }
            self.fastest = Some(transit);
            self.window_until = now + self.window_ticks;
        }
        self.fastest = self.fastest.map(|fastest| fastest.min(transit));
        let bin = usize::try_from((transit - self.fastest()) / self.bin_ticks).unwrap_or(usize::MAX);
        // A stall of seconds is no jitter.
        if bin >= BINS {
            return;
        }
        let weight = if self.bins.iter().all(|bin| *bin == 0.0) { 1.0 } else { WEIGHT };
        for (at, share) in self.bins.iter_mut().enumerate() {
            *share += (f32::from(u8::from(at == bin)) - *share) * weight;
        }
        self.needed = self.measure();
    }

    fn measure(&self) -> i64 {
        let all: f32 = self.bins.iter().sum();
        let mut sum = 0.0;
        let mut needed = 0;
        for share in self.bins.iter() {
            sum += share;
            needed += self.bin_ticks;
            if sum >= all * IN_TIME {
                break;
            }
        }
        needed
    }
}
