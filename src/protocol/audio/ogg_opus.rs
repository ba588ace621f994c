//! Ogg files with Opus in them (RFC 7845), decoded whole to one channel at 48 kHz. Plays the first Opus stream only.

use super::recording::{Recording, RecordingFault, mixed_down};
use crate::base::limits::RECORDING_SAMPLES_MAX;
use ogg::PacketReader;
use opus::MSDecoder;
use std::io::Cursor;

const RATE: u32 = 48_000;
/// 120 ms, the longest packet.
const PACKET_SAMPLES: usize = 5_760;
const CHANNELS_MAX: usize = 8;

pub fn read(bytes: &[u8]) -> Result<Recording, RecordingFault> {
    let mut packets = PacketReader::new(Cursor::new(bytes));
    let mut stream: Option<Stream> = None;
    let mut samples = Vec::new();
    loop {
        // Damage in the middle ends the recording there; what came before it can be played.
        let packet = match packets.read_packet() {
            Ok(Some(packet)) => packet,
            Err(_) if stream.is_none() => return Err(RecordingFault::NotOgg),
            Ok(None) | Err(_) => break,
        };
        let serial = packet.stream_serial();
        let Some(stream) = &mut stream else {
            if packet.data.starts_with(b"OpusHead") {
                stream = Some(Stream::begin(&packet.data, serial)?);
            }
            continue;
        };
        if serial != stream.serial {
            continue;
        }
        stream.packet(&packet.data, &mut samples);
        if samples.len() > RECORDING_SAMPLES_MAX {
            return Err(RecordingFault::TooLong);
        }
        // The last page says how much of it is meant to be heard.
        if packet.last_in_stream() {
            stream.trim(packet.absgp_page(), &mut samples);
            break;
        }
    }
    if stream.is_none() {
        return Err(RecordingFault::NotOpus);
    }
    Recording { rate: RATE, samples }.checked()
}

struct Stream {
    serial: u32,
    decoder: MSDecoder,
    channels: usize,
    /// Samples to pass over at the beginning.
    pre_skip: usize,
    skipped: usize,
    comments_passed: bool,
    room: Vec<i16>,
}

impl Stream {
    /// By the identification header (RFC 7845 5.1).
    fn begin(head: &[u8], serial: u32) -> Result<Stream, RecordingFault> {
        let &[
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            version,
            channels,
            skip_low,
            skip_high,
            _,
            _,
            _,
            _,
            gain_low,
            gain_high,
            family,
            ref table @ ..,
        ] = head
        else {
            return Err(RecordingFault::CutShort);
        };
        let count = usize::from(channels);
        if version >> 4 != 0 || !(1..=CHANNELS_MAX).contains(&count) {
            return Err(RecordingFault::NotOpus);
        }
        let (streams, coupled, mapping) = match (family, table) {
            (0, _) if count <= 2 => (1, channels - 1, [0, 1].get(..count).unwrap_or_default()),
            (0, _) => return Err(RecordingFault::NotOpus),
            (_, [streams, coupled, mapping @ ..]) => {
                (*streams, *coupled, mapping.get(..count).ok_or(RecordingFault::CutShort)?)
            }
            _ => return Err(RecordingFault::CutShort),
        };
        let mut decoder = MSDecoder::new(RATE, streams, coupled, mapping).map_err(|_| RecordingFault::NotOpus)?;
        let gain = i16::from_le_bytes([gain_low, gain_high]);
        decoder.set_gain(i32::from(gain)).map_err(|_| RecordingFault::NotOpus)?;
        let pre_skip = usize::from(u16::from_le_bytes([skip_low, skip_high]));
        let room = vec![0; PACKET_SAMPLES * count];
        Ok(Stream { serial, decoder, channels: count, pre_skip, skipped: 0, comments_passed: false, room })
    }

    /// A packet that cannot be decoded is passed over.
    fn packet(&mut self, packet: &[u8], samples: &mut Vec<i16>) {
        if !self.comments_passed {
            self.comments_passed = true;
            return;
        }
        if packet.is_empty() {
            return;
        }
        let Ok(length) = self.decoder.decode(packet, &mut self.room, false) else { return };
        let skip = length.min(self.pre_skip - self.skipped);
        self.skipped += skip;
        let frames = self.room.chunks_exact(self.channels).take(length).skip(skip);
        let channels = i32::try_from(self.channels).unwrap_or(1);
        samples.extend(frames.map(|frame| mixed_down(frame.iter().map(|sample| i32::from(*sample)), channels)));
    }

    fn trim(&self, end: u64, samples: &mut Vec<i16>) {
        let meant = end.saturating_sub(self.pre_skip as u64);
        // No position at all means that nothing is known of the end.
        if end != u64::MAX && meant > 0 {
            samples.truncate(usize::try_from(meant).unwrap_or(usize::MAX));
        }
    }
}

#[cfg(test)]
mod tests;
