//! Whose network is this address? Longest network first, per profile. Believes nothing that a message says.

use crate::domain::trunk::settings::{Network, Trunk};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Trunks by profile and source network, and by profile and certificate name. Built once per configuration.
#[derive(Clone, Debug, Default)]
pub struct TrunkFinder {
    /// Prefix lengths in use, longest first; v4 networks are mapped into v6.
    lengths: Vec<u8>,
    networks: BTreeMap<(u16, u8, u128), u32>,
    names: BTreeMap<(u16, Box<str>), u32>,
    /// All configured networks whatever the profile: never banned.
    all: BTreeMap<(u8, u128), ()>,
}

impl TrunkFinder {
    /// `profile_index` gives the number of a profile by its name; trunks of unknown profiles are never found.
    pub fn new(trunks: &[Arc<Trunk>], profile_index: impl Fn(&str) -> Option<u16>) -> TrunkFinder {
        let mut finder = TrunkFinder::default();
        for (index, trunk) in (0u32..).zip(trunks) {
            let Some(profile) = profile_index(&trunk.profile) else { continue };
            for network in &trunk.networks {
                let (bits, masked) = mapped(*network);
                finder.networks.entry((profile, bits, masked)).or_insert(index);
                finder.all.insert((bits, masked), ());
                finder.lengths.push(bits);
            }
            for name in &trunk.tls_names {
                finder.names.entry((profile, name.to_ascii_lowercase().into_boxed_str())).or_insert(index);
            }
        }
        finder.lengths.sort_unstable_by(|a, b| b.cmp(a));
        finder.lengths.dedup();
        finder
    }

    /// The trunk (its place in the configuration's list) whose network on this profile holds the address.
    pub fn by_address(&self, profile: u16, address: IpAddr) -> Option<u32> {
        let address = widened(address);
        self.lengths.iter().find_map(|bits| self.networks.get(&(profile, *bits, masked(address, *bits))).copied())
    }

    /// The trunk that one of a peer's verified certificate names belongs to.
    pub fn by_names(&self, profile: u16, names: &[Box<str>]) -> Option<u32> {
        if self.names.is_empty() {
            return None;
        }
        names.iter().find_map(|name| self.names.get(&(profile, name.to_ascii_lowercase().into_boxed_str())).copied())
    }

    /// Whether any trunk on any profile has this address in a network.
    pub fn is_configured(&self, address: IpAddr) -> bool {
        let address = widened(address);
        self.lengths.iter().any(|bits| self.all.contains_key(&(*bits, masked(address, *bits))))
    }
}

fn widened(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn mapped(network: Network) -> (u8, u128) {
    let bits = match network.address.to_canonical() {
        IpAddr::V4(_) => network.bits.min(32) + 96,
        IpAddr::V6(_) => network.bits.min(128),
    };
    (bits, masked(widened(network.address), bits))
}

fn masked(address: u128, bits: u8) -> u128 {
    match bits {
        0 => 0,
        1..=127 => address & (u128::MAX << (128 - u32::from(bits))),
        _ => address,
    }
}

#[cfg(test)]
mod tests;
