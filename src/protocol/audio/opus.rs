//! Opus by libopus, one channel, at the rate that the other side of a call works at. Resamples nothing: libopus does.

use opus::{Application, Bitrate, Channels};

/// What is wished of an encoder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpusWish {
    pub bits_per_second: u32,
    pub complexity: u8,
    pub forward_error_correction: bool,
    pub discontinuous: bool,
}

impl Default for OpusWish {
    fn default() -> OpusWish {
        OpusWish { bits_per_second: 24_000, complexity: 5, forward_error_correction: true, discontinuous: false }
    }
}

/// The rates that libopus works at.
pub fn works_at(rate: u32) -> bool {
    matches!(rate, 8_000 | 12_000 | 16_000 | 24_000 | 48_000)
}

/// libopus makes redundancy only where loss is expected: so much before a report says otherwise.
const LOSS_EXPECTED_PERCENT: u8 = 5;

#[derive(Debug)]
pub struct OpusEncoder {
    inner: opus::Encoder,
    rate: u32,
}

impl OpusEncoder {
    pub fn new(rate: u32, wish: OpusWish) -> Option<OpusEncoder> {
        let inner = works_at(rate).then(|| opus::Encoder::new(rate, Channels::Mono, Application::Voip))?;
        let mut encoder = OpusEncoder { inner: inner.ok()?, rate };
        encoder.configure(wish).ok()?;
        Some(encoder)
    }

    fn configure(&mut self, wish: OpusWish) -> opus::Result<()> {
        let bits = i32::try_from(wish.bits_per_second.clamp(6_000, 128_000)).unwrap_or(24_000);
        self.inner.set_bitrate(Bitrate::Bits(bits))?;
        self.inner.set_complexity(i32::from(wish.complexity.min(10)))?;
        self.inner.set_inband_fec(wish.forward_error_correction)?;
        self.inner.set_packet_loss_perc(i32::from(LOSS_EXPECTED_PERCENT))?;
        self.inner.set_dtx(wish.discontinuous)
    }

    /// What the far end's reports say, so that redundancy fits. Changes nothing else.
    pub fn expect_loss(&mut self, percent: u8) {
        let _ = self.inner.set_packet_loss_perc(i32::from(percent.min(100)));
    }

    /// Whether Opus has frames of so many samples (RFC 6716 2.1.4): 2.5, 5, 10, 20, 40 or 60 ms.
    pub fn takes(&self, samples: usize) -> bool {
        let quarter = (self.rate / 400) as usize;
        [1, 2, 4, 8, 16, 24].iter().any(|quarters| quarters * quarter == samples)
    }

    /// Bytes written; zero when nothing needs sending (DTX); `None` for a length that is no frame.
    pub fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> Option<usize> {
        if !self.takes(samples.len()) {
            return None;
        }
        let length = self.inner.encode(samples, payload).ok()?;
        // libopus: a packet of two bytes or less need not be transmitted.
        Some(if length <= 2 { 0 } else { length })
    }
}

#[derive(Debug)]
pub struct OpusDecoder {
    inner: opus::Decoder,
    rate: u32,
}

impl OpusDecoder {
    pub fn new(rate: u32) -> Option<OpusDecoder> {
        let inner = works_at(rate).then(|| opus::Decoder::new(rate, Channels::Mono))?;
        Some(OpusDecoder { inner: inner.ok()?, rate })
    }

    /// Samples written; `None` when the payload is no Opus or has no room. Stereo comes out as one channel.
    pub fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> Option<usize> {
        // An empty one would mean a lost packet.
        if payload.is_empty() {
            return None;
        }
        self.inner.decode(payload, samples, false).ok()
    }

    /// Fills `samples` in place of a lost packet: from the redundancy in the packet after it, when it has some.
    /// A length that is no multiple of 2.5 ms is filled up with silence.
    pub fn conceal(&mut self, next: Option<&[u8]>, samples: &mut [i16]) {
        let quarter = (self.rate / 400) as usize;
        let (whole, rest) = samples.split_at_mut(samples.len() / quarter * quarter);
        rest.fill(0);
        // One call of libopus conceals at most 120 ms.
        let mut pieces = whole.chunks_mut(48 * quarter).peekable();
        while let Some(piece) = pieces.next() {
            let redundant = next.filter(|next| pieces.peek().is_none() && !next.is_empty());
            let done = redundant.and_then(|next| self.inner.decode(next, piece, true).ok());
            let done = done.or_else(|| self.inner.decode(&[], piece, false).ok()).unwrap_or(0);
            piece.get_mut(done..).unwrap_or_default().fill(0);
        }
    }
}

/// How many samples a payload holds at that rate; `None` when it is no Opus.
pub fn samples_in(payload: &[u8], rate: u32) -> Option<usize> {
    if payload.is_empty() {
        return None;
    }
    opus::packet::get_nb_samples(payload, rate).ok()
}
