//! WAV files: read whatever tool made them, and written so that a crash leaves a valid one. Opens no file.

use super::g711;
use super::recording::{Recording, RecordingFault, mixed_down};

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;

/// A `fmt ` chunk.
#[derive(Clone, Copy, Debug)]
struct Format {
    encoding: u16,
    channels: u16,
    rate: u32,
    bits: u16,
}

/// All channels mixed down to one. A data chunk that claims more than there is ends with the file.
pub fn read(bytes: &[u8]) -> Result<Recording, RecordingFault> {
    if bytes.get(8..12).ok_or(RecordingFault::CutShort)? != b"WAVE" {
        return Err(RecordingFault::NotWave);
    }
    let mut format = None;
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((name, after)) = rest.split_first_chunk::<4>() {
        let (length, after) = after.split_first_chunk::<4>().ok_or(RecordingFault::CutShort)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        match name {
            b"fmt " => format = Some(Format::read(after.get(..length).ok_or(RecordingFault::CutShort)?)?),
            b"data" => {
                let data = after.get(..length).unwrap_or(after);
                return format.ok_or(RecordingFault::NoFormat)?.recording(data);
            }
            _ => {}
        }
        // Chunks begin at even places.
        rest = after.get(length.saturating_add(length % 2)..).unwrap_or_default();
    }
    Err(if format.is_some() { RecordingFault::NoAudio } else { RecordingFault::NoFormat })
}

impl Format {
    fn read(chunk: &[u8]) -> Result<Format, RecordingFault> {
        let short = |at: usize| {
            let pair = chunk.get(at..at + 2).ok_or(RecordingFault::CutShort)?;
            Ok(u16::from(pair[0]) | u16::from(pair[1]) << 8)
        };
        let mut encoding = short(0)?;
        if encoding == EXTENSIBLE {
            // The true one begins the sub-format.
            encoding = short(24)?;
        }
        let rate = u32::from(short(4)?) | u32::from(short(6)?) << 16;
        let format = Format { encoding, channels: short(2)?, rate, bits: short(14)? };
        match format {
            Format { channels: 0 | 9.., .. } => Err(RecordingFault::Channels(format.channels)),
            Format { rate: ..8_000 | 48_001.., .. } => Err(RecordingFault::Rate(rate)),
            Format { encoding: A_LAW | MU_LAW, bits: 8, .. } => Ok(format),
            Format { encoding: PCM, bits: 8 | 16 | 24 | 32, .. } => Ok(format),
            Format { encoding: FLOAT, bits: 32, .. } => Ok(format),
            Format { encoding: PCM | FLOAT | A_LAW | MU_LAW, bits, .. } => Err(RecordingFault::BitsPerSample(bits)),
            _ => Err(RecordingFault::UnknownEncoding(encoding)),
        }
    }

    fn recording(self, data: &[u8]) -> Result<Recording, RecordingFault> {
        let sample: fn(&[u8]) -> i32 = match (self.encoding, self.bits) {
            (A_LAW, _) => |bytes| bytes.first().map_or(0, |code| i32::from(g711::decode_alaw(*code))),
            (MU_LAW, _) => |bytes| bytes.first().map_or(0, |code| i32::from(g711::decode_ulaw(*code))),
            (FLOAT, _) => |bytes| {
                let value = bytes.first_chunk().map_or(0.0, |bytes| f32::from_le_bytes(*bytes));
                i32::from(super::sample::round(value * 32_768.0))
            },
            // Eight bits are unsigned; of wider samples the upper 16 bits count.
            (_, 8) => |bytes| bytes.first().map_or(0, |byte| (i32::from(*byte) - 128) << 8),
            _ => |bytes| bytes.last_chunk().map_or(0, |bytes| i32::from(i16::from_le_bytes(*bytes))),
        };
        let width = usize::from(self.bits / 8);
        let frame = width * usize::from(self.channels);
        let samples = data.chunks_exact(frame);
        let samples = samples.map(|frame| mixed_down(frame.chunks_exact(width).map(sample), i32::from(self.channels)));
        if data.len() / frame > crate::base::limits::RECORDING_SAMPLES_MAX {
            return Err(RecordingFault::TooLong);
        }
        Recording { rate: self.rate, samples: samples.collect() }.checked()
    }
}

/// Bytes before the first sample that `Shape::header` writes.
pub const HEADER_BYTES: u64 = 44;
const DATA_BYTES_MAX: u64 = u32::MAX as u64 - HEADER_BYTES - 2;

/// What is written: 16 bits per sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    pub rate: u32,
    pub channels: u16,
}

impl Shape {
    /// The head of a file with so many bytes of samples after it. Sizes beyond 4 GB are told as 4 GB.
    pub fn header(self, data_bytes: u64) -> [u8; 44] {
        let frame = u32::from(self.channels) * 2;
        let [[_, whole], [_, data]] = sizes(data_bytes);
        let parts: [&[u8]; 13] = [
            b"RIFF",
            &whole.to_le_bytes(),
            b"WAVE",
            b"fmt ",
            &16u32.to_le_bytes(),
            &PCM.to_le_bytes(),
            &self.channels.to_le_bytes(),
            &self.rate.to_le_bytes(),
            &(self.rate.saturating_mul(frame)).to_le_bytes(),
            &(self.channels.saturating_mul(2)).to_le_bytes(),
            &16u16.to_le_bytes(),
            b"data",
            &data.to_le_bytes(),
        ];
        let mut header = [0; 44];
        header.iter_mut().zip(parts.into_iter().flatten()).for_each(|(slot, byte)| *slot = *byte);
        header
    }
}

/// Where in the head which size stands once so many bytes of samples are written: to be put there now and then, so
/// that the file is valid up to there whatever happens.
pub fn size_patches(data_bytes: u64) -> [(u64, [u8; 4]); 2] {
    sizes(data_bytes).map(|[place, size]| (u64::from(place), size.to_le_bytes()))
}

fn sizes(data_bytes: u64) -> [[u32; 2]; 2] {
    let data = u32::try_from(data_bytes.min(DATA_BYTES_MAX)).unwrap_or(u32::MAX);
    [[4, data.saturating_add(36)], [40, data]]
}

/// Appends both channels' samples, one by one in turn; the shorter one is followed by silence.
pub fn interleave(left: &[i16], right: &[i16], bytes: &mut Vec<u8>) {
    let at = |channel: &[i16], at: usize| channel.get(at).copied().unwrap_or_default().to_le_bytes();
    bytes.extend((0..left.len().max(right.len())).flat_map(|frame| [at(left, frame), at(right, frame)]).flatten());
}

/// Appends one channel's samples.
pub fn append(samples: &[i16], bytes: &mut Vec<u8>) {
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
}

#[cfg(test)]
mod tests;
