//! G.711, both laws, by tables that the compiler computes. Knows one sample at a time and no state.

/// What each byte of PCMU means.
static FROM_ULAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = ulaw_sample(code as u8);
        code += 1;
    }
    table
};

/// What each byte of PCMA means.
static FROM_ALAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = alaw_sample(code as u8);
        code += 1;
    }
    table
};

/// By the upper 13 bits for A-law and 14 bits for mu-law, which is all that the standard looks at.
static TO_ULAW: [u8; 16_384] = {
    let mut table = [0; 16_384];
    let mut at = 0;
    while at < table.len() {
        table[at] = ulaw_code(((at as u16) << 2) as i16);
        at += 1;
    }
    table
};

static TO_ALAW: [u8; 8_192] = {
    let mut table = [0; 8_192];
    let mut at = 0;
    while at < table.len() {
        table[at] = alaw_code(((at as u16) << 3) as i16);
        at += 1;
    }
    table
};

static ULAW_TO_ALAW: [u8; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = alaw_code(ulaw_sample(code as u8));
        code += 1;
    }
    table
};

static ALAW_TO_ULAW: [u8; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = ulaw_code(alaw_sample(code as u8));
        code += 1;
    }
    table
};

/// The byte of silence.
pub const ULAW_SILENCE: u8 = 0xff;
pub const ALAW_SILENCE: u8 = 0xd5;

#[inline]
pub fn encode_ulaw(sample: i16) -> u8 {
    TO_ULAW[usize::from(sample.cast_unsigned() >> 2)]
}

#[inline]
pub fn encode_alaw(sample: i16) -> u8 {
    TO_ALAW[usize::from(sample.cast_unsigned() >> 3)]
}

#[inline]
pub fn decode_ulaw(code: u8) -> i16 {
    FROM_ULAW[usize::from(code)]
}

#[inline]
pub fn decode_alaw(code: u8) -> i16 {
    FROM_ALAW[usize::from(code)]
}

/// Re-codes a payload in place, byte for byte, without samples in between.
pub fn ulaw_to_alaw(payload: &mut [u8]) {
    payload.iter_mut().for_each(|code| *code = ULAW_TO_ALAW[usize::from(*code)]);
}

pub fn alaw_to_ulaw(payload: &mut [u8]) {
    payload.iter_mut().for_each(|code| *code = ALAW_TO_ULAW[usize::from(*code)]);
}

/// G.711 table 2: eight chords of sixteen steps, shifted by 33, all bits inverted; 14 bits in the upper part of 16.
const fn ulaw_sample(code: u8) -> i16 {
    let code = !code;
    let chord = (code >> 4) & 7;
    let magnitude = (((((code & 15) as i16) << 1) + 33) << chord) - 33;
    (if code & 0x80 == 0 { magnitude } else { -magnitude }) << 2
}

const fn ulaw_code(sample: i16) -> u8 {
    // The magnitude of a negative number is its complement, so that both halves have the same thresholds.
    let (sign, magnitude) = if sample < 0 { (0x80, !sample) } else { (0, sample) };
    let shifted = (magnitude >> 2) + 33;
    let shifted = if shifted > 8191 { 8191 } else { shifted };
    let chord = 10 - shifted.leading_zeros() as u8;
    let step = ((shifted >> (chord + 1)) & 15) as u8;
    !(sign | (chord << 4) | step)
}

/// G.711 table 1: the two lowest chords share a step, even bits are inverted; 13 bits in the upper part of 16.
const fn alaw_sample(code: u8) -> i16 {
    let code = code ^ 0x55;
    let chord = (code >> 4) & 7;
    let step = ((code & 15) as i16) << 1;
    let magnitude = if chord == 0 { step + 1 } else { (step + 33) << (chord - 1) };
    (if code & 0x80 == 0 { -magnitude } else { magnitude }) << 3
}

const fn alaw_code(sample: i16) -> u8 {
    let (sign, magnitude) = if sample < 0 { (0, !sample) } else { (0x80, sample) };
    let magnitude = magnitude >> 3;
    let chord = if magnitude < 32 { 0 } else { 11 - magnitude.leading_zeros() as u8 };
    let step = (magnitude >> (if chord == 0 { 1 } else { chord })) & 15;
    (sign | (chord << 4) | step as u8) ^ 0x55
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code of each positive magnitude, found without arithmetic on bits: a level stands in the middle of its interval,
    /// so the intervals follow from the levels alone.
    fn by_intervals(levels: &[(u8, i32)], first_end: i32, most: i32) -> Vec<u8> {
        let (mut codes, mut start) = (Vec::new(), 0);
        for (at, (code, level)) in levels.iter().enumerate() {
            let end = if at == 0 { first_end } else { 2 * level - start };
            codes.extend((start..end).map(|_| *code));
            start = end;
        }
        let last = levels[levels.len() - 1].0;
        codes.resize(most as usize, last);
        codes
    }

    fn levels(decode: fn(u8) -> i16, positive: impl Fn(u8) -> bool, shift: u32) -> Vec<(u8, i32)> {
        let mut levels: Vec<(u8, i32)> =
            (0..=255).filter(|code| positive(*code)).map(|code| (code, i32::from(decode(code)) >> shift)).collect();
        levels.sort_by_key(|(_, level)| *level);
        levels
    }

    #[test]
    fn every_sample_has_the_mu_law_code_whose_interval_it_lies_in() {
        let codes = by_intervals(&levels(decode_ulaw, |code| code & 0x80 != 0, 2), 1, 8192);
        for sample in i16::MIN..=i16::MAX {
            let magnitude = if sample < 0 { !sample } else { sample };
            let sign = if sample < 0 { 0x80 } else { 0 };
            assert_eq!(encode_ulaw(sample), codes[(magnitude >> 2) as usize] ^ sign, "{sample}");
        }
    }

    #[test]
    fn every_sample_has_the_a_law_code_whose_interval_it_lies_in() {
        let codes = by_intervals(&levels(decode_alaw, |code| code & 0x80 != 0, 3), 2, 4096);
        for sample in i16::MIN..=i16::MAX {
            let magnitude = if sample < 0 { !sample } else { sample };
            let sign = if sample < 0 { 0x80 } else { 0 };
            assert_eq!(encode_alaw(sample), codes[(magnitude >> 3) as usize] ^ sign, "{sample}");
        }
    }

    #[test]
    fn the_ends_and_the_middle_are_those_of_the_standard() {
        for (code, sample) in [(0x80, 32_124), (0x00, -32_124), (0xff, 0), (0x7f, 0), (0xef, 132)] {
            assert_eq!(decode_ulaw(code), sample, "{code:#x}");
        }
        for (code, sample) in [(0xaa, 32_256), (0x2a, -32_256), (0xd5, 8), (0x55, -8)] {
            assert_eq!(decode_alaw(code), sample, "{code:#x}");
        }
        assert_eq!((encode_ulaw(0), encode_alaw(0)), (ULAW_SILENCE, ALAW_SILENCE));
    }

    #[test]
    fn a_decoded_byte_is_encoded_to_itself() {
        for code in 0..=255 {
            assert_eq!(encode_alaw(decode_alaw(code)), code);
            // Mu-law has a zero of either sign.
            let same = if code == 0x7f { 0xff } else { code };
            assert_eq!(encode_ulaw(decode_ulaw(code)), same);
        }
    }

    #[test]
    fn re_coding_a_payload_equals_decoding_and_encoding_it() {
        let all: Vec<u8> = (0..=255).collect();
        let mut payload = all.clone();
        ulaw_to_alaw(&mut payload);
        assert!(all.iter().zip(&payload).all(|(from, to)| encode_alaw(decode_ulaw(*from)) == *to));
        let mut payload = all.clone();
        alaw_to_ulaw(&mut payload);
        assert!(all.iter().zip(&payload).all(|(from, to)| encode_ulaw(decode_alaw(*from)) == *to));
    }
}
