//! What a datagram on a media port is, told from its first bytes (RFC 7983, RFC 5761). Believes nothing else about it.

/// What came on a media port.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    Stun,
    Dtls,
    Rtp,
    Rtcp,
    /// Nothing that we know, or too short to be what it begins like.
    Junk,
}

impl Kind {
    /// RFC 7983 section 7 by the first byte, RFC 5761 section 4 by the second.
    pub fn of(datagram: &[u8]) -> Kind {
        let (Some(&first), Some(&second)) = (datagram.first(), datagram.get(1)) else { return Kind::Junk };
        match (first, datagram.len()) {
            (0..=3, 20..) => Kind::Stun,
            (20..=63, 13..) => Kind::Dtls,
            (128..=191, 8..) if (192..=223).contains(&second) => Kind::Rtcp,
            (128..=191, 12..) if !(192..=223).contains(&second) => Kind::Rtp,
            _ => Kind::Junk,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(first: u8, second: u8, len: usize, expected: Kind) {
        let mut bytes = vec![0; len];
        bytes.iter_mut().zip([first, second]).for_each(|(slot, byte)| *slot = byte);
        assert_eq!(Kind::of(&bytes), expected, "{first} {second} of {len} bytes");
    }

    #[test]
    fn a_datagram_is_known_by_its_first_bytes() {
        for (first, second, expected) in [
            (0, 1, Kind::Stun),
            (3, 0, Kind::Stun),
            (4, 0, Kind::Junk),
            (19, 0, Kind::Junk),
            (20, 254, Kind::Dtls),
            (63, 0, Kind::Dtls),
            (64, 0, Kind::Junk),
            (127, 0, Kind::Junk),
            (128, 0, Kind::Rtp),
            (128, 0x80 | 63, Kind::Rtp),
            (128, 0x80 | 64, Kind::Rtcp),
            (128, 200, Kind::Rtcp),
            (128, 207, Kind::Rtcp),
            (128, 223, Kind::Rtcp),
            (128, 224, Kind::Rtp),
            (191, 101, Kind::Rtp),
            (192, 0, Kind::Junk),
            (255, 255, Kind::Junk),
        ] {
            check(first, second, 40, expected);
        }
    }

    #[test]
    fn what_is_too_short_is_junk() {
        for (first, second, shortest, kind) in
            [(0, 1, 20, Kind::Stun), (22, 254, 13, Kind::Dtls), (128, 0, 12, Kind::Rtp), (129, 200, 8, Kind::Rtcp)]
        {
            check(first, second, shortest, kind);
            (0..shortest).for_each(|len| check(first, second, len, Kind::Junk));
        }
    }
}
