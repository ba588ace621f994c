//! When to report on one stream, what to say, and what the peer's reports tell. Sends nothing itself.

use super::read::{Extended, Packet, read};
use super::write::{Compound, SenderReport};
use super::{ReportBlock, VoipMetrics, from_units, in_units, middle, ntp};
use crate::base::entropy::Entropy;
use crate::base::now::Now;
use crate::protocol::rtp::outgoing::Outgoing;
use crate::protocol::rtp::sequence::Reception;
use std::time::{Duration, Instant};

/// RFC 3550 6.2: at telephone bandwidth the five per cent of RTCP allow far more, so the fixed minimum holds.
const INTERVAL: Duration = Duration::from_secs(5);
/// A round trip above this is a wrong clock.
const ROUND_TRIP_MAX: Duration = Duration::from_secs(10);
/// What a dialogue of two has: reports on one source. More in one packet are somebody else's.
const PACKETS_MAX: usize = 32;

/// One stream's reports. Both ends of a conversation are two members: timer reconsideration (RFC 3550 6.3.3) has nothing
/// to reconsider.
#[derive(Debug)]
pub struct Reporter {
    /// Spreads the reports of many streams; nobody gains by guessing it.
    dice: u64,
    name: Box<str>,
    next_at: Instant,
    told_packets: u64,
    /// The peer's last sender report: its source, the middle of its time, when it came.
    sender_report: Option<(u32, u32, Instant)>,
    /// The same of its reference time (RFC 3611 4.4).
    reference_time: Option<(u32, u32, Instant)>,
    round_trip: Option<Duration>,
    speaks_extended: bool,
    remote: Option<Remote>,
}

/// What the peer says of what we send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Remote {
    pub fraction_lost: u8,
    pub lost: i32,
    /// In ticks of our clock.
    pub jitter: u32,
    /// If it speaks them.
    pub metrics: Option<VoipMetrics>,
}

/// What to report on.
#[derive(Debug)]
pub struct Reported<'a> {
    pub outgoing: &'a Outgoing,
    /// Of what we send.
    pub clock: u32,
    pub reception: &'a mut Reception,
    /// Sent to peers that have sent extended reports themselves.
    pub metrics: Option<VoipMetrics>,
}

impl Reporter {
    pub fn new(now: Now, entropy: &mut Entropy) -> Reporter {
        // RFC 7022 4.2: a name for this stream only, that links it to no other.
        let name = format!("{:016x}@offhook", entropy.number()).into();
        let mut reporter = Reporter {
            dice: entropy.number(),
            name,
            next_at: now.instant,
            told_packets: 0,
            sender_report: None,
            reference_time: None,
            round_trip: None,
            speaks_extended: false,
            remote: None,
        };
        // RFC 3550 6.2: the first report comes after half the interval.
        reporter.next_at = now.instant + reporter.interval() / 2;
        reporter
    }

    /// When the next report is due.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.next_at
    }

    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    pub fn remote(&self) -> Option<&Remote> {
        self.remote.as_ref()
    }

    /// Reads what the peer has sent about the stream with our source `ours`. True: it says that it has left.
    pub fn take(&mut self, now: Now, ours: u32, compound: &[u8]) -> bool {
        let mut left = false;
        for packet in read(compound).take(PACKETS_MAX) {
            match packet {
                Packet::SenderReport { ssrc, ntp, blocks, .. } => {
                    self.sender_report = Some((ssrc, middle(ntp), now.instant));
                    blocks.filter(|block| block.ssrc == ours).for_each(|block| self.learn(now, &block));
                }
                Packet::ReceiverReport { blocks, .. } => {
                    blocks.filter(|block| block.ssrc == ours).for_each(|block| self.learn(now, &block));
                }
                Packet::Extended { ssrc, blocks } => {
                    self.speaks_extended = true;
                    blocks.take(PACKETS_MAX).for_each(|block| self.learn_extended(now, (ssrc, ours), block));
                }
                Packet::Bye { sources } => left |= sources.count() > 0,
                Packet::Name { .. } => {}
            }
        }
        left
    }

    /// Writes the report that is due, and sets the time of the next one. Gives its length.
    pub fn write(&mut self, now: Now, buffer: &mut [u8], reported: Reported<'_>) -> usize {
        self.next_at = now.instant + self.interval();
        let mut compound = Compound::new(buffer);
        self.report(now, &mut compound, reported);
        compound.length()
    }

    /// The same, with a farewell. Ours is a goodbye of two: no back-off (RFC 3550 6.3.7 begins at fifty members).
    pub fn write_bye(&mut self, now: Now, buffer: &mut [u8], reported: Reported<'_>) -> usize {
        let ssrc = reported.outgoing.ssrc();
        let mut compound = Compound::new(buffer);
        self.report(now, &mut compound, reported);
        compound.bye(ssrc);
        compound.length()
    }

    fn report(&mut self, now: Now, compound: &mut Compound<'_>, reported: Reported<'_>) {
        let Reported { outgoing, clock, reception, metrics } = reported;
        let ssrc = outgoing.ssrc();
        let block = self.block(now, reception);
        if outgoing.packets() > self.told_packets {
            self.told_packets = outgoing.packets();
            let report = SenderReport {
                ssrc,
                ntp: ntp(now),
                timestamp: outgoing.timestamp_at(now.instant, clock),
                packets: low(outgoing.packets()),
                octets: low(outgoing.octets()),
            };
            compound.sender_report(&report, block.as_ref());
        } else {
            compound.receiver_report(ssrc, block.as_ref());
        }
        compound.name(ssrc, &self.name);
        if let Some((of, last, at)) = self.reference_time {
            compound.since_reference_time(ssrc, of, last, in_units(now.instant.saturating_duration_since(at)));
        }
        if let Some(metrics) = metrics.filter(|_| self.speaks_extended) {
            compound.voip_metrics(ssrc, &metrics);
        }
    }

    fn block(&self, now: Now, reception: &mut Reception) -> Option<ReportBlock> {
        let block = reception.block()?;
        let sender_report = self.sender_report.filter(|(ssrc, ..)| *ssrc == block.ssrc);
        let (last, delay) = sender_report
            .map(|(_, last, at)| (last, in_units(now.instant.saturating_duration_since(at))))
            .unwrap_or_default();
        Some(ReportBlock {
            ssrc: block.ssrc,
            fraction_lost: block.fraction_lost,
            lost: block.lost,
            highest: block.highest,
            jitter: block.jitter,
            last_sender_report: last,
            delay_since: delay,
        })
    }

    fn learn(&mut self, now: Now, block: &ReportBlock) {
        let metrics = self.remote.and_then(|remote| remote.metrics);
        let ReportBlock { fraction_lost, lost, jitter, .. } = *block;
        self.remote = Some(Remote { fraction_lost, lost, jitter, metrics });
        self.measure(now, block.last_sender_report, block.delay_since);
    }

    fn learn_extended(&mut self, now: Now, (theirs, ours): (u32, u32), block: Extended) {
        match block {
            Extended::ReferenceTime { ntp } => self.reference_time = Some((theirs, middle(ntp), now.instant)),
            Extended::SinceReferenceTime { ssrc, last, delay } if ssrc == ours => self.measure(now, last, delay),
            Extended::Voip(metrics) if metrics.ssrc == ours => {
                let remote = Remote { fraction_lost: metrics.loss_rate, lost: 0, jitter: 0, metrics: None };
                self.remote = Some(Remote { metrics: Some(metrics), ..self.remote.unwrap_or(remote) });
            }
            Extended::SinceReferenceTime { .. } | Extended::Voip(_) => {}
        }
    }

    /// RFC 3550 6.4.1: what has passed since our report, less what it waited over there.
    fn measure(&mut self, now: Now, last: u32, delay: u32) {
        let passed = middle(ntp(now)).wrapping_sub(last);
        // A peer's clock that runs a little fast makes it a little less than nothing.
        let trip = if passed < delay && delay - passed < 6_554 { 0 } else { passed.wrapping_sub(delay) };
        if last != 0 && from_units(trip) < ROUND_TRIP_MAX {
            self.round_trip = Some(from_units(trip));
        }
    }

    /// RFC 3550 6.3.1: half to one and a half times the interval, so that reports of many streams do not fall together;
    /// divided by e - 3/2.
    fn interval(&mut self) -> Duration {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let percent = 50 + u32::try_from((self.dice >> 33) % 101).unwrap_or_default();
        INTERVAL * percent * 1_000 / 121_828
    }
}

/// Counters in reports wrap (RFC 3550 6.4.1).
fn low(count: u64) -> u32 {
    u32::try_from(count & 0xffff_ffff).unwrap_or_default()
}
