//! L16 (RFC 3551 4.5.11): samples in network order. Compresses nothing.

/// As many samples as there are whole pairs of bytes and room.
pub fn decode(payload: &[u8], samples: &mut [i16]) -> usize {
    let pairs = payload.chunks_exact(2).zip(samples.iter_mut());
    pairs.map(|(pair, sample)| *sample = i16::from_be_bytes([pair[0], pair[1]])).count()
}

/// Bytes written.
pub fn encode(samples: &[i16], payload: &mut [u8]) -> usize {
    let pairs = samples.iter().zip(payload.chunks_exact_mut(2));
    2 * pairs.map(|(sample, pair)| pair.copy_from_slice(&sample.to_be_bytes())).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_byte_goes_first() {
        let mut payload = [0; 4];
        assert_eq!(encode(&[0x1234, -2], &mut payload), 4);
        assert_eq!(payload, [0x12, 0x34, 0xff, 0xfe]);
        let mut samples = [0; 2];
        assert_eq!(decode(&payload, &mut samples), 2);
        assert_eq!(samples, [0x1234, -2]);
    }

    #[test]
    fn half_a_sample_and_what_has_no_room_are_left_out() {
        let mut samples = [7; 2];
        assert_eq!(decode(&[0, 1, 9], &mut samples), 1);
        assert_eq!(decode(&[0, 1, 0, 2, 0, 3], &mut samples), 2);
        assert_eq!(encode(&[1, 2], &mut [0; 3]), 2);
    }
}
