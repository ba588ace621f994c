//! Searches against a zone written in the test; no DNS is asked.

use super::*;
use std::time::{Duration, SystemTime};

fn now() -> Now {
    Now { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH }
}

/// A zone file and the question; the answer as "transport address:port" in order, and what was asked for.
fn check(
    host: &str,
    port: Option<u16>,
    transport: Option<Transport>,
    zone: &[&str],
    seed: u64,
) -> (Vec<String>, Vec<String>) {
    let allowed = vec![Transport::Udp, Transport::Tcp, Transport::Tls];
    let place = Place { host: host.into(), port, transport, allowed };
    let mut locate = Locate::new(now(), place, Entropy::from_number(seed));
    let mut asked = Vec::new();
    loop {
        match locate.poll_output() {
            Some(LocateOutput::Ask(query)) => {
                asked.push(format!("{query:?}"));
                let records = answer(&query, zone);
                locate.handle_input(now(), LocateInput { query, records });
            }
            Some(LocateOutput::Found(found)) => {
                assert_eq!(locate.poll_output(), None, "nothing follows the end");
                assert_eq!(locate.deadline(), None);
                let found = found.iter().map(|l| format!("{} {}", l.transport.name(), l.address)).collect();
                return (found, asked);
            }
            None => panic!("the search neither asks nor ends"),
        }
    }
}

fn answer(query: &Query, zone: &[&str]) -> Records {
    let lines = zone.iter().map(|line| line.split_whitespace().collect::<Vec<_>>());
    match query {
        Query::Naptr(name) => Records::Naptr(
            lines
                .filter(|f| f[0] == &**name && f[1] == "NAPTR")
                .map(|f| Naptr {
                    order: f[2].parse().unwrap(),
                    preference: f[3].parse().unwrap(),
                    flags: f[4].into(),
                    service: f[5].into(),
                    replacement: f[6].into(),
                })
                .collect(),
        ),
        Query::Srv(name) => Records::Srv(
            lines
                .filter(|f| f[0] == &**name && f[1] == "SRV")
                .map(|f| Srv {
                    priority: f[2].parse().unwrap(),
                    weight: f[3].parse().unwrap(),
                    port: f[4].parse().unwrap(),
                    target: f[5].into(),
                })
                .collect(),
        ),
        Query::Address(name) => {
            Records::Address(lines.filter(|f| f[0] == &**name && f[1] == "A").map(|f| f[2].parse().unwrap()).collect())
        }
    }
}

const ZONE: &[&str] = &[
    "example.net NAPTR 20 5 s SIP+D2U _sip._udp.example.net",
    "example.net NAPTR 10 10 s SIP+D2T _sip._tcp.example.net",
    "example.net A 192.0.2.1",
    "_sip._tcp.example.net SRV 20 0 5070 b.example.net",
    "_sip._tcp.example.net SRV 10 0 5060 a.example.net",
    "_sip._udp.example.net SRV 10 0 5060 a.example.net",
    "a.example.net A 192.0.2.10",
    "a.example.net A 2001:db8::10",
    "b.example.net A 192.0.2.11",
    "bare.example.net A 192.0.2.20",
];

#[test]
fn an_address_needs_no_question() {
    assert_eq!(check("192.0.2.7", None, None, ZONE, 1), (vec!["udp 192.0.2.7:5060".into()], vec![]));
    assert_eq!(check("[2001:db8::1]", Some(5080), Some(Transport::Tcp), ZONE, 1).0, ["tcp [2001:db8::1]:5080"]);
    assert_eq!(check("192.0.2.7", None, Some(Transport::Tls), ZONE, 1).0, ["tls 192.0.2.7:5061"]);
}

#[test]
fn a_port_means_no_srv() {
    let (found, asked) = check("example.net", Some(5090), None, ZONE, 1);
    assert_eq!(found, ["udp 192.0.2.1:5090"]);
    assert_eq!(asked, [r#"Address("example.net")"#]);
}

#[test]
fn naptr_chooses_the_transport_and_srv_the_order() {
    let (found, _) = check("example.net", None, None, ZONE, 1);
    assert_eq!(found, ["tcp 192.0.2.10:5060", "tcp [2001:db8::10]:5060", "tcp 192.0.2.11:5070"]);
}

#[test]
fn a_given_transport_skips_naptr() {
    let (found, asked) = check("example.net", None, Some(Transport::Udp), ZONE, 1);
    assert_eq!(found, ["udp 192.0.2.10:5060", "udp [2001:db8::10]:5060"]);
    assert_eq!(asked, [r#"Srv("_sip._udp.example.net")"#, r#"Address("a.example.net")"#]);
}

#[test]
fn without_naptr_each_allowed_transport_is_asked_for_until_one_answers() {
    let zone = ["_sips._tcp.x SRV 1 1 5061 t.x", "t.x A 192.0.2.3"];
    let (found, asked) = check("x", None, None, &zone, 1);
    assert_eq!(found, ["tls 192.0.2.3:5061"]);
    assert_eq!(asked[1..4], [r#"Srv("_sip._udp.x")"#, r#"Srv("_sip._tcp.x")"#, r#"Srv("_sips._tcp.x")"#]);
}

#[test]
fn only_without_any_srv_the_bare_name_is_used() {
    assert_eq!(check("bare.example.net", None, None, ZONE, 1).0, ["udp 192.0.2.20:5060"]);
    assert_eq!(check("bare.example.net", None, Some(Transport::Tls), ZONE, 1).0, ["tls 192.0.2.20:5061"]);
}

#[test]
fn srv_whose_targets_lead_nowhere_does_not_fall_back_to_the_bare_name() {
    let dead = ["x A 192.0.2.1", "_sip._udp.x SRV 1 1 5060 gone.x"];
    assert_eq!(check("x", None, Some(Transport::Udp), &dead, 1).0, Vec::<String>::new());
    let refused = ["x A 192.0.2.1", "_sip._udp.x SRV 0 0 0 ."];
    assert_eq!(check("x", None, Some(Transport::Udp), &refused, 1).0, Vec::<String>::new());
}

#[test]
fn a_transport_that_is_not_allowed_leads_nowhere() {
    assert!(check("192.0.2.7", None, Some(Transport::Ws), ZONE, 1).0.is_empty());
}

#[test]
fn weights_share_the_first_place() {
    let zone = [
        "_sip._udp.x SRV 1 75 1 a",
        "_sip._udp.x SRV 1 25 2 b",
        "_sip._udp.x SRV 2 99 3 c",
        "a A 192.0.2.1",
        "b A 192.0.2.2",
        "c A 192.0.2.3",
    ];
    let mut first_a = 0;
    for seed in 0..2_000 {
        let (found, _) = check("x", None, Some(Transport::Udp), &zone, seed);
        assert_eq!(found.len(), 3);
        assert_eq!(found[2], "udp 192.0.2.3:3", "priority outranks weight");
        first_a += u32::from(found[0] == "udp 192.0.2.1:1");
    }
    assert!((1_400..1_600).contains(&first_a), "three quarters expected, {first_a} of 2000 seen");
}

#[test]
fn a_silent_dns_ends_the_search_with_what_is_known() {
    let start = now();
    let place = Place { host: "x".into(), port: None, transport: Some(Transport::Udp), allowed: vec![Transport::Udp] };
    let mut locate = Locate::new(start, place, Entropy::from_number(1));
    let zone = ["_sip._udp.x SRV 1 0 1 a", "_sip._udp.x SRV 2 0 2 b", "b A 192.0.2.2"];
    let mut found = None;
    for _ in 0..4 {
        while let Some(output) = locate.poll_output() {
            match output {
                LocateOutput::Ask(Query::Address(name)) if &*name == "a" => {}
                LocateOutput::Ask(query) => {
                    let records = answer(&query, &zone);
                    locate.handle_input(start, LocateInput { query, records });
                }
                LocateOutput::Found(locations) => found = Some(locations),
            }
        }
        locate.handle_deadline(start.after(Duration::from_secs(60)));
    }
    let expected = Location { address: "192.0.2.2:2".parse().unwrap(), transport: Transport::Udp };
    assert_eq!(found, Some(vec![expected]));
}
