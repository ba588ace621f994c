//! The table alone.
use super::*;
use crate::protocol::sip::path::ListenerId;

fn path(transport: Transport, remote: &str) -> Path {
    Path { transport, listener: ListenerId(0), remote: remote.parse().unwrap(), connection: None }
}

fn queued(token: u32) -> Queued {
    Queued { owner: CallId(1), token, bytes: Bytes::from_static(b"x") }
}

fn target(path: Path, tls_name: Option<&str>) -> Target {
    Target { path, tls_name: tls_name.map(Arc::from) }
}

fn table(limits: TransportLimits) -> Connections {
    Connections::new(limits)
}

#[test]
fn an_inbound_tls_connection_is_reused_only_for_names_that_its_peer_proved() {
    let connections = table(TransportLimits::default());
    let path = path(Transport::Tls, "192.0.2.1:5061");
    let (admitted, _) = connections.admit(path).unwrap();
    let wanted = target(path, Some("carrier.example"));
    let Delivery::Opens(opened) = connections.deliver(&wanted, queued(1)) else { panic!("nothing is proved yet") };
    connections.remove(opened.id);
    connections.verified(admitted.id, &Arc::from(["Carrier.example".into()]));
    assert!(matches!(connections.deliver(&wanted, queued(2)), Delivery::Queued));
    let other = target(path, Some("other.example"));
    assert!(matches!(connections.deliver(&other, queued(3)), Delivery::Opens(_)));
}

#[test]
fn a_connection_of_one_listener_is_not_used_for_another() {
    let connections = table(TransportLimits::default());
    let path = path(Transport::Tcp, "192.0.2.1:5060");
    let _admitted = connections.admit(path).unwrap();
    let elsewhere = Path { listener: ListenerId(1), ..path };
    assert!(matches!(connections.deliver(&target(elsewhere, None), queued(1)), Delivery::Opens(_)));
    assert!(matches!(connections.deliver(&target(path, None), queued(1)), Delivery::Queued));
}

#[test]
fn at_the_limit_of_all_a_silent_one_gives_way_and_after_that_nobody() {
    let connections = table(TransportLimits { connections_max: 2, ..TransportLimits::default() });
    let first = connections.admit(path(Transport::Tcp, "192.0.2.1:1")).unwrap().0;
    let second = connections.admit(path(Transport::Tcp, "192.0.2.2:1")).unwrap().0;
    connections.settled(first.id);
    let third = connections.admit(path(Transport::Tcp, "192.0.2.3:1")).unwrap().0;
    let gone = Path { connection: Some(second.id), ..path(Transport::Tcp, "192.0.2.2:1") };
    assert!(matches!(connections.deliver(&target(gone, None), queued(1)), Delivery::Undeliverable(_)));
    connections.settled(third.id);
    assert!(connections.admit(path(Transport::Tcp, "192.0.2.4:1")).is_none());
    let outward = target(path(Transport::Tcp, "192.0.2.5:5060"), None);
    assert!(matches!(connections.deliver(&outward, queued(1)), Delivery::Undeliverable(_)));
}

#[test]
fn an_ipv6_network_is_one_source_and_its_share_comes_back() {
    let connections = table(TransportLimits { connections_per_source: 1, ..TransportLimits::default() });
    let first = connections.admit(path(Transport::Tcp, "[2001:db8::1]:1")).unwrap().0;
    assert!(connections.admit(path(Transport::Tcp, "[2001:db8::2]:1")).is_none());
    connections.remove(first.id);
    connections.remove(first.id);
    assert!(connections.admit(path(Transport::Tcp, "[2001:db8::2]:1")).is_some());
    let table = connections.table();
    assert_eq!((table.entries.len(), table.by_remote.len(), table.inbound_by_source.len()), (1, 1, 1));
}

#[test]
fn a_full_queue_overflows_and_takes_its_place_with_it() {
    let connections = table(TransportLimits::default());
    let wanted = target(path(Transport::Tcp, "192.0.2.1:5060"), None);
    let Delivery::Opens(_queue) = connections.deliver(&wanted, queued(0)) else { panic!("nothing to reuse") };
    for token in 1..u32::try_from(STREAM_BACKLOG).unwrap() {
        assert!(matches!(connections.deliver(&wanted, queued(token)), Delivery::Queued));
    }
    assert!(matches!(connections.deliver(&wanted, queued(999)), Delivery::Overflow(Queued { token: 999, .. }, None)));
    assert!(connections.is_empty());
}

#[test]
fn after_the_end_nobody_comes_in_or_goes_out() {
    let connections = table(TransportLimits::default());
    connections.close();
    assert!(connections.admit(path(Transport::Tcp, "192.0.2.1:1")).is_none());
    let wanted = target(path(Transport::Tcp, "192.0.2.1:5060"), None);
    assert!(matches!(connections.deliver(&wanted, queued(1)), Delivery::Undeliverable(_)));
}
