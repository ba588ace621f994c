//! Files that another writer puts together, whole and damaged.

use super::*;
use crate::protocol::audio::testing::{Chance, amplitude, decibels, sine};
use ogg::{PacketWriteEndInfo, PacketWriter};
use opus::{Application, Channels};

struct Making {
    head: Vec<u8>,
    tracks: Vec<Vec<i16>>,
    samples: u64,
}

fn head(channels: u8, pre_skip: u16, gain: i16, rest: &[u8]) -> Vec<u8> {
    let [skip_low, skip_high] = pre_skip.to_le_bytes();
    let [gain_low, gain_high] = gain.to_le_bytes();
    let fixed = [1, channels, skip_low, skip_high, 0x80, 0xbb, 0, 0, gain_low, gain_high];
    [b"OpusHead", &fixed[..], rest].concat()
}

/// A file as an encoder makes it: 20 ms per packet, several packets per page, the end cut to the sample.
fn file(making: &Making) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = PacketWriter::new(&mut bytes);
    let end = |last| if last { PacketWriteEndInfo::EndPage } else { PacketWriteEndInfo::NormalPacket };
    writer.write_packet(making.head.clone(), 5, PacketWriteEndInfo::EndPage, 0).expect("written");
    writer.write_packet(b"OpusTags\0\0\0\0\0\0\0\0".to_vec(), 5, PacketWriteEndInfo::EndPage, 0).expect("written");
    let channels = if making.tracks.len() == 2 { Channels::Stereo } else { Channels::Mono };
    let mut encoder = opus::Encoder::new(48_000, channels, Application::Audio).expect("an encoder");
    let frames = making.tracks[0].len() / 960;
    for frame in 0..frames {
        let both = (frame * 960..(frame + 1) * 960).flat_map(|at| making.tracks.iter().map(move |track| track[at]));
        let packet = encoder.encode_vec(&both.collect::<Vec<i16>>(), 4_000).expect("a packet");
        let is_last = frame + 1 == frames;
        let position = if is_last { making.samples } else { (frame as u64 + 1) * 960 };
        let info = if is_last { PacketWriteEndInfo::EndStream } else { end(frame % 10 == 9) };
        writer.write_packet(packet, 5, info, position).expect("written");
    }
    drop(writer);
    bytes
}

#[test]
fn a_file_plays_from_its_first_to_its_last_meant_sample() {
    for channels in [1u8, 2] {
        let tracks: Vec<Vec<i16>> = (0..channels).map(|_| sine(48_000, 500.0, 0.3, 96_000)).collect();
        let bytes = file(&Making { head: head(channels, 312, 0, &[0]), tracks, samples: 90_000 });
        let read = read(&bytes).expect("a recording");
        assert_eq!((read.rate, read.samples.len()), (48_000, 90_000 - 312));
        let level = decibels(amplitude(&read.samples[9_600..], 48_000, 500.0) / 0.3);
        assert!(level.abs() < 0.5, "{channels}: {level}");
    }
}

#[test]
fn two_channels_are_mixed_down_to_their_mean() {
    let tracks = vec![sine(48_000, 400.0, 0.4, 48_000), sine(48_000, 1_000.0, 0.4, 48_000)];
    let read = read(&file(&Making { head: head(2, 0, 0, &[0]), tracks, samples: 48_000 })).expect("a recording");
    for hertz in [400.0, 1_000.0] {
        let level = decibels(amplitude(&read.samples[9_600..], 48_000, hertz) / 0.2);
        assert!(level.abs() < 1.0, "{hertz}: {level}");
    }
}

#[test]
fn the_gain_of_the_header_is_applied() {
    let making =
        |gain| Making { head: head(1, 0, gain, &[0]), tracks: vec![sine(48_000, 500.0, 0.3, 48_000)], samples: 48_000 };
    let level = |gain| amplitude(&read(&file(&making(gain))).expect("a recording").samples[9_600..], 48_000, 500.0);
    assert!((decibels(level(-6 * 256) / level(0)) + 6.0).abs() < 0.1);
}

#[test]
fn a_mapped_file_of_several_channels_plays() {
    // Family 1 with one stream that stands in both channels.
    let tracks = vec![sine(48_000, 500.0, 0.3, 48_000)];
    let bytes = file(&Making { head: head(2, 0, 0, &[1, 1, 0, 0, 0]), tracks, samples: 48_000 });
    let samples = read(&bytes).expect("a recording").samples;
    assert!(decibels(amplitude(&samples[9_600..], 48_000, 500.0) / 0.3).abs() < 0.5);
}

#[test]
fn what_is_no_opus_is_refused() {
    let refused = |head: Vec<u8>| {
        read(&file(&Making { head, tracks: vec![vec![0; 9_600]], samples: 9_600 })).expect_err("refused")
    };
    assert_eq!(refused(b"\x01vorbis".to_vec()), RecordingFault::NotOpus);
    assert_eq!(refused(b"OpusHead".to_vec()), RecordingFault::CutShort);
    assert_eq!(refused(head(0, 0, 0, &[0])), RecordingFault::NotOpus);
    assert_eq!(refused(head(3, 0, 0, &[0])), RecordingFault::NotOpus);
    assert_eq!(refused(head(9, 0, 0, &[1, 9, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])), RecordingFault::NotOpus);
    assert_eq!(refused(head(2, 0, 0, &[1, 1, 0, 0])), RecordingFault::CutShort);
    assert_eq!(refused(head(2, 0, 0, &[1, 0, 0, 0, 1])), RecordingFault::NotOpus);
    assert_eq!(read(b"OggS and nothing more"), Err(RecordingFault::NotOgg));
}

#[test]
fn a_cut_file_plays_up_to_the_cut_and_damage_does_no_harm() {
    let tracks = vec![sine(48_000, 500.0, 0.3, 96_000)];
    let whole = file(&Making { head: head(1, 312, 0, &[0]), tracks, samples: 96_000 });
    let half = read(&whole[..whole.len() / 2]).expect("a recording");
    assert!((20_000..80_000).contains(&half.samples.len()), "{}", half.samples.len());
    let mut chance = Chance(1);
    for _ in 0..60 {
        let mut damaged = whole[..chance.number() as usize % whole.len()].to_vec();
        for _ in 0..chance.number() % 5 {
            let at = chance.number() as usize % (damaged.len() + 1);
            if let Some(byte) = damaged.get_mut(at) {
                *byte = chance.number() as u8;
            }
        }
        let _ = read(&damaged);
    }
}
