//! What one leg says: its packets put in order, decoded, and given as frames at the desk's rate. Mixes nothing.

use super::command::StreamPlan;
use super::desk::Incoming;
use super::path::codec_received;
use super::waiting::{Next, Waiting};
use crate::protocol::audio::coder::{Decoder, SAMPLES_MAX};

/// The decoder of one leg and the audio that it has ready.
#[derive(Debug)]
pub struct Ear {
    rate: u32,
    waiting: Waiting,
    /// The decoder of the codec that is spoken now, and its payload type.
    decoder: Option<(u8, Decoder)>,
    /// Decoded and not yet heard: the rest of a packet that is longer than a frame.
    ready: Vec<i16>,
    /// How long the last packet was, in samples: what a lost one will have been.
    packet: usize,
}

impl Ear {
    pub fn new(rate: u32) -> Ear {
        Ear { rate, waiting: Waiting::default(), decoder: None, ready: Vec::new(), packet: 0 }
    }

    /// From now on the frames are of this rate.
    pub fn set_rate(&mut self, rate: u32) {
        if rate != self.rate {
            self.rate = rate;
            self.decoder = None;
            self.ready.clear();
            self.packet = 0;
        }
    }

    /// Another plan: payload types may mean something else from now on.
    pub fn forget_codec(&mut self) {
        self.decoder = None;
    }

    pub fn take(&mut self, packet: &Incoming<'_>) {
        self.waiting.push(packet);
    }

    /// Fills one frame; `false` when nothing is to be heard, and the frame is left as it was.
    pub fn hear(&mut self, plan: &StreamPlan, scratch: &mut [i16; SAMPLES_MAX], frame: &mut [i16]) -> bool {
        while self.ready.len() < frame.len() {
            let samples = match self.waiting.next() {
                Next::Packet { payload_type, payload } => self.decode(plan, payload_type, &payload, scratch),
                Next::Lost => self.conceal(scratch),
                Next::Nothing => break,
            };
            // One packet of the frame's own length goes straight through.
            let fresh = scratch.get(..samples).unwrap_or_default();
            if self.ready.is_empty() && fresh.len() == frame.len() {
                frame.copy_from_slice(fresh);
                return true;
            }
            self.ready.extend_from_slice(fresh);
        }
        if self.ready.is_empty() {
            return false;
        }
        let run = self.ready.len().min(frame.len());
        let (heard, rest) = frame.split_at_mut(run);
        heard.copy_from_slice(self.ready.get(..run).unwrap_or_default());
        rest.fill(0);
        self.ready.drain(..run);
        true
    }

    fn decode(&mut self, plan: &StreamPlan, payload_type: u8, payload: &[u8], samples: &mut [i16]) -> usize {
        if self.decoder.as_ref().is_none_or(|(current, _)| *current != payload_type) {
            let codec = codec_received(plan, payload_type).map(|planned| planned.codec);
            self.decoder =
                codec.and_then(|codec| Decoder::new(codec, self.rate)).map(|decoder| (payload_type, decoder));
        }
        let Some((_, decoder)) = &mut self.decoder else { return 0 };
        let length = decoder.decode(payload, samples).unwrap_or(0);
        if length > 0 {
            self.packet = length;
        }
        length
    }

    fn conceal(&mut self, samples: &mut [i16]) -> usize {
        samples.iter_mut().take(self.packet).for_each(|sample| *sample = 0);
        self.packet
    }
}
