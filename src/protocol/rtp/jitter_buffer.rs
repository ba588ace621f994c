//! Packets in as the network brings them, frames out as the ear needs them, with no more delay than jitter asks for.
//! Decodes nothing.

mod delay;

use super::packet::Header;
use delay::Delays;
use std::time::{Duration, Instant};

/// More than the longest delay has of the shortest packets; beyond, the oldest gives way.
const PACKETS_MAX: usize = 60;
/// The largest payload of a frame: 60 ms of L16 at 48 kHz.
const PAYLOAD_MAX: usize = 5_760;
/// Timestamps that part from the clock by more than this are those of another timeline.
const LEAP: Duration = Duration::from_secs(3);
/// So often in a row all that had come was thrown away as too late: then it is not late, the way to us has become longer.
const BARREN_MAX: u8 = 10;
/// Buffers kept for the next packets.
const SPARE_MAX: usize = 4;

/// How long audio may wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    pub shortest: Duration,
    pub longest: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { shortest: Duration::from_millis(20), longest: Duration::from_millis(300) }
    }
}

/// What became of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Put {
    Kept,
    Duplicate,
    /// Its time to be played has passed.
    TooLate,
    /// Not of a size that audio has.
    Oversized,
}

/// The next piece of audio.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pull<'a> {
    Packet {
        payload_type: u8,
        payload: &'a [u8],
        /// As it was put in; zero for comfort noise, which lasts until something else comes.
        ticks: u32,
        pace: Pace,
    },
    /// A packet is missing; so much is to be concealed. Behind it lies what may repair it (Opus FEC).
    Lost { ticks: u32, next: Option<(u8, &'a [u8])> },
    /// Nothing is there: silence, comfort noise, or concealment that fades. So much of time passes.
    Empty { ticks: u32 },
}

/// How fast to play so that the delay becomes what it should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    Even,
    /// Let this audio last one frame longer.
    Stretch,
    /// Let this audio and the next be one frame shorter.
    Shrink,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    pub played: u64,
    pub lost: u64,
    pub too_late: u64,
    /// Thrown away because too much waited.
    pub overrun: u64,
    pub duplicates: u64,
    pub stretched: u64,
    pub shrunk: u64,
    /// New timelines: other sources, timestamps that leap, stalls.
    pub restarts: u64,
}

/// One incoming stream, to be pulled whenever its ear has no more samples.
#[derive(Debug)]
pub struct JitterBuffer {
    clock: u32,
    limits: Limits,
    begun: Option<Instant>,
    ssrc: u32,
    /// The extended timestamp of the newest packet.
    newest: i64,
    /// By timestamp.
    slots: Vec<Slot>,
    spare: Vec<Vec<u8>>,
    out: Vec<u8>,
    playing: Option<Playing>,
    delays: Delays,
    /// How often in a row nothing of what had come was in time.
    barren: u8,
    counts: Counts,
}

#[derive(Debug)]
struct Slot {
    timestamp: i64,
    sequence: u16,
    payload_type: u8,
    ticks: u32,
    payload: Vec<u8>,
}

/// Where playing stands.
#[derive(Clone, Copy, Debug)]
struct Playing {
    /// Timestamp of the next sample.
    next: i64,
    /// Sequence number of the last packet played, and how long such packets are.
    sequence: u16,
    usual_ticks: u32,
    /// Nothing was there at the last pull.
    starved: bool,
    /// When the pace was changed last.
    paced_at: i64,
}

impl JitterBuffer {
    pub fn new(clock: u32, limits: Limits) -> JitterBuffer {
        JitterBuffer {
            clock,
            limits,
            begun: None,
            ssrc: 0,
            newest: 0,
            slots: Vec::new(),
            spare: Vec::new(),
            out: Vec::new(),
            playing: None,
            delays: Delays::new(clock),
            barren: 0,
            counts: Counts::default(),
        }
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What jitter asks for at present.
    pub fn target_delay(&self) -> Duration {
        self.duration(self.target())
    }

    /// How long audio waits here at present, beyond the fastest packets. `None` before anything has played.
    pub fn delay(&self, now: Instant) -> Option<Duration> {
        let delay = self.present_delay(self.now_ticks(now))?;
        Some(self.duration(delay.max(0)))
    }

    /// Timestamps count in other ticks from now on; what waits is thrown away.
    pub fn set_clock(&mut self, clock: u32) {
        if self.clock != clock {
            self.clock = clock;
            self.delays = Delays::new(clock);
            self.restart();
        }
    }

    /// Takes a packet of audio that lasts so many ticks; comfort noise lasts zero.
    pub fn put(&mut self, now: Instant, header: &Header, payload: &[u8], ticks: u32) -> Put {
        if payload.len() > PAYLOAD_MAX {
            return Put::Oversized;
        }
        self.begun.get_or_insert(now);
        let arrived = self.now_ticks(now);
        let timestamp = self.place(arrived, header);
        self.delays.take(arrived, arrived - timestamp);
        if let Some(playing) = &mut self.playing
            && timestamp + i64::from(ticks.max(1)) <= playing.next
        {
            let ahead = header.sequence.wrapping_sub(playing.sequence).cast_signed();
            if ahead == 0 {
                self.counts.duplicates += 1;
                return Put::Duplicate;
            }
            if !playing.starved || !self.slots.is_empty() || ahead < 0 {
                self.counts.too_late += 1;
                self.was_barren();
                return Put::TooLate;
            }
            // Nothing else is there to play: better late than never, and from now on with more delay.
            playing.next = timestamp;
        }
        let at = self.slots.partition_point(|slot| (slot.timestamp, slot.ticks) < (timestamp, ticks));
        if self.slots.iter().any(|slot| slot.sequence == header.sequence) {
            self.counts.duplicates += 1;
            return Put::Duplicate;
        }
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(payload);
        let (sequence, payload_type) = (header.sequence, header.payload_type);
        self.slots.insert(at, Slot { timestamp, sequence, payload_type, ticks, payload: bytes });
        if self.slots.len() > PACKETS_MAX {
            self.counts.overrun += 1;
            self.drop_first();
        }
        Put::Kept
    }

    /// The next audio. To be asked whenever less than a frame of samples is left.
    pub fn pull(&mut self, now: Instant) -> Pull<'_> {
        let now = self.now_ticks(now);
        let frame = self.frame();
        let Some(mut playing) = self.playing.or_else(|| self.start(now)) else {
            return Pull::Empty { ticks: short(frame) };
        };
        self.catch_up(now, &mut playing);
        if self.playing.is_none() && self.delays.is_empty() {
            return Pull::Empty { ticks: short(frame) };
        }
        let Some(head) = self.slots.first() else {
            playing.next += frame;
            playing.starved = true;
            self.playing = Some(playing);
            return Pull::Empty { ticks: short(frame) };
        };
        let gap = head.timestamp - playing.next;
        if gap > 0 && head.sequence == playing.sequence.wrapping_add(1) {
            return self.silence(now, playing, gap);
        }
        if gap > 0 {
            return self.missing(playing, gap);
        }
        self.play(now, playing)
    }

    /// Playing begins when the first packet has waited for as long as jitter asks for.
    fn start(&self, now: i64) -> Option<Playing> {
        let head = self.slots.first()?;
        let waited = now - head.timestamp - self.delays.fastest();
        (waited >= self.target()).then(|| Playing {
            next: head.timestamp,
            sequence: head.sequence.wrapping_sub(1),
            usual_ticks: head.ticks.max(1),
            starved: false,
            paced_at: now,
        })
    }

    /// After a stall, audio that would be heard too late is not heard at all.
    fn catch_up(&mut self, now: i64, playing: &mut Playing) {
        let delay = now - playing.next - self.delays.fastest();
        if delay > self.longest() + 2 * self.frame() {
            playing.next = now - self.delays.fastest() - self.target();
            self.counts.restarts += 1;
        }
        while self.slots.first().is_some_and(|slot| slot.timestamp + i64::from(slot.ticks.max(1)) <= playing.next) {
            // Comfort noise that waits is still news.
            if self.slots.first().is_some_and(|slot| slot.ticks == 0) && self.slots.len() == 1 {
                break;
            }
            self.counts.overrun += 1;
            self.drop_first();
            if self.slots.is_empty() {
                self.was_barren();
            }
        }
    }

    /// The fastest packets are remembered for many seconds, and silence for so long is no measure.
    fn was_barren(&mut self) {
        self.barren += 1;
        if self.barren > BARREN_MAX {
            self.barren = 0;
            self.restart();
        }
    }

    /// The sender was silent: here the delay is brought to its target without anybody hearing it.
    fn silence(&mut self, now: i64, mut playing: Playing, gap: i64) -> Pull<'_> {
        let frame = self.frame();
        let above = now - playing.next - self.delays.fastest() - self.target();
        playing.next += match above {
            _ if above < 0 => 0,
            _ if above > frame => gap.min(2 * frame),
            _ => gap.min(frame),
        };
        self.playing = Some(playing);
        Pull::Empty { ticks: short(gap.min(frame)) }
    }

    fn missing(&mut self, mut playing: Playing, gap: i64) -> Pull<'_> {
        let ticks = gap.min(i64::from(playing.usual_ticks));
        playing.next += ticks;
        self.playing = Some(playing);
        self.counts.lost += 1;
        let next = self.slots.first().filter(|_| gap <= ticks);
        Pull::Lost { ticks: short(ticks), next: next.map(|slot| (slot.payload_type, slot.payload.as_slice())) }
    }

    fn play(&mut self, now: i64, mut playing: Playing) -> Pull<'_> {
        let pace = self.pace(now, &mut playing);
        if self.slots.is_empty() {
            return Pull::Empty { ticks: 0 };
        }
        let slot = self.slots.remove(0);
        playing.sequence = slot.sequence;
        playing.starved = false;
        if slot.ticks > 0 {
            playing.next = slot.timestamp + i64::from(slot.ticks);
            playing.usual_ticks = slot.ticks;
        }
        self.playing = Some(playing);
        self.counts.played += 1;
        self.barren = 0;
        let last = std::mem::replace(&mut self.out, slot.payload);
        self.keep(last);
        Pull::Packet { payload_type: slot.payload_type, payload: &self.out, ticks: slot.ticks, pace }
    }

    /// Too little delay is mended at once, too much at leisure: loss is heard, delay is not.
    fn pace(&mut self, now: i64, playing: &mut Playing) -> Pace {
        let frame = self.frame();
        let above = now - playing.next - self.delays.fastest() - self.target();
        let since = now - playing.paced_at;
        let pace = match above {
            _ if above < -frame / 2 && since >= 5 * frame => Pace::Stretch,
            _ if above > frame + frame / 2 && since >= 20 * frame && self.slots.len() > 1 => Pace::Shrink,
            _ => return Pace::Even,
        };
        playing.paced_at = now;
        let count = if pace == Pace::Stretch { &mut self.counts.stretched } else { &mut self.counts.shrunk };
        *count += 1;
        pace
    }

    /// The timestamp on our own timeline, which never wraps; a leap begins another timeline.
    fn place(&mut self, arrived: i64, header: &Header) -> i64 {
        let [.., a, b, c, d] = self.newest.to_be_bytes();
        let step = header.timestamp.wrapping_sub(u32::from_be_bytes([a, b, c, d])).cast_signed();
        let timestamp = self.newest + i64::from(step);
        let leap = i64::from(self.clock) * i64::try_from(LEAP.as_secs()).unwrap_or_default();
        let expected = arrived - self.delays.fastest();
        let is_other = self.ssrc != header.ssrc || (timestamp - expected).abs() > leap;
        if self.delays.is_empty() || is_other {
            if !self.delays.is_empty() {
                self.restart();
            }
            self.ssrc = header.ssrc;
            self.newest = i64::from(header.timestamp);
            return self.newest;
        }
        self.newest = self.newest.max(timestamp);
        timestamp
    }

    /// Another timeline: what waits of the old one is gone; what is known of the network stays.
    fn restart(&mut self) {
        while !self.slots.is_empty() {
            self.drop_first();
        }
        self.delays.forget_fastest();
        self.playing = None;
        self.counts.restarts += 1;
    }

    fn drop_first(&mut self) {
        if !self.slots.is_empty() {
            let slot = self.slots.remove(0);
            self.keep(slot.payload);
        }
    }

    fn keep(&mut self, bytes: Vec<u8>) {
        if self.spare.len() < SPARE_MAX && bytes.capacity() <= 512 {
            self.spare.push(bytes);
        }
    }

    fn present_delay(&self, now: i64) -> Option<i64> {
        self.playing.map(|playing| now - playing.next - self.delays.fastest())
    }

    fn target(&self) -> i64 {
        let shortest = self.ticks(self.limits.shortest);
        self.delays.needed().clamp(shortest, self.longest().max(shortest))
    }

    fn longest(&self) -> i64 {
        self.ticks(self.limits.longest)
    }

    /// 20 ms.
    fn frame(&self) -> i64 {
        i64::from(self.clock / 50).max(1)
    }

    fn now_ticks(&self, now: Instant) -> i64 {
        self.begun.map_or(0, |begun| self.ticks(now.saturating_duration_since(begun)))
    }

    fn ticks(&self, duration: Duration) -> i64 {
        let nanos = i64::try_from(duration.as_nanos() / 1_000).unwrap_or(i64::MAX);
        nanos.saturating_mul(i64::from(self.clock)) / 1_000_000
    }

    fn duration(&self, ticks: i64) -> Duration {
        let ticks = u64::try_from(ticks).unwrap_or_default();
        Duration::from_micros(ticks.saturating_mul(1_000_000) / u64::from(self.clock.max(1)))
    }
}

fn short(ticks: i64) -> u32 {
    u32::try_from(ticks).unwrap_or_default()
}

#[cfg(test)]
mod tests;
