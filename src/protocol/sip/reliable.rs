//! Reliable provisional responses (RFC 3262), both sides: numbers, repeats and matches. Sends nothing itself.

use crate::base::entropy::Entropy;
use crate::base::limits;
use crate::base::now::{Now, earliest};
use crate::protocol::sip::message::Method;
use crate::protocol::sip::transaction::set::TimerValues;
use bytes::Bytes;
use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

/// The value of a RAck header: which provisional response a PRACK acknowledges.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RAck {
    pub rseq: u32,
    /// CSeq of the request that was answered provisionally.
    pub cseq: u32,
    pub method: Method,
}

impl RAck {
    pub fn parse(value: &str) -> Option<RAck> {
        let mut words = value.split_ascii_whitespace();
        let rseq = words.next()?.parse().ok()?;
        let cseq = words.next()?.parse().ok()?;
        let method = Method::parse(words.next()?);
        words.next().is_none().then_some(RAck { rseq, cseq, method })
    }
}

impl fmt::Display for RAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.rseq, self.cseq, self.method.name())
    }
}

#[derive(Clone, PartialEq, Debug)]
pub enum ReliableOutput {
    /// Give it to the INVITE's server transaction.
    Respond { status: u16, bytes: Bytes },
    /// No PRACK within 64*T1: refuse the INVITE with 5xx (RFC 3262 3).
    Unacknowledged,
}

/// What to answer to a PRACK.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PrackVerdict {
    /// 200.
    Matches,
    /// 481.
    Unknown,
}

/// Our reliable provisional responses to one INVITE. One is under way at a time; later ones wait for its PRACK.
#[derive(Debug)]
pub struct ReliableResponses {
    timers: TimerValues,
    invite_cseq: u32,
    last_rseq: u32,
    /// The first is under way.
    pending: VecDeque<Pending>,
    repeat: Option<Repeat>,
    is_final_sent: bool,
    outputs: VecDeque<ReliableOutput>,
}

#[derive(Debug)]
struct Pending {
    rseq: u32,
    status: u16,
    bytes: Bytes,
    has_description: bool,
}

#[derive(Debug)]
struct Repeat {
    when: Instant,
    interval: Duration,
    when_give_up: Instant,
}

impl ReliableResponses {
    pub fn new(timers: TimerValues, invite_cseq: u32, entropy: &mut Entropy) -> ReliableResponses {
        // RFC 3262 3: the first RSeq is drawn from 1 to 2^31 - 1.
        let drawn = entropy.below(0x7fff_ffff);
        ReliableResponses {
            timers,
            invite_cseq,
            last_rseq: u32::try_from(drawn).unwrap_or_default(),
            pending: VecDeque::new(),
            repeat: None,
            is_final_sent: false,
            outputs: VecDeque::new(),
        }
    }

    /// The RSeq for the next response: write it into the bytes, then call `send`.
    pub fn next_rseq(&mut self) -> u32 {
        self.last_rseq = self.last_rseq.wrapping_add(1).max(1);
        self.last_rseq
    }

    /// Sends at once, or after the PRACK of those before. `false` when too many wait: it is dropped.
    pub fn send(&mut self, now: Now, rseq: u32, status: u16, bytes: Bytes, has_description: bool) -> bool {
        if self.is_final_sent || self.pending.len() >= limits::RELIABLE_PENDING_MAX {
            return false;
        }
        self.pending.push_back(Pending { rseq, status, bytes, has_description });
        if self.pending.len() == 1 {
            self.start_first(now);
        }
        true
    }

    fn start_first(&mut self, now: Now) {
        self.repeat = self.pending.front().map(|first| {
            self.outputs.push_back(ReliableOutput::Respond { status: first.status, bytes: first.bytes.clone() });
            let t1 = self.timers.t1;
            Repeat { when: now.instant + t1, interval: t1, when_give_up: now.instant + t1 * 64 }
        });
    }

    /// A PRACK came for this INVITE's dialog.
    pub fn on_prack(&mut self, now: Now, rack: RAck) -> PrackVerdict {
        let is_ours = rack.cseq == self.invite_cseq && rack.method == Method::Invite;
        let first = self.pending.front().filter(|first| is_ours && first.rseq == rack.rseq);
        if first.is_none() {
            return PrackVerdict::Unknown;
        }
        self.pending.pop_front();
        self.repeat = None;
        if !self.is_final_sent {
            self.start_first(now);
        }
        PrackVerdict::Matches
    }

    /// Whether a 2xx may go out: not before every session description that was sent reliably is acknowledged (RFC 3262 3).
    pub fn may_answer(&self) -> bool {
        !self.pending.iter().any(|pending| pending.has_description)
    }

    /// A final response went out: nothing is repeated any more, but the PRACK of what is under way is still good.
    pub fn on_final(&mut self) {
        self.is_final_sent = true;
        self.repeat = None;
        self.pending.truncate(1);
    }

    pub fn handle_deadline(&mut self, now: Now) {
        let (Some(repeat), Some(first)) = (&mut self.repeat, self.pending.front()) else { return };
        if repeat.when_give_up <= now.instant {
            self.repeat = None;
            self.pending.clear();
            self.is_final_sent = true;
            self.outputs.push_back(ReliableOutput::Unacknowledged);
        } else if repeat.when <= now.instant {
            repeat.interval *= 2;
            repeat.when = now.instant + repeat.interval;
            self.outputs.push_back(ReliableOutput::Respond { status: first.status, bytes: first.bytes.clone() });
        }
    }

    /// Drain to `None` after every other method.
    #[must_use]
    pub fn poll_output(&mut self) -> Option<ReliableOutput> {
        self.outputs.pop_front()
    }

    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.repeat.as_ref().and_then(|repeat| earliest(Some(repeat.when), Some(repeat.when_give_up)))
    }
}

/// What a provisional response with an RSeq is to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// Process it and send a PRACK with this.
    New(RAck),
    /// Had it before: neither processed nor acknowledged again (the PRACK's own transaction repeats).
    Duplicate,
    /// One before it is missing; the peer repeats both. It must not be processed (RFC 3262 4).
    TooEarly,
}

/// The peer's reliable provisional responses in one early dialog.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReliableArrivals {
    invite_cseq: u32,
    last_rseq: Option<u32>,
}

impl ReliableArrivals {
    pub fn new(invite_cseq: u32) -> ReliableArrivals {
        ReliableArrivals { invite_cseq, last_rseq: None }
    }

    pub fn on_provisional(&mut self, rseq: u32) -> Arrival {
        match self.last_rseq {
            Some(last) if rseq <= last => Arrival::Duplicate,
            Some(last) if rseq - last > 1 => Arrival::TooEarly,
            _ => {
                self.last_rseq = Some(rseq);
                Arrival::New(RAck { rseq, cseq: self.invite_cseq, method: Method::Invite })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn now() -> Now {
        Now { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH }
    }

    fn responses() -> ReliableResponses {
        let (t1, t2, t4) = (Duration::from_millis(500), Duration::from_secs(4), Duration::from_secs(5));
        ReliableResponses::new(TimerValues { t1, t2, t4 }, 7, &mut Entropy::from_number(3))
    }

    fn send(responses: &mut ReliableResponses, now: Now, status: u16, has_description: bool) -> u32 {
        let rseq = responses.next_rseq();
        assert!(responses.send(now, rseq, status, Bytes::from_static(b"x"), has_description));
        rseq
    }

    fn sent(responses: &mut ReliableResponses) -> Vec<u16> {
        std::iter::from_fn(|| responses.poll_output())
            .map(|output| match output {
                ReliableOutput::Respond { status, .. } => status,
                ReliableOutput::Unacknowledged => 0,
            })
            .collect()
    }

    fn rack(rseq: u32) -> RAck {
        RAck { rseq, cseq: 7, method: Method::Invite }
    }

    #[test]
    fn repeats_at_doubling_intervals_until_64_t1_and_then_gives_up() {
        let (start, mut responses) = (now(), responses());
        send(&mut responses, start, 183, true);
        let mut at = Vec::new();
        assert_eq!(sent(&mut responses), [183]);
        while let Some(when) = responses.deadline() {
            responses.handle_deadline(Now { instant: when, ..start });
            for status in sent(&mut responses) {
                at.push(((when - start.instant).as_millis(), status));
            }
        }
        let expected = [(500, 183), (1500, 183), (3500, 183), (7500, 183), (15500, 183), (31500, 183), (32000, 0)];
        assert_eq!(at, expected);
    }

    #[test]
    fn a_second_waits_for_the_prack_of_the_first() {
        let (now, mut responses) = (now(), responses());
        let first = send(&mut responses, now, 183, true);
        let second = send(&mut responses, now, 180, false);
        assert_eq!(second, first + 1);
        assert_eq!(sent(&mut responses), [183]);
        assert_eq!(responses.on_prack(now, rack(second)), PrackVerdict::Unknown, "it was not sent yet");
        assert_eq!(responses.on_prack(now, rack(first)), PrackVerdict::Matches);
        assert_eq!(sent(&mut responses), [180]);
        assert_eq!(responses.on_prack(now, rack(first)), PrackVerdict::Unknown, "it was acknowledged already");
        assert_eq!(responses.on_prack(now, rack(second)), PrackVerdict::Matches);
        assert_eq!(responses.deadline(), None);
    }

    #[test]
    fn a_prack_for_another_request_is_unknown() {
        let (now, mut responses) = (now(), responses());
        let rseq = send(&mut responses, now, 180, false);
        assert_eq!(responses.on_prack(now, RAck { cseq: 8, ..rack(rseq) }), PrackVerdict::Unknown);
        assert_eq!(responses.on_prack(now, RAck { method: Method::Bye, ..rack(rseq) }), PrackVerdict::Unknown);
    }

    #[test]
    fn the_answer_waits_for_descriptions_only() {
        let (now, mut responses) = (now(), responses());
        let rseq = send(&mut responses, now, 183, true);
        assert!(!responses.may_answer());
        let _ = responses.on_prack(now, rack(rseq));
        send(&mut responses, now, 180, false);
        assert!(responses.may_answer());
    }

    #[test]
    fn after_the_final_response_a_late_prack_is_still_good() {
        let (now, mut responses) = (now(), responses());
        let rseq = send(&mut responses, now, 180, false);
        responses.on_final();
        assert_eq!(responses.deadline(), None);
        assert_eq!(responses.on_prack(now, rack(rseq)), PrackVerdict::Matches);
        assert!(!responses.send(now, rseq + 1, 180, Bytes::new(), false), "nothing provisional follows a final");
    }

    #[test]
    fn waiting_responses_are_bounded() {
        let (now, mut responses) = (now(), responses());
        for _ in 0..limits::RELIABLE_PENDING_MAX {
            send(&mut responses, now, 180, false);
        }
        let rseq = responses.next_rseq();
        assert!(!responses.send(now, rseq, 180, Bytes::new(), false));
    }

    #[test]
    fn arrivals_are_taken_in_order_and_once() {
        let mut arrivals = ReliableArrivals::new(7);
        assert_eq!(arrivals.on_provisional(100), Arrival::New(rack(100)), "any number may be the first");
        assert_eq!(arrivals.on_provisional(100), Arrival::Duplicate);
        assert_eq!(arrivals.on_provisional(102), Arrival::TooEarly);
        assert_eq!(arrivals.on_provisional(101), Arrival::New(rack(101)));
        assert_eq!(arrivals.on_provisional(102), Arrival::New(rack(102)));
        assert_eq!(arrivals.on_provisional(u32::MAX), Arrival::TooEarly);
    }

    #[test]
    fn rack_reads_what_it_writes_and_nothing_else() {
        assert_eq!(RAck::parse("776656  1 INVITE"), Some(RAck { rseq: 776656, cseq: 1, method: Method::Invite }));
        assert_eq!(RAck::parse(&rack(9).to_string()), Some(rack(9)));
        for bad in ["", "1", "1 2", "1 2 INVITE x", "-1 2 INVITE", "4294967296 1 INVITE", "a b INVITE"] {
            assert_eq!(RAck::parse(bad), None, "{bad}");
        }
    }
}
