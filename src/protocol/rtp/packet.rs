//! One RTP packet (RFC 3550 section 5): a checked view, and its header rewritten in place. Copies no payload.

use std::ops::Range;

/// Bytes of a header without contributing sources and without extension.
pub const HEADER_BYTES: usize = 12;

/// The fields that a relay changes; how many sources contribute and what is padded stays as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    pub payload_type: u8,
    pub marker: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
}

/// Why bytes are no RTP packet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PacketFault {
    TooShort,
    WrongVersion,
    /// Contributing sources or the extension reach beyond the end.
    HeaderTooLong,
    /// The padding is longer than what follows the header, or says zero.
    WrongPadding,
}

/// A packet whose every length has been checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet<'a> {
    bytes: &'a [u8],
    header: Header,
    payload_at: usize,
    payload_end: usize,
}

impl Header {
    /// Reads the fixed part. `None` when it is too short or of another version.
    #[inline]
    pub fn read(bytes: &[u8]) -> Option<Header> {
        let fixed: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
        let [flags, kind, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3] = *fixed;
        (flags >> 6 == 2).then_some(Header {
            payload_type: kind & 0x7f,
            marker: kind & 0x80 != 0,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([i0, i1, i2, i3]),
        })
    }

    /// Writes these fields over those of a packet; its first byte stays. Does nothing to what is too short.
    #[inline]
    pub fn overwrite(self, packet: &mut [u8]) {
        if let Some(fixed) = packet.first_chunk_mut::<HEADER_BYTES>() {
            *fixed = self.bytes_after(fixed[0]);
        }
    }

    /// A header of a packet of our own: no padding, no extension, nobody contributing.
    #[inline]
    pub fn to_bytes(self) -> [u8; HEADER_BYTES] {
        self.bytes_after(0x80)
    }

    #[inline]
    fn bytes_after(self, flags: u8) -> [u8; HEADER_BYTES] {
        let kind = (u8::from(self.marker) << 7) | (self.payload_type & 0x7f);
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [i0, i1, i2, i3] = self.ssrc.to_be_bytes();
        [flags, kind, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3]
    }
}

/// Where the payload begins: after the fixed part, the contributing sources and the extension (RFC 3550 5.1, 5.3.1).
#[inline]
pub fn header_length(bytes: &[u8]) -> Result<usize, PacketFault> {
    let &flags = bytes.first().ok_or(PacketFault::TooShort)?;
    if flags >> 6 != 2 {
        return Err(PacketFault::WrongVersion);
    }
    let mut length = HEADER_BYTES + 4 * usize::from(flags & 0x0f);
    if flags & 0x10 != 0 {
        let words = bytes.get(length + 2..length + 4).ok_or(PacketFault::HeaderTooLong)?;
        length += 4 + 4 * words.iter().fold(0, |all, byte| (all << 8) | usize::from(*byte));
    }
    match bytes.len() {
        all if all < HEADER_BYTES => Err(PacketFault::TooShort),
        all if all < length => Err(PacketFault::HeaderTooLong),
        _ => Ok(length),
    }
}

impl<'a> Packet<'a> {
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Packet<'a>, PacketFault> {
        if bytes.len() < HEADER_BYTES {
            return Err(PacketFault::TooShort);
        }
        let header = Header::read(bytes).ok_or(PacketFault::WrongVersion)?;
        let payload_at = header_length(bytes)?;
        let padded = bytes.first().is_some_and(|flags| flags & 0x20 != 0);
        let payload_end = if padded { before_padding(bytes, payload_at)? } else { bytes.len() };
        Ok(Packet { bytes, header, payload_at, payload_end })
    }

    #[inline]
    pub fn header(&self) -> Header {
        self.header
    }

    /// Without padding.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        self.bytes.get(self.payload_range()).unwrap_or_default()
    }

    /// Where the payload lies in the bytes that were parsed.
    #[inline]
    pub fn payload_range(&self) -> Range<usize> {
        self.payload_at..self.payload_end
    }

    /// The extension's profile word and its content (RFC 3550 5.3.1).
    pub fn extension(&self) -> Option<(u16, &'a [u8])> {
        let flags = *self.bytes.first()?;
        let at = HEADER_BYTES + 4 * usize::from(flags & 0x0f);
        if flags & 0x10 == 0 {
            return None;
        }
        let profile = self.bytes.get(at..at + 2)?.first_chunk()?;
        Some((u16::from_be_bytes(*profile), self.bytes.get(at + 4..self.payload_at)?))
    }
}

/// The end of the payload; the last byte counts the padding, itself included.
fn before_padding(bytes: &[u8], payload_at: usize) -> Result<usize, PacketFault> {
    let count = bytes.last().copied().map_or(0, usize::from);
    let end = bytes.len().checked_sub(count).filter(|end| count > 0 && *end >= payload_at);
    end.ok_or(PacketFault::WrongPadding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: Header =
        Header { payload_type: 8, marker: true, sequence: 0xfffe, timestamp: 0x0102_0304, ssrc: 0xdead_beef };

    fn packet(flags: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = PLAIN.to_bytes().to_vec();
        bytes[0] = flags;
        bytes.extend_from_slice(rest);
        bytes
    }

    fn check(flags: u8, rest: &[u8], expected: Result<&[u8], PacketFault>) {
        let bytes = packet(flags, rest);
        assert_eq!(Packet::parse(&bytes).map(|packet| packet.payload()), expected, "{flags:x} {rest:?}");
    }

    #[test]
    fn the_payload_lies_between_header_and_padding() {
        check(0x80, b"abc", Ok(b"abc"));
        check(0x80, b"", Ok(b""));
        check(0x82, b"11112222abc", Ok(b"abc"));
        check(0x90, b"\xbe\xde\x00\x01extnabc", Ok(b"abc"));
        check(0x91, b"1111\xbe\xde\x00\x00abc", Ok(b"abc"));
        check(0xa0, b"abc\x00\x02", Ok(b"abc"));
        check(0xa0, b"\x01", Ok(b""));
        check(0xb1, b"1111\xbe\xde\x00\x01extnabc\x00\x00\x03", Ok(b"abc"));
    }

    #[test]
    fn lengths_that_lie_are_faults() {
        check(0x40, b"abc", Err(PacketFault::WrongVersion));
        check(0x82, b"1111222", Err(PacketFault::HeaderTooLong));
        check(0x90, b"\xbe\xde\x00", Err(PacketFault::HeaderTooLong));
        check(0x90, b"\xbe\xde\x00\x02extn", Err(PacketFault::HeaderTooLong));
        check(0x9f, b"", Err(PacketFault::HeaderTooLong));
        check(0xa0, b"abc\x00", Err(PacketFault::WrongPadding));
        check(0xa0, b"abc\x05", Err(PacketFault::WrongPadding));
        check(0xa0, b"", Err(PacketFault::WrongPadding));
        for len in 0..12 {
            assert_eq!(Packet::parse(&packet(0x80, b"")[..len]), Err(PacketFault::TooShort));
        }
    }

    #[test]
    fn an_extension_is_found() {
        let bytes = packet(0x91, b"1111\xbe\xde\x00\x01extnabc");
        assert_eq!(Packet::parse(&bytes).expect("packet").extension(), Some((0xbede, &b"extn"[..])));
    }

    proptest! {
        #[test]
        fn a_header_is_read_as_it_was_written(
            payload_type in 0u8..128, marker: bool, sequence: u16, timestamp: u32, ssrc: u32,
        ) {
            let header = Header { payload_type, marker, sequence, timestamp, ssrc };
            let mut bytes = packet(0xb0, b"\0\0\0\0abcd\x01");
            header.overwrite(&mut bytes);
            let packet = Packet::parse(&bytes).expect("packet");
            prop_assert_eq!(packet.header(), header);
            prop_assert_eq!(packet.payload(), b"abcd");
            prop_assert_eq!(Header::read(&header.to_bytes()), Some(header));
        }

        #[test]
        fn no_bytes_are_read_beyond_their_end(bytes: Vec<u8>) {
            if let Ok(packet) = Packet::parse(&bytes) {
                prop_assert!(packet.payload_range().end <= bytes.len());
                packet.extension();
            }
        }
    }
}
