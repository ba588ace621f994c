//! Who knocks too often or with wrong keys: counters per unknown source, bounded, and when a source is banned.

use crate::base::bucket::TokenBucket;
use crate::base::limits::STRANGERS_MAX;
use crate::domain::switchboard::interface::AdmissionPolicy;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::ops::Bound;
use std::time::{Duration, Instant};

/// What the door says to a request from a source that is no trunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Knock {
    Pass,
    /// Not answered.
    TooOften,
    /// Not answered, and the edge is to drop what it sends for this time.
    Ban(Duration),
}

/// A burst of this many seconds' worth passes: a site whose phones all restart at once is no scanner.
const BURST_SECONDS: f64 = 10.0;
const MINUTE: Duration = Duration::from_secs(60);

/// The counters of all sources that are no trunk.
#[derive(Clone, Debug, Default)]
pub struct Door {
    sources: BTreeMap<IpAddr, Source>,
    /// Where eviction goes on when the table is full: round and round, so that a flood of forged sources pushes itself out.
    cursor: Option<IpAddr>,
}

#[derive(Clone, Debug)]
struct Source {
    bucket: TokenBucket,
    failures: u32,
    minute_began: Instant,
}

impl Door {
    /// A request came. `shielded` sources (configured networks, addresses of registered phones) are never banned.
    pub fn knock(&mut self, address: IpAddr, shielded: bool, policy: &AdmissionPolicy, now: Instant) -> Knock {
        // Who has proved itself from here is not slowed down until somebody fails here.
        if shielded && !self.sources.contains_key(&block(address)) {
            return Knock::Pass;
        }
        if self.source(address, policy, now).bucket.take(now) {
            return Knock::Pass;
        }
        match self.fail(address, shielded, policy, now) {
            Knock::Pass => Knock::TooOften,
            other => other,
        }
    }

    /// It showed a wrong key, asked for what does not concern it, or knocked too often.
    pub fn fail(&mut self, address: IpAddr, shielded: bool, policy: &AdmissionPolicy, now: Instant) -> Knock {
        let source = self.source(address, policy, now);
        if now.saturating_duration_since(source.minute_began) >= MINUTE {
            source.minute_began = now;
            source.failures = 0;
        }
        source.failures += 1;
        if shielded || policy.failures_per_minute == 0 || source.failures < policy.failures_per_minute {
            return Knock::Pass;
        }
        self.sources.remove(&block(address));
        Knock::Ban(policy.ban)
    }

    /// It proved who it is: what was counted is forgiven.
    pub fn forgive(&mut self, address: IpAddr) {
        self.sources.remove(&block(address));
    }

    fn source(&mut self, address: IpAddr, policy: &AdmissionPolicy, now: Instant) -> &mut Source {
        let address = block(address);
        if self.sources.len() >= STRANGERS_MAX && !self.sources.contains_key(&address) {
            self.evict();
        }
        self.sources.entry(address).or_insert_with(|| Source {
            bucket: TokenBucket::new(policy.unknown_per_second, policy.unknown_per_second * BURST_SECONDS, now),
            failures: 0,
            minute_began: now,
        })
    }

    fn evict(&mut self) {
        let after = self.cursor.map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.sources.range((after, Bound::Unbounded)).next().or_else(|| self.sources.iter().next());
        let next = next.map(|(address, _)| *address);
        if let Some(address) = next {
            self.sources.remove(&address);
        }
        self.cursor = next;
    }
}

/// What one subscriber has: an IPv4 address, or the 64 bits of an IPv6 network.
fn block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> AdmissionPolicy {
        AdmissionPolicy { unknown_per_second: 2.0, failures_per_minute: 5, ..AdmissionPolicy::default() }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_scanner_is_banned_after_its_burst() {
        let (mut door, now) = (Door::default(), Instant::now());
        let scanner = address("203.0.113.9");
        let knocks: Vec<Knock> = (0..25).map(|_| door.knock(scanner, false, &policy(), now)).collect();
        assert_eq!(knocks.iter().filter(|knock| **knock == Knock::Pass).count(), 20);
        assert_eq!(knocks[20..24], [Knock::TooOften; 4]);
        assert_eq!(knocks[24], Knock::Ban(policy().ban));
        assert!(door.sources.is_empty(), "a banned source needs no counter: the edge drops it");
    }

    #[test]
    fn wrong_keys_within_a_minute_ban_and_later_ones_do_not_add_up() {
        let (mut door, now) = (Door::default(), Instant::now());
        let source = address("203.0.113.9");
        for i in 0..4 {
            assert_eq!(door.fail(source, false, &policy(), now + Duration::from_secs(i)), Knock::Pass);
        }
        assert_eq!(door.fail(source, false, &policy(), now + MINUTE), Knock::Pass);
        for _ in 0..3 {
            assert_eq!(door.fail(source, false, &policy(), now + MINUTE), Knock::Pass);
        }
        assert_eq!(door.fail(source, false, &policy(), now + MINUTE), Knock::Ban(policy().ban));
    }

    #[test]
    fn a_shielded_source_is_slowed_and_never_banned() {
        let (mut door, now) = (Door::default(), Instant::now());
        let site = address("198.51.100.1");
        assert!((0..1_000).all(|_| door.knock(site, true, &policy(), now) == Knock::Pass));
        door.fail(site, true, &policy(), now);
        assert!((0..1_000).all(|_| !matches!(door.knock(site, true, &policy(), now), Knock::Ban(_))));
        assert_eq!(door.knock(site, true, &policy(), now), Knock::TooOften);
    }

    #[test]
    fn a_forged_flood_cannot_grow_the_table() {
        let (mut door, now) = (Door::default(), Instant::now());
        for i in 0..u32::try_from(STRANGERS_MAX).unwrap() + 5_000 {
            door.knock(IpAddr::V4((0x0a00_0000 + i).into()), false, &policy(), now);
        }
        assert_eq!(door.sources.len(), STRANGERS_MAX);
    }

    #[test]
    fn one_ipv6_network_is_one_source() {
        let (mut door, now) = (Door::default(), Instant::now());
        door.knock(address("2001:db8::1"), false, &policy(), now);
        door.knock(address("2001:db8::2"), false, &policy(), now);
        assert_eq!(door.sources.len(), 1);
    }
}
