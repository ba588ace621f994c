//! Reads compound RTCP packets. Believes no length; what it does not know is skipped.

use super::{
    BYE, EXTENDED_REPORT, RECEIVER_REPORT, REFERENCE_TIME, ReportBlock, SENDER_REPORT, SINCE_REFERENCE_TIME,
    SOURCE_DESCRIPTION, VOIP_METRICS, VoipMetrics,
};

/// One packet out of a compound one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packet<'a> {
    SenderReport {
        ssrc: u32,
        ntp: u64,
        timestamp: u32,
        packets: u32,
        octets: u32,
        blocks: Blocks<'a>,
    },
    ReceiverReport {
        ssrc: u32,
        blocks: Blocks<'a>,
    },
    /// The canonical name of a source; other items of a description are skipped.
    Name {
        ssrc: u32,
        name: &'a [u8],
    },
    Bye {
        sources: Sources<'a>,
    },
    Extended {
        ssrc: u32,
        blocks: ExtendedBlocks<'a>,
    },
}

/// A block of an extended report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extended {
    ReferenceTime {
        ntp: u64,
    },
    /// The peer's answer to our reference time, as in a report block.
    SinceReferenceTime {
        ssrc: u32,
        last: u32,
        delay: u32,
    },
    Voip(VoipMetrics),
}

/// The packets of a compound one, as far as they are whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packets<'a>(&'a [u8]);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Blocks<'a>(&'a [u8]);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sources<'a>(&'a [u8]);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExtendedBlocks<'a>(&'a [u8]);

/// Reads what a peer has sent. Stops where the bytes stop making sense.
pub fn read(bytes: &[u8]) -> Packets<'_> {
    Packets(bytes)
}

/// Whole numbers from the front of bytes.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    fn byte(&mut self) -> Option<u8> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    fn short(&mut self) -> Option<u16> {
        self.bytes().map(u16::from_be_bytes)
    }

    fn word(&mut self) -> Option<u32> {
        self.bytes().map(u32::from_be_bytes)
    }

    fn long(&mut self) -> Option<u64> {
        self.bytes().map(u64::from_be_bytes)
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (first, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(first)
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Packet<'a>> {
        loop {
            let mut cursor = Cursor(self.0);
            let [flags, kind, high, low] = cursor.bytes()?;
            let length = 4 * usize::from(u16::from_be_bytes([high, low]));
            let body = cursor.take(length).filter(|_| flags >> 6 == 2);
            // After what makes no sense, nothing is read.
            self.0 = if body.is_some() { cursor.0 } else { &[] };
            let body = without_padding(body?, flags & 0x20 != 0)?;
            if let Some(packet) = packet(kind, flags & 0x1f, body) {
                return Some(packet);
            }
        }
    }
}

/// The last byte counts the padding, itself included (RFC 3550 6.4.1).
fn without_padding(body: &[u8], is_padded: bool) -> Option<&[u8]> {
    if !is_padded {
        return Some(body);
    }
    let count = usize::from(*body.last()?);
    body.get(..body.len().checked_sub(count.max(1))?)
}

fn packet(kind: u8, count: u8, body: &[u8]) -> Option<Packet<'_>> {
    let mut cursor = Cursor(body);
    let blocks = |rest: &mut Cursor<'_>| 24 * usize::from(count).min(rest.0.len() / 24);
    match kind {
        SENDER_REPORT => Some(Packet::SenderReport {
            ssrc: cursor.word()?,
            ntp: cursor.long()?,
            timestamp: cursor.word()?,
            packets: cursor.word()?,
            octets: cursor.word()?,
            blocks: Blocks(cursor.0.get(..blocks(&mut cursor))?),
        }),
        RECEIVER_REPORT => {
            Some(Packet::ReceiverReport { ssrc: cursor.word()?, blocks: Blocks(cursor.0.get(..blocks(&mut cursor))?) })
        }
        SOURCE_DESCRIPTION if count > 0 => name(cursor),
        BYE => Some(Packet::Bye { sources: Sources(body.get(..4 * usize::from(count))?) }),
        EXTENDED_REPORT => Some(Packet::Extended { ssrc: cursor.word()?, blocks: ExtendedBlocks(cursor.0) }),
        _ => None,
    }
}

/// The CNAME of the first chunk; ours is a conversation of two, where there is one chunk.
fn name(mut cursor: Cursor<'_>) -> Option<Packet<'_>> {
    let ssrc = cursor.word()?;
    loop {
        let kind = cursor.byte().filter(|kind| *kind != 0)?;
        let length = usize::from(cursor.byte()?);
        let text = cursor.take(length)?;
        if kind == 1 {
            return Some(Packet::Name { ssrc, name: text });
        }
    }
}

impl Iterator for Blocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let mut cursor = Cursor(self.0);
        let ssrc = cursor.word()?;
        let [fraction_lost, a, b, c] = cursor.bytes()?;
        let block = ReportBlock {
            ssrc,
            fraction_lost,
            lost: i32::from_be_bytes([a, b, c, 0]) >> 8,
            highest: cursor.word()?,
            jitter: cursor.word()?,
            last_sender_report: cursor.word()?,
            delay_since: cursor.word()?,
        };
        self.0 = cursor.0;
        Some(block)
    }
}

impl Iterator for Sources<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let mut cursor = Cursor(self.0);
        let ssrc = cursor.word()?;
        self.0 = cursor.0;
        Some(ssrc)
    }
}

impl Iterator for ExtendedBlocks<'_> {
    type Item = Extended;

    fn next(&mut self) -> Option<Extended> {
        loop {
            let mut cursor = Cursor(self.0);
            let [kind, _, high, low] = cursor.bytes()?;
            let length = 4 * usize::from(u16::from_be_bytes([high, low]));
            let body = cursor.take(length)?;
            self.0 = cursor.0;
            let mut inner = Cursor(body);
            let block = match kind {
                REFERENCE_TIME => inner.long().map(|ntp| Extended::ReferenceTime { ntp }),
                // Several sub-blocks: ours is the first, in a conversation of two.
                SINCE_REFERENCE_TIME => since_reference_time(&mut inner),
                VOIP_METRICS => voip(&mut inner).map(Extended::Voip),
                _ => None,
            };
            if block.is_some() {
                return block;
            }
        }
    }
}

fn since_reference_time(cursor: &mut Cursor<'_>) -> Option<Extended> {
    Some(Extended::SinceReferenceTime { ssrc: cursor.word()?, last: cursor.word()?, delay: cursor.word()? })
}

fn voip(cursor: &mut Cursor<'_>) -> Option<VoipMetrics> {
    Some(VoipMetrics {
        ssrc: cursor.word()?,
        loss_rate: cursor.byte()?,
        discard_rate: cursor.byte()?,
        burst_density: cursor.byte()?,
        gap_density: cursor.byte()?,
        burst_duration: cursor.short()?,
        gap_duration: cursor.short()?,
        round_trip: cursor.short()?,
        end_system_delay: cursor.short()?,
        signal_level: cursor.byte()?.cast_signed(),
        noise_level: cursor.byte()?.cast_signed(),
        echo_return_loss: cursor.byte()?,
        gap_threshold: cursor.byte()?,
        rating: cursor.byte()?,
        external_rating: cursor.byte()?,
        listening: cursor.byte()?,
        conversational: cursor.byte()?,
        receiver_config: cursor.bytes::<2>().map(|[config, _]| config)?,
        nominal_delay: cursor.short()?,
        maximum_delay: cursor.short()?,
        absolute_delay: cursor.short()?,
    })
}
