//! Makes files that a person can listen to: a re-coded call, a mix, a prompt, a digit taken out. Uses no network.

// These see the world from outside: clocks and waiting are theirs.
#![allow(clippy::disallowed_methods)]

use offhook::base::id::{CallId, LegId};
use offhook::media::command::{
    DigitForm, OpusWish, Part, PayloadPair, PlannedCodec, Playlist, Prompt, SourceId, StreamPlan, Tone,
};
use offhook::media::desk::{Desk, Incoming, TICK, Workbench};
use offhook::media::matrix::{Hears, Matrix, Voice};
use offhook::protocol::audio::codec::Codec;
use offhook::protocol::audio::coder::{Decoder, Encoder, SAMPLES_MAX};
use offhook::protocol::audio::recording;
use offhook::protocol::audio::tone::{self, ToneSource};
use offhook::protocol::audio::wav::{Shape, append, interleave};
use std::f64::consts::TAU;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const EAR: LegId = LegId(0);

fn plan(codec: Codec, kind: u32) -> StreamPlan {
    let payload = PayloadPair { receive: 100, send: 100, clock: codec.clock() };
    StreamPlan { dtmf_out: DigitForm::Info, ..StreamPlan::of(PlannedCodec { codec, payload, kind }) }
}

/// What an ear of this codec hears of those who say these tapes, each in its codec, and of a source.
fn heard(ear: Codec, voices: &[(Codec, &[i16])], source: Option<Playlist>, listens: bool) -> Vec<i16> {
    let mut now = Instant::now();
    let mut desk = Desk::new(CallId(1));
    desk.plan(now, EAR, &plan(ear, 0));
    let mut matrix = Matrix::default();
    let mut talkers = Vec::new();
    let mut beats = 0;
    for (leg, (codec, tape)) in (1..).map(LegId).zip(voices) {
        desk.plan(now, leg, &StreamPlan { detect_in_band: listens, ..plan(*codec, u32::from(leg.0)) });
        matrix.pairs.push(Hears { ear: EAR, voice: Voice::Leg(leg), gain: 0 });
        let rate = codec.sample_rate();
        let encoder = Encoder::new(*codec, rate, OpusWish::default()).expect("a codec of ours");
        talkers.push((leg, *codec, encoder, tape.chunks_exact(rate as usize / 50)));
        beats = beats.max(tape.len() / (rate as usize / 50));
    }
    if let Some(playlist) = source {
        matrix.pairs.push(Hears { ear: EAR, voice: Voice::Source(SourceId(1)), gain: 0 });
        desk.play(now, SourceId(1), playlist);
        beats = beats.max(250);
    }
    desk.matrix(now, matrix);
    let mut decoder = Decoder::new(ear, ear.sample_rate()).expect("a codec of ours");
    let (mut bench, mut out) = (Workbench::default(), Vec::new());
    for beat in 0..beats {
        for (leg, codec, encoder, frames) in &mut talkers {
            let Some(frame) = frames.next() else { continue };
            let mut payload = [0; 2_000];
            let length = encoder.encode(frame, &mut payload).expect("a frame of the codec");
            let (sequence, timestamp) = (beat as u16, codec.clock() / 50 * beat as u32);
            let payload = &payload[..length];
            desk.take(now, *leg, &Incoming { payload_type: 100, marker: false, sequence, timestamp, ssrc: 1, payload });
        }
        now += TICK;
        desk.tick(now, &mut bench, &mut |packet| {
            let mut samples = [0; SAMPLES_MAX];
            let length = decoder.decode(packet.payload, &mut samples).expect("what we sent");
            out.extend(&samples[..length]);
        });
    }
    out
}

/// From one frequency to another.
fn sweep(rate: u32, from: f64, to: f64, seconds: f64) -> Vec<i16> {
    let samples = (f64::from(rate) * seconds) as usize;
    let mut phase = 0.0;
    let wave = (0..samples).map(|at| {
        let hertz = from * (to / from).powf(at as f64 / samples as f64);
        phase += TAU * hertz / f64::from(rate);
        (8_000.0 * phase.sin()) as i16
    });
    wave.collect()
}

fn write(path: &Path, rate: u32, left: &[i16], right: Option<&[i16]>) {
    let mut bytes = Vec::new();
    match right {
        Some(right) => interleave(left, right, &mut bytes),
        None => append(left, &mut bytes),
    }
    let shape = Shape { rate, channels: if right.is_some() { 2 } else { 1 } };
    let mut file = shape.header(bytes.len() as u64).to_vec();
    file.append(&mut bytes);
    std::fs::write(path, file).expect("the folder can be written to");
    println!("{}", path.display());
}

fn main() {
    let mut words = std::env::args().skip(1);
    let (Some(folder), given) = (words.next(), words.next()) else {
        eprintln!("hear FOLDER [PROMPT]: writes WAV files into a folder; PROMPT is a file to be heard by a PCMU phone");
        std::process::exit(64);
    };
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder).expect("a folder");

    let narrow = sweep(8_000, 100.0, 3_900.0, 5.0);
    let recoded = heard(Codec::Opus, &[(Codec::Pcmu, &narrow)], None, false);
    write(&folder.join("recoded-pcmu-to-opus.wav"), 48_000, &recoded, None);
    let wide = sweep(16_000, 100.0, 7_900.0, 5.0);
    let recoded = heard(Codec::Opus, &[(Codec::G722, &wide)], None, false);
    write(&folder.join("recoded-g722-to-opus.wav"), 48_000, &recoded, None);
    let down = sweep(48_000, 100.0, 20_000.0, 5.0);
    let recoded = heard(Codec::Pcma, &[(Codec::Opus, &down)], None, false);
    write(&folder.join("recoded-opus-to-pcma.wav"), 8_000, &recoded, None);

    let (low, high) = (sweep(8_000, 300.0, 600.0, 5.0), sweep(16_000, 3_400.0, 1_700.0, 5.0));
    let steady = sweep(8_000, 1_000.0, 1_000.0, 5.0);
    let three = [(Codec::Pcmu, &low[..]), (Codec::G722, &high[..]), (Codec::Pcma, &steady[..])];
    write(&folder.join("mix.wav"), 8_000, &heard(Codec::Pcmu, &three, None, false), None);

    let mut dialled = sweep(8_000, 400.0, 400.0, 4.0);
    for (at, digit) in [(8_000, b'5'), (12_000, b'9'), (16_000, b'#')] {
        let pair = tone::digit(digit, Duration::from_millis(200)).expect("a key");
        ToneSource::new(&pair, 8_000).fill(&mut dialled[at..at + 1_600]);
    }
    let without = heard(Codec::Pcma, &[(Codec::Pcmu, &dialled)], None, true);
    write(&folder.join("digits-taken-out.wav"), 8_000, &dialled, Some(&without));

    let prompt = given.map(|path| {
        let bytes = std::fs::read(&path).expect("the prompt can be read");
        let extension = Path::new(&path).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let read = recording::read(extension, &bytes).unwrap_or_else(|fault| panic!("{path}: {fault}"));
        Prompt::new(&path, read.rate, &read.samples).expect("a usual rate")
    });
    let own = || Prompt::new("sweep", 16_000, &sweep(16_000, 300.0, 7_000.0, 1.5)).expect("a usual rate");
    let parts = vec![
        Part::Tone(Tone::once([1_400, 0, 0, 0], 12, 300)),
        Part::Silence(Duration::from_millis(300)),
        Part::Prompt(Arc::new(prompt.unwrap_or_else(own))),
        Part::Tone(Tone::repeated([440, 480, 0, 0], 19, [2_000, 4_000])),
    ];
    let heard = heard(Codec::Pcmu, &[], Some(Playlist { parts, times: Some(1) }), false);
    write(&folder.join("prompt.wav"), 8_000, &heard, None);
}
