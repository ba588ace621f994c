//! What arrives of one stream: extended sequence, loss, duplicates, order, jitter, bursts. Keeps no packet.

use super::outgoing::ticks;
use super::packet::Header;
use std::time::{Duration, Instant};

/// A jump ahead beyond this is a restart (RFC 3550 A.1).
const DROPOUT_MAX: i16 = 3_000;
/// Numbers back that are still told apart; a packet that comes later counts as lost and then as late.
const SETTLED: u64 = 64;
/// Packets received between two losses that part one burst from the next (RFC 3611 4.7.2).
const GAP_MIN: u64 = 16;
/// Where extended numbers begin: packets before the first one have a place.
const FIRST: u64 = 1 << 32;

/// What one packet was to the sequence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrived {
    /// The next, or after so many missing ones.
    InOrder {
        missing: u16,
    },
    /// One that was missing until now.
    Late,
    Duplicate,
    /// The first one, or the first after a restart or of another source.
    First,
    /// Far off the sequence: a lone stray, or the first of a restart.
    Stray,
}

/// All that is counted of one incoming stream. Several sources may follow one another in it.
#[derive(Clone, Debug)]
pub struct Reception {
    clock: u32,
    source: Option<Source>,
    totals: Totals,
}

/// What all sources of the stream come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Without duplicates.
    pub packets: u64,
    pub lost: u64,
    pub duplicates: u64,
    pub late: u64,
    pub restarts: u64,
    pub bursts: Bursts,
}

/// How losses lie (RFC 3611 4.7.2), of all packets old enough to be judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Bursts {
    pub settled: u64,
    pub lost: u64,
    /// Runs of consecutive losses, and the losses in runs of two and more.
    pub runs: u64,
    pub lost_in_runs: u64,
    /// Periods between whose losses fewer than sixteen packets came: how many, their packets, the losses in them.
    pub bursts: u64,
    pub burst_packets: u64,
    pub burst_lost: u64,
    run: u64,
    since_loss: u64,
    cluster_packets: u64,
    cluster_lost: u64,
}

/// What a report block says (RFC 3550 6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block {
    pub ssrc: u32,
    pub fraction_lost: u8,
    pub lost: i32,
    pub highest: u32,
    pub jitter: u32,
}

#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    first: u64,
    highest: u64,
    received: u64,
    /// Bit n: the packet n below the highest has come.
    seen: u64,
    suspect: Option<u16>,
    timestamp: u32,
    arrived_at: Instant,
    /// The two above are on the present clock.
    is_timed: bool,
    /// In sixteenths of a tick (RFC 3550 A.8).
    jitter: u32,
    told_expected: u64,
    told_received: u64,
}

impl Reception {
    /// `clock` is what the timestamps count in.
    pub fn new(clock: u32) -> Reception {
        Reception { clock, source: None, totals: Totals::default() }
    }

    #[inline]
    pub fn take(&mut self, now: Instant, header: &Header) -> Arrived {
        let Some(source) = self.source.as_mut().filter(|source| source.ssrc == header.ssrc) else {
            return self.begin(now, header);
        };
        let [.., high, low] = source.highest.to_be_bytes();
        let step = header.sequence.wrapping_sub(u16::from_be_bytes([high, low])).cast_signed();
        if (1..=DROPOUT_MAX).contains(&step) {
            source.suspect = None;
            source.advance(step.unsigned_abs(), &mut self.totals.bursts);
            source.measure(now, header.timestamp, self.clock);
            return Arrived::InOrder { missing: step.unsigned_abs() - 1 };
        }
        let back = u64::from(step.unsigned_abs());
        if step <= 0 && back < SETTLED {
            source.suspect = None;
            if source.seen >> back & 1 == 1 {
                self.totals.duplicates += 1;
                return Arrived::Duplicate;
            }
            source.seen |= 1 << back;
            source.first = source.first.min(source.highest - back);
            source.received += 1;
            self.totals.late += 1;
            return Arrived::Late;
        }
        let expected = source.suspect.replace(header.sequence.wrapping_add(1));
        if expected == Some(header.sequence) { self.begin(now, header) } else { Arrived::Stray }
    }

    /// Another clock from now on, when the payload type has changed.
    pub fn set_clock(&mut self, clock: u32) {
        if self.clock != clock {
            self.clock = clock;
            // RFC 7160 4.1: an old timestamp says nothing on the new clock, and neither does the jitter in its ticks.
            if let Some(source) = &mut self.source {
                (source.jitter, source.is_timed) = (0, false);
            }
        }
    }

    /// The source that is heard now.
    pub fn ssrc(&self) -> Option<u32> {
        self.source.map(|source| source.ssrc)
    }

    pub fn jitter(&self) -> Option<Duration> {
        let source = self.source.filter(|source| source.received > 1)?;
        let nanos = u64::from(source.jitter).saturating_mul(1_000_000_000) / 16 / u64::from(self.clock.max(1));
        Some(Duration::from_nanos(nanos))
    }

    /// All that has come and gone so far; packets of the last second are judged as if nothing of them came any more.
    pub fn totals(&self) -> Totals {
        let mut totals = self.totals;
        if let Some(source) = &self.source {
            source.close(&mut totals);
        }
        totals
    }

    /// The report block of the present source, and begins the next interval.
    pub fn block(&mut self) -> Option<Block> {
        let source = self.source.as_mut()?;
        let expected = source.expected();
        let new = expected.saturating_sub(source.told_expected);
        let got = source.received.saturating_sub(source.told_received);
        let lost = new.saturating_sub(got);
        (source.told_expected, source.told_received) = (expected, source.received);
        let fraction = (lost * 256).checked_div(new).unwrap_or_default();
        let [.., a, b, c, d] = source.highest.wrapping_sub(FIRST).to_be_bytes();
        let all = i64::try_from(expected.saturating_sub(source.received)).unwrap_or(i64::MAX);
        Some(Block {
            ssrc: source.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: i32::try_from(all.min(0x7f_ffff)).unwrap_or_default(),
            highest: u32::from_be_bytes([a, b, c, d]),
            jitter: source.jitter / 16,
        })
    }

    #[cold]
    fn begin(&mut self, now: Instant, header: &Header) -> Arrived {
        if let Some(source) = self.source.take() {
            source.close(&mut self.totals);
            self.totals.restarts += 1;
        }
        let number = FIRST + u64::from(header.sequence);
        self.source = Some(Source {
            ssrc: header.ssrc,
            first: number,
            highest: number,
            received: 1,
            seen: 1,
            suspect: None,
            timestamp: header.timestamp,
            arrived_at: now,
            is_timed: true,
            jitter: 0,
            told_expected: 0,
            told_received: 0,
        });
        Arrived::First
    }
}

impl Source {
    fn expected(&self) -> u64 {
        self.highest - self.first + 1
    }

    #[inline]
    fn advance(&mut self, step: u16, bursts: &mut Bursts) {
        for _ in 0..step {
            self.settle_oldest(bursts);
            self.seen <<= 1;
            self.highest += 1;
        }
        self.seen |= 1;
        self.received += 1;
    }

    /// The packet that leaves the window is lost or not, for good.
    #[inline]
    fn settle_oldest(&self, bursts: &mut Bursts) {
        if self.highest - self.first >= SETTLED - 1 {
            bursts.settle(self.seen >> (SETTLED - 1) == 1);
        }
    }

    /// RFC 3550 A.8. Packets that share a timestamp, like those of one event, say nothing about the network.
    #[inline]
    fn measure(&mut self, now: Instant, timestamp: u32, clock: u32) {
        let told = timestamp.wrapping_sub(self.timestamp);
        if !self.is_timed {
            (self.timestamp, self.arrived_at, self.is_timed) = (timestamp, now, true);
            return;
        }
        if told == 0 {
            return;
        }
        let gone = ticks(now.saturating_duration_since(self.arrived_at), clock);
        let apart = gone.wrapping_sub(told).cast_signed().unsigned_abs();
        (self.timestamp, self.arrived_at) = (timestamp, now);
        // A timestamp that leaps has been restarted; it is no jitter.
        if apart < clock.saturating_mul(5) {
            self.jitter = self.jitter.saturating_add(apart).saturating_sub((self.jitter + 8) >> 4);
        }
    }

    fn close(mut self, totals: &mut Totals) {
        totals.packets += self.received;
        totals.lost += self.expected().saturating_sub(self.received);
        let unsettled = self.expected().min(SETTLED);
        for back in (0..unsettled).rev() {
            totals.bursts.settle(self.seen >> back & 1 == 1);
        }
        totals.bursts.end();
        self.seen = 0;
    }
}

impl Bursts {
    #[inline]
    fn settle(&mut self, came: bool) {
        self.settled += 1;
        if came {
            self.run = 0;
            self.since_loss += 1;
            if self.since_loss == GAP_MIN {
                self.end_cluster();
            }
            return;
        }
        self.lost += 1;
        self.run += 1;
        match self.run {
            1 => self.runs += 1,
            2 => self.lost_in_runs += 2,
            _ => self.lost_in_runs += 1,
        }
        if self.cluster_lost > 0 {
            self.cluster_packets += self.since_loss;
        }
        self.cluster_packets += 1;
        self.cluster_lost += 1;
        self.since_loss = 0;
    }

    /// A lone loss is no burst: it belongs to the gap.
    fn end_cluster(&mut self) {
        if self.cluster_lost > 1 {
            self.bursts += 1;
            self.burst_packets += self.cluster_packets;
            self.burst_lost += self.cluster_lost;
        }
        (self.cluster_packets, self.cluster_lost) = (0, 0);
    }

    fn end(&mut self) {
        self.end_cluster();
        (self.run, self.since_loss) = (0, 0);
    }

    /// How much longer runs of loss are than chance would make them (G.107 7.4); one when nothing was lost.
    pub fn ratio(&self) -> f64 {
        if self.runs == 0 || self.settled == 0 {
            return 1.0;
        }
        let (lost, settled) = (as_f64(self.lost), as_f64(self.settled));
        ((lost / as_f64(self.runs)) * (1.0 - lost / settled)).max(1.0)
    }
}

/// Counters far below 2^52.
fn as_f64(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests;
