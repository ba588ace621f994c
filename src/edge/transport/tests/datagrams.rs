//! UDP.

use super::*;
use tokio::net::UdpSocket;

async fn peer(bind: &str) -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind(bind).await.expect("a peer's socket");
    let address = socket.local_addr().expect("bound");
    (socket, address)
}

#[tokio::test]
async fn a_datagram_comes_in_and_its_answer_leaves_from_the_same_socket() {
    for bind in ["127.0.0.1:0", "[::1]:0"] {
        let listener = listener(Transport::Udp, bind);
        let mut house = House::open(vec![listener], Trust::default(), TransportLimits::default()).await;
        let (socket, address) = peer(bind).await;
        socket.send_to(&options(7), house.address()).await.unwrap();
        let (from, names, message) = house.message().await;
        assert_eq!((from, number_of(&message)), (to(Transport::Udp, address), 7));
        assert!(names.is_empty());
        house.send(from, None, 1, b"SIP/2.0 200 OK\r\n\r\n");
        let mut buffer = [0; 100];
        let (length, remote) = timely(socket.recv_from(&mut buffer)).await.unwrap();
        assert_eq!((&buffer[..length], remote), (&b"SIP/2.0 200 OK\r\n\r\n"[..], house.address()));
    }
}

#[tokio::test]
async fn rubbish_is_told_and_keepalives_are_not_rubbish() {
    let mut house = House::with(Transport::Udp, TransportLimits::default()).await;
    let (socket, _) = peer("127.0.0.1:0").await;
    for datagram in [&b"\r\n\r\n"[..], b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl", b"rubbish\r\n\r\n"] {
        socket.send_to(datagram, house.address()).await.unwrap();
    }
    assert!(matches!(house.next().await, Heard::Malformed(ParseError::StartLine)));
    assert_eq!(house.transports.counters().keepalives.read(), 2);
}

#[tokio::test]
async fn a_banned_source_is_not_heard_and_others_are() {
    let mut house = House::with(Transport::Udp, TransportLimits::default()).await;
    let scanner = UdpSocket::bind("127.0.0.2:0").await.unwrap();
    let (honest, _) = peer("127.0.0.1:0").await;
    house.transports.ban("127.0.0.2".parse().unwrap(), Duration::from_secs(60));
    scanner.send_to(&options(1), house.address()).await.unwrap();
    honest.send_to(&options(2), house.address()).await.unwrap();
    assert_eq!(number_of(&house.message().await.2), 2);
    assert_eq!(house.transports.counters().banned_drops.read(), 1);
    assert!(house.is_silent());
}

#[tokio::test]
async fn a_datagram_that_no_socket_can_send_is_undeliverable() {
    let mut house = House::with(Transport::Udp, TransportLimits::default()).await;
    house.send(to(Transport::Udp, "[::1]:5060".parse().unwrap()), None, 4, b"x");
    assert!(matches!(house.next().await, Heard::Undeliverable(4)));
    let unknown = Path { listener: ListenerId(9), ..to(Transport::Udp, house.address()) };
    house.send(unknown, None, 5, b"x");
    assert!(matches!(house.next().await, Heard::Undeliverable(5)));
}

#[tokio::test]
async fn from_a_stream_listener_datagrams_leave_by_the_profiles_datagram_socket() {
    let listeners = vec![
        listener(Transport::Tcp, "127.0.0.1:0"),
        listener(Transport::Udp, "[::1]:0"),
        listener(Transport::Udp, "127.0.0.1:0"),
    ];
    let house = House::open(listeners, Trust::default(), TransportLimits::default()).await;
    let (socket, address) = peer("127.0.0.1:0").await;
    house.send(to(Transport::Udp, address), None, 1, b"hello");
    let mut buffer = [0; 100];
    let (_, from) = timely(socket.recv_from(&mut buffer)).await.unwrap();
    assert_eq!(Some(from), house.transports.address(ListenerId(2)));
}

#[tokio::test]
async fn two_listeners_on_one_place_open_neither_and_the_error_names_the_place() {
    let taken = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let place = taken.local_addr().unwrap().to_string();
    let listeners = vec![listener(Transport::Tcp, &place), listener(Transport::Udp, &place)];
    let error = House::try_open(listeners, Trust::default(), TransportLimits::default()).await.err().unwrap();
    assert_eq!(error.listener, format!("profile carrier, udp {place}"));
    tokio::net::TcpListener::bind(&place).await.expect("the first was let go again");
}

#[tokio::test]
async fn every_loop_shows_life_and_an_idle_house_is_not_late() {
    let listeners = vec![listener(Transport::Udp, "127.0.0.1:0"), listener(Transport::Tcp, "127.0.0.1:0")];
    let house = House::open(listeners, Trust::default(), TransportLimits::default()).await;
    let started = Instant::now();
    until(|| {
        let progress = house.transports.progress();
        progress.len() == 2 && progress.iter().all(|(_, at)| *at > started)
    })
    .await;
    assert!(started.elapsed() < Duration::from_secs(2));
    until(|| house.transports.lateness() < Duration::from_millis(100)).await;
}

#[tokio::test]
async fn a_reload_opens_and_closes_places_and_leaves_the_others_alone() {
    let (old, new) = (peer("127.0.0.1:0").await.1.to_string(), peer("127.0.0.1:0").await.1.to_string());
    let kept = peer("127.0.0.1:0").await.1.to_string();
    let udp = |place: &str| listener(Transport::Udp, place);
    let mut house = House::open(vec![udp(&old), udp(&kept)], Trust::default(), TransportLimits::default()).await;
    let report = house.transports.reload(profiles(vec![udp(&kept), udp(&new)]), Trust::default()).unwrap();
    assert_eq!(report.added, [format!("profile carrier, udp {new}")]);
    assert_eq!(report.removed, [format!("profile carrier, udp {old}")]);
    assert_eq!(report.kept, [format!("profile carrier, udp {kept}")]);
    let (socket, _) = peer("127.0.0.1:0").await;
    socket.send_to(&options(1), &kept).await.unwrap();
    assert_eq!(house.message().await.0.listener, ListenerId(0));
    socket.send_to(&options(2), &new).await.unwrap();
    assert_eq!(house.message().await.0.listener, ListenerId(1));
    let free = || std::net::UdpSocket::bind(&old).is_ok();
    until(free).await;

    let faulty = vec![udp(&new), udp(&new)];
    assert!(house.transports.reload(profiles(faulty), Trust::default()).is_err());
    assert_eq!(house.transports.address(ListenerId(0)), Some(kept.parse().unwrap()));
}

#[tokio::test]
async fn a_number_without_a_listener_leads_nowhere_and_the_others_keep_theirs() {
    let (gone, kept) = (peer("127.0.0.1:0").await.1.to_string(), peer("127.0.0.1:0").await.1.to_string());
    let udp = |place: &str| listener(Transport::Udp, place);
    let mut house = House::open(vec![udp(&gone), udp(&kept)], Trust::default(), TransportLimits::default()).await;
    let mut next = (*profiles(vec![udp(&kept)])).clone();
    next.listeners.insert(0, (u16::MAX, u16::MAX));
    house.transports.reload(Arc::new(next), Trust::default()).unwrap();
    assert_eq!(house.transports.address(ListenerId(0)), None);
    assert_eq!(house.transports.address(ListenerId(1)), Some(kept.parse().unwrap()));
    let (socket, _) = peer("127.0.0.1:0").await;
    socket.send_to(&options(1), &kept).await.unwrap();
    assert_eq!(house.message().await.0.listener, ListenerId(1));
}
