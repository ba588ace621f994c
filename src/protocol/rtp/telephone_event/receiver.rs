//! Key presses out of event packets that may be lost, late, doubled or wrong. Tells each press once, when it has ended.

use super::{EVENT_BYTES, Report, digit_of};
use crate::protocol::rtp::packet::Header;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Silence after which a key counts as released: all three ends may be lost, late packets are still known for what
/// they are.
const RELEASED_AFTER: Duration = Duration::from_millis(300);
/// Ended presses whose late packets are recognised.
const REMEMBERED: usize = 6;
/// Events in one packet that are read; a packet of more is nobody's key press.
const EVENTS_PER_PACKET: usize = 8;
/// Presses that wait to be fetched.
const READY_MAX: usize = 32;
/// A segment of a long event is full near the end of its sixteen bits (RFC 4733 2.5.1.3).
const SEGMENT_MIN: u32 = 0xe000;

/// A key that was pressed and released.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeardDigit {
    /// 0 to 9, *, #, A to D.
    pub digit: u8,
    pub lasted: Duration,
}

/// Hears the events of one stream.
#[derive(Clone, Debug, Default)]
pub struct EventReceiver {
    ssrc: u32,
    current: Option<Press>,
    heard_at: Option<Instant>,
    ended: VecDeque<Press>,
    ready: VecDeque<HeardDigit>,
}

#[derive(Clone, Copy, Debug)]
struct Press {
    event: u8,
    /// Of the running segment.
    timestamp: u32,
    /// Of the running segment.
    duration: u16,
    /// Of the segments before, in ticks.
    before: u32,
    clock: u32,
    /// Sequence number of its newest packet.
    sequence: u16,
    /// Its newest packet claims to be the first of a press.
    marker: bool,
    has_ended: bool,
}

impl EventReceiver {
    pub fn new() -> EventReceiver {
        EventReceiver::default()
    }

    /// Takes a packet of the event payload type. `clock` is that of the payload type.
    pub fn take(&mut self, now: Instant, header: &Header, payload: &[u8], clock: u32) {
        if self.ssrc != header.ssrc {
            self.release();
            self.ended.clear();
            self.ssrc = header.ssrc;
        }
        let mut timestamp = header.timestamp;
        // RFC 4733 2.5.1.5: further events of a packet begin where the one before ends.
        for bytes in payload.chunks_exact(EVENT_BYTES).take(EVENTS_PER_PACKET) {
            let Some(report) = Report::read(bytes) else { continue };
            if digit_of(report.event).is_some() {
                let press = Press {
                    event: report.event,
                    timestamp,
                    duration: report.duration,
                    before: 0,
                    clock,
                    sequence: header.sequence,
                    marker: header.marker,
                    has_ended: report.is_end,
                };
                self.hear(now, press);
            }
            timestamp = timestamp.wrapping_add(u32::from(report.duration));
        }
    }

    /// The key that is down now.
    pub fn pressed(&self) -> Option<u8> {
        self.current.and_then(|press| digit_of(press.event))
    }

    /// Presses that have ended, in order. To be asked after `take` and `handle_deadline`.
    #[must_use]
    pub fn poll(&mut self) -> Option<HeardDigit> {
        self.ready.pop_front()
    }

    /// When a key counts as released although nobody said so.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.current.and(self.heard_at).map(|at| at + RELEASED_AFTER)
    }

    pub fn handle_deadline(&mut self, now: Instant) {
        if self.deadline().is_some_and(|at| at <= now) {
            self.release();
        }
    }

    fn hear(&mut self, now: Instant, heard: Press) {
        if self.ended.iter_mut().any(|ended| ended.absorbs(&heard)) {
            return;
        }
        let known = self.current.as_mut().is_some_and(|current| current.grows_by(&heard));
        if !known {
            // A press that began before the one that is down, and of which nothing was heard in time, is gone.
            if self.current.is_some_and(|current| !is_newer(heard.sequence, current.sequence)) {
                return;
            }
            self.release();
            self.current = Some(heard);
        }
        self.heard_at = Some(now);
        if self.current.is_some_and(|current| current.has_ended) {
            self.release();
        }
    }

    /// The key is up, whether an end was heard or not.
    fn release(&mut self) {
        let Some(press) = self.current.take() else { return };
        self.heard_at = None;
        if self.ended.len() >= REMEMBERED {
            self.ended.pop_front();
        }
        self.ended.push_back(press);
        if let Some(digit) = digit_of(press.event).filter(|_| self.ready.len() < READY_MAX) {
            self.ready.push_back(HeardDigit { digit, lasted: press.lasted() });
        }
    }
}

impl Press {
    /// Whether a packet belongs to this press that is still down; it then knows more about it.
    fn grows_by(&mut self, heard: &Press) -> bool {
        if self.event != heard.event {
            return false;
        }
        let same = self.timestamp == heard.timestamp;
        // A counter that has fallen back in a newer packet counts another press, whatever its timestamp says.
        let restarted = heard.duration < self.duration && is_newer(heard.sequence, self.sequence);
        if same && !restarted {
            self.duration = self.duration.max(heard.duration);
        } else if self.is_followed_by(heard) {
            self.before = self.before.saturating_add(heard.timestamp.wrapping_sub(self.timestamp));
            (self.timestamp, self.duration) = (heard.timestamp, heard.duration);
        } else {
            return false;
        }
        self.has_ended |= heard.has_ended;
        if is_newer(heard.sequence, self.sequence) {
            self.sequence = heard.sequence;
        }
        true
    }

    /// RFC 4733 2.5.1.3: an event that is longer than sixteen bits of ticks goes on in a new segment.
    fn is_followed_by(&self, heard: &Press) -> bool {
        let apart = heard.timestamp.wrapping_sub(self.timestamp);
        // Half a second of it may have been lost; more, and it is the same key pressed again.
        let is_near = apart.saturating_sub(u32::from(self.duration)) <= self.clock / 2;
        let is_next = (SEGMENT_MIN..=0x1_0000).contains(&apart) && is_near && is_newer(heard.sequence, self.sequence);
        is_next && !heard.marker && !self.has_ended
    }

    /// Whether a packet belongs to this press that has been told already: a repeated end, a late packet, or the rest of
    /// a press whose packets had stopped for too long.
    fn absorbs(&mut self, heard: &Press) -> bool {
        let is_late =
            self.timestamp == heard.timestamp && self.event == heard.event && !is_newer(heard.sequence, self.sequence);
        is_late || self.grows_by(heard)
    }

    fn lasted(&self) -> Duration {
        let ticks = u64::from(self.before) + u64::from(self.duration);
        Duration::from_micros(ticks.saturating_mul(1_000_000) / u64::from(self.clock.max(1)))
    }
}

/// Sequence numbers in their circle (RFC 1982).
fn is_newer(a: u16, b: u16) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}
