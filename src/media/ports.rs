//! The port pairs that a worker may bind: which are free, in use, or resting after use. Binds nothing itself.

use crate::base::entropy::Entropy;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// A worker's share of the configured range, the same numbers anew at each local address.
#[derive(Clone, Debug)]
pub struct PortRange {
    pub ports: RangeInclusive<u16>,
    /// Worker `share.0` of `share.1`: every so-many-th pair is its own, so that workers need not ask each other.
    pub share: (u16, u16),
    /// How long a port rests after use, so that a late packet of the old call meets nobody (RFC 3605 and good manners).
    pub reuse_delay: Duration,
}

impl PortRange {
    /// The even ports of all pairs that lie wholly inside.
    fn pairs(&self) -> Vec<u16> {
        let (share, of) = (usize::from(self.share.0), usize::from(self.share.1.max(1)));
        let even = self.ports.clone().filter(|port| port % 2 == 0 && *port < *self.ports.end() && *port > 0);
        even.skip(share).step_by(of).collect()
    }
}

/// Hands out even ports; the odd one above belongs to the pair.
pub struct PortPool {
    range: PortRange,
    places: BTreeMap<IpAddr, Place>,
}

struct Place {
    free: Vec<u16>,
    /// In the order in which they may be used again.
    resting: VecDeque<(Instant, u16)>,
    used: usize,
}

impl PortPool {
    pub fn new(range: PortRange) -> PortPool {
        PortPool { range, places: BTreeMap::new() }
    }

    /// A free pair at this address, one of all with equal chance: who cannot see the signalling cannot guess it.
    pub fn take(&mut self, now: Instant, address: IpAddr, entropy: &mut Entropy) -> Option<u16> {
        let range = &self.range;
        let place = self.places.entry(address).or_insert_with(|| Place {
            free: range.pairs(),
            resting: VecDeque::new(),
            used: 0,
        });
        place.wake(now);
        let count = u64::try_from(place.free.len()).unwrap_or(0);
        let chosen = usize::try_from(entropy.below(count)).unwrap_or(0);
        if chosen >= place.free.len() {
            return None;
        }
        place.used += 1;
        Some(place.free.swap_remove(chosen))
    }

    /// A pair is not used any more, or could not be bound.
    pub fn give_back(&mut self, now: Instant, address: IpAddr, port: u16) {
        let Some(place) = self.places.get_mut(&address) else { return };
        place.used = place.used.saturating_sub(1);
        place.resting.push_back((now + self.range.reuse_delay, port));
    }

    /// Pairs in use, at all addresses.
    pub fn used(&self) -> usize {
        self.places.values().map(|place| place.used).sum()
    }

    /// Pairs that are not in use at the address that has fewest of them.
    pub fn free(&self) -> usize {
        let left = self.places.values().map(|place| place.free.len() + place.resting.len());
        left.min().unwrap_or_else(|| self.range.pairs().len())
    }
}

impl Place {
    fn wake(&mut self, now: Instant) {
        while let Some((when, port)) = self.resting.front().copied()
            && when <= now
        {
            self.resting.pop_front();
            self.free.push(port);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

    fn range(ports: RangeInclusive<u16>, share: (u16, u16)) -> PortRange {
        PortRange { ports, share, reuse_delay: Duration::from_secs(30) }
    }

    fn all(pool: &mut PortPool, now: Instant, address: IpAddr) -> BTreeSet<u16> {
        let mut entropy = Entropy::from_number(1);
        std::iter::from_fn(|| pool.take(now, address, &mut entropy)).collect()
    }

    #[test]
    fn pairs_are_even_whole_and_taken_once() {
        let now = Instant::now();
        let mut pool = PortPool::new(range(20_001..=20_010, (0, 1)));
        assert_eq!(all(&mut pool, now, HERE), BTreeSet::from([20_002, 20_004, 20_006, 20_008]));
        assert_eq!((pool.used(), pool.free()), (4, 0));
        assert_eq!(all(&mut pool, now, THERE).len(), 4, "another address has the same ports");
    }

    #[test]
    fn a_port_rests_before_it_is_used_again() {
        let now = Instant::now();
        let mut entropy = Entropy::from_number(1);
        let mut pool = PortPool::new(range(20_000..=20_001, (0, 1)));
        assert_eq!(pool.take(now, HERE, &mut entropy), Some(20_000));
        pool.give_back(now, HERE, 20_000);
        assert_eq!(pool.take(now + Duration::from_secs(29), HERE, &mut entropy), None);
        assert_eq!(pool.take(now + Duration::from_secs(30), HERE, &mut entropy), Some(20_000));
    }

    #[test]
    fn workers_share_the_range_without_meeting() {
        let now = Instant::now();
        let shares = (0..3).map(|own| all(&mut PortPool::new(range(20_000..=20_099, (own, 3))), now, HERE));
        let shares: Vec<_> = shares.collect();
        assert_eq!(shares.iter().map(BTreeSet::len).sum::<usize>(), 50);
        assert_eq!(shares.iter().flatten().collect::<BTreeSet<_>>().len(), 50);
    }

    #[test]
    fn the_next_port_cannot_be_told_from_the_last() {
        let now = Instant::now();
        let mut entropy = Entropy::from_number(9);
        let mut pool = PortPool::new(range(20_000..=29_999, (0, 1)));
        let ports: Vec<u16> = (0..100).filter_map(|_| pool.take(now, HERE, &mut entropy)).collect();
        let neighbours = ports.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) <= 2).count();
        assert!(neighbours < 3, "{neighbours} of 99 lie side by side");
    }
}
