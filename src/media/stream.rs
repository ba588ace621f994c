//! The media half of a leg: its port, its peer's address, and both directions of its packets. Knows no other stream.

use crate::base::entropy::Entropy;
use crate::media::command::{StreamId, StreamPlan};
use crate::media::counters::Refusal;
use crate::media::desk::{Outgoing as Made, Timing};
use crate::media::event::{Direction, Quality, Refused};
use crate::media::protection::Protection;
use crate::media::source_check::{SourceCheck, Verdict};
use crate::protocol::rtp::outgoing::Outgoing;
use crate::protocol::rtp::packet::{Header, Packet};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::{Duration, Instant};

/// How often a stream tells its quality.
pub const QUALITY_EVERY: Duration = Duration::from_secs(10);

/// Where packets of one payload type go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    pub receive: u8,
    pub clock: u32,
    /// The stream that takes them untouched, and under which payload type. Without one they go to the desk.
    pub passage: Option<(u32, u8)>,
}

/// An RTP packet that has passed every check.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub header: Header,
    pub rule: Rule,
    /// Of the whole packet, and of its payload within.
    pub length: usize,
    pub payload: Range<usize>,
    pub news: News,
}

/// What is worth telling about an accepted packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum News {
    Nothing,
    /// It is the first one.
    Started,
    /// It comes after a silence that was told.
    HeardAgain,
}

pub struct Stream {
    pub id: StreamId,
    pub address: IpAddr,
    /// The even port; RTCP has the one above.
    pub port: u16,
    pub is_bound: bool,
    /// Ports that the system has refused so far.
    pub tries: u8,
    pub rules: Box<[Rule]>,
    pub source: SourceCheck,
    pub outgoing: Outgoing,
    pub sends: bool,
    pub receives: bool,
    silent_after: Option<Duration>,
    opened_at: Instant,
    heard_at: Instant,
    protection: Protection,
    has_started: bool,
    is_silent: bool,
    received: Traffic,
    sent: Traffic,
    refused: Refused,
    /// Of the event that the desk sends or has sent last.
    event_timestamp: u32,
    when_quality: Instant,
    /// What had passed when quality was last told.
    told: (u64, u64),
    /// The earliest entry in the wheel that was made for this stream.
    pub armed: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Traffic {
    packets: u64,
    bytes: u64,
}

impl Stream {
    pub fn new(id: StreamId, address: IpAddr, now: Instant, entropy: &mut Entropy) -> Stream {
        Stream {
            id,
            address,
            port: 0,
            is_bound: false,
            tries: 0,
            rules: Box::default(),
            source: SourceCheck::default(),
            outgoing: Outgoing::new(entropy),
            sends: false,
            receives: false,
            silent_after: None,
            opened_at: now,
            heard_at: now,
            protection: Protection::None,
            has_started: false,
            is_silent: false,
            received: Traffic::default(),
            sent: Traffic::default(),
            refused: Refused::default(),
            event_timestamp: 0,
            when_quality: now + QUALITY_EVERY,
            told: (0, 0),
            armed: None,
        }
    }

    pub fn local(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }

    /// Takes what was agreed. The rules follow from the desk, which knows where packets go.
    pub fn plan(&mut self, now: Instant, plan: &StreamPlan) {
        self.source.plan(now, plan.remote, plan.learning);
        if plan.receives && (!self.receives || self.silent_after != plan.silent_after) {
            // The peer has from now on as long as the plan allows.
            self.heard_at = now;
            self.is_silent = false;
        }
        self.protection.plan(plan.srtp.as_ref());
        self.sends = plan.sends;
        self.receives = plan.receives;
        self.silent_after = plan.silent_after;
    }

    /// Judges one datagram that looks like RTP.
    pub fn accept(&mut self, now: Instant, from: SocketAddr, packet: &mut [u8]) -> Result<Accepted, Refusal> {
        let accepted = self.judge(now, from, packet);
        match &accepted {
            Ok(accepted) => {
                self.received.packets += 1;
                self.received.bytes += u64::try_from(accepted.length).unwrap_or(0);
                self.heard_at = now;
            }
            Err(why) => self.refuse(*why),
        }
        accepted
    }

    fn judge(&mut self, now: Instant, from: SocketAddr, packet: &mut [u8]) -> Result<Accepted, Refusal> {
        let header = Header::read(packet).ok_or(Refusal::Junk)?;
        let rule = self.rules.iter().find(|rule| rule.receive == header.payload_type);
        let rule = *rule.ok_or(Refusal::NotAgreed)?;
        let length = match &mut self.protection {
            Protection::None => {
                // Nothing of a stranger may change anything, so what is broken is told before who it is from.
                let view = Packet::parse(packet).map_err(|_| Refusal::Junk)?;
                if self.source.check(now, from) == Verdict::Refused {
                    return Err(Refusal::Stranger);
                }
                return Ok(self.accepted(header, rule, packet.len(), view.payload_range()));
            }
            // A stranger costs a comparison, not a decryption, where nobody else may ever come.
            _ if !self.source.could_be(from) => return Err(Refusal::Stranger),
            Protection::Keys(keys) => keys.receiver.unprotect(packet).map_err(|_| Refusal::NotAuthentic)?,
            Protection::Broken => return Err(Refusal::NotAuthentic),
        };
        let view = Packet::parse(packet.get(..length).unwrap_or_default()).map_err(|_| Refusal::Junk)?;
        if self.source.check_authentic(from) == Verdict::Refused {
            return Err(Refusal::Stranger);
        }
        Ok(self.accepted(header, rule, length, view.payload_range()))
    }

    fn accepted(&mut self, header: Header, rule: Rule, length: usize, payload: Range<usize>) -> Accepted {
        let news = match (self.has_started, self.is_silent) {
            (false, _) => News::Started,
            (true, true) => News::HeardAgain,
            (true, false) => News::Nothing,
        };
        (self.has_started, self.is_silent) = (true, false);
        Accepted { header, rule, length, payload, news }
    }

    /// Protects what lies in the first so many bytes, if that was agreed. `None`: it must not be sent.
    #[inline]
    pub fn protect(&mut self, buffer: &mut [u8], length: usize) -> Option<usize> {
        match &mut self.protection {
            Protection::None => Some(length),
            Protection::Keys(keys) => keys.sender.protect(buffer, length).ok(),
            Protection::Broken => None,
        }
    }

    pub fn refuse(&mut self, why: Refusal) {
        match why {
            Refusal::Stranger => self.refused.stranger += 1,
            Refusal::NotAuthentic => self.refused.not_authentic += 1,
            _ => self.refused.not_ours += 1,
        }
    }

    pub fn was_sent(&mut self, bytes: usize) {
        self.sent.packets += 1;
        self.sent.bytes += u64::try_from(bytes).unwrap_or(0);
    }

    /// The header under which a packet of the desk goes out.
    pub fn header_of(&mut self, now: Instant, made: &Made<'_>) -> Header {
        if made.passed > 0 {
            self.outgoing.pass(made.passed);
        }
        let mut header = match made.timing {
            Timing::Audio { ticks } => self.outgoing.own(now, made.clock, ticks, made.payload.len()),
            Timing::Event { first, offset } => {
                if first {
                    self.event_timestamp = self.outgoing.event_timestamp(now, made.clock);
                }
                let timestamp = self.event_timestamp.wrapping_add(offset);
                self.outgoing.insert(timestamp, made.marker, made.payload.len())
            }
        };
        header.marker |= made.marker;
        header.payload_type = made.payload_type;
        header
    }

    /// When something about this stream is due.
    pub fn deadline(&self) -> Instant {
        self.when_silent().map_or(self.when_quality, |at| at.min(self.when_quality))
    }

    fn when_silent(&self) -> Option<Instant> {
        let waits = self.receives && !self.is_silent && self.is_bound;
        self.silent_after.filter(|_| waits).map(|after| self.heard_at + after)
    }

    /// How long nothing came, when that is longer than the plan allows and was not told yet.
    pub fn falls_silent(&mut self, now: Instant) -> Option<Duration> {
        self.when_silent().filter(|at| *at <= now)?;
        self.is_silent = true;
        Some(now.saturating_duration_since(self.heard_at))
    }

    /// Whether it is time to tell the quality, and there is something new to tell.
    pub fn quality_is_due(&mut self, now: Instant) -> bool {
        if now < self.when_quality {
            return false;
        }
        self.when_quality = now + QUALITY_EVERY;
        let passed = (self.received.packets, self.sent.packets);
        std::mem::replace(&mut self.told, passed) != passed
    }

    pub fn quality(&self, now: Instant) -> Box<Quality> {
        let direction =
            |traffic: Traffic| Direction { packets: traffic.packets, bytes: traffic.bytes, ..Direction::default() };
        Box::new(Quality {
            lasted: now.saturating_duration_since(self.opened_at),
            received: direction(self.received),
            sent: direction(self.sent),
            refused: self.refused,
            ..Quality::default()
        })
    }
}
