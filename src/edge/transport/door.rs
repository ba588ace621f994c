//! Who may not come in: banned sources. Knows no reason; the switchboard decides whom to ban.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::RwLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Banned sources that we remember: 65,536 of them take about 4 MB.
const BANS_MAX: usize = 65_536;

/// What counts as one source: an IPv4 address, or the /64 that one IPv6 host commands.
pub fn source_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) if address.is_loopback() => IpAddr::V6(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

/// The list of banned sources. Asking costs one load while nobody is banned, else a shared lock and one look-up.
#[derive(Default)]
pub struct Door {
    banned: AtomicUsize,
    until_by_source: RwLock<HashMap<IpAddr, Instant>>,
}

impl Door {
    pub fn is_banned(&self, address: IpAddr) -> bool {
        if self.banned.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.until_by_source.read().is_ok_and(|bans| bans.contains_key(&source_of(address)))
    }

    /// A full list takes no more: the switchboard's own limits then hold alone.
    pub fn ban(&self, address: IpAddr, now: Instant, time: Duration) {
        let Ok(mut bans) = self.until_by_source.write() else { return };
        if bans.len() >= BANS_MAX {
            bans.retain(|_, until| *until > now);
        }
        let source = source_of(address);
        if bans.len() < BANS_MAX || bans.contains_key(&source) {
            let until = now + time;
            bans.entry(source).and_modify(|known| *known = until.max(*known)).or_insert(until);
        }
        self.banned.store(bans.len(), Ordering::Relaxed);
    }

    /// Lets in those whose time has passed.
    pub fn sweep(&self, now: Instant) {
        if self.banned.load(Ordering::Relaxed) == 0 {
            return;
        }
        let Ok(mut bans) = self.until_by_source.write() else { return };
        bans.retain(|_, until| *until > now);
        self.banned.store(bans.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ban_holds_until_its_time_has_passed() {
        let door = Door::default();
        let start = Instant::now();
        let scanner = IpAddr::from([192, 0, 2, 9]);
        assert!(!door.is_banned(scanner));
        door.ban(scanner, start, Duration::from_secs(60));
        assert!(door.is_banned(scanner));
        assert!(!door.is_banned(IpAddr::from([192, 0, 2, 10])));
        door.sweep(start + Duration::from_secs(59));
        assert!(door.is_banned(scanner));
        door.sweep(start + Duration::from_secs(61));
        assert!(!door.is_banned(scanner));
    }

    #[test]
    fn a_second_ban_never_shortens_the_first() {
        let door = Door::default();
        let start = Instant::now();
        let scanner = IpAddr::from([192, 0, 2, 9]);
        door.ban(scanner, start, Duration::from_secs(60));
        door.ban(scanner, start, Duration::from_secs(1));
        door.sweep(start + Duration::from_secs(30));
        assert!(door.is_banned(scanner));
    }

    #[test]
    fn an_ipv6_host_does_not_escape_within_its_network_and_an_ipv4_one_not_by_mapping() {
        let door = Door::default();
        door.ban("2001:db8::1".parse().unwrap(), Instant::now(), Duration::from_secs(60));
        assert!(door.is_banned("2001:db8::ffff:1".parse().unwrap()));
        assert!(!door.is_banned("2001:db8:0:1::1".parse().unwrap()));
        door.ban("::ffff:192.0.2.1".parse().unwrap(), Instant::now(), Duration::from_secs(60));
        assert!(door.is_banned("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn a_full_list_stays_bounded() {
        let door = Door::default();
        let start = Instant::now();
        for number in 0..u32::try_from(BANS_MAX).unwrap() + 100 {
            door.ban(IpAddr::from(number.to_be_bytes()), start, Duration::from_secs(60));
        }
        assert_eq!(door.until_by_source.read().unwrap().len(), BANS_MAX);
    }
}
