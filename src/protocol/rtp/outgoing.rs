//! One stream that we send: one SSRC whose sequence and timestamps run on over whatever feeds it. Sends nothing itself.

use super::packet::Header;
use super::window::Window;
use crate::base::entropy::Entropy;
use std::time::{Duration, Instant};

/// A jump ahead beyond this is a restart of the source, not loss (RFC 3550 A.1).
const DROPOUT_MAX: i16 = 3_000;
/// A packet that is later than this is a restart or worthless (RFC 3550 A.1).
const MISORDER_MAX: i16 = 100;
/// Timestamps that part from the wall clock by more than this have been restarted.
const TIMESTAMP_SLACK: Duration = Duration::from_secs(5);
/// Where extended numbers of a source begin: far from zero, so that late packets never lie below it.
const FIRST_CYCLE: u64 = 1 << 32;

/// A packet of somebody else that shall go out on this stream.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Which incoming stream it came on; two origins are two sources even under one SSRC.
    pub origin: u32,
    pub header: Header,
    /// Ticks per second of its timestamp.
    pub clock: u32,
    pub payload_bytes: usize,
}

/// No sequence number leaves twice, whatever comes in: under SRTP that would use a key stream twice.
#[derive(Clone, Debug)]
pub struct Outgoing {
    ssrc: u32,
    /// Extended sequence number of the newest packet sent.
    highest: u64,
    sent: Window,
    /// Timestamp of the newest packet of the running audio, and when it was sent.
    timestamp: u32,
    sent_at: Option<Instant>,
    /// Where the next packet of our own stands.
    next_timestamp: u32,
    source: Option<Source>,
    packets: u64,
    octets: u64,
}

#[derive(Clone, Copy, Debug)]
struct Source {
    origin: u32,
    ssrc: u32,
    clock: u32,
    /// Extended sequence number of its newest packet, and the timestamp of that.
    highest: u64,
    timestamp: u32,
    arrived_at: Instant,
    timestamp_offset: u32,
    current: Segment,
    previous: Option<Segment>,
    /// What would follow a lone packet far off the sequence: if it comes, the source has restarted.
    suspect: Option<u16>,
}

/// From which number on how much is added. A packet put in or left out begins a new one.
#[derive(Clone, Copy, Debug)]
struct Segment {
    since: u64,
    offset: u64,
}

/// Where a packet stands in the sequence of its source.
enum Place {
    At(u64),
    Restart,
    Nowhere,
}

impl Outgoing {
    /// Random beginnings (RFC 3550 5.1); the sequence below 2^15 so that its first wrap is far (RFC 3711 3.3.1).
    pub fn new(entropy: &mut Entropy) -> Outgoing {
        let [a, b, c, d, e, f, g, h] = entropy.number().to_be_bytes();
        let [s, t, ..] = entropy.number().to_be_bytes();
        Outgoing {
            ssrc: u32::from_be_bytes([a, b, c, d]),
            highest: u64::from(u16::from_be_bytes([s & 0x7f, t])),
            sent: Window::default(),
            timestamp: u32::from_be_bytes([e, f, g, h]),
            sent_at: None,
            next_timestamp: u32::from_be_bytes([e, f, g, h]),
            source: None,
            packets: 0,
            octets: 0,
        }
    }

    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Packets sent, for sender reports.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Octets of payload sent, for sender reports.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Under which header a packet of somebody else goes out: its losses and its order stay visible to the receiver.
    /// `None`: it does not go out (a duplicate, hopelessly late, or a lone stray). The payload type is left to the caller.
    #[inline]
    pub fn forward(&mut self, now: Instant, arrival: &Arrival) -> Option<Header> {
        let Some(source) = self.source.as_mut().filter(|source| source.is_of(arrival)) else {
            return self.switch(now, arrival);
        };
        let number = match source.place(now, arrival) {
            Place::At(number) => number,
            Place::Restart => return self.switch(now, arrival),
            Place::Nowhere => return None,
        };
        let extended = source.outgoing(number)?;
        if !self.sent.is_new(extended) {
            return None;
        }
        let timestamp = arrival.header.timestamp.wrapping_add(source.timestamp_offset);
        if number > source.highest {
            source.advance(now, number, arrival.header.timestamp);
        }
        if extended > self.highest {
            self.reach(now, timestamp, timestamp.wrapping_add(arrival.clock / 50));
        }
        Some(self.emit(extended, timestamp, arrival.header.marker, arrival.payload_bytes))
    }

    /// A packet of somebody else that is kept back on purpose: the receiver shall not take it for lost.
    pub fn withhold(&mut self, now: Instant, arrival: &Arrival) {
        let Some(source) = self.source.as_mut().filter(|source| source.is_of(arrival)) else { return };
        if let Place::At(number) = source.place(now, arrival)
            && number > source.highest
        {
            source.advance(now, number, arrival.header.timestamp);
            source.shift(|offset| offset.wrapping_sub(1));
        }
    }

    /// A packet of our own audio, `ticks` long. The marker is set where the audio begins anew.
    pub fn own(&mut self, now: Instant, clock: u32, ticks: u32, payload_bytes: usize) -> Header {
        let begins = self.sent_at.is_none() || self.source.take().is_some();
        let here = self.here(now, clock);
        let behind = here.wrapping_sub(self.next_timestamp);
        let gap = self.sent_at.is_some() && behind < 1 << 31 && behind > clock / 10;
        let timestamp = if gap { here } else { self.next_timestamp };
        let extended = self.highest.wrapping_add(1);
        self.reach(now, timestamp, timestamp.wrapping_add(ticks));
        self.emit(extended, timestamp, begins || gap, payload_bytes)
    }

    /// Time of our own audio that passes without a packet.
    pub fn pass(&mut self, ticks: u32) {
        self.next_timestamp = self.next_timestamp.wrapping_add(ticks);
    }

    /// The timestamp under which something that begins now is sent: an event (RFC 4733 2.2).
    pub fn event_timestamp(&self, now: Instant, clock: u32) -> u32 {
        if self.source.is_some() { self.here(now, clock) } else { self.next_timestamp }
    }

    /// A packet of ours between those that run, under a timestamp of its own; takes the next sequence number.
    pub fn insert(&mut self, timestamp: u32, marker: bool, payload_bytes: usize) -> Header {
        let extended = self.highest.wrapping_add(1);
        if let Some(source) = &mut self.source {
            source.shift(|offset| offset.wrapping_add(1));
        }
        self.emit(extended, timestamp, marker, payload_bytes)
    }

    /// The timestamp that belongs to this instant, for sender reports.
    pub fn timestamp_at(&self, now: Instant, clock: u32) -> u32 {
        let gone = self.sent_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.timestamp.wrapping_add(ticks(gone, clock))
    }

    /// The same, but not before the end of what has been sent.
    fn here(&self, now: Instant, clock: u32) -> u32 {
        let here = self.timestamp_at(now, clock);
        if here.wrapping_sub(self.next_timestamp) < 1 << 31 { here } else { self.next_timestamp }
    }

    /// Another source feeds the stream: it goes on with the next number, at the time that has passed since.
    fn switch(&mut self, now: Instant, arrival: &Arrival) -> Option<Header> {
        let timestamp = if self.sent_at.is_some() { self.here(now, arrival.clock) } else { self.timestamp };
        let (extended, number) =
            (self.highest.wrapping_add(1), FIRST_CYCLE.wrapping_add(u64::from(arrival.header.sequence)));
        self.source = Some(Source {
            origin: arrival.origin,
            ssrc: arrival.header.ssrc,
            clock: arrival.clock,
            highest: number,
            timestamp: arrival.header.timestamp,
            arrived_at: now,
            timestamp_offset: timestamp.wrapping_sub(arrival.header.timestamp),
            current: Segment { since: number, offset: extended.wrapping_sub(number) },
            previous: None,
            suspect: None,
        });
        self.reach(now, timestamp, timestamp.wrapping_add(arrival.clock / 50));
        Some(self.emit(extended, timestamp, true, arrival.payload_bytes))
    }

    fn reach(&mut self, now: Instant, timestamp: u32, next: u32) {
        self.timestamp = timestamp;
        self.sent_at = Some(now);
        self.next_timestamp = next;
    }

    #[inline]
    fn emit(&mut self, extended: u64, timestamp: u32, marker: bool, payload_bytes: usize) -> Header {
        self.highest = self.highest.max(extended);
        self.sent.mark(extended);
        self.packets += 1;
        self.octets += u64::try_from(payload_bytes).unwrap_or(u64::MAX);
        let [.., high, low] = extended.to_be_bytes();
        Header { payload_type: 0, marker, sequence: u16::from_be_bytes([high, low]), timestamp, ssrc: self.ssrc }
    }
}

impl Source {
    #[inline]
    fn is_of(&self, arrival: &Arrival) -> bool {
        self.origin == arrival.origin && self.ssrc == arrival.header.ssrc && self.clock == arrival.clock
    }

    #[inline]
    fn place(&mut self, now: Instant, arrival: &Arrival) -> Place {
        let [.., high, low] = self.highest.to_be_bytes();
        let step = arrival.header.sequence.wrapping_sub(u16::from_be_bytes([high, low])).cast_signed();
        if (-MISORDER_MAX..=DROPOUT_MAX).contains(&step) {
            self.suspect = None;
            if step > 0 && self.leaps(now, arrival) {
                return Place::Restart;
            }
            return Place::At(self.highest.wrapping_add_signed(i64::from(step)));
        }
        let expected = self.suspect.replace(arrival.header.sequence.wrapping_add(1));
        if expected == Some(arrival.header.sequence) { Place::Restart } else { Place::Nowhere }
    }

    /// Whether the timestamp has been restarted within a running sequence.
    fn leaps(&self, now: Instant, arrival: &Arrival) -> bool {
        let gone = ticks(now.saturating_duration_since(self.arrived_at), self.clock);
        let told = arrival.header.timestamp.wrapping_sub(self.timestamp);
        let apart = told.wrapping_sub(gone).cast_signed().unsigned_abs();
        apart > ticks(TIMESTAMP_SLACK, self.clock)
    }

    fn advance(&mut self, now: Instant, number: u64, timestamp: u32) {
        self.highest = number;
        self.timestamp = timestamp;
        self.arrived_at = now;
    }

    #[inline]
    fn outgoing(&self, number: u64) -> Option<u64> {
        let within = |segment: &Segment| number >= segment.since;
        let segment = Some(self.current).filter(within).or_else(|| self.previous.filter(within))?;
        Some(number.wrapping_add(segment.offset))
    }

    /// From the next packet on, another offset holds.
    fn shift(&mut self, change: impl Fn(u64) -> u64) {
        let next = Segment { since: self.highest.wrapping_add(1), offset: change(self.current.offset) };
        // A segment in which nothing was sent need not be remembered.
        if self.highest >= self.current.since && next.since > self.current.since.wrapping_add(1) {
            self.previous = Some(self.current);
        }
        self.current = next;
    }
}

/// A duration in ticks of an RTP clock; wraps like timestamps do.
pub(super) fn ticks(duration: Duration, clock: u32) -> u32 {
    let ticks = duration.as_nanos().wrapping_mul(u128::from(clock)) / 1_000_000_000;
    u32::try_from(ticks & 0xffff_ffff).unwrap_or_default()
}

#[cfg(test)]
mod tests;
