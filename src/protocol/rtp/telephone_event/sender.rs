//! Digits to event packets, one every step, three ends. Knows no sequence number and no timestamp but its own offset.

use super::{EVENT_BYTES, Report, event_of};
use crate::protocol::rtp::outgoing::ticks;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Between two packets of an event: that of audio packets, so that loss of two costs nothing (RFC 4733 2.5.1.2).
const STEP: Duration = Duration::from_millis(20);
/// A tick that is early by this is in time.
const EARLY: Duration = Duration::from_millis(5);
/// The last packet and two repetitions (RFC 4733 2.5.1.4).
const ENDS: u8 = 3;
/// Digits that wait: more than the longest number with its extension.
const QUEUE_MAX: usize = 64;

/// One packet to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventPacket {
    pub payload: [u8; EVENT_BYTES],
    pub marker: bool,
    /// The first of its event: the stream's present timestamp becomes that of the event.
    pub begins: bool,
    /// What is added to the timestamp of the event: long events have several segments.
    pub timestamp_offset: u32,
}

/// Sends the digits of one stream, one after the other.
#[derive(Clone, Debug)]
pub struct EventSender {
    clock: u32,
    waiting: VecDeque<Wanted>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug)]
struct Wanted {
    event: u8,
    lasts: Duration,
    pause_after: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Idle,
    /// `sent` packets have left; the next one is due.
    Down {
        wanted: Wanted,
        sent: u32,
        due: Instant,
        ends: u8,
    },
    Pause {
        until: Instant,
    },
}

impl EventSender {
    pub fn new(clock: u32) -> EventSender {
        EventSender { clock, waiting: VecDeque::new(), phase: Phase::Idle }
    }

    /// Another clock holds from the next digit on.
    pub fn set_clock(&mut self, clock: u32) {
        if matches!(self.phase, Phase::Idle | Phase::Pause { .. }) {
            self.clock = clock;
        }
    }

    /// False: this is no digit, or too many wait.
    #[must_use]
    pub fn push(&mut self, digit: u8, lasts: Duration, pause_after: Duration) -> bool {
        let Some(event) = event_of(digit).filter(|_| self.waiting.len() < QUEUE_MAX) else { return false };
        // Shorter than two packets is shorter than receivers must notice (Q.24: 40 ms).
        self.waiting.push_back(Wanted { event, lasts: lasts.max(2 * STEP), pause_after });
        true
    }

    /// Nothing is being sent and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && matches!(self.phase, Phase::Idle)
    }

    /// A key is down, or its last packets are being repeated: audio is withheld (RFC 4733 2.5.1.2).
    pub fn is_sending(&self) -> bool {
        matches!(self.phase, Phase::Down { .. })
    }

    /// When to call `tick` next.
    #[must_use]
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        match self.phase {
            Phase::Down { due, .. } => Some(due),
            Phase::Pause { until } => Some(until),
            Phase::Idle => (!self.waiting.is_empty()).then_some(now),
        }
    }

    /// The packet that is due, if one is. To be asked every 20 ms, or when the deadline has come.
    #[must_use]
    pub fn tick(&mut self, now: Instant) -> Option<EventPacket> {
        if let Phase::Pause { until } = self.phase
            && until <= now + EARLY
        {
            self.phase = Phase::Idle;
        }
        if let Phase::Idle = self.phase {
            let wanted = self.waiting.pop_front()?;
            self.phase = Phase::Down { wanted, sent: 0, due: now, ends: 0 };
        }
        let Phase::Down { wanted, sent, due, ends } = self.phase else { return None };
        if now + EARLY < due {
            return None;
        }
        // After a stall there is no burst of packets: what was not sent in time is not sent.
        let due = if now > due + STEP { now } else { due };
        let lasted = (STEP * (sent + 1)).min(wanted.lasts);
        let is_end = lasted >= wanted.lasts;
        let packet = self.packet(wanted.event, lasted, is_end, sent == 0);
        let ends = ends + u8::from(is_end);
        self.phase = if ends == ENDS {
            Phase::Pause { until: due + wanted.pause_after.max(STEP) }
        } else {
            Phase::Down { wanted, sent: sent + u32::from(!is_end), due: due + STEP, ends }
        };
        Some(packet)
    }

    /// RFC 4733 2.5.1.3: sixteen bits of ticks, then a new segment that begins where the full one ends.
    fn packet(&self, event: u8, lasted: Duration, is_end: bool, begins: bool) -> EventPacket {
        let all = ticks(lasted, self.clock);
        let segment = all.saturating_sub(1) / 0xffff;
        let timestamp_offset = segment * 0xffff;
        let duration = u16::try_from(all - timestamp_offset).unwrap_or(u16::MAX);
        let payload = Report { event, is_end, duration }.to_bytes();
        EventPacket { payload, marker: begins, begins, timestamp_offset }
    }
}
