//! Packets of one voice that wait for their turn to be played: in order, bounded. Decodes nothing.

use super::desk::Incoming;

/// Packets that wait at most: more than a second of the shortest usual ones.
const PACKETS_MAX: usize = 64;
/// Packets that are gathered before playing begins, so that the next one's delay is not heard.
const BEGIN_WITH: usize = 2;

#[derive(Debug)]
struct Packet {
    sequence: u16,
    payload_type: u8,
    payload: Box<[u8]>,
}

/// What comes next.
#[derive(Debug)]
pub enum Next {
    Packet {
        payload_type: u8,
        payload: Box<[u8]>,
    },
    /// One packet is missing and those after it are here.
    Lost,
    Nothing,
}

#[derive(Debug, Default)]
pub struct Waiting {
    packets: Vec<Packet>,
    next: Option<u16>,
    plays: bool,
    discarded: u64,
}

impl Waiting {
    pub fn push(&mut self, packet: &Incoming<'_>) {
        let ahead = self.next.map_or(0, |next| packet.sequence.wrapping_sub(next).cast_signed());
        let place =
            self.packets.iter().position(|other| other.sequence.wrapping_sub(packet.sequence).cast_signed() <= 0);
        let is_double =
            place.and_then(|at| self.packets.get(at)).is_some_and(|other| other.sequence == packet.sequence);
        if (ahead < 0 && self.plays) || is_double || self.packets.len() >= PACKETS_MAX {
            self.discarded += 1;
            return;
        }
        let kept =
            Packet { sequence: packet.sequence, payload_type: packet.payload_type, payload: packet.payload.into() };
        self.packets.insert(place.unwrap_or(self.packets.len()), kept);
    }

    pub fn next(&mut self) -> Next {
        let Some(first) = self.packets.last() else {
            self.plays = false;
            return Next::Nothing;
        };
        if !self.plays && self.packets.len() < BEGIN_WITH {
            return Next::Nothing;
        }
        let due = self.next.filter(|_| self.plays).unwrap_or(first.sequence);
        self.plays = true;
        self.next = Some(due.wrapping_add(1));
        if first.sequence != due {
            return Next::Lost;
        }
        let packet = self.packets.pop();
        packet
            .map_or(Next::Nothing, |packet| Next::Packet { payload_type: packet.payload_type, payload: packet.payload })
    }

    pub fn discarded(&self) -> u64 {
        self.discarded
    }
}
