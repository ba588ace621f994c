//! Far ends for tests of the desk: each sends packets of its own and keeps what it receives. Knows nothing of the desk's inside.

use crate::base::id::{CallId, LegId};
use crate::media::command::{OpusWish, PayloadPair, PlannedCodec, StreamPlan};
use crate::media::desk::{Desk, Incoming, Passage, TICK, Timing, Workbench};
use crate::media::event::Event;
use crate::protocol::audio::codec::Codec;
use crate::protocol::audio::coder::{Decoder, Encoder, SAMPLES_MAX};
use crate::protocol::rtp::packet::Header;
use crate::protocol::rtp::telephone_event::{EventReceiver, EventSender};
use std::time::{Duration, Instant};

pub const A: LegId = LegId(0);
pub const B: LegId = LegId(1);
pub const C: LegId = LegId(2);

pub fn planned(codec: Codec) -> PlannedCodec {
    let (receive, kind) = match codec {
        Codec::Pcmu => (0, 0),
        Codec::Pcma => (8, 1),
        Codec::G722 => (9, 2),
        Codec::Opus => (111, 3),
        Codec::L16 { rate } => (120, rate),
        Codec::Opaque => (18, 9),
    };
    PlannedCodec { codec, payload: PayloadPair { receive, send: receive, clock: codec.clock() }, kind }
}

pub fn plan(codec: Codec) -> StreamPlan {
    StreamPlan {
        rtcp_mux: true,
        telephone_event: Some(PayloadPair { receive: 101, send: 101, clock: 8_000 }),
        opus: OpusWish { bits_per_second: 32_000, ..OpusWish::default() },
        ..StreamPlan::of(planned(codec))
    }
}

/// One packet as a phone received it.
#[derive(Clone, Debug)]
pub struct Got {
    pub payload_type: u8,
    pub marker: bool,
    pub passed: u32,
    pub timing: Timing,
    pub payload: Vec<u8>,
}

/// A far end.
pub struct Phone {
    pub leg: LegId,
    pub plan: StreamPlan,
    rate: u32,
    encoder: Encoder,
    decoder: Decoder,
    /// What it will say, at its codec's rate.
    pub says: Vec<i16>,
    said: usize,
    sequence: u16,
    timestamp: u32,
    /// Packets that the network loses: every so many-th.
    pub loses_each: Option<u16>,
    /// How much faster its clock goes than ours, in millionths.
    pub ahead_ppm: i64,
    /// By how many beats the packet of each beat is late.
    pub late_by: fn(usize) -> usize,
    pub heard: Vec<i16>,
    pub got: Vec<Got>,
    /// Keys that it presses as events, beside its audio.
    pub keys: EventSender,
    event_timestamp: u32,
    /// Events that it was sent.
    events: EventReceiver,
    sequence_in: u16,
    timestamp_in: u32,
    event_timestamp_in: u32,
}

impl Phone {
    pub fn new(leg: LegId, plan: StreamPlan) -> Phone {
        let codec = plan.codecs[0].codec;
        let rate = codec.sample_rate();
        Phone {
            leg,
            rate,
            encoder: Encoder::new(codec, rate, plan.opus).expect("a codec of ours"),
            decoder: Decoder::new(codec, rate).expect("a codec of ours"),
            plan,
            says: Vec::new(),
            said: 0,
            sequence: 65_530,
            timestamp: u32::MAX - 8_000,
            loses_each: None,
            ahead_ppm: 0,
            late_by: |_| 0,
            heard: Vec::new(),
            got: Vec::new(),
            keys: EventSender::new(8_000),
            event_timestamp: 0,
            events: EventReceiver::new(),
            sequence_in: 0,
            timestamp_in: 0,
            event_timestamp_in: 0,
        }
    }

    /// Keys that were heard as events.
    pub fn keys_heard(&mut self) -> String {
        let mut now = std::iter::from_fn(|| self.events.poll());
        now.by_ref().map(|heard| char::from(heard.digit)).collect()
    }

    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Says a sine from now on.
    pub fn sings(mut self, hertz: f64, share: f64, seconds: usize) -> Phone {
        self.says = crate::protocol::audio::testing::sine(self.rate, hertz, share, self.rate as usize * seconds);
        self
    }

    /// The packets of one beat: those that are full by now.
    fn speak(&mut self, now: Instant, beat: usize, mut send: impl FnMut(&Incoming<'_>)) {
        if let Some(event) = self.keys.tick(now) {
            if event.begins {
                self.event_timestamp = self.timestamp;
            }
            send(&Incoming {
                payload_type: self.plan.telephone_event.expect("it presses keys").receive,
                marker: event.marker,
                sequence: self.sequence,
                timestamp: self.event_timestamp,
                ssrc: 7,
                payload: &event.payload,
            });
            self.sequence = self.sequence.wrapping_add(1);
        }
        let packet = self.rate as usize * usize::from(self.plan.ptime) / 1_000;
        let due = i64::from(self.rate) / 50 * (beat as i64 + 1) * (1_000_000 + self.ahead_ppm) / 1_000_000;
        let due = usize::try_from(due).expect("time goes on");
        while self.said + packet <= due.min(self.says.len()) {
            let mut payload = [0; 6_000];
            let samples = &self.says[self.said..self.said + packet];
            let length = self.encoder.encode(samples, &mut payload).expect("a frame of the codec");
            self.said += packet;
            let codec = self.plan.codecs[0];
            let packet = Incoming {
                payload_type: codec.payload.receive,
                marker: false,
                sequence: self.sequence,
                timestamp: self.timestamp,
                ssrc: 7,
                payload: &payload[..length],
            };
            self.timestamp = self.timestamp.wrapping_add(codec.payload.clock / 1_000 * u32::from(self.plan.ptime));
            // Opus may have nothing to say.
            if length == 0 {
                continue;
            }
            self.sequence = self.sequence.wrapping_add(1);
            if self.loses_each.is_none_or(|each| !self.sequence.is_multiple_of(each)) {
                send(&packet);
            }
        }
    }

    fn receive(&mut self, now: Instant, got: Got) {
        self.sequence_in = self.sequence_in.wrapping_add(1);
        self.timestamp_in = self.timestamp_in.wrapping_add(got.passed);
        match got.timing {
            Timing::Audio { ticks } => self.timestamp_in = self.timestamp_in.wrapping_add(ticks),
            Timing::Event { first: true, .. } => self.event_timestamp_in = self.timestamp_in,
            Timing::Event { first: false, .. } => {}
        }
        if let Some(pair) = self.plan.telephone_event.filter(|pair| pair.send == got.payload_type) {
            let header = Header {
                payload_type: got.payload_type,
                marker: got.marker,
                sequence: self.sequence_in,
                timestamp: self.event_timestamp_in,
                ssrc: 9,
            };
            self.events.take(now, &header, &got.payload, pair.clock);
        }
        if got.payload_type == self.plan.codecs[0].payload.send {
            let mut samples = [0; SAMPLES_MAX];
            let length = self.decoder.decode(&got.payload, &mut samples).expect("what we sent can be decoded");
            self.heard.extend(&samples[..length]);
        }
        self.got.push(got);
    }

    /// What it heard between two moments.
    pub fn heard_between(&self, from_ms: usize, to_ms: usize) -> &[i16] {
        let at = |ms: usize| (ms * self.rate as usize / 1_000).min(self.heard.len());
        &self.heard[at(from_ms)..at(to_ms)]
    }
}

/// A packet on its way.
struct Flying {
    payload_type: u8,
    marker: bool,
    sequence: u16,
    timestamp: u32,
    payload: Vec<u8>,
}

impl Flying {
    fn of(packet: &Incoming<'_>) -> Flying {
        let Incoming { payload_type, marker, sequence, timestamp, payload, .. } = *packet;
        Flying { payload_type, marker, sequence, timestamp, payload: payload.to_vec() }
    }

    fn landed(&self) -> Incoming<'_> {
        let Flying { payload_type, marker, sequence, timestamp, ref payload } = *self;
        Incoming { payload_type, marker, sequence, timestamp, ssrc: 7, payload }
    }
}

/// A call with its far ends, in made-up time.
pub struct Call {
    pub desk: Desk,
    bench: Workbench,
    pub phones: Vec<Phone>,
    pub now: Instant,
    beat: usize,
    /// Packets under way: the beat in which they arrive.
    late: Vec<(usize, LegId, Flying)>,
    pub events: Vec<Event>,
    /// Packets that cross untouched: where to, timestamp, marker, payload.
    forwarded: Vec<(Passage, u32, bool, Vec<u8>)>,
}

impl Call {
    pub fn new(phones: Vec<Phone>) -> Call {
        // The only clock of the test is this first reading.
        #[allow(clippy::disallowed_methods)]
        let now = Instant::now();
        let mut desk = Desk::new(CallId(1));
        phones.iter().for_each(|phone| desk.plan(now, phone.leg, &phone.plan));
        Call {
            desk,
            bench: Workbench::default(),
            phones,
            now,
            beat: 0,
            late: Vec::new(),
            events: Vec::new(),
            forwarded: Vec::new(),
        }
    }

    /// Runs so many beats of 20 ms.
    pub fn run(&mut self, beats: usize) {
        for _ in 0..beats {
            for phone in &mut self.phones {
                let leg = phone.leg;
                let (desk, now) = (&mut self.desk, self.now);
                let (mut passed, mut late) = (Vec::new(), Vec::new());
                let (beat, late_by) = (self.beat, (phone.late_by)(self.beat));
                phone.speak(now, self.beat, |packet| {
                    if late_by > 0 {
                        return late.push((beat + late_by, leg, Flying::of(packet)));
                    }
                    let across = desk.passage(leg, packet.payload_type).or_else(|| desk.take(now, leg, packet));
                    passed.extend(
                        across.map(|across| (across, packet.timestamp, packet.marker, packet.payload.to_vec())),
                    );
                });
                self.forwarded.extend(passed);
                self.late.extend(late);
            }
            let (arrived, late) = std::mem::take(&mut self.late).into_iter().partition(|(due, ..)| *due <= self.beat);
            self.late = late;
            let arrived: Vec<(usize, LegId, Flying)> = arrived;
            for (_, leg, packet) in &arrived {
                self.desk.take(self.now, *leg, &packet.landed());
            }
            self.hand_over();
            self.beat += 1;
            self.now += TICK;
            let mut sent = Vec::new();
            while self.desk.deadline().is_some_and(|due| due <= self.now) {
                self.desk.tick(self.now, &mut self.bench, &mut |out| {
                    let payload = out.payload.to_vec();
                    let (payload_type, marker) = (out.payload_type, out.marker);
                    sent.push((out.leg, Got { payload_type, marker, passed: out.passed, timing: out.timing, payload }));
                });
            }
            for (leg, got) in sent {
                let phone = self.phones.iter_mut().find(|phone| phone.leg == leg).expect("a leg of the call");
                phone.receive(self.now, got);
            }
            self.events.extend(std::iter::from_fn(|| self.desk.poll_event()));
        }
    }

    /// What goes untouched arrives as it was sent: only its number is another.
    fn hand_over(&mut self) {
        for (passage, timestamp, marker, payload) in std::mem::take(&mut self.forwarded) {
            let phone = self.phones.iter_mut().find(|phone| phone.leg == passage.ear).expect("a leg of the call");
            // A timestamp of its own, as the event's beginning.
            phone.event_timestamp_in = timestamp;
            let timing = Timing::Event { first: false, offset: 0 };
            let payload_type = passage.payload_type;
            phone.receive(self.now, Got { payload_type, marker, passed: 0, timing, payload });
        }
    }

    pub fn digits_told(&self) -> String {
        let digits = self.events.iter().filter_map(|event| match event {
            Event::Digit { stream, digit, .. } => Some(format!("{}{}", stream.leg, char::from(*digit))),
            _ => None,
        });
        digits.collect::<Vec<String>>().join(" ")
    }

    pub fn phone_mut(&mut self, leg: LegId) -> &mut Phone {
        self.phones.iter_mut().find(|phone| phone.leg == leg).expect("a leg of the call")
    }

    pub fn run_for(&mut self, time: Duration) {
        self.run(usize::try_from(time.as_millis() / 20).expect("short"));
    }

    pub fn phone(&self, leg: LegId) -> &Phone {
        self.phones.iter().find(|phone| phone.leg == leg).expect("a leg of the call")
    }
}
