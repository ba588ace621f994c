//! The resolver against a small name server of the tests' own.

use super::*;
use crate::protocol::sip::path::ListenerId;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig};
use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::Record;
use hickory_resolver::proto::rr::rdata::{A, AAAA, NAPTR, SRV};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::net::UdpSocket;

/// Answers from a list until the test is over; counts the questions.
async fn server(zone: Vec<Record>) -> (Resolver, Arc<AtomicUsize>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let questions = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&questions);
    tokio::spawn(async move {
        let mut buffer = [0; 1_500];
        while let Ok((length, remote)) = socket.recv_from(&mut buffer).await {
            let Ok(question) = Message::from_vec(&buffer[..length]) else { continue };
            count.fetch_add(1, Ordering::Relaxed);
            let Some(query) = question.queries.first().cloned() else { continue };
            let mut answer = Message::new(question.metadata.id, MessageType::Response, question.metadata.op_code);
            let known = zone.iter().any(|record| record.name == *query.name());
            let records =
                zone.iter().filter(|record| record.name == *query.name() && record.record_type() == query.query_type());
            answer.answers.extend(records.cloned());
            answer.metadata.response_code = if known { ResponseCode::NoError } else { ResponseCode::NXDomain };
            answer.queries.push(query);
            let _gone = socket.send_to(&answer.to_vec().unwrap(), remote).await;
        }
    });
    (resolver_at(address), questions)
}

fn resolver_at(address: std::net::SocketAddr) -> Resolver {
    let mut connection = ConnectionConfig::udp();
    connection.port = address.port();
    let server = NameServerConfig::new(address.ip(), true, vec![connection]);
    Resolver::with(ResolverConfig::from_name_servers(vec![server]))
}

fn record(name: &str, data: RData) -> Record {
    Record::from_rdata(named(name), 60, data)
}

fn named(name: &str) -> Name {
    Name::from_ascii(name).unwrap()
}

fn service(priority: u16, port: u16, target: &str) -> RData {
    RData::SRV(SRV::new(priority, 1, port, named(target)))
}

fn carrier() -> Vec<Record> {
    let by_tls = NAPTR::new(
        10,
        10,
        b"s".to_vec().into(),
        b"SIPS+D2T".to_vec().into(),
        Vec::new().into(),
        named("_sips._tcp.carrier.example."),
    );
    vec![
        record("carrier.example.", RData::NAPTR(by_tls)),
        record("carrier.example.", RData::A(A::new(192, 0, 2, 99))),
        record("_sips._tcp.carrier.example.", service(20, 5071, "b.carrier.example.")),
        record("_sips._tcp.carrier.example.", service(10, 5061, "a.carrier.example.")),
        record("_sip._udp.carrier.example.", service(10, 5080, "a.carrier.example.")),
        record("a.carrier.example.", RData::A(A::new(192, 0, 2, 1))),
        record("a.carrier.example.", RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))),
        record("b.carrier.example.", RData::A(A::new(192, 0, 2, 2))),
    ]
}

fn name(host: &str, port: Option<u16>, transport: Option<Transport>) -> NameToResolve {
    NameToResolve { host: host.into(), port, transport, listener: ListenerId(3), tls_name: None }
}

fn places(targets: &[Target]) -> Vec<String> {
    targets.iter().map(|target| target.path.to_string()).collect()
}

#[tokio::test]
async fn naptr_leads_to_services_and_these_to_addresses_and_the_name_to_prove_stays_the_first() {
    let (resolver, _) = server(carrier()).await;
    let targets = resolver.resolve(&name("carrier.example", None, None)).await;
    assert_eq!(places(&targets), ["tls:192.0.2.1:5061", "tls:[2001:db8::1]:5061", "tls:192.0.2.2:5071"]);
    assert!(targets.iter().all(|target| target.tls_name.as_deref() == Some("carrier.example")));
    assert!(targets.iter().all(|target| target.path.listener == ListenerId(3) && target.path.connection.is_none()));
}

#[tokio::test]
async fn a_transport_skips_naptr_and_a_port_skips_srv() {
    let (resolver, _) = server(carrier()).await;
    let by_udp = resolver.resolve(&name("carrier.example", None, Some(Transport::Udp))).await;
    assert_eq!(places(&by_udp), ["udp:192.0.2.1:5080", "udp:[2001:db8::1]:5080"]);
    assert_eq!(by_udp[0].tls_name, None);
    let by_port = resolver.resolve(&name("carrier.example", Some(5099), Some(Transport::Tcp))).await;
    assert_eq!(places(&by_port), ["tcp:192.0.2.99:5099"]);
}

#[tokio::test]
async fn answers_are_kept_also_that_there_is_none() {
    let (resolver, questions) = server(carrier()).await;
    for host in ["carrier.example", "absent.example"] {
        let first = resolver.resolve(&name(host, None, None)).await;
        let asked = questions.load(Ordering::Relaxed);
        assert_eq!(resolver.resolve(&name(host, None, None)).await.len(), first.len());
        assert_eq!(questions.load(Ordering::Relaxed), asked, "{host}");
    }
}

#[tokio::test]
async fn addresses_and_the_hosts_file_need_no_server() {
    let resolver = Resolver::with(ResolverConfig::from_name_servers(Vec::new()));
    let literal = resolver.resolve(&name("[2001:db8::7]", None, None)).await;
    assert_eq!(places(&literal), ["udp:[2001:db8::7]:5060"]);
    let local = resolver.resolve(&name("localhost", Some(5060), Some(Transport::Udp))).await;
    assert!(places(&local).contains(&"udp:127.0.0.1:5060".to_string()), "{local:?}");
}

#[tokio::test]
async fn a_server_that_says_nothing_costs_the_deadline_and_no_more() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let resolver = resolver_at(silent.local_addr().unwrap());
    let started = Instant::now();
    assert!(resolver.resolve(&name("carrier.example", None, None)).await.is_empty());
    assert!(started.elapsed() < crate::base::limits::LOCATE_PATIENCE + Duration::from_secs(1));
}
