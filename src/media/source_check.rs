//! From where a stream's packets may come and where ours may go: signalled, or learned once, and never guessed.

use crate::media::command::Learning;
use std::net::SocketAddr;
use std::time::Instant;

/// Packets in a row that an address outside the signalled one must send before it is believed: a stray one is not enough.
const PROBATION: u8 = 3;

/// What the check says of one packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Accepted,
    /// Accepted, and its source has just become the address that ours go to.
    Learned,
    Refused,
}

/// The address of one peer for one of its two ports (DESIGN 4.5).
///
/// Believed are, in this order: the signalled address itself; another port of it; any other address. What is believed less
/// may be replaced within the window by what is believed more, never the other way, and after the window nothing changes.
#[derive(Clone, Debug)]
pub struct SourceCheck {
    signalled: Option<SocketAddr>,
    learning: Learning,
    window_until: Option<Instant>,
    /// The only address that packets are accepted from, once one was.
    proven: Option<(SocketAddr, Trust)>,
    candidate: Option<(SocketAddr, u8)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Trust {
    Elsewhere,
    OtherPort,
    Signalled,
    /// By a packet that only the holder of the key could have made.
    Key,
}

impl Default for SourceCheck {
    fn default() -> SourceCheck {
        SourceCheck { signalled: None, learning: Learning::Never, window_until: None, proven: None, candidate: None }
    }
}

impl SourceCheck {
    /// What signalling says now. The same words again, as in most re-INVITEs, open no new window and forget nothing.
    pub fn plan(&mut self, now: Instant, signalled: Option<SocketAddr>, learning: Learning) {
        if self.signalled == signalled && self.learning == learning {
            return;
        }
        let within = match learning {
            Learning::Never => None,
            Learning::Port { within } | Learning::Anywhere { within } => Some(within),
        };
        let window_until = signalled.and(within).map(|within| now + within);
        *self = SourceCheck { signalled, learning, window_until, proven: None, candidate: None };
    }

    /// Where our packets go: to the proven address, before there is one to the signalled.
    pub fn target(&self) -> Option<SocketAddr> {
        self.proven.map(|(address, _)| address).or(self.signalled)
    }

    /// Where the peer was heard, if it was.
    pub fn proven(&self) -> Option<SocketAddr> {
        self.proven.map(|(address, _)| address)
    }

    /// Whether something may still be learned.
    pub fn is_open(&self, now: Instant) -> bool {
        self.window_until.is_some_and(|until| now < until)
    }

    /// Judges a packet by its source alone. Cheap when it comes from where the last one came from.
    pub fn check(&mut self, now: Instant, from: SocketAddr) -> Verdict {
        match self.proven {
            Some((address, _)) if address == from => Verdict::Accepted,
            _ => self.check_other(now, from),
        }
    }

    /// Judges a packet that was authenticated: the key proves the peer wherever it is, and whenever it moves, if it may at all.
    pub fn check_authentic(&mut self, from: SocketAddr) -> Verdict {
        match self.proven {
            Some((address, _)) if address == from => Verdict::Accepted,
            _ if self.learning == Learning::Never && self.signalled != Some(from) => Verdict::Refused,
            _ => self.learn(from, Trust::Key),
        }
    }

    /// Whether a packet that cannot be authenticated now (the source alone decides) could ever be accepted from there.
    pub fn could_be(&self, from: SocketAddr) -> bool {
        self.learning != Learning::Never || self.signalled == Some(from)
    }

    fn check_other(&mut self, now: Instant, from: SocketAddr) -> Verdict {
        let Some(trust) = self.trust(from) else { return Verdict::Refused };
        let believed = self.proven.map(|(_, trust)| trust);
        let open = self.is_open(now);
        // The signalled address needs no window as long as nothing else was learned in it.
        let may = if trust == Trust::Signalled { open || believed.is_none() } else { open };
        if !may || believed.is_some_and(|believed| believed >= trust) {
            return Verdict::Refused;
        }
        if trust == Trust::Elsewhere && !self.serves_probation(from) {
            return Verdict::Refused;
        }
        self.learn(from, trust)
    }

    fn trust(&self, from: SocketAddr) -> Option<Trust> {
        let signalled = self.signalled?;
        match self.learning {
            _ if signalled == from => Some(Trust::Signalled),
            Learning::Never => None,
            _ if signalled.ip() == from.ip() => Some(Trust::OtherPort),
            Learning::Port { .. } => None,
            Learning::Anywhere { .. } => Some(Trust::Elsewhere),
        }
    }

    /// Counts the packets of one candidate; another has to wait until that one is learned or the window is over.
    fn serves_probation(&mut self, from: SocketAddr) -> bool {
        match &mut self.candidate {
            Some((address, count)) if *address == from => {
                *count += 1;
                *count >= PROBATION
            }
            Some((address, count)) => {
                // A candidate that falls silent gives way: each packet from elsewhere takes one of its own away.
                *count -= 1;
                if *count == 0 {
                    (*address, *count) = (from, 1);
                }
                false
            }
            None => {
                self.candidate = Some((from, 1));
                false
            }
        }
    }

    fn learn(&mut self, from: SocketAddr, trust: Trust) -> Verdict {
        self.proven = Some((from, trust));
        self.candidate = None;
        Verdict::Learned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const WINDOW: Duration = Duration::from_secs(5);
    const SIGNALLED: &str = "192.0.2.10:4000";
    const OTHER_PORT: &str = "192.0.2.10:4001";
    const STRANGER: &str = "198.51.100.66:4000";
    const SECOND_STRANGER: &str = "198.51.100.67:4000";

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// One story: packets at times after the plan (in milliseconds) with what must be said of each.
    fn check(learning: Learning, story: &[(u64, &str, Verdict)]) -> SourceCheck {
        let start = Instant::now();
        let mut source = SourceCheck::default();
        source.plan(start, Some(address(SIGNALLED)), learning);
        for (step, (millis, from, verdict)) in story.iter().enumerate() {
            let now = start + Duration::from_millis(*millis);
            assert_eq!(source.check(now, address(from)), *verdict, "step {step}: {from} at {millis} ms");
        }
        source
    }

    const NEVER: Learning = Learning::Never;
    const PORT: Learning = Learning::Port { within: WINDOW };
    const ANYWHERE: Learning = Learning::Anywhere { within: WINDOW };
    use Verdict::{Accepted, Learned, Refused};

    #[test]
    fn before_a_plan_nobody_is_heard_and_nothing_is_sent() {
        let mut source = SourceCheck::default();
        assert_eq!(source.check(Instant::now(), address(SIGNALLED)), Refused);
        assert_eq!(source.target(), None);
        source.plan(Instant::now(), None, ANYWHERE);
        assert_eq!(source.check(Instant::now(), address(SIGNALLED)), Refused);
    }

    #[test]
    fn without_learning_only_the_signalled_address_is_heard() {
        let source = check(
            NEVER,
            &[
                (0, STRANGER, Refused),
                (1, OTHER_PORT, Refused),
                (2, SIGNALLED, Learned),
                (3, STRANGER, Refused),
                (60_000, OTHER_PORT, Refused),
                (60_001, SIGNALLED, Accepted),
            ],
        );
        assert_eq!(source.target(), Some(address(SIGNALLED)));
    }

    #[test]
    fn a_port_is_learned_once_within_the_window() {
        let source = check(
            PORT,
            &[
                (0, STRANGER, Refused),
                (1, OTHER_PORT, Learned),
                (2, STRANGER, Refused),
                (3, "192.0.2.10:4003", Refused),
                (6_000, OTHER_PORT, Accepted),
                (6_001, SIGNALLED, Refused),
            ],
        );
        assert_eq!(source.target(), Some(address(OTHER_PORT)));
    }

    #[test]
    fn after_the_window_nothing_is_learned_and_the_signalled_address_is_still_good() {
        let source =
            check(PORT, &[(5_000, OTHER_PORT, Refused), (5_001, STRANGER, Refused), (9_000, SIGNALLED, Learned)]);
        assert_eq!(source.target(), Some(address(SIGNALLED)));
        check(ANYWHERE, &[(5_000, STRANGER, Refused), (5_001, STRANGER, Refused), (5_002, STRANGER, Refused)]);
    }

    #[test]
    fn the_signalled_address_takes_its_place_within_the_window_whoever_came_first() {
        for (learning, first) in [(PORT, OTHER_PORT), (ANYWHERE, OTHER_PORT)] {
            check(learning, &[(0, first, Learned), (10, SIGNALLED, Learned), (11, first, Refused)]);
        }
        check(
            ANYWHERE,
            &[
                (0, STRANGER, Refused),
                (1, STRANGER, Refused),
                (2, STRANGER, Learned),
                (3, SIGNALLED, Learned),
                (4, STRANGER, Refused),
                (5, STRANGER, Refused),
                (6, STRANGER, Refused),
            ],
        );
    }

    #[test]
    fn an_address_from_elsewhere_is_believed_after_several_packets_in_a_row() {
        let source = check(
            ANYWHERE,
            &[
                (0, STRANGER, Refused),
                (1, SECOND_STRANGER, Refused),
                (2, STRANGER, Refused),
                (3, STRANGER, Refused),
                (4, STRANGER, Learned),
                (5, SECOND_STRANGER, Refused),
                (6, SECOND_STRANGER, Refused),
                (7, SECOND_STRANGER, Refused),
            ],
        );
        assert_eq!(source.target(), Some(address(STRANGER)));
    }

    #[test]
    fn a_repeated_plan_opens_no_window_and_a_changed_one_forgets_the_old_address() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut source = check(PORT, &[(0, OTHER_PORT, Learned)]);
        source.plan(at(20_000), Some(address(SIGNALLED)), PORT);
        assert_eq!(source.check(at(20_001), address("192.0.2.10:4003")), Refused);
        assert_eq!(source.check(at(20_002), address(OTHER_PORT)), Accepted);
        source.plan(at(30_000), Some(address("192.0.2.20:5000")), PORT);
        assert_eq!(source.target(), Some(address("192.0.2.20:5000")));
        assert_eq!(source.check(at(30_001), address(OTHER_PORT)), Refused);
        assert_eq!(source.check(at(30_002), address("192.0.2.20:5002")), Learned);
    }

    #[test]
    fn a_key_proves_a_peer_that_moves_unless_it_may_not() {
        let mut source = check(PORT, &[(0, SIGNALLED, Learned)]);
        assert_eq!(source.check_authentic(address(STRANGER)), Learned);
        assert_eq!(source.target(), Some(address(STRANGER)));
        let mut fixed = check(NEVER, &[(0, SIGNALLED, Learned)]);
        assert_eq!(fixed.check_authentic(address(STRANGER)), Refused);
        assert!(!fixed.could_be(address(STRANGER)) && fixed.could_be(address(SIGNALLED)));
    }
}
