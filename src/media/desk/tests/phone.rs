//! Far ends for tests of the desk: each sends packets of its own and keeps what it receives. Knows nothing of the desk's inside.

use crate::base::id::{CallId, LegId};
use crate::media::command::{DigitForm, Learning, OpusWish, PayloadPair, PlannedCodec, StreamPlan};
use crate::media::desk::{Desk, Incoming, TICK, Timing, Workbench};
use crate::media::event::Event;
use crate::protocol::audio::codec::Codec;
use crate::protocol::audio::coder::{Decoder, Encoder, SAMPLES_MAX};
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
        remote: None,
        remote_rtcp: None,
        rtcp_mux: true,
        learning: Learning::Never,
        sends: true,
        receives: true,
        codecs: vec![planned(codec)],
        telephone_event: Some(PayloadPair { receive: 101, send: 101, clock: 8_000 }),
        comfort_noise: None,
        ptime: 20,
        srtp: None,
        dtmf_out: DigitForm::TelephoneEvent,
        detect_in_band: false,
        silent_after: None,
        opus: OpusWish { bits_per_second: 32_000, ..OpusWish::default() },
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
    pub heard: Vec<i16>,
    pub got: Vec<Got>,
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
            heard: Vec::new(),
            got: Vec::new(),
        }
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
    fn speak(&mut self, beat: usize, mut send: impl FnMut(&Incoming<'_>)) {
        let packet = self.rate as usize * usize::from(self.plan.ptime) / 1_000;
        let due = self.rate as usize / 50 * (beat + 1);
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
            self.sequence = self.sequence.wrapping_add(1);
            if self.loses_each.is_none_or(|each| self.sequence % each != 0) {
                send(&packet);
            }
        }
    }

    fn receive(&mut self, got: Got) {
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

/// A call with its far ends, in made-up time.
pub struct Call {
    pub desk: Desk,
    bench: Workbench,
    pub phones: Vec<Phone>,
    pub now: Instant,
    beat: usize,
    pub events: Vec<Event>,
}

impl Call {
    pub fn new(phones: Vec<Phone>) -> Call {
        // The only clock of the test is this first reading.
        #[allow(clippy::disallowed_methods)]
        let now = Instant::now();
        let mut desk = Desk::new(CallId(1));
        phones.iter().for_each(|phone| desk.plan(now, phone.leg, &phone.plan));
        Call { desk, bench: Workbench::default(), phones, now, beat: 0, events: Vec::new() }
    }

    /// Runs so many beats of 20 ms.
    pub fn run(&mut self, beats: usize) {
        for _ in 0..beats {
            for phone in &mut self.phones {
                let leg = phone.leg;
                let (desk, now) = (&mut self.desk, self.now);
                phone.speak(self.beat, |packet| {
                    desk.take(now, leg, packet);
                });
            }
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
                phone.receive(got);
            }
            self.events.extend(std::iter::from_fn(|| self.desk.poll_event()));
        }
    }

    pub fn run_for(&mut self, time: Duration) {
        self.run(usize::try_from(time.as_millis() / 20).expect("short"));
    }

    pub fn phone(&self, leg: LegId) -> &Phone {
        self.phones.iter().find(|phone| phone.leg == leg).expect("a leg of the call")
    }
}
