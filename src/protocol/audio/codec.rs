//! What a codec is called and at which rate it works. Encodes nothing itself.

/// What one RTP payload holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Codec {
    Pcmu,
    Pcma,
    G722,
    Opus,
    /// Big-endian samples at the RTP clock's rate, one channel.
    L16 {
        rate: u32,
    },
    /// Carried untouched between two sides that both have it; nobody here can decode it.
    Opaque,
}

impl Codec {
    /// The name and clock as in `a=rtpmap`.
    pub fn parse(name: &str, clock: u32, channels: u8) -> Codec {
        match (clock, channels) {
            (8_000, 1) if name.eq_ignore_ascii_case("PCMU") => Codec::Pcmu,
            (8_000, 1) if name.eq_ignore_ascii_case("PCMA") => Codec::Pcma,
            // RFC 3551 4.5.2: the clock of G722 is 8000 by an old mistake; its samples are at 16 kHz.
            (8_000, 1) if name.eq_ignore_ascii_case("G722") => Codec::G722,
            (48_000, 2) if name.eq_ignore_ascii_case("opus") => Codec::Opus,
            (8_000 | 16_000 | 32_000 | 48_000, 1) if name.eq_ignore_ascii_case("L16") => Codec::L16 { rate: clock },
            _ => Codec::Opaque,
        }
    }

    pub fn can_be_recoded(self) -> bool {
        self != Codec::Opaque
    }

    /// Samples per second of its audio at its best; Opus works at any of 8, 16 and 48 kHz.
    pub fn sample_rate(self) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::Opaque => 8_000,
            Codec::G722 => 16_000,
            Codec::Opus => 48_000,
            Codec::L16 { rate } => rate,
        }
    }

    /// Ticks per second of its RTP timestamp.
    pub fn clock(self) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::G722 | Codec::Opaque => 8_000,
            Codec::Opus => 48_000,
            Codec::L16 { rate } => rate,
        }
    }
}
