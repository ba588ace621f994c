//! Writes compound RTCP packets into a caller's buffer. A part that does not fit is left out whole.

use super::{
    BYE, EXTENDED_REPORT, RECEIVER_REPORT, REFERENCE_TIME, ReportBlock, SENDER_REPORT, SINCE_REFERENCE_TIME,
    SOURCE_DESCRIPTION, VOIP_METRICS, VoipMetrics,
};

/// Enough for every compound packet that we send, protection aside.
pub const COMPOUND_BYTES_MAX: usize = 256;

/// What we say of what we have sent (RFC 3550 6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SenderReport {
    pub ssrc: u32,
    pub ntp: u64,
    pub timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

/// Begins with a report, then a name, then the rest (RFC 3550 6.1).
#[derive(Debug)]
pub struct Compound<'a> {
    buffer: &'a mut [u8],
    length: usize,
}

impl<'a> Compound<'a> {
    pub fn new(buffer: &'a mut [u8]) -> Compound<'a> {
        Compound { buffer, length: 0 }
    }

    pub fn length(&self) -> usize {
        self.length
    }

    pub fn sender_report(&mut self, report: &SenderReport, block: Option<&ReportBlock>) {
        let mut part = Part::new(SENDER_REPORT, u8::from(block.is_some()));
        part.word(report.ssrc);
        part.put(&report.ntp.to_be_bytes());
        part.word(report.timestamp);
        part.word(report.packets);
        part.word(report.octets);
        part.report_block(block);
        self.append(part);
    }

    pub fn receiver_report(&mut self, ssrc: u32, block: Option<&ReportBlock>) {
        let mut part = Part::new(RECEIVER_REPORT, u8::from(block.is_some()));
        part.word(ssrc);
        part.report_block(block);
        self.append(part);
    }

    /// The canonical name (RFC 3550 6.5.1), at most 64 bytes of it.
    pub fn name(&mut self, ssrc: u32, name: &str) {
        let mut part = Part::new(SOURCE_DESCRIPTION, 1);
        let name = name.as_bytes().get(..name.len().min(64)).unwrap_or_default();
        part.word(ssrc);
        part.put(&[1, u8::try_from(name.len()).unwrap_or_default()]);
        part.put(name);
        // RFC 3550 6.5: at least one zero byte ends the items, and more fill the word.
        part.put(&[0]);
        while !part.length.is_multiple_of(4) {
            part.put(&[0]);
        }
        self.append(part);
    }

    pub fn bye(&mut self, ssrc: u32) {
        let mut part = Part::new(BYE, 1);
        part.word(ssrc);
        self.append(part);
    }

    /// RFC 3611 4.4: by which a peer that sends nothing lets the round trip be measured.
    pub fn reference_time(&mut self, ssrc: u32, ntp: u64) {
        let mut part = Part::new(EXTENDED_REPORT, 0);
        part.word(ssrc);
        part.put(&[REFERENCE_TIME, 0, 0, 2]);
        part.put(&ntp.to_be_bytes());
        self.append(part);
    }

    /// RFC 3611 4.5: the answer to the reference time of the source `of`.
    pub fn since_reference_time(&mut self, ssrc: u32, of: u32, last: u32, delay: u32) {
        let mut part = Part::new(EXTENDED_REPORT, 0);
        part.word(ssrc);
        part.put(&[SINCE_REFERENCE_TIME, 0, 0, 3]);
        part.word(of);
        part.word(last);
        part.word(delay);
        self.append(part);
    }

    pub fn voip_metrics(&mut self, ssrc: u32, metrics: &VoipMetrics) {
        let mut part = Part::new(EXTENDED_REPORT, 0);
        let m = metrics;
        part.word(ssrc);
        part.put(&[VOIP_METRICS, 0, 0, 8]);
        part.word(m.ssrc);
        part.put(&[m.loss_rate, m.discard_rate, m.burst_density, m.gap_density]);
        for short in [m.burst_duration, m.gap_duration, m.round_trip, m.end_system_delay] {
            part.put(&short.to_be_bytes());
        }
        part.put(&[m.signal_level.cast_unsigned(), m.noise_level.cast_unsigned(), m.echo_return_loss, m.gap_threshold]);
        part.put(&[m.rating, m.external_rating, m.listening, m.conversational, m.receiver_config, 0]);
        for short in [m.nominal_delay, m.maximum_delay, m.absolute_delay] {
            part.put(&short.to_be_bytes());
        }
        self.append(part);
    }

    fn append(&mut self, mut part: Part) {
        let words = u16::try_from(part.length / 4 - 1).unwrap_or_default().to_be_bytes();
        part.bytes.iter_mut().skip(2).zip(words).for_each(|(slot, byte)| *slot = byte);
        let room = self.buffer.get_mut(self.length..).and_then(|rest| rest.get_mut(..part.length));
        if let (Some(room), Some(bytes)) = (room, part.bytes.get(..part.length)) {
            room.copy_from_slice(bytes);
            self.length += part.length;
        }
    }
}

/// One packet under construction; all of ours are shorter than this.
struct Part {
    bytes: [u8; 80],
    length: usize,
}

impl Part {
    fn new(kind: u8, count: u8) -> Part {
        let mut part = Part { bytes: [0; 80], length: 0 };
        part.put(&[0x80 | count, kind, 0, 0]);
        part
    }

    fn put(&mut self, bytes: &[u8]) {
        let room = self.bytes.get_mut(self.length..).and_then(|rest| rest.get_mut(..bytes.len()));
        if let Some(room) = room {
            room.copy_from_slice(bytes);
            self.length += bytes.len();
        }
    }

    fn word(&mut self, word: u32) {
        self.put(&word.to_be_bytes());
    }

    fn report_block(&mut self, block: Option<&ReportBlock>) {
        let Some(block) = block else { return };
        let [_, a, b, c] = block.lost.clamp(-0x80_0000, 0x7f_ffff).to_be_bytes();
        self.word(block.ssrc);
        self.put(&[block.fraction_lost, a, b, c]);
        for word in [block.highest, block.jitter, block.last_sender_report, block.delay_since] {
            self.word(word);
        }
    }
}
