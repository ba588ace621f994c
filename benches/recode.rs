//! What a call costs that goes over the desk: CPU per second of call and memory per call, by pair of codecs. Judges by the goals beside it.

// These see the world from outside: clocks and waiting are theirs.
#![allow(clippy::disallowed_methods)]

use offhook::base::id::{CallId, LegId};
use offhook::media::command::{DigitForm, OpusWish, PayloadPair, PlannedCodec, StreamPlan};
use offhook::media::desk::{Desk, Incoming, TICK, Workbench};
use offhook::media::matrix::{Hears, Matrix, Voice};
use offhook::protocol::audio::codec::Codec;
use offhook::protocol::audio::coder::Encoder;
use std::hint::black_box;
use std::time::Instant;

/// Beats between two looks at the clock: two seconds of call.
const BEATS: usize = 100;
const CALLS: usize = 20;
const ROUNDS: usize = 7;
/// Work of one round, in milliseconds. The clock below moves in steps of some milliseconds: a shorter round would measure the steps,
/// and the least of several would be the one that saw none.
const ROUND_MS: f64 = 400.0;

/// CPU that this thread has used, in milliseconds: the machine is shared, and waiting is not work.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or(0.0) / 1e6
}

fn resident_kilobytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0.0)
}

/// Something with the pitch, the syllables and the pauses of speech.
fn speech(rate: u32, seconds: usize) -> Vec<i16> {
    let samples = rate as usize * seconds;
    (0..samples)
        .map(|at| {
            let t = at as f64 / f64::from(rate);
            let pitch = 120.0 + 25.0 * (t * 1.7).sin();
            let voiced: f64 =
                (1..16).map(|k| (std::f64::consts::TAU * pitch * f64::from(k) * t).sin() / f64::from(k)).sum();
            let syllable = (std::f64::consts::TAU * 3.5 * t).sin().max(0.0);
            let pause = if (t * 0.7).fract() > 0.75 { 0.02 } else { 1.0 };
            let hiss = (((at * 1_103_515_245 + 12_345) >> 8) % 2_000) as f64 / 1_000.0 - 1.0;
            (5_000.0 * pause * (voiced * syllable + 0.05 * hiss)) as i16
        })
        .collect()
}

fn plan(codec: Codec) -> StreamPlan {
    let payload = PayloadPair { receive: 100, send: 100, clock: codec.clock() };
    let kind = codec.sample_rate() + u32::from(codec == Codec::Pcma);
    StreamPlan { dtmf_out: DigitForm::Info, ..StreamPlan::of(PlannedCodec { codec, payload, kind }) }
}

/// What a far end sends: one payload per beat.
fn tape(codec: Codec) -> Vec<Vec<u8>> {
    let rate = codec.sample_rate();
    let mut encoder = Encoder::new(codec, rate, OpusWish::default()).expect("a codec of ours");
    let frames = speech(rate, 4);
    let frames = frames.chunks_exact(rate as usize / 50);
    frames
        .map(|frame| {
            let mut payload = [0; 2_000];
            let length = encoder.encode(frame, &mut payload).expect("a frame of the codec");
            payload[..length].to_vec()
        })
        .collect()
}

struct Load {
    desks: Vec<Desk>,
    bench: Workbench,
    tapes: Vec<Vec<Vec<u8>>>,
    clocks: Vec<u32>,
    beat: usize,
    now: Instant,
    sent: usize,
}

impl Load {
    fn new(codecs: &[Codec], calls: usize) -> Load {
        let now = Instant::now();
        let legs: Vec<LegId> = (0..).map(LegId).take(codecs.len()).collect();
        let mut matrix = Matrix::default();
        for ear in &legs {
            let others = legs.iter().filter(|voice| *voice != ear);
            matrix.pairs.extend(others.map(|voice| Hears { ear: *ear, voice: Voice::Leg(*voice), gain: 0 }));
        }
        let desk = |call| {
            let mut desk = Desk::new(CallId(call));
            legs.iter().zip(codecs).for_each(|(leg, codec)| desk.plan(now, *leg, &plan(*codec)));
            desk.matrix(now, matrix.clone());
            desk
        };
        Load {
            desks: (1..).map(desk).take(calls).collect(),
            bench: Workbench::default(),
            tapes: codecs.iter().map(|codec| tape(*codec)).collect(),
            clocks: codecs.iter().map(|codec| codec.clock()).collect(),
            beat: 0,
            now,
            sent: 0,
        }
    }

    fn beat(&mut self) {
        for desk in &mut self.desks {
            for (leg, (tape, clock)) in self.tapes.iter().zip(&self.clocks).enumerate() {
                let payload = &tape[self.beat % tape.len()];
                let incoming = Incoming {
                    payload_type: 100,
                    marker: false,
                    sequence: (self.beat % 65_536) as u16,
                    timestamp: (clock / 50).wrapping_mul(self.beat as u32),
                    ssrc: 1,
                    payload,
                };
                black_box(desk.take(self.now, LegId(leg as u8), &incoming));
            }
        }
        self.beat += 1;
        self.now += TICK;
        let sent = &mut self.sent;
        for desk in &mut self.desks {
            desk.tick(self.now, &mut self.bench, &mut |out| *sent += black_box(out.payload).len());
        }
    }
}

/// Milliseconds of CPU per second of one call, the least of several rounds, and kilobytes per call.
fn measure(codecs: &[Codec], calls: usize) -> (f64, f64) {
    let before = resident_kilobytes();
    let mut load = Load::new(codecs, calls);
    (0..BEATS).for_each(|_| load.beat());
    let memory = (resident_kilobytes() - before) / calls as f64;
    let rounds = (0..ROUNDS).map(|_| {
        let (start, mut beats) = (cpu(), 0);
        loop {
            (0..BEATS).for_each(|_| load.beat());
            beats += BEATS;
            let taken = cpu() - start;
            if taken >= ROUND_MS {
                return taken / (calls as f64 * beats as f64 / 50.0);
            }
        }
    });
    let least = rounds.fold(f64::MAX, f64::min);
    assert!(load.sent > 0, "nothing was sent");
    (least, memory)
}

fn main() {
    let opus = Codec::Opus;
    let rows: [(&str, &[Codec], Option<f64>); 7] = [
        ("PCMU - PCMA", &[Codec::Pcmu, Codec::Pcma], None),
        ("PCMU - G.722", &[Codec::Pcmu, Codec::G722], None),
        ("PCMU - Opus (at 8 kHz)", &[Codec::Pcmu, opus], Some(7.2)),
        ("G.722 - Opus (at 16 kHz)", &[Codec::G722, opus], None),
        ("three of PCMU", &[Codec::Pcmu; 3], None),
        ("32 of PCMU", &[Codec::Pcmu; 32], None),
        ("PCMU, PCMA and two of Opus", &[Codec::Pcmu, Codec::Pcma, opus, opus], None),
    ];
    println!("{:<28} {:>20} {:>10} {:>14}", "legs", "ms CPU per second", "goal", "KB per call");
    let mut met = true;
    // Memory first, of many calls, before anything has been freed that could be used again.
    let (_, memory) = measure(&[Codec::Pcmu, opus], 200);
    for (what, codecs, goal) in rows {
        let (taken, _) = measure(codecs, CALLS);
        let verdict = match goal {
            Some(goal) if taken > goal => "MISSED",
            Some(_) => "met",
            None => "",
        };
        met &= verdict != "MISSED";
        let goal = goal.map_or(String::new(), |goal| format!("{goal:.1}"));
        println!("{what:<28} {taken:>20.3} {goal:>10} {verdict:>14}");
    }
    met &= memory <= 64.0;
    println!(
        "memory of a PCMU - Opus call at its desk alone: {memory:.1} KB, goal 64: {}",
        if memory <= 64.0 { "met" } else { "MISSED" }
    );
    std::process::exit(i32::from(!met));
}
