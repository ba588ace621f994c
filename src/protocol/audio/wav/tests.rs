//! Against another reader and writer, and against files as they should not be.

use super::*;
use crate::protocol::audio::testing::{Chance, sine};
use std::io::Cursor;

/// A file as another writer makes it.
fn by_hound(bits: u16, channels: u16, rate: u32, samples: &[i32]) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let spec =
        hound::WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::new(&mut file, spec).expect("a writer");
    samples.iter().for_each(|sample| writer.write_sample(*sample).expect("a sample"));
    writer.finalize().expect("a file");
    file.into_inner()
}

#[test]
fn files_of_another_writer_read_the_same_at_every_width_and_rate() {
    for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000] {
        let tape: Vec<i32> = sine(rate, 440.0, 0.5, 500).into_iter().map(i32::from).collect();
        for (bits, shift) in [(16, 0), (24, 8), (32, 16)] {
            let wide: Vec<i32> = tape.iter().map(|sample| sample << shift).collect();
            let read = read(&by_hound(bits, 1, rate, &wide)).expect("a recording");
            assert_eq!(read.rate, rate);
            assert!(read.samples.iter().map(|sample| i32::from(*sample)).eq(tape.iter().copied()), "{bits} bits");
        }
        let narrow: Vec<i32> = tape.iter().map(|sample| sample >> 8).collect();
        let read = read(&by_hound(8, 1, rate, &narrow)).expect("a recording");
        assert!(read.samples.iter().map(|sample| i32::from(*sample) >> 8).eq(narrow));
    }
}

#[test]
fn two_channels_are_mixed_down_to_their_mean() {
    let read = read(&by_hound(16, 2, 8_000, &[100, 300, -50, 50, 32_767, 32_767])).expect("a recording");
    assert_eq!(read.samples, [200, 0, 32_767]);
}

fn file(format: &[u8], data: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| (bytes.len() as u32).to_le_bytes();
    [b"RIFF\0\0\0\0WAVEfmt ", &length(format)[..], format, b"data", &length(data), data].concat()
}

fn format(encoding: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let (encoding, channels, bits) = (encoding.to_le_bytes(), channels.to_le_bytes(), bits.to_le_bytes());
    [&encoding[..], &channels, &rate.to_le_bytes(), &[0; 6], &bits].concat()
}

#[test]
fn both_laws_float_and_extensible_files_are_read() {
    let samples = |format: &[u8], data: &[u8]| read(&file(format, data)).map(|it| it.samples);
    assert_eq!(samples(&format(MU_LAW, 1, 8_000, 8), &[0xff, 0x80]), Ok(vec![0, 32_124]));
    assert_eq!(samples(&format(A_LAW, 1, 8_000, 8), &[0xd5]), Ok(vec![8]));
    let floats = [0.5f32, -1.0, 9.0, f32::NAN].map(f32::to_le_bytes).concat();
    assert_eq!(samples(&format(FLOAT, 1, 48_000, 32), &floats), Ok(vec![16_384, -32_768, 32_767, 0]));
    let mut extensible = format(EXTENSIBLE, 1, 16_000, 16);
    extensible.extend([22, 0, 16, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(samples(&extensible, &[1, 0]), Ok(vec![1]));
}

#[test]
fn chunks_between_are_passed_over_and_sizes_that_lie_end_with_the_file() {
    let plain = file(&format(PCM, 1, 8_000, 16), &[1, 0, 2, 0]);
    let (head, data) = plain.split_at(plain.len() - 12);
    let listed = [head, b"LIST\x03\0\0\0abc\0", data].concat();
    assert_eq!(read(&listed).map(|it| it.samples), Ok(vec![1, 2]));
    for size in [0xffff_ffffu32, 5] {
        let mut streamed = plain.clone();
        let at = streamed.len() - 8;
        streamed[at..at + 4].copy_from_slice(&size.to_le_bytes());
        assert_eq!(read(&streamed).map(|it| it.samples), Ok(vec![1, 2]));
    }
}

#[test]
fn broken_headers_are_refused_with_their_reason() {
    let with = |encoding, channels, rate, bits| read(&file(&format(encoding, channels, rate, bits), &[0; 64])).err();
    assert_eq!(with(2, 1, 8_000, 4), Some(RecordingFault::UnknownEncoding(2)));
    assert_eq!(with(PCM, 0, 8_000, 16), Some(RecordingFault::Channels(0)));
    assert_eq!(with(PCM, 9, 8_000, 16), Some(RecordingFault::Channels(9)));
    assert_eq!(with(PCM, 1, 7_999, 16), Some(RecordingFault::Rate(7_999)));
    assert_eq!(with(PCM, 1, 96_000, 16), Some(RecordingFault::Rate(96_000)));
    assert_eq!(with(PCM, 1, 8_000, 12), Some(RecordingFault::BitsPerSample(12)));
    assert_eq!(with(PCM, 1, 8_000, 0), Some(RecordingFault::BitsPerSample(0)));
    assert_eq!(read(&file(&[1, 0], &[])).err(), Some(RecordingFault::CutShort));
    assert_eq!(read(&file(&format(PCM, 1, 8_000, 16), &[])).err(), Some(RecordingFault::NoAudio));
    assert_eq!(read(b"RIFF\0\0\0\0AVI LIST").err(), Some(RecordingFault::NotWave));
    assert_eq!(read(b"RIFF\0\0\0\0WAVEdata\x02\0\0\0\0\0").err(), Some(RecordingFault::NoFormat));
    assert_eq!(read(b"RIFF\0\0\0\0WAVE").err(), Some(RecordingFault::NoFormat));
}

#[test]
fn every_cut_and_every_flipped_byte_is_read_or_refused() {
    let whole = by_hound(24, 2, 44_100, &[1_000; 400]);
    for end in 0..whole.len() {
        let _ = read(&whole[..end]);
    }
    let mut chance = Chance(3);
    for _ in 0..5_000 {
        let mut damaged = whole.clone();
        for _ in 0..1 + chance.number() % 4 {
            let at = chance.number() as usize % 60;
            damaged[at] = chance.number() as u8;
        }
        if let Ok(recording) = read(&damaged) {
            assert!(recording.samples.len() <= damaged.len());
        }
    }
}

#[test]
fn a_recording_that_a_crash_cut_short_is_valid_up_to_the_last_patch() {
    let shape = Shape { rate: 16_000, channels: 2 };
    let mut file = shape.header(0).to_vec();
    for patch in 1..4 {
        interleave(&[7; 320], &[-7; 160], &mut file);
        for (place, size) in size_patches(file.len() as u64 - HEADER_BYTES) {
            let place = place as usize;
            file[place..place + 4].copy_from_slice(&size);
        }
        // What comes after the patch is lost with the crash, or at least not counted.
        let mut crashed = file.clone();
        crashed.extend([1, 2, 3]);
        let reader = hound::WavReader::new(Cursor::new(crashed)).expect("a valid file");
        assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, 16_000));
        let samples: Vec<i16> = reader.into_samples().map(|sample| sample.expect("a sample")).collect();
        assert_eq!(samples.len(), 640 * patch);
        assert_eq!((samples[0], samples[1], samples[639]), (7, -7, 0));
    }
    assert_eq!(shape.header(u64::MAX)[40..44], (u32::MAX - 46).to_le_bytes());
    let mut one = Vec::new();
    append(&[1, -1], &mut one);
    assert_eq!(one, [1, 0, 255, 255]);
}
