//! What one leg says: its packets put in order, decoded, and given as frames at the desk's rate. Mixes nothing.

use super::command::StreamPlan;
use super::desk::Incoming;
use super::path::codec_received;
use crate::protocol::audio::codec::Codec;
use crate::protocol::audio::coder::{Decoder, SAMPLES_MAX};
use crate::protocol::audio::comfort_noise::ComfortNoise;
use crate::protocol::audio::tone_detect::{DigitGate, Heard, ToneDetector};
use crate::protocol::audio::{opus, stretch};
use crate::protocol::rtp::jitter_buffer::{Counts, JitterBuffer, Limits, Pace, Pull};
use crate::protocol::rtp::packet::Header;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Audio of a key press may come so long after its event, beside its wait in the jitter buffer.
const KEY_SOUNDS_AFTER: Duration = Duration::from_millis(60);
/// Pitch periods that are put in at a time.
const STRETCHES_MAX: usize = 5;
/// Digits that end within one frame: more is no keypad.
const DIGITS_MAX: usize = 8;
/// Frames that are made up when packets stop and nobody said why; then it is silent.
const FADING_FRAMES: u8 = 3;
/// Opus says nothing while its far end is silent, for up to 400 ms at a time (its DTX), and makes that silence itself.
const FADING_FRAMES_OF_OPUS: u8 = 25;

/// Whether digits are listened for in the audio, and whether they stay in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listening {
    Not,
    /// They are told and stay: who hears the leg wants its digits as sound.
    Keep,
    /// They are told and taken out: they go on in another form.
    Remove,
}

/// The detector that `Listening` asks for.
#[derive(Debug)]
enum Detector {
    Tones(ToneDetector),
    Gate(DigitGate),
}

/// The decoder of one leg and the audio that it has ready.
#[derive(Debug)]
pub struct Ear {
    rate: u32,
    waiting: JitterBuffer,
    voice: Voice,
    /// Decoded and not yet heard: the rest of a packet that is longer than a frame.
    ready: Vec<i16>,
    /// Until then a key press is taken out of the audio.
    muted_until: Option<Instant>,
    listening: Listening,
    detector: Option<Box<Detector>>,
    digits: VecDeque<(u8, Duration)>,
}

/// The decoder and what it does while nothing comes.
#[derive(Debug)]
struct Voice {
    /// Of the codec that is spoken now, under this payload type.
    decoder: Option<(u8, Codec, Decoder)>,
    clock: u32,
    /// The far end is silent and has said how its silence sounds.
    noise: Option<Box<ComfortNoise>>,
    /// Frames that were made up since the last packet.
    faded: u8,
    concealed: u64,
}

impl Ear {
    pub fn new(rate: u32) -> Ear {
        let voice = Voice { decoder: None, clock: 8_000, noise: None, faded: u8::MAX, concealed: 0 };
        let waiting = JitterBuffer::new(8_000, Limits::default());
        Ear {
            rate,
            waiting,
            voice,
            ready: Vec::new(),
            muted_until: None,
            listening: Listening::Not,
            detector: None,
            digits: VecDeque::new(),
        }
    }

    /// From now on digits are listened for so.
    pub fn listen(&mut self, listening: Listening) {
        if listening != self.listening || (self.detector.is_none() && listening != Listening::Not) {
            self.listening = listening;
            let detector = match listening {
                Listening::Not => None,
                Listening::Keep => ToneDetector::new(self.rate).map(Detector::Tones),
                Listening::Remove => DigitGate::new(self.rate).map(Detector::Gate),
            };
            self.detector = detector.map(Box::new);
        }
    }

    /// Digits that sounded and have ended, in order; and whether their sound has gone on.
    pub fn poll_digit(&mut self) -> Option<(u8, Duration, bool)> {
        let (digit, lasted) = self.digits.pop_front()?;
        Some((digit, lasted, self.listening == Listening::Keep))
    }

    /// From now on the frames are of this rate.
    pub fn set_rate(&mut self, rate: u32) {
        if rate == self.rate {
            return;
        }
        self.rate = rate;
        self.ready.clear();
        self.detector = None;
        // libopus decodes at one rate for life; the others keep what they have heard so far.
        let voice = &mut self.voice;
        let stays =
            voice.decoder.as_mut().is_some_and(|(_, codec, decoder)| *codec != Codec::Opus && decoder.set_rate(rate));
        if !stays {
            voice.decoder = None;
        }
    }

    /// Another plan: payload types may mean something else from now on.
    pub fn forget_codec(&mut self) {
        self.voice.decoder = None;
        self.voice.noise = None;
    }

    /// Takes a packet of one of the plan's codecs, or comfort noise. Others are not for an ear.
    pub fn take(&mut self, now: Instant, plan: &StreamPlan, packet: &Incoming<'_>) {
        let header = Header {
            payload_type: packet.payload_type,
            marker: packet.marker,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            ssrc: packet.ssrc,
        };
        if let Some(planned) = codec_received(plan, packet.payload_type) {
            self.voice.clock = planned.payload.clock;
            self.waiting.set_clock(planned.payload.clock);
            let ticks = ticks_in(planned.codec, packet.payload);
            if ticks > 0 {
                self.waiting.put(now, &header, packet.payload, ticks);
            }
        } else if is_noise(plan, packet.payload_type) {
            self.waiting.put(now, &header, packet.payload, 0);
        }
    }

    /// A key is down or was: its sound is not to be heard, since the digit goes another way.
    pub fn mute_key(&mut self, now: Instant) {
        let waits = self.delay(now).unwrap_or_default();
        self.muted_until = Some(now + waits + KEY_SOUNDS_AFTER);
    }

    /// Packets that came too late or too early to be played.
    pub fn discarded(&self) -> u64 {
        let Counts { too_late, overrun, .. } = self.waiting.counts();
        too_late + overrun
    }

    /// Samples that were made up in place of lost ones.
    pub fn concealed(&self) -> u64 {
        self.voice.concealed
    }

    /// How long audio waits here at present.
    pub fn delay(&self, now: Instant) -> Option<Duration> {
        self.waiting.delay(now)
    }

    /// Fills one frame; `false` when nothing is to be heard, and the frame means nothing.
    pub fn hear(&mut self, now: Instant, plan: &StreamPlan, room: &mut [i16; SAMPLES_MAX], frame: &mut [i16]) -> bool {
        let mut sounds = self.next_frame(now, plan, room, frame);
        if let Some(detector) = &mut self.detector {
            let digits = &mut self.digits;
            let tell = |heard| {
                if let Heard::Ended { digit, milliseconds } = heard
                    && digits.len() < DIGITS_MAX
                {
                    digits.push_back((digit, Duration::from_millis(u64::from(milliseconds))));
                }
            };
            match detector.as_mut() {
                Detector::Tones(detector) => detector.hear(frame, tell),
                // What it holds back is heard a little later.
                Detector::Gate(gate) => {
                    gate.pass(frame, tell);
                    sounds = true;
                }
            }
        }
        if self.muted_until.is_some_and(|until| now < until) {
            frame.fill(0);
        } else {
            self.muted_until = None;
        }
        sounds
    }

    fn next_frame(&mut self, now: Instant, plan: &StreamPlan, room: &mut [i16], frame: &mut [i16]) -> bool {
        let mut sounds = !self.ready.is_empty();
        while self.ready.len() < frame.len() {
            let (length, heard) = self.voice.follow(self.waiting.pull(now), plan, self.rate, room);
            sounds |= heard;
            let fresh = room.get(..length).unwrap_or_default();
            // One packet of the frame's own length goes straight through.
            if self.ready.is_empty() && fresh.len() == frame.len() {
                frame.copy_from_slice(fresh);
                return sounds;
            }
            if fresh.is_empty() {
                self.ready.resize(frame.len(), 0);
            }
            self.ready.extend_from_slice(fresh);
        }
        frame.copy_from_slice(self.ready.get(..frame.len()).unwrap_or_default());
        self.ready.drain(..frame.len());
        sounds
    }
}

impl Voice {
    /// Makes audio of what comes next: so many samples in `room`, and whether they are to be heard.
    fn follow(&mut self, next: Pull<'_>, plan: &StreamPlan, rate: u32, room: &mut [i16]) -> (usize, bool) {
        match next {
            Pull::Packet { payload_type, payload, .. } if is_noise(plan, payload_type) => {
                let first = self.noise.is_none();
                let noise = self.noise.get_or_insert_default();
                if noise.describe(payload) && first {
                    noise.jump();
                }
                let frame = rate as usize / 50;
                noise.fill(room.get_mut(..frame).unwrap_or_default());
                (frame, true)
            }
            Pull::Packet { payload_type, payload, ticks, pace } => {
                let length = self.decode(plan, (payload_type, rate), payload, room);
                if length == 0 {
                    return self.conceal(self.samples(ticks, rate), None, room);
                }
                (self.noise, self.faded) = (None, 0);
                (paced(pace, rate, length, room), true)
            }
            Pull::Lost { ticks, next } => {
                let next = next.map(|(_, payload)| payload);
                self.conceal(self.samples(ticks, rate), next, room)
            }
            Pull::Empty { ticks } => self.rest(self.samples(ticks, rate), room),
        }
    }

    fn decode(&mut self, plan: &StreamPlan, spoken: (u8, u32), payload: &[u8], samples: &mut [i16]) -> usize {
        let (payload_type, rate) = spoken;
        if self.decoder.as_ref().is_none_or(|(current, ..)| *current != payload_type) {
            let codec = codec_received(plan, payload_type).map(|planned| planned.codec);
            let decoder = codec.and_then(|codec| Some((payload_type, codec, Decoder::new(codec, rate)?)));
            self.decoder = decoder;
        }
        let Some((.., decoder)) = &mut self.decoder else { return 0 };
        decoder.decode(payload, samples).unwrap_or(0)
    }

    /// In place of what is lost.
    fn conceal(&mut self, length: usize, next: Option<&[u8]>, room: &mut [i16]) -> (usize, bool) {
        let samples = room.get_mut(..length).unwrap_or_default();
        match &mut self.decoder {
            Some((.., decoder)) => decoder.conceal(next, samples),
            None => samples.fill(0),
        }
        self.concealed = self.concealed.saturating_add(samples.len() as u64);
        (samples.len(), self.decoder.is_some())
    }

    /// While nothing comes: noise as it was described, or what was said last fading away, or silence.
    fn rest(&mut self, length: usize, room: &mut [i16]) -> (usize, bool) {
        let samples = room.get_mut(..length).unwrap_or_default();
        if let Some(noise) = &mut self.noise {
            noise.fill(samples);
            return (samples.len(), true);
        }
        let most = match self.decoder {
            Some((_, Codec::Opus, _)) => FADING_FRAMES_OF_OPUS,
            _ => FADING_FRAMES,
        };
        match &mut self.decoder {
            Some((.., decoder)) if self.faded < most => {
                self.faded += 1;
                decoder.conceal(None, samples);
                (samples.len(), true)
            }
            _ => {
                samples.fill(0);
                (samples.len(), false)
            }
        }
    }

    fn samples(&self, ticks: u32, rate: u32) -> usize {
        let samples = u64::from(ticks) * u64::from(rate) / u64::from(self.clock.max(1));
        usize::try_from(samples).unwrap_or(0).min(SAMPLES_MAX)
    }
}

fn is_noise(plan: &StreamPlan, payload_type: u8) -> bool {
    plan.comfort_noise.is_some_and(|pair| pair.receive == payload_type)
}

/// Brings the delay to where it should be, a pitch period at a time.
fn paced(pace: Pace, rate: u32, length: usize, room: &mut [i16]) -> usize {
    let audio = room.get_mut(..length).unwrap_or_default();
    match pace {
        Pace::Even => length,
        Pace::Shrink => stretch::shorter(audio, rate),
        // A high voice has short periods: several of them, until it is half a frame, so that too little delay is soon mended.
        Pace::Stretch => {
            let (mut longer, mut now) = ([0; SAMPLES_MAX], length);
            for _ in 0..STRETCHES_MAX {
                let audio = room.get(..now).unwrap_or_default();
                let grown = stretch::longer(audio, rate, &mut longer).min(room.len());
                let to = room.get_mut(..grown).unwrap_or_default();
                to.copy_from_slice(longer.get(..grown).unwrap_or_default());
                if grown <= now || grown >= length + rate as usize / 100 {
                    return grown;
                }
                now = grown;
            }
            now
        }
    }
}

/// How long a payload lasts in ticks of its clock; zero when it is no such payload.
fn ticks_in(codec: Codec, payload: &[u8]) -> u32 {
    let bytes = u32::try_from(payload.len()).unwrap_or(0);
    match codec {
        Codec::Pcmu | Codec::Pcma | Codec::G722 => bytes,
        Codec::L16 { .. } => bytes / 2,
        Codec::Opus => opus::samples_in(payload, 48_000).and_then(|samples| u32::try_from(samples).ok()).unwrap_or(0),
        Codec::Opaque => 0,
    }
}
