//! What must hold for any bytes that come to a media port. Used by the fuzz target and by the replay of its seeds.

use offhook::base::entropy::Entropy;
use offhook::protocol::rtp::jitter_buffer::{JitterBuffer, Limits, Pull};
use offhook::protocol::rtp::kind::Kind;
use offhook::protocol::rtp::outgoing::{Arrival, Outgoing};
use offhook::protocol::rtp::packet::{Header, Packet};
use offhook::protocol::rtp::sequence::Reception;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// The bytes are datagrams, each with two bytes before it: its length, and the milliseconds until it comes.
#[allow(clippy::disallowed_methods)]
pub fn hold(bytes: &[u8]) {
    let mut now = Instant::now();
    let mut world = World {
        outgoing: Outgoing::new(&mut Entropy::from_number(1)),
        reception: Reception::new(8_000),
        buffer: JitterBuffer::new(8_000, Limits::default()),
        sent: BTreeSet::new(),
    };
    let mut rest = bytes;
    while let Some((&[length, millis], after)) = rest.split_first_chunk::<2>() {
        let (datagram, after) = after.split_at(usize::from(length).min(after.len()));
        now += Duration::from_millis(u64::from(millis) * 4);
        is_what_it_is(datagram);
        if let Ok(packet) = Packet::parse(datagram) {
            world.take(now, &packet);
        }
        rest = after;
    }
    let totals = world.reception.totals();
    assert_eq!(totals.bursts.settled, totals.packets + totals.lost);
    assert!(totals.bursts.lost_in_runs <= totals.lost && totals.bursts.ratio() >= 1.0);
}

struct World {
    outgoing: Outgoing,
    reception: Reception,
    buffer: JitterBuffer,
    sent: BTreeSet<u16>,
}

fn is_what_it_is(datagram: &[u8]) {
    let kind = Kind::of(datagram);
    if let Ok(packet) = Packet::parse(datagram) {
        assert!(matches!(kind, Kind::Rtp | Kind::Rtcp), "{kind:?}");
        let range = packet.payload_range();
        assert_eq!(datagram.get(range), Some(packet.payload()));
        let mut copy = datagram.to_vec();
        let header = Header { payload_type: 101, marker: true, sequence: 1, timestamp: 2, ssrc: 3 };
        header.overwrite(&mut copy);
        let again = Packet::parse(&copy).expect("only the header was rewritten");
        assert_eq!((again.header(), again.payload()), (header, packet.payload()));
        assert_eq!(again.extension(), packet.extension());
    }
}

impl World {
    fn take(&mut self, now: Instant, packet: &Packet<'_>) {
        let header = packet.header();
        self.reception.take(now, &header);
        let arrival = Arrival {
            origin: u32::from(header.payload_type & 1),
            header,
            clock: 8_000,
            payload_bytes: packet.payload().len(),
        };
        let sent = match header.payload_type {
            13 => {
                self.outgoing.withhold(now, &arrival);
                None
            }
            101 => Some(self.outgoing.insert(header.timestamp, header.marker, 4)),
            _ => self.outgoing.forward(now, &arrival),
        };
        if let Some(sent) = sent {
            assert!(self.sent.insert(sent.sequence), "a number was sent twice");
            assert_eq!(sent.ssrc, self.outgoing.ssrc());
        }
        self.buffer.put(now, &header, packet.payload(), u32::from(header.payload_type) * 8);
        for _ in 0..3 {
            match self.buffer.pull(now) {
                Pull::Packet { payload, .. } => assert!(payload.len() <= 5_760),
                Pull::Lost { ticks, .. } => assert!(ticks > 0 && ticks <= 127 * 8),
                Pull::Empty { ticks } => assert!(ticks <= 160),
            }
        }
    }
}
