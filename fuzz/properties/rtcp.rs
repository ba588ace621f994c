//! What must hold for any bytes taken as RTCP. Used by the fuzz target and by the replay of its seeds.

use offhook::base::entropy::Entropy;
use offhook::base::now::Now;
use offhook::protocol::rtp::outgoing::Outgoing;
use offhook::protocol::rtp::rtcp::read::{Packet, read};
use offhook::protocol::rtp::rtcp::reporter::{Reported, Reporter};
use offhook::protocol::rtp::rtcp::write::COMPOUND_BYTES_MAX;
use offhook::protocol::rtp::sequence::Reception;
use std::time::{Duration, Instant, SystemTime};

#[allow(clippy::disallowed_methods)]
pub fn hold(bytes: &[u8]) {
    let now = Now { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000) };
    let mut read_bytes = 0;
    for packet in read(bytes) {
        read_bytes += 4 + match packet {
            Packet::SenderReport { blocks, .. } => 24 + 24 * blocks.count(),
            Packet::ReceiverReport { blocks, .. } => 4 + 24 * blocks.count(),
            Packet::Name { name, .. } => 4 + name.len(),
            Packet::Bye { sources } => 4 * sources.count(),
            Packet::Extended { blocks, .. } => 4 + 12 * blocks.count(),
        };
    }
    assert!(read_bytes <= bytes.len(), "{read_bytes} of {}", bytes.len());
    let mut entropy = Entropy::from_number(1);
    let outgoing = Outgoing::new(&mut entropy);
    let mut reporter = Reporter::new(now, &mut entropy);
    reporter.take(now, 0x0102_0304, bytes);
    reporter.take(now, outgoing.ssrc(), bytes);
    let mut buffer = [0; COMPOUND_BYTES_MAX];
    let reported = Reported { outgoing: &outgoing, clock: 8_000, reception: &mut Reception::new(8_000), metrics: None };
    let length = reporter.write_bye(now, &mut buffer, reported);
    assert!(matches!(read(&buffer[..length]).last(), Some(Packet::Bye { .. })));
}
