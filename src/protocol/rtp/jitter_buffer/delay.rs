//! How late packets come beyond the fastest ones, and how much delay that asks for. Holds no packet.

/// Width of a bin in milliseconds, and their number: delays up to a second are told apart.
const BIN_MILLIS: u32 = 10;
const BINS: usize = 100;
/// By how much each packet weighs more than the one before: about the last five seconds count.
const GROWTH: f32 = 1.0 + 1.0 / 256.0;
/// Where weights are scaled down again, long before they lose precision.
const WEIGHT_MAX: f32 = 65_536.0;
/// As many packets shall come in time.
const IN_TIME: f32 = 0.98;
/// For so many seconds the fastest packet is remembered at least, and twice that at most: clocks drift.
const FASTEST_SECONDS: i64 = 8;

#[derive(Debug)]
pub(super) struct Delays {
    bin_ticks: i64,
    window_ticks: i64,
    bins: Box<[f32; BINS]>,
    /// Of the next packet, and of all in the bins.
    weight: f32,
    sum: f32,
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
            weight: 1.0,
            sum: 0.0,
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
        let Some(bin) = self.bins.get_mut(bin) else { return };
        *bin += self.weight;
        self.sum += self.weight;
        self.weight *= GROWTH;
        if self.weight > WEIGHT_MAX {
            self.bins.iter_mut().for_each(|bin| *bin /= WEIGHT_MAX);
            self.weight /= WEIGHT_MAX;
            self.sum = self.bins.iter().sum();
        }
        self.needed = self.measure();
    }

    fn measure(&self) -> i64 {
        let (mut sum, mut needed) = (0.0, 0);
        for bin in self.bins.iter() {
            sum += bin;
            needed += self.bin_ticks;
            if sum >= self.sum * IN_TIME {
                break;
            }
        }
        needed
    }
}
