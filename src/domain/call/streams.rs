//! The streams of a call: opened with its legs, told what is agreed and who talks with whom, closed with their quality.
//! Carries no audio.

use crate::base::id::LegId;
use crate::base::limits;
use crate::base::now::earliest;
use crate::domain::call::digits;
use crate::domain::call::interface::CallEvent;
use crate::domain::call::parts::Parts;
use crate::domain::leg::established::Telling;
use crate::domain::leg::leg::Leg;
use crate::media::command::{Command, Playlist, SentDigit, SourceId, StreamId, TapId};
use crate::media::event::Quality;
use crate::media::handshake::Certificates;
use crate::media::matrix::{Matrix, Voice};
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::path::ListenerId;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

#[derive(Default)]
pub struct Streams {
    /// Audio goes through us; said once, when the call begins.
    pub is_relayed: bool,
    /// What handshakes with browsers show, once a worker has said it.
    pub certificates: Option<Arc<Certificates>>,
    list: Vec<Stream>,
    /// What was last said of who hears whom.
    hearing: Hearing,
    /// Sources and taps so far: no number is used twice.
    sources: u16,
    taps: u16,
}

/// Who hears whom, as the phase of a call wants it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Hearing {
    #[default]
    Nobody,
    Each(LegId, LegId),
    Whole(Matrix),
}

impl Hearing {
    /// The two whose streams are brought in line with each other.
    fn pair(&self) -> Option<(LegId, LegId)> {
        match self {
            Hearing::Each(a, b) => Some((*a, *b)),
            Hearing::Nobody | Hearing::Whole(_) => None,
        }
    }
}

impl From<Option<(LegId, LegId)>> for Hearing {
    fn from(pair: Option<(LegId, LegId)>) -> Hearing {
        pair.map_or(Hearing::Nobody, |(a, b)| Hearing::Each(a, b))
    }
}

struct Stream {
    leg: LegId,
    step: Step,
    /// The agreements that its worker was last told of: its own, and with whose codecs it was brought in line.
    told: Option<(u32, Option<(LegId, u32)>)>,
}

enum Step {
    Opening { when_given_up: Instant },
    Open { address: SocketAddr },
    Closing { when_given_up: Instant },
    Closed { quality: Option<Box<Quality>> },
}

impl Streams {
    pub fn certificates(&self) -> Certificates {
        self.certificates.as_deref().copied().unwrap_or_default()
    }

    /// Where the peer of a leg reaches its stream.
    pub fn address(&self, leg: LegId) -> Option<SocketAddr> {
        match self.of(leg)?.step {
            Step::Open { address } => Some(address),
            _ => None,
        }
    }

    pub fn quality(&self, leg: LegId) -> Option<&Quality> {
        match &self.of(leg)?.step {
            Step::Closed { quality } => quality.as_deref(),
            _ => None,
        }
    }

    fn of(&self, leg: LegId) -> Option<&Stream> {
        self.list.iter().find(|stream| stream.leg == leg)
    }

    fn of_mut(&mut self, leg: LegId) -> Option<&mut Stream> {
        self.list.iter_mut().find(|stream| stream.leg == leg)
    }

    /// Without parties who have left: one of a pair may do so while somebody else is called in its place.
    fn of_those_there(&self, matrix: &Matrix) -> Matrix {
        let is_there = |leg: LegId| {
            self.of(leg).is_some_and(|stream| matches!(stream.step, Step::Opening { .. } | Step::Open { .. }))
        };
        let is_heard = |voice: Voice| match voice {
            Voice::Leg(leg) => is_there(leg),
            Voice::Source(_) => true,
        };
        let pairs = matrix.pairs.iter().filter(|pair| is_there(pair.ear) && is_heard(pair.voice));
        Matrix { pairs: pairs.copied().collect() }
    }

    /// Whether a port of this call may still be held.
    pub fn are_closed(&self) -> bool {
        self.list.iter().all(|stream| matches!(stream.step, Step::Closed { .. }))
    }

    /// Those whose worker has not been told to close them.
    pub fn left_open(&self) -> impl Iterator<Item = LegId> {
        let open = |stream: &&Stream| matches!(stream.step, Step::Opening { .. } | Step::Open { .. });
        self.list.iter().filter(open).map(|stream| stream.leg)
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.list.iter().fold(None, |soonest, stream| match stream.step {
            Step::Opening { when_given_up } | Step::Closing { when_given_up } => earliest(soonest, Some(when_given_up)),
            Step::Open { .. } | Step::Closed { .. } => soonest,
        })
    }
}

impl Parts {
    fn stream_id(&self, leg: LegId) -> StreamId {
        StreamId { call: self.wire.call, leg }
    }

    fn command(&mut self, command: Command) {
        self.commands.push_back(command);
    }

    fn media_place(&self, listener: ListenerId) -> Option<(IpAddr, Option<IpAddr>)> {
        self.wire.listener(listener).map(|(profile, listener)| profile.media_place(listener))
    }

    /// Asks for a port beside this listener. Answered with `Answer::Opened`. `false`: audio does not go through us.
    pub fn open_stream(&mut self, leg: LegId, listener: ListenerId) -> bool {
        let Some((bind, _)) = self.media_place(listener).filter(|_| self.streams.is_relayed) else { return false };
        let when_given_up = self.wire.now.instant + limits::STREAM_PATIENCE;
        self.streams.list.push(Stream { leg, step: Step::Opening { when_given_up }, told: None });
        let stream = self.stream_id(leg);
        self.command(Command::Open { stream, bind });
        true
    }

    /// Its worker has bound a port. `false`: nobody waits for it any more.
    pub fn stream_opened(&mut self, leg: LegId, local: SocketAddr) -> bool {
        match self.streams.of_mut(leg) {
            Some(stream) if matches!(stream.step, Step::Opening { .. }) => {
                stream.step = Step::Open { address: local };
                true
            }
            _ => false,
        }
    }

    /// What a peer is told of an open port: the address by which it reaches us instead of that which is bound.
    pub fn shown_address(&self, leg: LegId, listener: ListenerId) -> Option<SocketAddr> {
        let local = self.streams.address(leg)?;
        let shown = self.media_place(listener).and_then(|(_, shown)| shown);
        Some(SocketAddr::new(shown.unwrap_or(local.ip()), local.port()))
    }

    /// The leg has ended, or will not come about.
    pub fn close_stream(&mut self, leg: LegId) {
        let when_given_up = self.wire.now.instant + limits::STREAM_PATIENCE;
        let stream = self.stream_id(leg);
        if let Some(own) = self.streams.of_mut(leg)
            && matches!(own.step, Step::Opening { .. } | Step::Open { .. })
        {
            own.step = Step::Closing { when_given_up };
            self.command(Command::Close { stream });
        }
    }

    /// Its worker holds the port no more, or never had one. `true`: the leg still waits for it.
    pub fn stream_closed(&mut self, leg: LegId, quality: Option<Box<Quality>>) -> bool {
        let Some(stream) = self.streams.of_mut(leg) else { return false };
        let is_missed = matches!(stream.step, Step::Opening { .. });
        stream.step = Step::Closed { quality };
        is_missed
    }

    /// Streams whose worker has not answered in time count as closed; those that were to be opened are told.
    pub fn late_streams(&mut self) -> Vec<LegId> {
        let now = self.wire.now.instant;
        let mut missed = Vec::new();
        let late: Vec<LegId> = self
            .streams
            .list
            .iter()
            .filter(|stream| match stream.step {
                Step::Opening { when_given_up } | Step::Closing { when_given_up } => when_given_up <= now,
                Step::Open { .. } | Step::Closed { .. } => false,
            })
            .map(|stream| stream.leg)
            .collect();
        for leg in late {
            let stream = self.stream_id(leg);
            self.say(format!("the media worker has not answered for leg {leg}"));
            if self.stream_closed(leg, None) {
                // Should it be opened yet, nobody needs it.
                self.command(Command::Close { stream });
                missed.push(leg);
            }
        }
        missed
    }

    /// Tells the worker what has changed since it was last told: whole wishes, none of them twice.
    pub fn wish(&mut self, hearing: Hearing) {
        if !self.streams.is_relayed {
            return;
        }
        let talking = hearing.pair();
        for at in 0..self.streams.list.len() {
            let Some(leg) = self.streams.list.get(at).map(|stream| stream.leg) else { continue };
            let partner = match talking {
                Some((a, b)) if a == leg => Some(b),
                Some((a, b)) if b == leg => Some(a),
                _ => None,
            };
            self.plan(at, (leg, partner));
        }
        if hearing != self.streams.hearing {
            let matrix = match &hearing {
                Hearing::Nobody => Matrix::default(),
                Hearing::Each(a, b) => Matrix::of_two(*a, *b),
                Hearing::Whole(matrix) => self.streams.of_those_there(matrix),
            };
            self.streams.hearing = hearing;
            self.command(Command::Matrix { call: self.wire.call, matrix });
        }
    }

    /// Starts a source; who hears it, the phase says. Its end comes as `Answer::Played`.
    pub fn play(&mut self, playlist: Playlist) -> SourceId {
        self.streams.sources = self.streams.sources.wrapping_add(1);
        let source = SourceId(self.streams.sources);
        self.command(Command::Play { call: self.wire.call, source, playlist });
        source
    }

    pub fn stop_playing(&mut self, source: SourceId) {
        self.command(Command::Stop { call: self.wire.call, source });
    }

    /// The number of the next tap, which the edge gives its end to.
    pub fn next_tap(&mut self) -> TapId {
        self.streams.taps = self.streams.taps.wrapping_add(1);
        TapId(self.streams.taps)
    }

    pub fn stop_tap(&mut self, tap: TapId) {
        self.command(Command::StopTap { call: self.wire.call, tap });
    }

    /// Sends digits to a leg's peer, in the form that its plan says.
    pub fn send_digits(&mut self, leg: LegId, digits: Box<[SentDigit]>) {
        let stream = self.stream_id(leg);
        self.command(Command::SendDigits { stream, digits });
    }

    fn plan(&mut self, at: usize, (id, partner): (LegId, Option<LegId>)) {
        let agreement = |id: LegId| {
            let media = &self.leg(id)?.line.media;
            Some((media.agreement()?, media.revision()))
        };
        let (Some((own, revision)), Some(party)) = (agreement(id), self.leg(id).map(|leg| &leg.line.party)) else {
            return;
        };
        let other = partner.and_then(|partner| Some((partner, agreement(partner)?)));
        let told = (revision, other.map(|(partner, (_, revision))| (partner, revision)));
        let Some(Stream { told: before, step: Step::Open { .. }, .. }) = self.streams.list.get(at) else { return };
        if *before == Some(told) {
            return;
        }
        let shared = other.and_then(|(_, (other, _))| own.shared_with(other));
        let plan = Box::new(own.plan(party.media(), shared));
        if let Some(stream) = self.streams.list.get_mut(at) {
            stream.told = Some(told);
        }
        let stream = self.stream_id(id);
        self.command(Command::Plan { stream, plan });
    }

    /// Audio of this leg goes through us from now on.
    pub fn relay(&mut self, leg: LegId) {
        let address = self.leg(leg).map(|leg| leg.line.target.path.listener).and_then(|at| self.shown_address(leg, at));
        let certificates = self.streams.certificates();
        if let Some(address) = address {
            self.with(leg, |leg: &mut Leg, _| leg.line.media.opened(address, certificates));
        }
    }
}

impl Parts {
    /// A digit has come as audio or event: the worker passes it on itself, but where the other party wants an INFO.
    pub fn on_digit(&mut self, legs: (LegId, Option<LegId>), sent: SentDigit) {
        let (leg, partner) = legs;
        self.digit_event(leg, sent);
        if let Some(partner) = partner {
            self.inform_of(partner, sent);
        }
    }

    /// A digit has come as INFO: it goes on as INFO, or into the other party's stream.
    pub fn on_digit_of_info(&mut self, legs: (LegId, LegId), sent: SentDigit) {
        let (leg, partner) = legs;
        self.digit_event(leg, sent);
        if !self.inform_of(partner, sent) {
            let stream = self.stream_id(partner);
            self.command(Command::SendDigits { stream, digits: Box::new([sent]) });
        }
    }

    fn digit_event(&mut self, leg: LegId, sent: SentDigit) {
        let digit = (!self.hides_keys).then_some(sent.digit);
        self.event(CallEvent::Digit { leg, digit });
    }

    /// `false`: the party does not want its digits so.
    fn inform_of(&mut self, leg: LegId, sent: SentDigit) -> bool {
        let told = self.with(leg, |leg, wire| {
            let (content_type, body) = digits::write(leg.line.party.media().dtmf, sent)?;
            let (state, line) = leg.established()?;
            let body = Some((content_type, body.as_bytes()));
            state.tell(line, wire, &Telling { method: Method::Info, headers: &[], body });
            Some(())
        });
        told.flatten().is_some()
    }
}
