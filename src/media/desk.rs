//! The audio of one call: what its legs say and sources play goes to who hears it, every 20 ms. Knows no address.

use super::command::{Playlist, SentDigit, SourceId, StreamPlan, TapChoice, TapId};
use super::event::Event;
use super::matrix::{Matrix, Voice};
use super::path::{Facts, Member, Path, payload_across};
use super::tap::{FeedIn, TapOut};
use crate::base::id::{CallId, LegId};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The beat of the desk.
pub const TICK: Duration = Duration::from_millis(20);

/// One accepted RTP packet, decrypted, as plain fields.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    pub payload_type: u8,
    pub marker: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: &'a [u8],
}

/// One packet to send, still without its sequence number and SSRC.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    pub leg: LegId,
    pub payload_type: u8,
    /// Audio begins again after silence. A stream that begins has its marker from whoever stamps it.
    pub marker: bool,
    /// RTP ticks per second.
    pub clock: u32,
    /// Ticks that went by without a packet since the one before: silence, or an event.
    pub passed: u32,
    pub timing: Timing,
    pub payload: &'a [u8],
}

/// Where a packet stands in time, after what `passed`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timing {
    /// Audio of so many ticks: what follows begins after it.
    Audio { ticks: u32 },
    /// A telephone event: all its packets bear the timestamp of its beginning, which is now if this is the `first`.
    Event { first: bool },
}

/// Where a packet may go untouched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Passage {
    pub ear: LegId,
    pub payload_type: u8,
}

/// Buffers that all desks of one worker share: nothing in them outlives a tick.
#[derive(Debug, Default)]
pub struct Workbench {}

#[derive(Debug)]
struct Seat {
    leg: LegId,
    plan: Box<StreamPlan>,
    spoken: Option<u8>,
}

#[derive(Debug)]
pub struct Desk {
    call: CallId,
    seats: Vec<Seat>,
    matrix: Matrix,
    path: Path,
    next_tick: Option<Instant>,
    events: VecDeque<Event>,
}

impl Desk {
    pub fn new(call: CallId) -> Desk {
        Desk {
            call,
            seats: Vec::new(),
            matrix: Matrix::default(),
            path: Path::Held,
            next_tick: None,
            events: VecDeque::new(),
        }
    }

    pub fn call(&self) -> CallId {
        self.call
    }

    // Each wish below may change the way: read `path` and `deadline` after it.

    pub fn plan(&mut self, now: Instant, leg: LegId, plan: &StreamPlan) {
        match self.seats.iter_mut().find(|seat| seat.leg == leg) {
            Some(seat) => seat.plan = Box::new(plan.clone()),
            None => self.seats.push(Seat { leg, plan: Box::new(plan.clone()), spoken: None }),
        }
        self.decide(now);
    }

    pub fn matrix(&mut self, now: Instant, matrix: Matrix) {
        self.matrix = matrix;
        self.decide(now);
    }

    pub fn play(&mut self, now: Instant, _source: SourceId, _playlist: Playlist) {
        self.decide(now);
    }

    pub fn feed(&mut self, now: Instant, _source: SourceId, _from: FeedIn) {
        self.decide(now);
    }

    pub fn stop(&mut self, now: Instant, _source: SourceId) {
        self.decide(now);
    }

    pub fn send_digits(&mut self, now: Instant, _leg: LegId, _digits: &[SentDigit]) {
        self.decide(now);
    }

    pub fn tap(&mut self, now: Instant, _tap: TapId, _what: TapChoice, _out: TapOut) {
        self.decide(now);
    }

    pub fn stop_tap(&mut self, now: Instant, _tap: TapId) {
        self.decide(now);
    }

    pub fn close(&mut self, now: Instant, leg: LegId) {
        self.seats.retain(|seat| seat.leg != leg);
        self.decide(now);
    }

    pub fn path(&self) -> Path {
        self.path
    }

    /// While the path is `Forward`: where packets of this leg with this payload type go. Keep the answer until `path`
    /// may have changed; what has no passage is given to `take`.
    pub fn passage(&self, leg: LegId, payload_type: u8) -> Option<Passage> {
        if self.path != Path::Forward {
            return None;
        }
        let voice = self.seats.iter().find(|seat| seat.leg == leg)?;
        let ear = self.matrix.pairs.iter().find(|pair| pair.voice == Voice::Leg(leg))?.ear;
        let ear = self.seats.iter().find(|seat| seat.leg == ear)?;
        // Events pass one by one, through `take`, so that each key press is also told.
        if voice.plan.telephone_event.is_some_and(|event| event.receive == payload_type) {
            return None;
        }
        let payload_type = payload_across(&voice.plan, &ear.plan, payload_type)?;
        Some(Passage { ear: ear.leg, payload_type })
    }

    /// Takes an accepted packet: on the desk's path all of them, else those without a passage. The answer says whether
    /// it is to be forwarded all the same (a telephone event that crosses as it is). May change the way.
    pub fn take(&mut self, now: Instant, leg: LegId, packet: &Incoming<'_>) -> Option<Passage> {
        let seat = self.seats.iter_mut().find(|seat| seat.leg == leg)?;
        seat.spoken = Some(packet.payload_type);
        self.decide(now);
        None
    }

    /// When `tick` is due; `None` while the path needs none.
    pub fn deadline(&self) -> Option<Instant> {
        self.next_tick
    }

    /// One beat: hands each packet that is to be sent to `send`. Called for nothing, it does nothing.
    pub fn tick(&mut self, now: Instant, _bench: &mut Workbench, _send: &mut impl FnMut(Outgoing<'_>)) {
        if self.next_tick.is_some_and(|at| at <= now) {
            self.next_tick = Some(now + TICK);
        }
    }

    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn decide(&mut self, now: Instant) {
        let members: Vec<Member<'_>> = self
            .seats
            .iter()
            .map(|seat| Member { leg: seat.leg, plan: &seat.plan, spoken: seat.spoken, has_digits: false })
            .collect();
        let facts = Facts { members: &members, matrix: &self.matrix, sources: &[], is_tapped: false };
        self.path = facts.path();
        self.next_tick = match self.path {
            Path::Desk => self.next_tick.or(Some(now + TICK)),
            Path::Held | Path::Forward => None,
        };
    }
}
