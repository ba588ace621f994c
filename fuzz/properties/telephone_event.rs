//! What must hold for any event packets. Used by the fuzz target and by the replay of its seeds.

use offhook::protocol::rtp::packet::Header;
use offhook::protocol::rtp::telephone_event::EventReceiver;
use std::time::{Duration, Instant};

/// Eight bytes are one packet: milliseconds until it comes, sequence, timestamp in steps of 80, event, flags, duration.
#[allow(clippy::disallowed_methods)]
pub fn hold(bytes: &[u8]) {
    let mut now = Instant::now();
    let mut receiver = EventReceiver::new();
    let (mut heard, mut packets) = (0, 0);
    for &[millis, sequence, high, low, event, flags, a, b] in bytes.as_chunks::<8>().0 {
        now += Duration::from_millis(u64::from(millis));
        receiver.handle_deadline(now);
        let header = Header {
            payload_type: 101,
            marker: flags & 0x40 != 0,
            sequence: u16::from(sequence),
            timestamp: u32::from(u16::from_be_bytes([high, low])) * 80,
            ssrc: 7,
        };
        let twice = [event, flags, a, b, event.wrapping_add(1), flags, b, a];
        receiver.take(now, &header, &twice[..if flags & 0x20 == 0 { 4 } else { 8 }], 8_000);
        packets += 2;
        heard += std::iter::from_fn(|| receiver.poll()).inspect(|heard| assert!(heard.digit.is_ascii())).count();
        assert!(receiver.pressed().is_none() || receiver.deadline().is_some_and(|at| at > now));
    }
    receiver.handle_deadline(now + Duration::from_secs(1));
    assert_eq!(receiver.pressed(), None);
    heard += std::iter::from_fn(|| receiver.poll()).count();
    assert!(heard <= packets, "more digits than events");
}
