//! What must hold for any stream of payloads of any codec. Used by the fuzz target and by the replay of its seeds.

use offhook::protocol::audio::codec::Codec;
use offhook::protocol::audio::coder::{Decoder, SAMPLES_MAX};
use offhook::protocol::audio::comfort_noise::ComfortNoise;
use offhook::protocol::audio::stretch;
use offhook::protocol::audio::tone_detect::{DigitGate, Heard, ToneDetector};

const CODECS: [Codec; 7] = [
    Codec::Pcmu,
    Codec::Pcma,
    Codec::G722,
    Codec::Opus,
    Codec::L16 { rate: 8_000 },
    Codec::L16 { rate: 16_000 },
    Codec::L16 { rate: 48_000 },
];
const RATES: [u32; 3] = [8_000, 16_000, 48_000];

/// The first byte names codec and rate; then each piece is a length and so many bytes. A length of nothing is a loss,
/// 255 another rate, 254 comfort noise of what follows.
pub fn hold(bytes: &[u8]) {
    let Some((kind, mut rest)) = bytes.split_first() else { return };
    let codec = CODECS[usize::from(kind % 7)];
    let mut decoder = Decoder::new(codec, RATES[usize::from(kind / 7 % 3)]).expect("a decoder");
    let mut noise = ComfortNoise::default();
    let mut samples = vec![0; SAMPLES_MAX];
    let mut listener = Listener::new(decoder.rate());
    while let Some((length, after)) = rest.split_first() {
        let piece = after.get(..usize::from(*length) * 2).unwrap_or(after);
        rest = &after[if *length >= 254 { 0 } else { piece.len() }..];
        let frame = decoder.rate() as usize / 50;
        let heard = match length {
            0 => {
                decoder.conceal(Some(rest).filter(|next| !next.is_empty()), &mut samples[..frame]);
                frame
            }
            255 => {
                assert!(decoder.set_rate(RATES[(decoder.rate() / 10_000) as usize % 3]));
                listener = Listener::new(decoder.rate());
                continue;
            }
            254 => {
                noise.describe(rest.get(..8).unwrap_or_default());
                noise.fill(&mut samples[..frame]);
                frame
            }
            _ => {
                let told = decoder.samples_in(piece);
                let result = decoder.decode(piece, &mut samples);
                if let Ok(length) = result {
                    assert!(told.is_some_and(|told| told.abs_diff(length) <= 1), "{told:?} {length}");
                }
                result.unwrap_or(0)
            }
        };
        listener.hear(&samples[..heard]);
    }
}

/// What hears every stream besides.
struct Listener {
    rate: u32,
    detector: ToneDetector,
    gate: DigitGate,
    on: Option<u8>,
}

impl Listener {
    fn new(rate: u32) -> Listener {
        let detector = ToneDetector::new(rate).expect("a rate");
        Listener { rate, detector, gate: DigitGate::new(rate).expect("a rate"), on: None }
    }

    /// Digits begin and end in turn, and a frame stretches to at most one and a half of itself.
    fn hear(&mut self, samples: &[i16]) {
        let on = &mut self.on;
        self.detector.hear(samples, |heard| match heard {
            Heard::Began { digit } => assert_eq!(on.replace(digit), None),
            Heard::Ended { digit, .. } => assert_eq!(on.take(), Some(digit)),
        });
        let mut frame = samples.to_vec();
        self.gate.pass(&mut frame, |_| ());
        let mut room = vec![0; frame.len() * 3 / 2];
        let longer = stretch::longer(samples, self.rate, &mut room);
        let mut frame = samples.to_vec();
        let shorter = stretch::shorter(&mut frame, self.rate);
        assert!(longer >= samples.len() && longer <= room.len() && shorter <= samples.len());
    }
}
