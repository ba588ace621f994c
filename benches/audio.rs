//! What a second of audio costs in each codec and each piece of work on it. Prints a table; judges by the goals beside it.

// These see the world from outside: clocks and waiting are theirs.
#![allow(clippy::disallowed_methods)]

use offhook::protocol::audio::codec::Codec;
use offhook::protocol::audio::coder::{Decoder, Encoder, SAMPLES_MAX};
use offhook::protocol::audio::comfort_noise::ComfortNoise;
use offhook::protocol::audio::level;
use offhook::protocol::audio::mix;
use offhook::protocol::audio::opus::OpusWish;
use offhook::protocol::audio::resample::Resampler;
use offhook::protocol::audio::tone::{self, ToneSource};
use offhook::protocol::audio::tone_detect::{DigitGate, ToneDetector};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// One second in frames: the sum of each frame's best over several rounds. The machine is shared, and only the floor of
/// its noise says something; a whole second is rarely left in peace.
fn best(frames: usize, mut work: impl FnMut(usize)) -> Duration {
    let mut floor = vec![Duration::MAX; frames];
    for _ in 0..25 {
        for (at, floor) in floor.iter_mut().enumerate() {
            let start = Instant::now();
            work(at);
            *floor = start.elapsed().min(*floor);
        }
    }
    floor.iter().sum()
}

/// One row of the table; whether the goal is met.
fn row(what: &str, took: Duration, goal: f64) -> bool {
    let milliseconds = took.as_secs_f64() * 1_000.0;
    let met = milliseconds <= goal;
    println!("{what:44} {milliseconds:9.4} ms/s   goal {goal:7.3}  {}", if met { "met" } else { "MISSED" });
    met
}

/// Of 20 ms.
const FRAMES: usize = 50;

/// Something with a pitch that glides, overtones and pauses: codecs spend on it what they spend on speech.
fn voice(rate: u32) -> Vec<i16> {
    let mut phase = 0.0f64;
    let mut noise = 1u32;
    (0..rate)
        .map(|at| {
            let time = f64::from(at) / f64::from(rate);
            phase += (140.0 + 40.0 * (time * 5.0).sin()) / f64::from(rate);
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hiss = f64::from(noise >> 16) / 65_536.0 - 0.5;
            let tone: f64 = (1..12).map(|n| (phase * f64::from(n) * std::f64::consts::TAU).sin() / f64::from(n)).sum();
            let loud = (0.6 + 0.4 * (time * 9.0).sin()).max(0.0);
            (6_000.0 * loud * (tone + 0.15 * hiss)) as i16
        })
        .collect()
}

fn codec_rows() -> bool {
    let mut met = true;
    for (name, codec, rate, goals) in [
        ("PCMU", Codec::Pcmu, 8_000, [0.03, 0.03]),
        ("PCMA", Codec::Pcma, 8_000, [0.03, 0.03]),
        ("G.722", Codec::G722, 16_000, [0.9, 0.9]),
        ("L16", Codec::L16 { rate: 16_000 }, 16_000, [0.05, 0.05]),
        ("Opus at 8 kHz", Codec::Opus, 8_000, [7.5, 1.2]),
        ("Opus at 16 kHz", Codec::Opus, 16_000, [11.0, 1.6]),
        ("Opus at 48 kHz", Codec::Opus, 48_000, [20.0, 3.5]),
    ] {
        let tape = voice(rate);
        let mut encoder = Encoder::new(codec, rate, OpusWish::default()).expect("an encoder");
        let mut decoder = Decoder::new(codec, rate).expect("a decoder");
        let frame = rate as usize / 50;
        let part = |at: usize| &tape[at * frame..(at + 1) * frame];
        let (mut payloads, mut samples) = (vec![Vec::new(); FRAMES], [0; SAMPLES_MAX]);
        let encode = best(FRAMES, |at| {
            let mut payload = [0; 4_000];
            let length = encoder.encode(part(at), &mut payload).expect("a payload");
            payloads[at].clear();
            payloads[at].extend_from_slice(&payload[..length]);
        });
        let decode = best(FRAMES, |at| {
            black_box(decoder.decode(&payloads[at], &mut samples).expect("samples"));
        });
        let conceal = best(FRAMES, |at| {
            if at % 10 == 9 {
                decoder.conceal(None, &mut samples[..frame]);
            } else {
                black_box(decoder.decode(&payloads[at], &mut samples).expect("samples"));
            }
        });
        met &= row(&format!("{name}: encode"), encode, goals[0]) & row(&format!("{name}: decode"), decode, goals[1]);
        met &= row(&format!("{name}: decode, every tenth frame lost"), conceal, goals[1] + 0.5);
    }
    met
}

fn work_rows() -> bool {
    let mut met = true;
    for (from, to, goal) in [(8_000, 16_000, 0.3), (16_000, 8_000, 0.2), (8_000, 48_000, 0.8), (48_000, 8_000, 0.5)] {
        let tape = voice(from);
        let mut resampler = Resampler::new(from, to).expect("two rates");
        let mut out = [0; 1_000];
        let frame = from as usize / 50;
        let took = best(FRAMES, |at| {
            black_box(resampler.process(&tape[at * frame..(at + 1) * frame], &mut out));
        });
        met &= row(&format!("resample {from} to {to}"), took, goal);
    }
    let tape = voice(8_000);
    let mut detector = ToneDetector::new(8_000).expect("a rate");
    let part = |at: usize| &tape[at * 160..(at + 1) * 160];
    let took = best(FRAMES, |at| detector.hear(part(at), |heard| _ = black_box(heard)));
    met &= row("hear digits", took, 0.15);
    let mut gate = DigitGate::new(8_000).expect("a rate");
    let took = best(FRAMES, |at| {
        let mut frame = [0; 160];
        frame.copy_from_slice(part(at));
        gate.pass(&mut frame, |heard| _ = black_box(heard));
    });
    met &= row("take digits out", took, 0.2);
    let took = best(FRAMES, |at| _ = black_box(level::level(part(at))));
    met &= row("level", took, 0.02);
    let took = best(FRAMES, |at| {
        let (mut sum, mut heard) = ([0; 160], [0; 160]);
        (0..32).for_each(|_| mix::add(&mut sum, black_box(part(at)), mix::Gain::UNITY));
        (0..32).for_each(|_| mix::settle_without(&sum, black_box(part(at)), &mut heard));
        black_box(heard);
    });
    met &= row("mix of 32 for 32, at 8 kHz", took, 0.3);
    let ringback = tone::Tone::steady([440, 480, 0, 0], 22);
    let mut source = ToneSource::new(&ringback, 8_000);
    let mut noise = ComfortNoise::default();
    noise.describe(&[40]);
    let mut frame = [0; 160];
    let took = best(FRAMES, |_| _ = black_box(source.fill(&mut frame)));
    met &= row("ringback at 8 kHz", took, 0.2);
    let took = best(FRAMES, |_| noise.fill(black_box(&mut frame)));
    met &= row("comfort noise at 8 kHz", took, 0.2);
    met
}

fn main() {
    // `cargo test --benches` runs it as well, without optimisation: figures would say nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let met = codec_rows() & work_rows();
    std::process::exit(i32::from(!met));
}
