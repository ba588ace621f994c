//! All codecs behind one pair of types: payloads to samples and back, at the rate that the call works at. Knows no packet.

use super::codec::Codec;
use super::concealment::Concealer;
use super::g722::{G722Decoder, G722Encoder};
use super::opus::{self, OpusDecoder, OpusEncoder, OpusWish};
use super::resample::Resampler;
use super::{g711, l16};

/// Longest payload that is decoded, and the room that `decode` needs: 120 ms at 48 kHz (RFC 6716 2.1.4).
pub const SAMPLES_MAX: usize = 5_760;
/// Samples worked on at a time where rates differ: 10 ms at 48 kHz.
const PIECE: usize = 480;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecodeError {
    Empty,
    /// Longer than `SAMPLES_MAX` or the room for it.
    TooLong,
    /// Half a sample, or no Opus.
    Malformed,
}

#[derive(Debug)]
pub struct Decoder {
    form: DecoderForm,
    own_rate: u32,
    rate: u32,
    resampler: Option<Box<Resampler>>,
    /// For codecs without such an art of their own.
    concealer: Option<Concealer>,
}

#[derive(Debug)]
enum DecoderForm {
    Pcmu,
    Pcma,
    G722(Box<G722Decoder>),
    Opus(OpusDecoder),
    L16,
}

impl Decoder {
    /// Gives samples at `rate`, whatever the codec's own. `None` for a codec that nobody here can decode, or no such rate.
    pub fn new(codec: Codec, rate: u32) -> Option<Decoder> {
        let form = match codec {
            Codec::Pcmu => DecoderForm::Pcmu,
            Codec::Pcma => DecoderForm::Pcma,
            Codec::G722 => DecoderForm::G722(Box::default()),
            Codec::Opus => DecoderForm::Opus(OpusDecoder::new(if opus::works_at(rate) { rate } else { 48_000 })?),
            Codec::L16 { .. } => DecoderForm::L16,
            Codec::Opaque => return None,
        };
        let own_rate = if codec == Codec::Opus && opus::works_at(rate) { rate } else { codec.sample_rate() };
        let resampler = Resampler::new(own_rate, rate).map(Box::new);
        let concealer = (codec != Codec::Opus).then(|| Concealer::new(own_rate));
        let possible = resampler.is_some() || own_rate == rate;
        possible.then_some(Decoder { form, own_rate, rate, resampler, concealer })
    }

    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// From now on at another rate; the codec's state stays. `false` when there is no such rate, and nothing changes.
    pub fn set_rate(&mut self, rate: u32) -> bool {
        let resampler = Resampler::new(self.own_rate, rate).map(Box::new);
        let possible = resampler.is_some() || self.own_rate == rate;
        if possible && rate != self.rate {
            (self.rate, self.resampler) = (rate, resampler);
        }
        possible
    }

    /// Samples that a payload holds, at our rate; `None` when it cannot be decoded.
    pub fn samples_in(&self, payload: &[u8]) -> Option<usize> {
        let own = self.own_samples_in(payload).ok()?;
        usize::try_from(own as u64 * u64::from(self.rate) / u64::from(self.own_rate)).ok()
    }

    fn own_samples_in(&self, payload: &[u8]) -> Result<usize, DecodeError> {
        let length = match &self.form {
            _ if payload.is_empty() => return Err(DecodeError::Empty),
            DecoderForm::Pcmu | DecoderForm::Pcma => payload.len(),
            DecoderForm::G722(_) => payload.len() * 2,
            DecoderForm::L16 if payload.len() % 2 == 1 => return Err(DecodeError::Malformed),
            DecoderForm::L16 => payload.len() / 2,
            DecoderForm::Opus(_) => opus::samples_in(payload, self.own_rate).ok_or(DecodeError::Malformed)?,
        };
        // 120 ms at the codec's own rate.
        let most = (self.own_rate as usize * 12 / 100).min(SAMPLES_MAX);
        if length > most { Err(DecodeError::TooLong) } else { Ok(length) }
    }

    /// Samples written. An error leaves the codec's state as it was.
    pub fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> Result<usize, DecodeError> {
        let length = self.own_samples_in(payload)?;
        if self.resampler.is_none() {
            let samples = samples.get_mut(..length).ok_or(DecodeError::TooLong)?;
            return self.decode_own(payload, samples);
        }
        if self.resampled(length) > samples.len() {
            return Err(DecodeError::TooLong);
        }
        let mut own = [0; SAMPLES_MAX];
        let own = own.get_mut(..length).ok_or(DecodeError::TooLong)?;
        let length = self.decode_own(payload, own)?;
        let own = own.get(..length).unwrap_or_default();
        Ok(self.resampler.as_mut().map_or(0, |resampler| resampler.process(own, samples)))
    }

    fn decode_own(&mut self, payload: &[u8], samples: &mut [i16]) -> Result<usize, DecodeError> {
        let length = self.form.decode(payload, samples).ok_or(DecodeError::Malformed)?;
        if let Some(concealer) = &mut self.concealer {
            concealer.received(samples.get_mut(..length).unwrap_or_default());
        }
        Ok(length)
    }

    /// What so many samples become at most.
    fn resampled(&self, own: usize) -> usize {
        usize::try_from((own as u64 * u64::from(self.rate)).div_ceil(u64::from(self.own_rate))).unwrap_or(usize::MAX)
    }

    /// Fills `samples` in place of lost packets. When the packet after them is already here, Opus may find some of them in it.
    pub fn conceal(&mut self, next: Option<&[u8]>, samples: &mut [i16]) {
        let mut rest = samples;
        while !rest.is_empty() {
            let length = rest.len().min(self.rate as usize * 12 / 100);
            let (piece, after) = std::mem::take(&mut rest).split_at_mut(length);
            let next = next.filter(|_| after.is_empty());
            self.conceal_piece(next, piece);
            rest = after;
        }
    }

    /// At most 120 ms.
    fn conceal_piece(&mut self, next: Option<&[u8]>, samples: &mut [i16]) {
        if self.resampler.is_none() {
            return self.conceal_own(next, samples);
        }
        let length = samples.len() as u64 * u64::from(self.own_rate) / u64::from(self.rate);
        let mut own = [0; SAMPLES_MAX];
        let own = own.get_mut(..usize::try_from(length).unwrap_or(0)).unwrap_or_default();
        self.conceal_own(next, own);
        let written = self.resampler.as_mut().map_or(0, |resampler| resampler.process(own, samples));
        samples.get_mut(written..).unwrap_or_default().fill(0);
    }

    fn conceal_own(&mut self, next: Option<&[u8]>, samples: &mut [i16]) {
        match (&mut self.form, &mut self.concealer) {
            (DecoderForm::Opus(decoder), _) => decoder.conceal(next, samples),
            (_, Some(concealer)) => concealer.conceal(samples),
            _ => samples.fill(0),
        }
    }
}

impl DecoderForm {
    fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> Option<usize> {
        let with = |samples: &mut [i16], decode: fn(u8) -> i16| {
            let pairs = samples.iter_mut().zip(payload);
            pairs.map(|(sample, code)| *sample = decode(*code)).count()
        };
        Some(match self {
            DecoderForm::Pcmu => with(samples, g711::decode_ulaw),
            DecoderForm::Pcma => with(samples, g711::decode_alaw),
            DecoderForm::G722(decoder) => decoder.decode(payload, samples),
            DecoderForm::Opus(decoder) => return decoder.decode(payload, samples),
            DecoderForm::L16 => l16::decode(payload, samples),
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EncodeError {
    /// Opus has no frame of that length.
    NoSuchFrame,
    /// No room for the payload.
    TooLong,
}

#[derive(Debug)]
pub struct Encoder {
    form: EncoderForm,
    own_rate: u32,
    rate: u32,
    resampler: Option<Box<Resampler>>,
}

#[derive(Debug)]
enum EncoderForm {
    Pcmu,
    Pcma,
    G722(Box<G722Encoder>),
    Opus(OpusEncoder),
    L16,
}

impl Encoder {
    /// Takes samples at `rate`, whatever the codec's own. `None` for a codec that nobody here can encode, or no such rate.
    pub fn new(codec: Codec, rate: u32, wish: OpusWish) -> Option<Encoder> {
        let own_rate = if codec == Codec::Opus && opus::works_at(rate) { rate } else { codec.sample_rate() };
        let form = match codec {
            Codec::Pcmu => EncoderForm::Pcmu,
            Codec::Pcma => EncoderForm::Pcma,
            Codec::G722 => EncoderForm::G722(Box::default()),
            Codec::Opus => EncoderForm::Opus(OpusEncoder::new(own_rate, wish)?),
            Codec::L16 { .. } => EncoderForm::L16,
            Codec::Opaque => return None,
        };
        let resampler = Resampler::new(rate, own_rate).map(Box::new);
        (resampler.is_some() || own_rate == rate).then_some(Encoder { form, own_rate, rate, resampler })
    }

    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// From now on with samples of another rate; the codec's state stays. `false` when there is no such rate.
    pub fn set_rate(&mut self, rate: u32) -> bool {
        let resampler = Resampler::new(rate, self.own_rate).map(Box::new);
        let possible = resampler.is_some() || self.own_rate == rate;
        if possible && rate != self.rate {
            (self.rate, self.resampler) = (rate, resampler);
        }
        possible
    }

    /// What the far end's reports say of loss, so that redundancy fits; only Opus has any.
    pub fn expect_loss(&mut self, percent: u8) {
        if let EncoderForm::Opus(encoder) = &mut self.form {
            encoder.expect_loss(percent);
        }
    }

    /// Bytes written; zero means that nothing needs sending (DTX). Frames of 2.5 to 60 ms; with Opus, only its own lengths.
    pub fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> Result<usize, EncodeError> {
        let Some(resampler) = &mut self.resampler else { return self.form.encode(samples, payload) };
        let mut own = [0; SAMPLES_MAX];
        let mut length = 0;
        for piece in samples.chunks(PIECE) {
            let room = own.get_mut(length..).filter(|room| room.len() + 1 >= resampler.room_for(piece.len()));
            length += resampler.process(piece, room.ok_or(EncodeError::TooLong)?);
        }
        self.form.encode(own.get(..length).unwrap_or_default(), payload)
    }
}

impl EncoderForm {
    fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> Result<usize, EncodeError> {
        let needed = match self {
            EncoderForm::Pcmu | EncoderForm::Pcma => samples.len(),
            EncoderForm::G722(_) => samples.len() / 2,
            EncoderForm::L16 => samples.len() * 2,
            EncoderForm::Opus(_) => 1,
        };
        if payload.len() < needed {
            return Err(EncodeError::TooLong);
        }
        let with = |payload: &mut [u8], encode: fn(i16) -> u8| {
            let pairs = payload.iter_mut().zip(samples);
            pairs.map(|(code, sample)| *code = encode(*sample)).count()
        };
        Ok(match self {
            EncoderForm::Pcmu => with(payload, g711::encode_ulaw),
            EncoderForm::Pcma => with(payload, g711::encode_alaw),
            EncoderForm::G722(encoder) => encoder.encode(samples, payload),
            EncoderForm::Opus(encoder) => return encoder.encode(samples, payload).ok_or(EncodeError::NoSuchFrame),
            EncoderForm::L16 => l16::encode(samples, payload),
        })
    }
}

#[cfg(test)]
mod tests;
