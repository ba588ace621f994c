//! RTCP of one stream: whose reports are believed, where ours go and when. Sends nothing itself.

use crate::base::entropy::Entropy;
use crate::base::now::Now;
use crate::media::command::{Learning, StreamPlan};
use crate::media::source_check::SourceCheck;
use crate::protocol::rtp::rtcp::reporter::Reporter;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How often a stream reports on which nothing moves: often enough that no peer takes us for gone, which it may after five
/// of its own intervals of five seconds (RFC 3550 6.3.5), and a quarter of the work for calls that are held.
const IDLE_EVERY: Duration = Duration::from_secs(20);
/// The same where both sides have agreed that nothing moves: it only shows that we are still there.
const HELD_EVERY: Duration = Duration::from_secs(60);

pub struct Control {
    pub reporter: Reporter,
    signalled: Option<SocketAddr>,
    /// Another port of the proven peer from which its reports were first heard.
    learned: Option<SocketAddr>,
    learning: Learning,
    pub is_muxed: bool,
    is_held: bool,
    /// Ticks per second of what we send.
    pub clock: u32,
    when_report: Instant,
    /// Packets of both directions when we last reported.
    moved: u64,
    has_left: bool,
    /// Loss to be expected by what the peer has reported, in percent.
    loss_percent: Option<u8>,
}

impl Control {
    pub fn new(now: Now, entropy: &mut Entropy) -> Control {
        let reporter = Reporter::new(now, entropy);
        Control {
            when_report: reporter.deadline(),
            reporter,
            signalled: None,
            learned: None,
            learning: Learning::Never,
            is_muxed: false,
            is_held: false,
            clock: 8_000,
            moved: 0,
            has_left: false,
            loss_percent: None,
        }
    }

    pub fn plan(&mut self, plan: &StreamPlan) {
        let signalled = if plan.rtcp_mux { plan.remote } else { plan.remote_rtcp };
        if (self.signalled, self.learning) != (signalled, plan.learning) {
            self.learned = None;
        }
        self.signalled = signalled;
        self.learning = plan.learning;
        self.is_muxed = plan.rtcp_mux;
        self.is_held = !plan.sends && !plan.receives;
        self.clock = plan.codecs.first().map_or(self.clock, |codec| codec.payload.clock);
    }

    /// The peer is there now, as it has proven; nowhere when it has proven nothing.
    pub fn follow(&mut self, proven: Option<SocketAddr>) {
        self.signalled = proven;
    }

    /// Where our reports go, if they go anywhere. An address that only its RTP port was learned of is no guess worth making.
    pub fn target(&self, source: &SourceCheck) -> Option<SocketAddr> {
        if self.is_muxed {
            return self.signalled.and(source.target());
        }
        let believed = |signalled: &SocketAddr| source.target().is_none_or(|target| target.ip() == signalled.ip());
        self.learned.or(self.signalled.filter(believed))
    }

    /// Whether a report may be the peer's: from where it was signalled, or, once its audio has proven where it is, from
    /// there: the port above; after a NAT another port of it, learned once within the window.
    pub fn check(&mut self, now: Instant, from: SocketAddr, source: &SourceCheck) -> bool {
        let Some(signalled) = self.signalled else { return false };
        if self.is_muxed {
            return source.target() == Some(from);
        }
        if let Some(learned) = self.learned {
            return learned == from;
        }
        let proven = source.proven();
        let is_moved = proven.is_some_and(|proven| proven.ip() != signalled.ip());
        if from == signalled && !is_moved {
            return true;
        }
        let Some(proven) = proven.filter(|proven| proven.ip() == from.ip()) else { return false };
        let is_above = proven.port().checked_add(1) == Some(from.port());
        if self.learning != Learning::Never && (is_above || is_moved && source.is_open(now)) {
            self.learned = Some(from);
        }
        self.learned == Some(from)
    }

    /// Takes a verified compound packet; true when the peer says for the first time that it has left.
    pub fn take(&mut self, now: Now, ours: u32, compound: &[u8]) -> bool {
        let left = self.reporter.take(now, ours, compound);
        if let Some(remote) = self.reporter.remote() {
            let reported = u8::try_from(u32::from(remote.fraction_lost) * 100 / 256).unwrap_or(100);
            // Loss comes in spells: what was is believed for a while after a better report.
            let before = self.loss_percent.unwrap_or(0);
            self.loss_percent = Some(reported.max(before - before.div_ceil(4)));
        }
        left && !std::mem::replace(&mut self.has_left, true)
    }

    /// What to expect of the way to the peer; `None` before it has reported.
    pub fn loss_percent(&self) -> Option<u8> {
        self.loss_percent
    }

    pub fn when_report(&self) -> Option<Instant> {
        self.signalled.map(|_| self.when_report)
    }

    /// A report was written; `moved` packets have crossed in both directions so far.
    pub fn reported(&mut self, now: Now, moved: u64) {
        let is_idle = std::mem::replace(&mut self.moved, moved) == moved;
        self.when_report = match (is_idle, self.is_held) {
            (true, true) => now.instant + HELD_EVERY,
            (true, false) => now.instant + IDLE_EVERY,
            (false, _) => self.reporter.deadline(),
        };
    }
}
