//! The audio of one call: what its legs say and sources play goes to who hears it, every 20 ms. Knows no address.

mod beat;
mod bench;
mod fared;
mod keys;
mod seat;

pub use bench::{FRAME_MAX, Workbench};
pub use fared::Fared;

use super::command::{Playlist, SentDigit, SourceId, StreamPlan, TapChoice, TapId};
use super::event::{Event, SourceOutcome};
use super::matrix::{Matrix, Voice};
use super::path::{Facts, Member, Path, codec_received, payload_across};
use super::player::Player;
use super::recipe::Recipes;
use super::tap::{FeedIn, TapOut};
use crate::base::id::{CallId, LegId};
use crate::base::now::earliest;
use seat::Seat;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The beat of the desk.
pub const TICK: Duration = Duration::from_millis(20);
/// A desk that wakes later than this goes on from now instead of catching up.
const LATE_MAX: Duration = Duration::from_millis(100);

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
    /// The beat that it belongs to: when it should have been sent.
    pub due: Instant,
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
    /// Long events have several segments; `offset` ticks of the event's clock are added then (RFC 4733 2.5.1.3).
    Event { first: bool, offset: u32 },
}

/// Where a packet may go untouched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Passage {
    pub ear: LegId,
    pub payload_type: u8,
}

fn seat_hears_events(seat: &Seat, payload_type: u8) -> bool {
    seat.plan.telephone_event.is_some_and(|event| event.receive == payload_type)
}

#[derive(Debug)]
struct Source {
    id: SourceId,
    player: Player,
}

#[derive(Debug)]
struct Tapped {
    id: TapId,
    what: TapChoice,
    out: TapOut,
}

/// What follows from plans, matrix, sources and taps; worked out again only when one of them changes.
#[derive(Debug, Default)]
struct Layout {
    rate: u32,
    /// All legs that are needed, then all sources.
    voices: Vec<Voice>,
    recipes: Recipes,
}

#[derive(Debug)]
pub struct Desk {
    call: CallId,
    seats: Vec<Seat>,
    matrix: Matrix,
    sources: Vec<Source>,
    taps: Vec<Tapped>,
    path: Path,
    layout: Option<Box<Layout>>,
    next_tick: Option<Instant>,
    events: VecDeque<Event>,
}

impl Desk {
    pub fn new(call: CallId) -> Desk {
        Desk {
            call,
            seats: Vec::new(),
            matrix: Matrix::default(),
            sources: Vec::new(),
            taps: Vec::new(),
            path: Path::Held,
            layout: None,
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
            Some(seat) => seat.plan_again(plan),
            None => self.seats.push(Seat::new(leg, plan)),
        }
        self.decide(now);
    }

    pub fn matrix(&mut self, now: Instant, matrix: Matrix) {
        self.matrix = matrix;
        self.decide(now);
    }

    pub fn play(&mut self, now: Instant, source: SourceId, playlist: Playlist) {
        self.start(now, source, Player::of(playlist));
    }

    pub fn feed(&mut self, now: Instant, source: SourceId, from: FeedIn) {
        self.start(now, source, Player::fed(from));
    }

    fn start(&mut self, now: Instant, id: SourceId, player: Player) {
        self.stop(now, id);
        self.sources.push(Source { id, player });
        self.decide(now);
    }

    pub fn stop(&mut self, now: Instant, source: SourceId) {
        let before = self.sources.len();
        self.sources.retain(|running| running.id != source);
        if self.sources.len() < before {
            self.events.push_back(Event::SourceEnded { call: self.call, source, outcome: SourceOutcome::Stopped });
            self.decide(now);
        }
    }

    pub fn send_digits(&mut self, now: Instant, leg: LegId, digits: &[SentDigit]) {
        if let Some(seat) = self.seats.iter_mut().find(|seat| seat.leg == leg) {
            digits.iter().for_each(|digit| seat.owe(*digit));
            self.decide(now);
        }
    }

    pub fn tap(&mut self, now: Instant, tap: TapId, what: TapChoice, mut out: TapOut) {
        self.stop_tap(now, tap);
        match what {
            TapChoice::Stereo { rate, .. } => out.shape(rate, 2),
            TapChoice::Spoken { rate, .. } | TapChoice::Heard { rate, .. } | TapChoice::Mixed { rate } => {
                out.shape(rate, 1);
            }
        }
        self.taps.push(Tapped { id: tap, what, out });
        self.decide(now);
    }

    pub fn stop_tap(&mut self, now: Instant, tap: TapId) {
        let (ended, kept) = std::mem::take(&mut self.taps).into_iter().partition(|tapped| tapped.id == tap);
        self.taps = kept;
        let ended: Vec<Tapped> = ended;
        for mut tapped in ended {
            tapped.out.flush();
            self.events.push_back(Event::TapEnded { call: self.call, tap });
            self.decide(now);
        }
    }

    pub fn close(&mut self, now: Instant, leg: LegId) {
        self.seats.retain(|seat| seat.leg != leg);
        if self.seats.is_empty() {
            let sources: Vec<SourceId> = self.sources.iter().map(|source| source.id).collect();
            sources.into_iter().for_each(|source| self.stop(now, source));
            let taps: Vec<TapId> = self.taps.iter().map(|tapped| tapped.id).collect();
            taps.into_iter().for_each(|tap| self.stop_tap(now, tap));
        }
        self.decide(now);
    }

    pub fn path(&self) -> Path {
        self.path
    }

    /// While the path is `Forward`: where packets of this leg with this payload type go. Keep the answer until `path`
    /// may have changed; what has no passage is given to `take`.
    pub fn passage(&self, leg: LegId, payload_type: u8) -> Option<Passage> {
        let voice = self.seats.iter().find(|seat| seat.leg == leg)?;
        // Events pass one by one, through `take`, so that each key press is also told.
        if voice.plan.telephone_event.is_some_and(|event| event.receive == payload_type) {
            return None;
        }
        self.across(leg, payload_type)
    }

    fn across(&self, leg: LegId, payload_type: u8) -> Option<Passage> {
        if self.path != Path::Forward {
            return None;
        }
        let voice = self.seats.iter().find(|seat| seat.leg == leg)?;
        let ears = self.matrix.pairs.iter().filter(|pair| pair.voice == Voice::Leg(leg));
        let mut ears = ears.filter_map(|pair| self.seats.iter().find(|seat| seat.leg == pair.ear));
        let ear = ears.find(|ear| ear.plan.sends && voice.plan.receives)?;
        let payload_type = payload_across(&voice.plan, &ear.plan, payload_type)?;
        Some(Passage { ear: ear.leg, payload_type })
    }

    /// Takes an accepted packet: on the desk's path all of them, else those without a passage. The answer says whether
    /// it is to be forwarded all the same (a telephone event that crosses as it is). May change the way.
    pub fn take(&mut self, now: Instant, leg: LegId, packet: &Incoming<'_>) -> Option<Passage> {
        let at = self.seats.iter().position(|seat| seat.leg == leg)?;
        let seat = self.seats.get_mut(at)?;
        if codec_received(&seat.plan, packet.payload_type).is_some() && seat.spoken != Some(packet.payload_type) {
            seat.spoken = Some(packet.payload_type);
            self.decide(now);
        }
        if seat_hears_events(self.seats.get(at)?, packet.payload_type) {
            return self.take_event(now, at, packet);
        }
        let seat = self.seats.get_mut(at)?;
        if let Some(ear) = &mut seat.ear {
            ear.take(now, &seat.plan, packet);
        }
        None
    }

    /// When `tick` is due; `None` while there is nothing to do.
    pub fn deadline(&self) -> Option<Instant> {
        let released = self.seats.iter().filter_map(|seat| seat.keys.deadline()).min();
        earliest(self.next_tick, released)
    }

    /// What the far end of a leg reports of loss, in percent, so that redundancy fits (RFC 3550 6.4).
    pub fn expect_loss(&mut self, leg: LegId, percent: u8) {
        if let Some(seat) = self.seats.iter_mut().find(|seat| seat.leg == leg) {
            seat.expect_loss(percent);
        }
    }

    /// Samples per second that it works at; `None` while it does not.
    pub fn rate(&self) -> Option<u32> {
        self.layout.as_ref().map(|layout| layout.rate)
    }

    /// How the audio of a leg fared, as far as the desk has heard it.
    pub fn fared(&self, leg: LegId) -> Fared {
        let seat = self.seats.iter().find(|seat| seat.leg == leg);
        seat.map(Fared::of).unwrap_or_default()
    }

    /// How long the audio of a leg waits at present, so that what is late is not lost; `None` while nobody hears it.
    pub fn wait(&self, leg: LegId, now: Instant) -> Option<Duration> {
        self.seats.iter().find(|seat| seat.leg == leg)?.ear.as_ref()?.delay(now)
    }

    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Finds the way anew. Sources go on in time also when nobody hears them, so that each ends.
    fn decide(&mut self, now: Instant) {
        let members: Vec<Member<'_>> = self.seats.iter().map(Seat::member).collect();
        let sources: Vec<SourceId> = self.sources.iter().map(|source| source.id).collect();
        let is_tapped = !self.taps.is_empty();
        let facts = Facts { members: &members, matrix: &self.matrix, sources: &sources, is_tapped };
        self.path = facts.path();
        let layout = (self.path == Path::Desk).then(|| beat::layout(&facts, &self.sources, &self.taps));
        self.layout = layout.map(Box::new);
        if self.layout.is_none() {
            self.seats.iter_mut().for_each(Seat::leave);
        } else {
            self.prepare();
        }
        let is_busy = self.layout.is_some() || !self.sources.is_empty();
        self.next_tick = if is_busy { self.next_tick.or(Some(now + TICK)) } else { None };
    }
}

#[cfg(test)]
mod tests;
