//! Files of audio as one channel of samples, whatever they are inside. Opens no file itself.

use super::g722::G722Decoder;
use super::{g711, ogg_opus, wav};
use std::fmt;

/// What a file holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recording {
    pub rate: u32,
    pub samples: Vec<i16>,
}

/// Why a file is not played.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordingFault {
    UnknownExtension,
    Empty,
    /// It ends where something must follow.
    CutShort,
    NotWave,
    /// `data` without `fmt` before it, or none at all.
    NoFormat,
    NoAudio,
    UnknownEncoding(u16),
    Rate(u32),
    Channels(u16),
    BitsPerSample(u16),
    NotOgg,
    NotOpus,
    /// Longer than `base::limits::RECORDING_SAMPLES_MAX`.
    TooLong,
}

impl fmt::Display for RecordingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordingFault::UnknownExtension => f.write_str(
                "neither a WAV nor an Ogg file, and its extension is none of ul, ulaw, pcmu, al, alaw, pcma, g722, \
                 pcm, sln, sln16, sln48",
            ),
            RecordingFault::Empty => f.write_str("the file is empty"),
            RecordingFault::CutShort => f.write_str("the file ends within a header"),
            RecordingFault::NotWave => f.write_str("a RIFF file, but no WAVE"),
            RecordingFault::NoFormat => f.write_str("a WAV file without a `fmt ` chunk before its data"),
            RecordingFault::NoAudio => f.write_str("there is no audio in it"),
            RecordingFault::UnknownEncoding(tag) => {
                write!(f, "encoding {tag} of WAV is not known; PCM, A-law, mu-law and float are")
            }
            RecordingFault::Rate(rate) => write!(f, "{rate} samples per second; 8000 to 48000 can be played"),
            RecordingFault::Channels(channels) => write!(f, "{channels} channels; 1 to 8 can be played"),
            RecordingFault::BitsPerSample(bits) => write!(f, "{bits} bits per sample; 8, 16, 24 or 32 can be played"),
            RecordingFault::NotOgg => f.write_str("damaged as an Ogg file"),
            RecordingFault::NotOpus => f.write_str("an Ogg file, but no Opus in it that can be decoded"),
            RecordingFault::TooLong => f.write_str("longer than half an hour at 48 kHz"),
        }
    }
}

/// Reads a whole file. WAV and Ogg are known by their first bytes, raw audio by its extension, without the dot.
pub fn read(extension: &str, bytes: &[u8]) -> Result<Recording, RecordingFault> {
    if bytes.is_empty() {
        return Err(RecordingFault::Empty);
    }
    if bytes.starts_with(b"RIFF") {
        return wav::read(bytes);
    }
    if bytes.starts_with(b"OggS") {
        return ogg_opus::read(bytes);
    }
    let at = |rate, samples| Recording { rate, samples };
    let by_law = |decode: fn(u8) -> i16| at(8_000, bytes.iter().map(|code| decode(*code)).collect());
    let linear = |rate| at(rate, bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect());
    let recording = match extension.to_ascii_lowercase().as_str() {
        "ul" | "ulaw" | "pcmu" => by_law(g711::decode_ulaw),
        "al" | "alaw" | "pcma" => by_law(g711::decode_alaw),
        "g722" => {
            let mut samples = vec![0; bytes.len() * 2];
            G722Decoder::new().decode(bytes, &mut samples);
            at(16_000, samples)
        }
        "pcm" | "sln" => linear(8_000),
        "sln16" => linear(16_000),
        "sln48" => linear(48_000),
        _ => return Err(RecordingFault::UnknownExtension),
    };
    recording.checked()
}

impl Recording {
    /// Half an hour is the most, and something must be in it.
    pub(super) fn checked(self) -> Result<Recording, RecordingFault> {
        match self.samples.len() {
            0 => Err(RecordingFault::NoAudio),
            length if length > crate::base::limits::RECORDING_SAMPLES_MAX => Err(RecordingFault::TooLong),
            _ => Ok(self),
        }
    }
}

/// The mean of a frame's channels.
pub(super) fn mixed_down(frame: impl Iterator<Item = i32>, channels: i32) -> i16 {
    super::sample::narrow(frame.sum::<i32>() / channels.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_audio_is_known_by_its_extension() {
        assert_eq!(read("ul", &[0xff, 0x80]).map(|it| (it.rate, it.samples)), Ok((8_000, vec![0, 32_124])));
        assert_eq!(read("AL", &[0xd5]).map(|it| (it.rate, it.samples)), Ok((8_000, vec![8])));
        for (extension, rate) in [("pcm", 8_000), ("sln", 8_000), ("sln16", 16_000), ("sln48", 48_000)] {
            assert_eq!(read(extension, &[1, 2, 3]).map(|it| (it.rate, it.samples)), Ok((rate, vec![0x201])));
        }
        assert_eq!(read("g722", &[0; 80]).map(|it| (it.rate, it.samples.len())), Ok((16_000, 160)));
    }

    #[test]
    fn what_cannot_be_played_is_refused_with_words() {
        for (extension, bytes, fault) in [
            ("mp3", &b"ID3\x03"[..], RecordingFault::UnknownExtension),
            ("wav", b"", RecordingFault::Empty),
            ("ul", b"RIFF", RecordingFault::CutShort),
            ("wav", b"OggS", RecordingFault::NotOgg),
            ("sln", b"x", RecordingFault::NoAudio),
        ] {
            assert_eq!(read(extension, bytes), Err(fault));
            assert!(fault.to_string().len() > 10);
        }
    }
}
