//! What one leg is sent: mixed audio cut into packets of its codec and packet time. Stamps no header and knows no mix.

use super::command::{OpusWish, PayloadPair, PlannedCodec, StreamPlan};
use crate::protocol::audio::codec::Codec;
use crate::protocol::audio::coder::Encoder;
use crate::protocol::audio::level::{self, Activity};

/// Room for one payload: 20 ms of L16 at 48 kHz, the largest that is sent.
pub const PAYLOAD_BYTES_MAX: usize = 2_000;
/// Longest packet time.
const PACKET_MS_MAX: u32 = 60;

/// Louder than this, in decibels below full scale, is said at once, before it is known to be a voice.
const LOUD: u8 = 45;
/// How often the sound of a silence is told again, and by how many decibels it must have changed to be told before.
const NOISE_AGAIN_FRAMES: u16 = 100;
const NOISE_CHANGED: u8 = 6;

/// Silence that is described instead of sent (RFC 3389).
#[derive(Debug)]
struct Quiet {
    pair: PayloadPair,
    activity: Activity,
    /// Level that was told last, and frames since then.
    told: Option<(u8, u16)>,
}

impl Quiet {
    /// The level to tell for this frame; `None` when it was told, and `Err` when the frame is no silence.
    fn weigh(&mut self, frame: &[i16]) -> Result<Option<u8>, ()> {
        let level = level::level(frame);
        self.activity.take(level, 20);
        if self.activity.is_talking() || level < LOUD {
            self.told = None;
            return Err(());
        }
        let fresh = match &mut self.told {
            None => true,
            Some((told, since)) => {
                *since += 1;
                *since >= NOISE_AGAIN_FRAMES || told.abs_diff(level) >= NOISE_CHANGED
            }
        };
        if fresh {
            self.told = Some((level, 0));
        }
        Ok(fresh.then_some(level))
    }
}

/// One payload of audio, ready to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Spoken<'a> {
    pub payload_type: u8,
    /// Audio begins again after silence.
    pub marker: bool,
    pub clock: u32,
    /// Ticks that went by without a packet before this one.
    pub passed: u32,
    pub ticks: u32,
    pub payload: &'a [u8],
}

/// The encoder of one leg and the audio that waits for its packet to be full.
#[derive(Debug)]
pub struct Mouth {
    planned: PlannedCodec,
    wish: OpusWish,
    packet_ms: u32,
    encoder: Encoder,
    /// Less than one packet, at the encoder's rate.
    waiting: Vec<i16>,
    passed: u32,
    was_silent: bool,
    quiet: Option<Box<Quiet>>,
    /// As the far end reports it, once it has.
    loss_percent: Option<u8>,
}

impl Mouth {
    /// `None` when nobody here can encode what this leg wants.
    pub fn new(plan: &StreamPlan, rate: u32) -> Option<Mouth> {
        let planned = *plan.codecs.first()?;
        Some(Mouth {
            planned,
            wish: plan.opus,
            packet_ms: packet_ms(planned.codec, plan.ptime),
            encoder: encoder(planned.codec, rate, plan.opus)?,
            waiting: Vec::new(),
            passed: 0,
            was_silent: true,
            quiet: quiet(plan),
            loss_percent: None,
        })
    }

    /// Whether it still is what the plan says; else another is made.
    pub fn fits(&self, plan: &StreamPlan) -> bool {
        plan.codecs.first() == Some(&self.planned)
            && plan.opus == self.wish
            && quiet_pair(plan) == self.quiet.as_ref().map(|quiet| quiet.pair)
            && self.packet_ms == packet_ms(self.planned.codec, plan.ptime)
    }

    /// From now on the frames are of this rate. What waited for its packet is spoken before the change as silence.
    pub fn set_rate(&mut self, rate: u32) {
        if rate == self.encoder.rate() {
            return;
        }
        self.drop_waiting();
        if self.planned.codec == Codec::Opus {
            if let Some(encoder) = encoder(self.planned.codec, rate, self.wish) {
                self.encoder = encoder;
                self.loss_percent.into_iter().for_each(|percent| self.encoder.expect_loss(percent));
            }
        } else {
            self.encoder.set_rate(rate);
        }
    }

    pub fn clock(&self) -> u32 {
        self.planned.payload.clock
    }

    /// Ticks that passed without a packet; whoever sends something else in between takes them over.
    pub fn take_passed(&mut self) -> u32 {
        std::mem::take(&mut self.passed)
    }

    /// A frame's time goes by and nothing is said: there is nothing to say, or something else is sent.
    pub fn pass(&mut self, samples: usize) {
        self.drop_waiting();
        self.passed = self.passed.wrapping_add(self.ticks(samples));
        self.was_silent = true;
    }

    /// What the far end's reports say of loss, in percent, so that redundancy fits.
    pub fn expect_loss(&mut self, percent: u8) {
        if self.loss_percent.replace(percent) != Some(percent) {
            self.encoder.expect_loss(percent);
        }
    }

    /// Says one frame. Packets that it fills go to `send`.
    pub fn say(&mut self, frame: &[i16], send: &mut impl FnMut(Spoken<'_>)) {
        if let Some(Ok(level)) = self.quiet.as_mut().map(|quiet| quiet.weigh(frame)) {
            return self.say_quiet(level, frame.len(), send);
        }
        let packet = self.packet_samples();
        if self.waiting.is_empty() {
            let mut pieces = frame.chunks_exact(packet);
            for piece in &mut pieces {
                self.encode(piece, send);
            }
            self.waiting.extend_from_slice(pieces.remainder());
            return;
        }
        let mut rest = frame;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(packet.saturating_sub(self.waiting.len())));
            self.waiting.extend_from_slice(piece);
            rest = after;
            if self.waiting.len() >= packet {
                let full = std::mem::take(&mut self.waiting);
                self.encode(&full, send);
                self.waiting = full;
                self.waiting.clear();
            }
        }
    }

    /// A frame of silence: told when it is new, else only its time goes by.
    fn say_quiet(&mut self, level: Option<u8>, samples: usize, send: &mut impl FnMut(Spoken<'_>)) {
        self.drop_waiting();
        let ticks = self.ticks(samples);
        self.was_silent = true;
        let Some((level, quiet)) = level.zip(self.quiet.as_ref()) else {
            self.passed = self.passed.wrapping_add(ticks);
            return;
        };
        let passed = std::mem::take(&mut self.passed);
        let payload_type = quiet.pair.send;
        send(Spoken { payload_type, marker: false, clock: self.clock(), passed, ticks, payload: &[level] });
    }

    fn encode(&mut self, samples: &[i16], send: &mut impl FnMut(Spoken<'_>)) {
        let ticks = self.ticks(samples.len());
        let mut payload = [0; PAYLOAD_BYTES_MAX];
        let length = self.encoder.encode(samples, &mut payload).unwrap_or(0);
        // Nothing to send: the codec knows that the far end makes its own silence.
        let Some(payload) = payload.get(..length).filter(|payload| !payload.is_empty()) else {
            self.passed = self.passed.wrapping_add(ticks);
            self.was_silent = true;
            return;
        };
        let marker = std::mem::take(&mut self.was_silent);
        let passed = std::mem::take(&mut self.passed);
        let payload_type = self.planned.payload.send;
        send(Spoken { payload_type, marker, clock: self.clock(), passed, ticks, payload });
    }

    fn drop_waiting(&mut self) {
        self.passed = self.passed.wrapping_add(self.ticks(self.waiting.len()));
        self.waiting.clear();
    }

    fn packet_samples(&self) -> usize {
        samples_of(self.packet_ms, self.encoder.rate())
    }

    fn ticks(&self, samples: usize) -> u32 {
        let ticks = samples as u64 * u64::from(self.clock()) / u64::from(self.encoder.rate().max(1));
        u32::try_from(ticks).unwrap_or(0)
    }
}

/// Opus has a silence of its own (its DTX); the others have RFC 3389 when both sides have it.
fn quiet_pair(plan: &StreamPlan) -> Option<PayloadPair> {
    let planned = plan.codecs.first()?;
    // RFC 3551 4.1: the noise is in the clock of the audio.
    plan.comfort_noise.filter(|pair| planned.codec != Codec::Opus && pair.clock == planned.payload.clock)
}

fn quiet(plan: &StreamPlan) -> Option<Box<Quiet>> {
    quiet_pair(plan).map(|pair| Box::new(Quiet { pair, activity: Activity::default(), told: None }))
}

fn encoder(codec: Codec, rate: u32, wish: OpusWish) -> Option<Encoder> {
    Encoder::new(codec, rate, wish)
}

pub fn samples_of(milliseconds: u32, rate: u32) -> usize {
    usize::try_from(u64::from(milliseconds) * u64::from(rate) / 1_000).unwrap_or(0)
}

/// The packet time that is really sent: what the plan says, as far as the codec and a datagram allow.
fn packet_ms(codec: Codec, wished: u8) -> u32 {
    let wished = u32::from(wished).clamp(10, PACKET_MS_MAX) / 10 * 10;
    match codec {
        // RFC 6716 2.1.4: there are no frames of 30 or 50 ms.
        Codec::Opus if wished == 30 => 20,
        Codec::Opus if wished == 50 => 40,
        Codec::L16 { rate } => {
            let fits = |ms: &u32| samples_of(*ms, rate) * 2 <= PAYLOAD_BYTES_MAX;
            (1..=wished / 10).rev().map(|tens| tens * 10).find(fits).unwrap_or(10)
        }
        _ => wished,
    }
}
