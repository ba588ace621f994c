//! The media half of a leg: its port, its peer's address, and both directions of its packets. Knows no other stream.

use crate::base::entropy::Entropy;
use crate::base::now::{Now, earliest};
use crate::media::account::{Parts, Traffic};
use crate::media::command::{Learning, SrtpKeys, StreamId, StreamPlan};
use crate::media::control::Control;
use crate::media::counters::Refusal;
use crate::media::desk::{Fared, Outgoing as Made, Timing};
use crate::media::event::{Quality, Refused};
use crate::media::handshake::HandshakeWish;
use crate::media::protection::Protection;
use crate::media::source_check::{SourceCheck, Verdict};
use crate::media::web::Web;
use crate::media::worker::Arrived;
use crate::protocol::audio::codec::Codec;
use crate::protocol::rtp::outgoing::Outgoing;
use crate::protocol::rtp::packet::{Header, Packet};
use crate::protocol::rtp::rtcp::reporter::Reported;
use crate::protocol::rtp::sequence::Reception;
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
    /// What it has beside, when its peer is a browser.
    pub web: Option<Box<Web>>,
    has_started: bool,
    is_silent: bool,
    received: Traffic,
    sent: Traffic,
    refused: Refused,
    reception: Reception,
    control: Control,
    codec: Codec,
    /// Of the event that the desk sends or has sent last.
    event_timestamp: u32,
    when_quality: Instant,
    /// What had passed when quality was last told.
    told: (u64, u64),
    /// The earliest entry in the wheel that was made for this stream.
    pub armed: Option<Instant>,
}

impl Stream {
    pub fn new(id: StreamId, address: IpAddr, now: Now, entropy: &mut Entropy) -> Stream {
        let at = now.instant;
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
            opened_at: at,
            heard_at: at,
            protection: Protection::None,
            web: None,
            has_started: false,
            is_silent: false,
            received: Traffic::default(),
            sent: Traffic::default(),
            refused: Refused::default(),
            reception: Reception::new(8_000),
            control: Control::new(now, entropy),
            codec: Codec::Pcmu,
            event_timestamp: 0,
            when_quality: at + QUALITY_EVERY,
            told: (0, 0),
            armed: None,
        }
    }

    pub fn local(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }

    /// Takes what was agreed. The rules follow from the desk, which knows where packets go.
    pub fn plan(&mut self, now: Instant, plan: &StreamPlan) {
        if plan.receives && (!self.receives || self.silent_after != plan.silent_after) {
            // The peer has from now on as long as the plan allows.
            self.heard_at = now;
            self.is_silent = false;
        }
        self.control.plan(plan);
        self.secure(now, plan);
        if let Some(codec) = plan.codecs.first() {
            self.codec = codec.codec;
            self.reception.set_clock(codec.payload.clock);
        }
        self.sends = plan.sends;
        self.receives = plan.receives;
        self.silent_after = plan.silent_after;
    }

    fn secure(&mut self, now: Instant, plan: &StreamPlan) {
        let Some(agreed) = &plan.webrtc else {
            self.web = None;
            self.source.plan(now, plan.remote, plan.learning);
            return self.protection.plan(plan.srtp.as_ref());
        };
        let is_new = match &mut self.web {
            Some(web) => web.agree(agreed),
            None => {
                self.web = Some(Box::new(Web::new(agreed)));
                true
            }
        };
        if is_new {
            self.protection.close_until_keyed();
        }
        self.follow(now);
    }

    /// Sends to where the peer has proven to be, and to nowhere else.
    pub fn follow(&mut self, now: Instant) {
        let Some(web) = &self.web else { return };
        let chosen = web.responder.chosen();
        self.source.plan(now, chosen, Learning::Never);
        self.control.follow(chosen);
    }

    /// The handshake has given keys.
    pub fn take_keys(&mut self, now: Instant, wish: HandshakeWish, keys: &SrtpKeys) {
        if let Some(web) = &mut self.web
            && web.is_keyed(now, wish)
        {
            self.protection.plan(Some(keys));
        }
    }

    /// Whether the peer's consent has run out just now.
    pub fn loses_consent(&mut self, now: Instant) -> bool {
        let Some(web) = &mut self.web else { return false };
        if web.responder.deadline().is_none_or(|at| at > now) {
            return false;
        }
        let is_lost = web.responder.expire(now);
        self.follow(now);
        is_lost
    }

    /// Judges one datagram that looks like RTP.
    pub fn accept(&mut self, now: Instant, from: SocketAddr, packet: &mut [u8]) -> Result<Accepted, Refusal> {
        let accepted = self.judge(now, from, packet);
        match &accepted {
            Ok(accepted) => {
                self.received.packets += 1;
                self.received.bytes += u64::try_from(accepted.length).unwrap_or(0);
                self.heard_at = now;
                self.reception.take(now, &accepted.header);
            }
            Err(why) => self.refuse(*why),
        }
        accepted
    }

    fn judge(&mut self, now: Instant, from: SocketAddr, packet: &mut [u8]) -> Result<Accepted, Refusal> {
        let header = Header::read(packet).ok_or(Refusal::Junk)?;
        let rule = self.rules.iter().find(|rule| rule.receive == header.payload_type);
        let rule = *rule.ok_or(Refusal::NotAgreed)?;
        let could_be = self.could_be(from);
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
            _ if !could_be => return Err(Refusal::Stranger),
            Protection::Keys(keys) => keys.receiver.unprotect(packet).map_err(|_| Refusal::NotAuthentic)?,
            Protection::Broken => return Err(Refusal::NotAuthentic),
        };
        let view = Packet::parse(packet.get(..length).unwrap_or_default()).map_err(|_| Refusal::Junk)?;
        if self.web.is_none() && self.source.check_authentic(from) == Verdict::Refused {
            return Err(Refusal::Stranger);
        }
        Ok(self.accepted(header, rule, length, view.payload_range()))
    }

    /// Whether the peer may be there, as far as that can be told without its key.
    fn could_be(&self, from: SocketAddr) -> bool {
        match &self.web {
            Some(web) => web.responder.is_proven(from),
            None => self.source.could_be(from),
        }
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
        let others = earliest(self.when_silent(), self.when_report());
        let others = earliest(others, self.web.as_ref().and_then(|web| web.responder.deadline()));
        others.map_or(self.when_quality, |at| at.min(self.when_quality))
    }

    fn when_report(&self) -> Option<Instant> {
        self.control.when_report().filter(|_| self.is_bound)
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

    pub fn quality(&self, now: Instant, fared: Fared) -> Box<Quality> {
        Box::new(self.parts(now, fared).quality())
    }

    fn parts(&self, now: Instant, fared: Fared) -> Parts<'_> {
        Parts {
            lasted: now.saturating_duration_since(self.opened_at),
            received: self.received,
            sent: self.sent,
            refused: self.refused,
            reception: &self.reception,
            remote: self.control.reporter.remote(),
            round_trip: self.control.reporter.round_trip(),
            clock: self.control.clock,
            codec: self.codec,
            fared,
        }
    }

    /// Takes an RTCP packet; true when the peer says that it has left.
    pub fn take_control(&mut self, now: Now, arrived: Arrived, packet: &mut [u8]) -> Result<bool, Refusal> {
        let taken = self.judge_control(now, arrived, packet);
        match taken {
            Ok(_) => {}
            Err(Refusal::Stranger) => self.refused.strange_reports += 1,
            Err(why) => self.refuse(why),
        }
        taken
    }

    fn judge_control(&mut self, now: Now, arrived: Arrived, packet: &mut [u8]) -> Result<bool, Refusal> {
        if !arrived.socket.control && !self.control.is_muxed {
            return Err(Refusal::Junk);
        }
        let is_peers = match &self.web {
            Some(web) => web.responder.is_proven(arrived.from),
            None => self.control.check(now.instant, arrived.from, &self.source),
        };
        if !is_peers {
            return Err(Refusal::Stranger);
        }
        let length = match &mut self.protection {
            Protection::None => packet.len(),
            Protection::Keys(keys) => keys.receiver.unprotect_rtcp(packet).map_err(|_| Refusal::NotAuthentic)?,
            Protection::Broken => return Err(Refusal::NotAuthentic),
        };
        let ours = self.outgoing.ssrc();
        Ok(self.control.take(now, ours, packet.get(..length).unwrap_or_default()))
    }

    /// Loss on the way to the peer, in percent, as far as it has reported any.
    pub fn reported_loss(&self) -> Option<u8> {
        self.control.loss_percent()
    }

    /// Whether a report is due, and to where; also when it has nowhere to go, since its time has then come for nothing.
    pub fn report_is_due(&mut self, now: Now) -> Option<(bool, SocketAddr)> {
        self.when_report().filter(|at| *at <= now.instant)?;
        let to = self.control.target(&self.source);
        if to.is_none() {
            self.control.reported(now, self.moved());
        }
        Some((!self.control.is_muxed, to?))
    }

    /// Where a farewell goes: to whom something was sent or reported.
    pub fn farewell(&self) -> Option<(bool, SocketAddr)> {
        let to = self.control.target(&self.source).filter(|_| self.is_bound && self.control.when_report().is_some())?;
        (self.outgoing.packets() > 0).then_some((!self.control.is_muxed, to))
    }

    /// Writes a report, or the last one with a farewell, protected as was agreed.
    pub fn write_report(&mut self, now: Now, fared: Fared, is_last: bool, room: &mut [u8]) -> Option<usize> {
        let metrics = Some(self.parts(now.instant, fared).metrics(self.reception.ssrc().unwrap_or(0)));
        let reported =
            Reported { outgoing: &self.outgoing, clock: self.control.clock, reception: &mut self.reception, metrics };
        let reporter = &mut self.control.reporter;
        let length = match is_last {
            false => reporter.write(now, room, reported),
            true => reporter.write_bye(now, room, reported),
        };
        let moved = self.moved();
        self.control.reported(now, moved);
        match &mut self.protection {
            Protection::None => Some(length),
            Protection::Keys(keys) => keys.sender.protect_rtcp(room, length).ok(),
            Protection::Broken => None,
        }
    }

    fn moved(&self) -> u64 {
        self.received.packets + self.sent.packets
    }
}
