//! Recognition of trunks by address and certificate name.

use super::*;
use crate::domain::trunk::settings::tests::trunk;

fn finder(trunks: Vec<Trunk>) -> TrunkFinder {
    let trunks: Vec<Arc<Trunk>> = trunks.into_iter().map(Arc::new).collect();
    TrunkFinder::new(&trunks, |name| match name {
        "carriers" => Some(0),
        "peers" => Some(1),
        _ => None,
    })
}

fn with_networks(name: &str, profile: &str, networks: &[(&str, u8)]) -> Trunk {
    let mut trunk = trunk(name);
    trunk.profile = profile.into();
    trunk.networks =
        networks.iter().map(|(address, bits)| Network { address: address.parse().unwrap(), bits: *bits }).collect();
    trunk
}

#[test]
fn the_longest_network_wins() {
    let finder = finder(vec![
        with_networks("wide", "carriers", &[("192.0.2.0", 24)]),
        with_networks("narrow", "carriers", &[("192.0.2.128", 25)]),
        with_networks("host", "carriers", &[("192.0.2.200", 32)]),
    ]);
    let of = |address: &str| finder.by_address(0, address.parse().unwrap());
    assert_eq!(of("192.0.2.1"), Some(0));
    assert_eq!(of("192.0.2.129"), Some(1));
    assert_eq!(of("192.0.2.200"), Some(2));
    assert_eq!(of("192.0.3.1"), None);
}

#[test]
fn a_network_counts_only_on_its_own_profile() {
    let finder = finder(vec![with_networks("a", "carriers", &[("192.0.2.0", 24)])]);
    assert_eq!(finder.by_address(1, "192.0.2.1".parse().unwrap()), None);
    assert!(finder.is_configured("192.0.2.1".parse().unwrap()));
    assert!(!finder.is_configured("198.51.100.1".parse().unwrap()));
}

#[test]
fn ipv6_and_mapped_ipv4_addresses_are_recognised() {
    let finder = finder(vec![
        with_networks("six", "carriers", &[("2001:db8::", 32)]),
        with_networks("four", "carriers", &[("192.0.2.0", 24)]),
    ]);
    assert_eq!(finder.by_address(0, "2001:db8:1::5".parse().unwrap()), Some(0));
    assert_eq!(finder.by_address(0, "::ffff:192.0.2.7".parse().unwrap()), Some(1));
    assert_eq!(finder.by_address(0, "2001:db9::5".parse().unwrap()), None);
}

#[test]
fn a_network_of_no_bits_holds_every_address() {
    let finder = finder(vec![with_networks("any", "carriers", &[("0.0.0.0", 0)])]);
    assert_eq!(finder.by_address(0, "203.0.113.9".parse().unwrap()), Some(0));
}

#[test]
fn a_certificate_name_is_compared_without_case() {
    let mut one = trunk("tls");
    one.profile = "carriers".into();
    one.tls_names = vec!["SIP.Carrier.example".into()];
    let finder = finder(vec![one]);
    assert_eq!(finder.by_names(0, &["other".into(), "sip.carrier.example".into()]), Some(0));
    assert_eq!(finder.by_names(1, &["sip.carrier.example".into()]), None);
    assert_eq!(finder.by_names(0, &[]), None);
}
