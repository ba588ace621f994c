//! TCP.

use super::*;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

async fn carrier() -> (TcpListener, Path) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a carrier's place");
    let path = to(Transport::Tcp, listener.local_addr().expect("bound"));
    (listener, path)
}

async fn accept(listener: &TcpListener) -> TcpStream {
    timely(listener.accept()).await.expect("a connection").0
}

#[tokio::test]
async fn messages_in_pieces_come_whole_and_answers_go_back_on_their_connection() {
    let mut house = House::with(Transport::Tcp, TransportLimits::default()).await;
    let mut peer = TcpStream::connect(house.address()).await.unwrap();
    let two = [options(1), options(2)].concat();
    let (first, second) = two.split_at(two.len() / 2 + 9);
    peer.write_all(first).await.unwrap();
    let (from, _, message) = house.message().await;
    assert_eq!((number_of(&message), from.remote), (1, peer.local_addr().unwrap()));
    peer.write_all(second).await.unwrap();
    let (again, _, message) = house.message().await;
    assert_eq!((number_of(&message), again), (2, from));
    house.send(from, None, 1, b"answer");
    expect_bytes(&mut peer, b"answer").await;
    // A registered phone's own address leads back over its connection too.
    house.send(Path { connection: None, ..from }, None, 2, b"request");
    expect_bytes(&mut peer, b"request").await;
}

#[tokio::test]
async fn a_ping_is_answered_by_a_pong() {
    let house = House::with(Transport::Tcp, TransportLimits::default()).await;
    let mut peer = TcpStream::connect(house.address()).await.unwrap();
    peer.write_all(b"\r\n\r\n").await.unwrap();
    expect_bytes(&mut peer, b"\r\n").await;
}

#[tokio::test]
async fn requests_to_one_place_share_one_connection_and_answers_over_it_are_heard() {
    let mut house = House::with(Transport::Tcp, TransportLimits::default()).await;
    let (listener, path) = carrier().await;
    house.send(path, None, 1, &options(1));
    house.send(path, None, 2, &options(2));
    let mut peer = accept(&listener).await;
    expect_bytes(&mut peer, &[options(1), options(2)].concat()).await;
    house.send(path, None, 3, &options(3));
    expect_bytes(&mut peer, &options(3)).await;
    peer.write_all(&options(9)).await.unwrap();
    let (from, _, message) = house.message().await;
    assert_eq!((number_of(&message), from.remote), (9, path.remote));
    assert_eq!(house.transports.counters().connections_opened.read(), 1);
}

#[tokio::test]
async fn a_quiet_connection_that_we_opened_is_kept_alive() {
    let limits = TransportLimits { ping: Duration::from_millis(50), ..TransportLimits::default() };
    let house = House::with(Transport::Tcp, limits).await;
    let (listener, path) = carrier().await;
    house.send(path, None, 1, b"x");
    let mut peer = accept(&listener).await;
    expect_bytes(&mut peer, b"x\r\n\r\n\r\n\r\n").await;
}

#[tokio::test]
async fn what_waits_for_a_connection_that_is_refused_comes_back() {
    let mut house = House::with(Transport::Tcp, TransportLimits::default()).await;
    let (listener, path) = carrier().await;
    drop(listener);
    for token in 1..=3 {
        house.send(path, None, token, b"x");
    }
    let mut back = Vec::new();
    for _ in 0..3 {
        match house.next().await {
            Heard::Undeliverable(token) => back.push(token),
            other => panic!("{other:?}"),
        }
    }
    back.sort_unstable();
    assert_eq!(back, [1, 2, 3]);
    until(|| house.transports.counters().connections_open() == 0).await;
}

#[tokio::test]
async fn what_asks_for_a_connection_that_is_gone_comes_back() {
    let mut house = House::with(Transport::Tcp, TransportLimits::default()).await;
    let mut peer = TcpStream::connect(house.address()).await.unwrap();
    peer.write_all(&options(1)).await.unwrap();
    let (from, ..) = house.message().await;
    drop(peer);
    match house.next().await {
        Heard::Closed(path) => assert_eq!(path, from),
        other => panic!("{other:?}"),
    }
    house.send(from, None, 8, b"answer");
    assert!(matches!(house.next().await, Heard::Undeliverable(8)));
    house.send(Path { connection: Some(ConnectionId(999)), ..from }, None, 9, b"answer");
    assert!(matches!(house.next().await, Heard::Undeliverable(9)));
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_closed_and_nothing_queued_is_forgotten() {
    let mut house = House::with(Transport::Tcp, TransportLimits::default()).await;
    let (listener, path) = carrier().await;
    let large = vec![b'x'; 60_000];
    house.send(path, None, 0, &large);
    let peer = accept(&listener).await;
    let mut sent = 0;
    while house.transports.counters().queue_overflows.read() == 0 {
        sent += 1;
        assert!(sent < 100_000, "the queue is bounded");
        house.send(path, None, sent, &large);
        if sent % 16 == 0 {
            tokio::task::yield_now().await;
        }
    }
    until(|| house.transports.counters().connections_open() == 0).await;
    let written = house.transports.counters().stream_messages_out.read();
    let mut back = Vec::new();
    while let Ok(heard) = house.heard.try_recv() {
        match heard {
            Heard::Undeliverable(token) => back.push(u64::from(token)),
            Heard::Closed(_) => {}
            other => panic!("{other:?}"),
        }
    }
    back.sort_unstable();
    // All from the one that was being written on; those before it had been taken by the system.
    assert_eq!(back, ((written - 1)..=u64::from(sent)).collect::<Vec<_>>());
    drop(peer);
}

#[tokio::test]
async fn a_write_without_progress_closes_the_connection() {
    let limits = TransportLimits { write: Duration::from_millis(50), ..TransportLimits::default() };
    let mut house = House::with(Transport::Tcp, limits).await;
    let (listener, path) = carrier().await;
    for token in 0..200 {
        house.send(path, None, token, &[b'x'; 60_000]);
    }
    let _peer = accept(&listener).await;
    assert!(matches!(house.next().await, Heard::Undeliverable(_)));
    until(|| house.transports.counters().connections_open() == 0).await;
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_closed_in_time() {
    let mut house = House::with(Transport::Tcp, short()).await;
    let mut silent = TcpStream::connect(house.address()).await.unwrap();
    let mut dripping = TcpStream::connect(house.address()).await.unwrap();
    dripping.write_all(b"OPTIONS sip:example.com SIP/2.0\r\n").await.unwrap();
    assert!(read_to_end(&mut silent).await.is_empty());
    assert!(read_to_end(&mut dripping).await.is_empty());
    until(|| house.transports.counters().connections_open() == 0).await;
    assert_eq!(house.transports.counters().half_open_closed.read(), 2);
    assert!(house.is_silent(), "nobody had heard of them");
}

#[tokio::test]
async fn with_the_house_full_of_silent_peers_the_oldest_gives_way_to_a_new_one() {
    let limits = TransportLimits { half_open_max: 2, ..TransportLimits::default() };
    let mut house = House::with(Transport::Tcp, limits).await;
    let mut silent = Vec::new();
    for count in 1..=2 {
        silent.push(TcpStream::connect(house.address()).await.unwrap());
        until(|| house.transports.counters().connections_open() == count).await;
    }
    let mut honest = TcpStream::connect(house.address()).await.unwrap();
    assert!(read_to_end(&mut silent[0]).await.is_empty());
    honest.write_all(&options(1)).await.unwrap();
    assert_eq!(number_of(&house.message().await.2), 1);
    assert_eq!(house.transports.counters().connections_open(), 2);
}

#[tokio::test]
async fn one_source_gets_no_more_than_its_share() {
    let limits = TransportLimits { connections_per_source: 2, ..TransportLimits::default() };
    let mut house = House::with(Transport::Tcp, limits).await;
    let mut kept = Vec::new();
    for number in 1..=2 {
        let mut peer = TcpStream::connect(house.address()).await.unwrap();
        peer.write_all(&options(number)).await.unwrap();
        house.message().await;
        kept.push(peer);
    }
    let mut third = TcpStream::connect(house.address()).await.unwrap();
    assert!(read_to_end(&mut third).await.is_empty());
    let other = tokio::net::TcpSocket::new_v4().unwrap();
    other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = other.connect(house.address()).await.unwrap();
    other.write_all(&options(3)).await.unwrap();
    assert_eq!(number_of(&house.message().await.2), 3);
    drop(kept.pop());
    assert!(matches!(house.next().await, Heard::Closed(_)));
    let mut again = TcpStream::connect(house.address()).await.unwrap();
    again.write_all(&options(4)).await.unwrap();
    assert_eq!(number_of(&house.message().await.2), 4);
}

#[tokio::test]
async fn a_stream_whose_framing_is_lost_is_told_and_closed() {
    let mut house = House::with(Transport::Tcp, TransportLimits::default()).await;
    let mut peer = TcpStream::connect(house.address()).await.unwrap();
    peer.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(matches!(house.next().await, Heard::Malformed(_)));
    assert!(read_to_end(&mut peer).await.is_empty());
}

#[tokio::test]
async fn a_ban_closes_what_the_source_has_open() {
    let mut house = House::with(Transport::Tcp, TransportLimits::default()).await;
    let mut peer = TcpStream::connect(house.address()).await.unwrap();
    peer.write_all(&options(1)).await.unwrap();
    house.message().await;
    house.transports.ban("127.0.0.1".parse().unwrap(), Duration::from_secs(60));
    assert!(read_to_end(&mut peer).await.is_empty());
    let mut again = TcpStream::connect(house.address()).await.unwrap();
    assert!(read_to_end(&mut again).await.is_empty());
    assert_eq!(house.transports.counters().banned_drops.read(), 1);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let limits = TransportLimits { idle: Duration::from_millis(500), ..TransportLimits::default() };
    let mut house = House::with(Transport::Tcp, limits).await;
    let mut peer = TcpStream::connect(house.address()).await.unwrap();
    peer.write_all(&options(1)).await.unwrap();
    house.message().await;
    assert!(matches!(house.next().await, Heard::Closed(_)));
    assert!(read_to_end(&mut peer).await.is_empty());
}

#[tokio::test]
async fn a_thousand_connections_broken_off_leave_no_connection_and_no_descriptor() {
    let house = House::with(Transport::Tcp, TransportLimits::default()).await;
    let before = descriptors();
    for number in 0..1_000 {
        let mut peer = TcpStream::connect(house.address()).await.unwrap();
        if number % 2 == 0 {
            peer.write_all(&options(number)).await.unwrap();
        }
        // Nothing lingers: the peer's end is a reset.
        socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
    }
    until(|| {
        let counters = house.transports.counters();
        counters.connections_opened.read() + counters.connections_refused.read() > 0 && counters.connections_open() == 0
    })
    .await;
    assert!(house.transports.shared.connections.is_empty());
    // Other tests of this process open and close some of their own beside it.
    until(|| descriptors() <= before + 100).await;
}

#[tokio::test]
async fn at_the_end_what_is_queued_is_still_written() {
    let house = House::with(Transport::Tcp, TransportLimits::default()).await;
    let (listener, path) = carrier().await;
    for number in 1..=20 {
        house.send(path, None, number, &options(number));
    }
    let mut peer = accept(&listener).await;
    house.transports.stop().await;
    let expected: Vec<u8> = (1..=20).flat_map(options).collect();
    assert_eq!(read_to_end(&mut peer).await, expected);
    assert_eq!(house.transports.counters().connections_open(), 0);
    let address = house.address();
    until(|| std::net::TcpStream::connect(address).is_err()).await;
}
