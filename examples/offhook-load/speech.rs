//! A second of something like speech, in packets of 20 ms, for relays that have to understand what they carry.

use offhook::protocol::audio::g711;
use offhook::protocol::audio::opus::{OpusEncoder, OpusWish};

/// Of 20 ms each.
const FRAMES: usize = 50;

/// What one side of a call says over and over.
pub struct Speech {
    pub payload_type: u8,
    /// Timestamp units of one packet.
    pub step: u32,
    payloads: Vec<Vec<u8>>,
}

impl Speech {
    pub fn pcmu() -> Speech {
        let samples = voice(8_000);
        let frames = samples.chunks_exact(160);
        let payloads = frames.map(|frame| frame.iter().map(|sample| g711::encode_ulaw(*sample)).collect()).collect();
        Speech { payload_type: 0, step: 160, payloads }
    }

    /// As a browser says it: 48,000 samples a second.
    pub fn opus() -> Speech {
        let mut encoder = OpusEncoder::new(48_000, OpusWish::default()).expect("an encoder");
        let encode = |frame: &[i16]| {
            let mut payload = [0; 1_275];
            let length = encoder.encode(frame, &mut payload).expect("a frame");
            payload[..length].to_vec()
        };
        Speech { payload_type: 96, step: 960, payloads: voice(48_000).chunks_exact(960).map(encode).collect() }
    }

    /// Of the packet with this number.
    pub fn payload(&self, number: u32) -> &[u8] {
        &self.payloads[number as usize % FRAMES]
    }
}

/// A pitch that glides, overtones and pauses: codecs spend on it what they spend on speech.
fn voice(rate: u32) -> Vec<i16> {
    let mut phase = 0.0f64;
    let sample = |at: u32| {
        let time = f64::from(at) / f64::from(rate);
        phase += (140.0 + 40.0 * (time * 5.0).sin()) / f64::from(rate);
        let tone: f64 = (1..12).map(|n| (phase * f64::from(n) * std::f64::consts::TAU).sin() / f64::from(n)).sum();
        let loud = (0.6 + 0.4 * (time * 9.0).sin()).max(0.0);
        (6_000.0 * loud * tone) as i16
    };
    (0..rate).map(sample).collect()
}
