//! One worker of the media plane as a machine: commands, packets and time in; packets, events and bindings out. Does no I/O.

use crate::base::entropy::Entropy;
use crate::base::id::CallId;
use crate::base::now::Now;
use crate::base::wheel::Wheel;
use crate::media::circuit::Circuit;
use crate::media::command::{Command, SourceId, StreamId, StreamPlan, TapId};
use crate::media::counters::{Counters, Refusal};
use crate::media::desk::{Desk, Fared, Incoming, Outgoing as Made, Passage, Workbench};
use crate::media::event::{Event, SourceOutcome};
use crate::media::handshake::{Certificates, HandshakeOrder};
use crate::media::ports::{PortPool, PortRange};
use crate::media::slots::Slots;
use crate::media::stream::{Accepted, News, Stream};
use crate::media::transmit::{Outbox, SocketId, Transmit};
use crate::protocol::rtp::kind::Kind;
use crate::protocol::rtp::outgoing::Arrival;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Ports that are tried for one stream; the system refuses one that somebody else holds.
const BIND_TRIES: u8 = 8;

/// Nothing that is told to people needs to be more punctual; a thousand held calls then wake a worker ten times a second.
const COARSE: Duration = Duration::from_millis(100);

/// One worker's streams and calls. Owned by its thread alone, so nothing in it is locked.
///
/// After every `handle_*` the owner drains `poll_transmit` and `poll_output`, then reads `deadline`.
pub struct Worker {
    started: Instant,
    ports: PortPool,
    entropy: Entropy,
    streams: Slots,
    circuits: BTreeMap<CallId, Circuit>,
    wheel: Wheel<Due>,
    due: Vec<Due>,
    bench: Workbench,
    outbox: Outbox,
    outputs: VecDeque<Output>,
    counters: Counters,
    certificates: Arc<Certificates>,
}

/// What the owner does for the worker.
#[derive(Clone, PartialEq, Debug)]
pub enum Output {
    /// Bind this address for RTP and the port above it for RTCP, both or neither; answered by `handle_bound`.
    Bind {
        slot: u32,
        address: SocketAddr,
    },
    /// Close both sockets.
    Close {
        slot: u32,
    },
    Event(Event),
    /// For whoever performs handshakes; answered by `Command::Handshake`.
    Handshake(HandshakeOrder),
}

/// A datagram that came.
#[derive(Clone, Copy, Debug)]
pub struct Arrived {
    pub socket: SocketId,
    pub from: SocketAddr,
    pub length: usize,
}

/// Send the first so many bytes of the buffer that was handed in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sending {
    pub socket: SocketId,
    pub to: SocketAddr,
    pub length: usize,
}

#[derive(Clone, Copy, Debug)]
enum Due {
    Stream(u32),
    Desk(CallId),
}

impl Worker {
    pub fn new(now: Now, range: PortRange, entropy: Entropy) -> Worker {
        Worker {
            started: now.instant,
            ports: PortPool::new(range),
            entropy,
            streams: Slots::default(),
            circuits: BTreeMap::new(),
            wheel: Wheel::new(now.instant),
            due: Vec::new(),
            bench: Workbench::default(),
            outbox: Outbox::default(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            certificates: Arc::default(),
        }
    }

    /// What handshakes for this worker's streams show.
    pub fn with_certificates(self, certificates: Certificates) -> Worker {
        Worker { certificates: Arc::new(certificates), ..self }
    }

    pub fn handle_command(&mut self, now: Now, command: Command) {
        let at = now.instant;
        match command {
            Command::Open { stream, bind } => self.open(now, stream, bind),
            Command::Plan { stream, plan } => self.plan(now, stream, &plan),
            Command::Close { stream } => self.close(now, stream),
            Command::Handshake { stream, news } => self.handshake(now, stream, news),
            Command::Matrix { call, matrix } => self.on_desk(now, call, |desk| desk.matrix(at, matrix)),
            Command::Play { call, source, playlist } if self.has(call, source) => {
                self.on_desk(now, call, |desk| desk.play(at, source, playlist));
            }
            Command::Feed { call, source, from } if self.has(call, source) => {
                self.on_desk(now, call, |desk| desk.feed(at, source, from));
            }
            Command::Play { .. } | Command::Feed { .. } => {}
            Command::Stop { call, source } => self.on_desk(now, call, |desk| desk.stop(at, source)),
            Command::SendDigits { stream, digits } => {
                self.on_desk(now, stream.call, |desk| desk.send_digits(at, stream.leg, &digits));
            }
            Command::Tap { call, tap, what, out } if self.may_tap(call, tap) => {
                self.on_desk(now, call, |desk| desk.tap(at, tap, what, out));
            }
            Command::Tap { .. } => {}
            Command::StopTap { call, tap } => self.on_desk(now, call, |desk| desk.stop_tap(at, tap)),
        }
    }

    /// The owner has bound both ports of a stream, or could not.
    pub fn handle_bound(&mut self, now: Now, slot: u32, bound: bool) {
        let Some(stream) = self.streams.at_mut(slot) else { return };
        let id = stream.id;
        if bound {
            stream.is_bound = true;
            let local = stream.local();
            let certificates = Arc::clone(&self.certificates);
            self.outputs.push_back(Output::Event(Event::Opened { stream: id, local, certificates }));
            return self.arm_stream(slot);
        }
        stream.tries += 1;
        let (address, port, tries) = (stream.address, stream.port, stream.tries);
        self.ports.give_back(now.instant, address, port);
        if tries >= BIND_TRIES || !self.bind(now, slot) {
            self.forget(slot);
            self.outputs.push_back(Output::Event(Event::NotOpened { stream: id }));
        }
    }

    /// Takes a datagram that lies at the beginning of `buffer`, which must have room for what protection adds. The answer
    /// is what to send at once, from the same buffer.
    pub fn handle_packet(&mut self, now: Now, arrived: Arrived, buffer: &mut [u8]) -> Option<Sending> {
        let packet = buffer.get_mut(..arrived.length)?;
        self.counters.packets_in += 1;
        self.counters.bytes_in += u64::try_from(arrived.length).unwrap_or(0);
        let kind = Kind::of(packet);
        let Some(stream) = self.streams.at_mut(arrived.socket.slot) else {
            self.counters.refuse(Refusal::NoStream);
            return None;
        };
        if kind == Kind::Rtcp {
            let taken = stream.take_control(now, arrived, packet);
            self.took_control(arrived.socket.slot, taken);
            return None;
        }
        if stream.web.is_some() && matches!(kind, Kind::Stun | Kind::Dtls) && !arrived.socket.control {
            return self.take_proof(now, arrived, kind, buffer);
        }
        let accepted = match kind {
            Kind::Rtp if !arrived.socket.control => stream.accept(now.instant, arrived.from, packet),
            Kind::Rtp | Kind::Rtcp | Kind::Junk => Err(Refusal::Junk),
            Kind::Stun => Err(Refusal::Stun),
            Kind::Dtls => Err(Refusal::Dtls),
        };
        if let Err(why @ (Refusal::Junk | Refusal::Stun | Refusal::Dtls)) = accepted {
            stream.refuse(why);
        }
        match accepted {
            Ok(accepted) => self.pass_on(now, arrived, &accepted, buffer),
            Err(why) => {
                self.counters.refuse(why);
                None
            }
        }
    }

    pub fn handle_deadline(&mut self, now: Now) {
        let mut due = std::mem::take(&mut self.due);
        self.wheel.expire(now.instant, &mut due);
        for due in due.drain(..) {
            match due {
                Due::Stream(slot) => self.look_after(now, slot),
                Due::Desk(call) => self.tick(now, call),
            }
        }
        self.due = due;
    }

    /// The next packet of our own making.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        self.outbox.poll()
    }

    #[must_use]
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.wheel.deadline()
    }

    pub fn counters(&self) -> Counters {
        self.counters
    }

    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    pub fn calls(&self) -> usize {
        self.circuits.len()
    }

    /// Port pairs in use and not in use.
    pub fn ports(&self) -> (usize, usize) {
        (self.ports.used(), self.ports.free())
    }

    fn open(&mut self, now: Now, id: StreamId, address: IpAddr) {
        let known = self.circuits.get(&id.call).and_then(|circuit| circuit.slot_of(id.leg));
        if known.is_some() {
            return;
        }
        let stream = Stream::new(id, address, now, &mut self.entropy);
        let slot = self.streams.insert(Box::new(stream));
        self.circuits.entry(id.call).or_insert_with(|| Circuit::new(id.call)).join(id.leg, slot);
        if !self.bind(now, slot) {
            self.forget(slot);
            self.outputs.push_back(Output::Event(Event::NotOpened { stream: id }));
        }
    }

    /// Asks for the next free port; `false` when there is none.
    fn bind(&mut self, now: Now, slot: u32) -> bool {
        let Some(stream) = self.streams.at_mut(slot) else { return false };
        let Some(port) = self.ports.take(now.instant, stream.address, &mut self.entropy) else { return false };
        stream.port = port;
        self.outputs.push_back(Output::Bind { slot, address: stream.local() });
        true
    }

    fn plan(&mut self, now: Now, id: StreamId, plan: &StreamPlan) {
        let Some(circuit) = self.circuits.get_mut(&id.call) else { return };
        let Some(slot) = circuit.slot_of(id.leg) else { return };
        circuit.plan(now.instant, id.leg, plan);
        if let Some(stream) = self.streams.at_mut(slot) {
            stream.plan(now.instant, plan);
        }
        self.after_desk(id.call, true);
        self.arm_stream(slot);
    }

    fn close(&mut self, now: Now, id: StreamId) {
        let Some(circuit) = self.circuits.get_mut(&id.call) else { return };
        let Some(slot) = circuit.slot_of(id.leg) else { return };
        let fared = circuit.desk.fared(id.leg);
        circuit.desk.close(now.instant, id.leg);
        self.after_desk(id.call, true);
        self.report(now, slot, fared, true);
        if let Some(stream) = self.streams.at(slot) {
            let quality = stream.quality(now.instant, fared);
            if stream.web.is_some() {
                self.outputs.push_back(Output::Handshake(HandshakeOrder::End { stream: id }));
            }
            self.ports.give_back(now.instant, stream.address, stream.port);
            self.outputs.push_back(Output::Close { slot });
            self.outputs.push_back(Output::Event(Event::Closed { stream: id, quality }));
        }
        self.forget(slot);
    }

    /// A stream is no more; with its last one a call is no more.
    fn forget(&mut self, slot: u32) {
        let Some(stream) = self.streams.remove(slot) else { return };
        let call = stream.id.call;
        let Some(circuit) = self.circuits.get_mut(&call) else { return };
        circuit.leave(stream.id.leg);
        if circuit.is_empty() {
            self.circuits.remove(&call);
        } else {
            circuit.rule(&mut self.streams);
        }
    }

    /// Whether a source can be started; when not, its end is told, as of every source.
    fn has(&mut self, call: CallId, source: SourceId) -> bool {
        let has = self.circuits.contains_key(&call);
        if !has {
            let outcome = SourceOutcome::Stopped;
            self.outputs.push_back(Output::Event(Event::SourceEnded { call, source, outcome }));
        }
        has
    }

    fn may_tap(&mut self, call: CallId, tap: TapId) -> bool {
        let has = self.circuits.contains_key(&call);
        if !has {
            self.outputs.push_back(Output::Event(Event::TapEnded { call, tap }));
        }
        has
    }

    fn on_desk(&mut self, _now: Now, call: CallId, wish: impl FnOnce(&mut Desk)) {
        let Some(circuit) = self.circuits.get_mut(&call) else { return };
        wish(&mut circuit.desk);
        self.after_desk(call, true);
    }

    /// What the desk tells is passed on, its way is followed, its next beat is awaited.
    fn after_desk(&mut self, call: CallId, wished: bool) {
        let Some(circuit) = self.circuits.get_mut(&call) else { return };
        if wished || circuit.has_turned() {
            circuit.rule(&mut self.streams);
        }
        while let Some(event) = circuit.desk.poll_event() {
            self.outputs.push_back(Output::Event(event));
        }
        if let Some(at) = circuit.desk.deadline()
            && circuit.armed.is_none_or(|armed| at < armed)
        {
            circuit.armed = Some(at);
            self.wheel.insert(at, Due::Desk(call));
        }
    }

    /// An accepted packet goes where its rule says, or to the desk.
    fn pass_on(&mut self, now: Now, arrived: Arrived, accepted: &Accepted, buffer: &mut [u8]) -> Option<Sending> {
        let slot = arrived.socket.slot;
        if accepted.news != News::Nothing {
            self.tell(slot, accepted.news, arrived.from);
        }
        let stream = self.streams.at(slot)?;
        if !stream.receives {
            return None;
        }
        let id = stream.id;
        if let Some((ear, payload_type)) = accepted.rule.passage {
            return self.forward(now, id, accepted, (ear, payload_type), buffer);
        }
        let circuit = self.circuits.get_mut(&id.call)?;
        let header = accepted.header;
        let incoming = Incoming {
            payload_type: header.payload_type,
            marker: header.marker,
            sequence: header.sequence,
            timestamp: header.timestamp,
            ssrc: header.ssrc,
            payload: buffer.get(accepted.payload.clone())?,
        };
        let passage = circuit.desk.take(now.instant, id.leg, &incoming);
        let to = passage.and_then(|Passage { ear, payload_type }| Some((circuit.slot_of(ear)?, payload_type)));
        self.after_desk(id.call, false);
        match to {
            Some(to) => self.forward(now, id, accepted, to, buffer),
            None => {
                self.withhold(now, slot, accepted);
                None
            }
        }
    }

    /// Same codec, no touch: only the header is rewritten (DESIGN 4.2).
    fn forward(
        &mut self,
        now: Now,
        voice: StreamId,
        accepted: &Accepted,
        to: (u32, u8),
        buffer: &mut [u8],
    ) -> Option<Sending> {
        let (slot, payload_type) = to;
        let ear = self.streams.at_mut(slot).filter(|ear| ear.sends && ear.is_bound)?;
        let target = ear.source.target()?;
        let mut header = ear.outgoing.forward(now.instant, &arrival(voice, accepted))?;
        header.payload_type = payload_type;
        header.overwrite(buffer.get_mut(..accepted.length)?);
        let length = ear.protect(buffer, accepted.length)?;
        ear.was_sent(length);
        self.counters.forwarded += 1;
        self.counters.packets_out += 1;
        self.counters.bytes_out += u64::try_from(length).unwrap_or(0);
        Some(Sending { socket: SocketId { slot, control: false }, to: target, length })
    }

    /// A packet that an ear is not to get, of a voice that it otherwise gets untouched, is no loss to it.
    fn withhold(&mut self, now: Now, slot: u32, accepted: &Accepted) {
        let Some(voice) = self.streams.at(slot) else { return };
        let ear = voice.rules.iter().find_map(|rule| rule.passage).map(|(ear, _)| ear);
        let arrival = arrival(voice.id, accepted);
        if let Some(ear) = ear.and_then(|ear| self.streams.at_mut(ear)) {
            ear.outgoing.withhold(now.instant, &arrival);
        }
    }

    fn tell(&mut self, slot: u32, news: News, from: SocketAddr) {
        let Some(stream) = self.streams.at(slot) else { return };
        let stream = stream.id;
        let event = match news {
            News::Nothing => return,
            News::Started => Event::Started { stream, from },
            News::HeardAgain => Event::Heard { stream },
        };
        self.outputs.push_back(Output::Event(event));
        self.arm_stream(slot);
    }

    /// One beat of one call's desk.
    fn tick(&mut self, now: Now, call: CallId) {
        let Worker { circuits, streams, outbox, bench, counters, .. } = self;
        let Some(circuit) = circuits.get_mut(&call) else { return };
        circuit.armed = None;
        let Circuit { desk, members, .. } = circuit;
        desk.tick(now.instant, bench, &mut |made| {
            let slot = members.slot_of(made.leg);
            if let Some((slot, stream)) = slot.and_then(|slot| Some((slot, streams.at_mut(slot)?))) {
                send_made((slot, stream), &made, outbox, counters);
            }
        });
        self.after_desk(call, false);
    }

    /// Something about a stream is due: perhaps silence, perhaps its quality.
    fn look_after(&mut self, now: Now, slot: u32) {
        let Some(stream) = self.streams.at_mut(slot) else { return };
        stream.armed = None;
        let id = stream.id;
        if let Some(since) = stream.falls_silent(now.instant) {
            self.outputs.push_back(Output::Event(Event::Silent { stream: id, since }));
        }
        if stream.loses_consent(now.instant) {
            self.counters.consents_lost += 1;
            self.outputs.push_back(Output::Event(Event::ConsentLost { stream: id }));
        }
        let is_due = stream.quality_is_due(now.instant);
        let fared = self.circuits.get(&id.call).map(|circuit| circuit.desk.fared(id.leg)).unwrap_or_default();
        if is_due {
            let quality = stream.quality(now.instant, fared);
            self.outputs.push_back(Output::Event(Event::Quality { stream: id, quality }));
        }
        self.report(now, slot, fared, false);
        self.arm_stream(slot);
    }

    /// Sends a report if one is due, or the last one.
    fn report(&mut self, now: Now, slot: u32, fared: Fared, is_last: bool) {
        let Worker { streams, outbox, counters, .. } = self;
        let Some(stream) = streams.at_mut(slot) else { return };
        let due = if is_last { stream.farewell() } else { stream.report_is_due(now) };
        let Some((control, to)) = due else { return };
        let build = |room: &mut [u8]| stream.write_report(now, fared, is_last, room);
        if let Some(length) = outbox.add(SocketId { slot, control }, to, REPORT_ROOM, build) {
            counters.control_out += 1;
            counters.packets_out += 1;
            counters.bytes_out += u64::try_from(length).unwrap_or(0);
        }
    }

    fn took_control(&mut self, slot: u32, taken: Result<bool, Refusal>) {
        match taken {
            Ok(left) => {
                self.counters.control_in += 1;
                let Some(stream) = self.streams.at(slot) else { return };
                let id = stream.id;
                if let Some((percent, circuit)) = stream.reported_loss().zip(self.circuits.get_mut(&id.call)) {
                    circuit.desk.expect_loss(id.leg, percent);
                }
                if left {
                    self.outputs.push_back(Output::Event(Event::PeerLeft { stream: id }));
                }
            }
            Err(why) => self.counters.refuse(why),
        }
    }

    fn arm_stream(&mut self, slot: u32) {
        let Some(stream) = self.streams.at_mut(slot) else { return };
        let at = coarse(self.started, stream.deadline());
        if stream.armed.is_none_or(|armed| at < armed) {
            stream.armed = Some(at);
            self.wheel.insert(at, Due::Stream(slot));
        }
    }
}

fn arrival(voice: StreamId, accepted: &Accepted) -> Arrival {
    Arrival {
        origin: u32::from(voice.leg.0),
        header: accepted.header,
        clock: accepted.rule.clock,
        payload_bytes: accepted.payload.len(),
    }
}

/// The next beat of the coarse grid that is not before `at`.
fn coarse(start: Instant, at: Instant) -> Instant {
    let beats = at.saturating_duration_since(start).as_nanos().div_ceil(COARSE.as_nanos());
    start + COARSE.saturating_mul(u32::try_from(beats).unwrap_or(u32::MAX))
}

/// A compound of everything that we ever report, protected.
const REPORT_ROOM: usize = 320;
/// Room beside the payload: a header, and what protection adds.
const AROUND_PAYLOAD: usize = 64;

/// A packet of the desk gets its header and waits in the outbox. It bears the time of its beat: a worker that was late sends
/// several at once, and they are no later for that.
fn send_made(stream: (u32, &mut Stream), made: &Made<'_>, outbox: &mut Outbox, counters: &mut Counters) {
    let (slot, stream) = stream;
    let Some(to) = stream.source.target().filter(|_| stream.sends && stream.is_bound) else { return };
    let header = stream.header_of(made.due, made).to_bytes();
    let length = header.len() + made.payload.len();
    let socket = SocketId { slot, control: false };
    let sent = outbox.add(socket, to, made.payload.len() + AROUND_PAYLOAD, |room| {
        let packet = room.get_mut(..length)?;
        let (head, payload) = packet.split_at_mut_checked(header.len())?;
        head.copy_from_slice(&header);
        payload.copy_from_slice(made.payload);
        stream.protect(room, length)
    });
    if let Some(length) = sent {
        stream.was_sent(length);
        counters.packets_out += 1;
        counters.bytes_out += u64::try_from(length).unwrap_or(0);
    }
}

mod proof;

#[cfg(test)]
mod tests;
