//! Key presses as RTP events (RFC 4733): packets to digits, each press once, and digits to packets. Hears no audio.

mod receiver;
mod sender;

pub use receiver::{EventReceiver, HeardDigit};
pub use sender::{EventPacket, EventSender};

/// Bytes of one event in a payload.
pub const EVENT_BYTES: usize = 4;

/// One event as it stands in a payload (RFC 4733 2.3). The volume is not looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Report {
    event: u8,
    is_end: bool,
    duration: u16,
}

impl Report {
    fn read(bytes: &[u8]) -> Option<Report> {
        let [event, flags, high, low] = *bytes.first_chunk::<EVENT_BYTES>()?;
        Some(Report { event, is_end: flags & 0x80 != 0, duration: u16::from_be_bytes([high, low]) })
    }

    /// At -10 dBm0, as most do.
    fn to_bytes(self) -> [u8; EVENT_BYTES] {
        let [high, low] = self.duration.to_be_bytes();
        [self.event, (u8::from(self.is_end) << 7) | 10, high, low]
    }
}

/// The letter of an event: 0 to 9, *, #, A to D. Others are no keys.
fn digit_of(event: u8) -> Option<u8> {
    b"0123456789*#ABCD".get(usize::from(event)).copied()
}

fn event_of(digit: u8) -> Option<u8> {
    (0..16).find(|event| digit_of(*event) == Some(digit.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests;
