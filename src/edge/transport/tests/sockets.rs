//! WebSocket.

use super::*;
use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Chunk;
use tokio_tungstenite::tungstenite::protocol::Role;

const ORIGIN: &str = "https://phone.example.com";

async fn house(limits: TransportLimits) -> House {
    let listener = Listener { origins: vec![ORIGIN.into()], ..listener(Transport::Ws, "127.0.0.1:0") };
    House::open(vec![listener], Trust::default(), limits).await
}

fn request(more: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: example.com\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

fn good() -> String {
    request(&format!("Sec-WebSocket-Version: 13\r\nOrigin: {ORIGIN}\r\nSec-WebSocket-Protocol: chat, sip\r\n"))
}

async fn shake(house: &House) -> TcpStream {
    let mut stream = TcpStream::connect(house.address()).await.unwrap();
    stream.write_all(good().as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timely(stream.read_u8()).await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    // The accept value of RFC 6455 1.3.
    assert!(head.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
    assert!(head.contains("\r\nSec-WebSocket-Protocol: sip\r\n"), "{head}");
    stream
}

async fn phone(house: &House) -> WebSocketStream<TcpStream> {
    WebSocketStream::from_raw_socket(shake(house).await, Role::Client, None).await
}

#[tokio::test]
async fn a_phone_sends_and_hears_whole_messages_as_text_or_binary() {
    let mut house = house(TransportLimits::default()).await;
    let mut phone = phone(&house).await;
    phone.send(Chunk::binary(options(1))).await.unwrap();
    house.message().await;
    phone.send(Chunk::text(String::from_utf8(options(2)).unwrap())).await.unwrap();
    let (from, _, message) = house.message().await;
    assert_eq!((number_of(&message), from.transport), (2, Transport::Ws));
    house.send(from, None, 1, b"answer");
    assert_eq!(timely(phone.next()).await.unwrap().unwrap(), Chunk::text("answer"));
    house.send(Path { connection: None, ..from }, None, 2, b"caf\xe9");
    assert_eq!(timely(phone.next()).await.unwrap().unwrap(), Chunk::binary(&b"caf\xe9"[..]));
    phone.close(None).await.unwrap();
    assert!(matches!(house.next().await, Heard::Closed(path) if path == from));
    house.send(Path { connection: None, ..from }, None, 3, b"late");
    assert!(matches!(house.next().await, Heard::Undeliverable(3)), "we never call a browser");
}

#[tokio::test]
async fn keepalives_of_either_kind_are_answered_and_a_silent_phone_is_asked() {
    let limits = TransportLimits { ping: Duration::from_millis(400), ..TransportLimits::default() };
    let house = house(limits).await;
    let mut phone = phone(&house).await;
    phone.send(Chunk::Ping("a".into())).await.unwrap();
    assert_eq!(timely(phone.next()).await.unwrap().unwrap(), Chunk::Pong("a".into()));
    phone.send(Chunk::text("\r\n\r\n")).await.unwrap();
    assert_eq!(timely(phone.next()).await.unwrap().unwrap(), Chunk::text("\r\n"));
    assert_eq!(timely(phone.next()).await.unwrap().unwrap(), Chunk::Ping(Bytes::new()));
    drop(phone);
    until(|| house.transports.counters().connections_open() == 0).await;
}

#[tokio::test]
async fn a_phone_that_answers_no_ping_is_closed() {
    let limits = TransportLimits { ping: Duration::from_millis(400), ..TransportLimits::default() };
    let mut house = house(limits).await;
    let mut stream = shake(&house).await;
    let mut masked = WebSocketStream::from_raw_socket(&mut stream, Role::Client, None).await;
    masked.send(Chunk::binary(options(1))).await.unwrap();
    drop(masked);
    house.message().await;
    assert!(matches!(house.next().await, Heard::Closed(_)));
}

#[tokio::test]
async fn refusals_say_why_and_close() {
    let house = house(TransportLimits::default()).await;
    let origin = format!("Origin: {ORIGIN}\r\n");
    let cases = [
        (
            request("Sec-WebSocket-Version: 13\r\nOrigin: https://evil.example\r\nSec-WebSocket-Protocol: sip\r\n"),
            "403",
        ),
        (request("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n"), "403"),
        (request(&format!("{origin}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: xmpp\r\n")), "400"),
        (request(&format!("{origin}Sec-WebSocket-Version: 13\r\n")), "400"),
        (request(&format!("{origin}Sec-WebSocket-Version: 8\r\nSec-WebSocket-Protocol: sip\r\n")), "426"),
        (good().replace("dGhlIHNhbXBsZSBub25jZQ==", "short"), "400"),
        (good().replace("Origin:", "Sec-WebSocket-Version: 13\r\nOrigin:"), "400"),
        ("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n".into(), "400"),
        ("POST /ws HTTP/1.1\r\n\r\n".into(), "400"),
        (format!("GET / HTTP/1.1\r\nCookie: {}\r\n\r\n", "x".repeat(9_000)), "400"),
    ];
    for (request, status) in &cases {
        let mut stream = TcpStream::connect(house.address()).await.unwrap();
        let _cut = stream.write_all(request.as_bytes()).await;
        let answer = String::from_utf8(read_to_end(&mut stream).await).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        assert!(answer.len() < 250, "{answer}");
    }
    until(|| house.transports.counters().connections_open() == 0).await;
    assert_eq!(house.transports.counters().websocket_refusals.read(), 10);
}

#[tokio::test]
async fn a_handshake_drop_by_drop_is_given_up() {
    let house = house(short()).await;
    let mut stream = TcpStream::connect(house.address()).await.unwrap();
    stream.write_all(b"GET /ws HTTP/1.1\r\nHost:").await.unwrap();
    assert!(read_to_end(&mut stream).await.is_empty());
    until(|| house.transports.counters().connections_open() == 0).await;
    assert_eq!(house.transports.counters().half_open_closed.read(), 1);
}

#[tokio::test]
async fn frames_beyond_all_bounds_end_the_connection() {
    let mut house = house(TransportLimits::default()).await;
    let beyond: [&[u8]; 5] = [
        // A length of 2^63 and of 2^64-1, then one that is just too long.
        &[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],
        &[0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4],
        &[0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4],
        // Not masked; a continuation of nothing.
        &[0x82, 0x02, b'h', b'i'],
        &[0x80, 0x82, 0, 0, 0, 0, b'h', b'i'],
    ];
    for frame in beyond {
        let mut stream = shake(&house).await;
        stream.write_all(frame).await.unwrap();
        read_to_end(&mut stream).await;
        assert!(matches!(house.next().await, Heard::Malformed(_)), "{frame:?}");
    }
    until(|| house.transports.counters().connections_open() == 0).await;
}

#[tokio::test]
async fn fragments_without_end_are_cut_off() {
    let mut house = house(TransportLimits::default()).await;
    let mut stream = shake(&house).await;
    let mut fragment = vec![0x00, 0xfe, 0x10, 0x00, 0, 0, 0, 0];
    fragment.extend([b'x'; 4_096]);
    let mut sent = 0;
    fragment[0] = 0x02;
    while stream.write_all(&fragment).await.is_ok() {
        fragment[0] = 0x00;
        sent += 1;
        assert!(sent < 10_000, "the message is bounded");
    }
    assert!(matches!(house.next().await, Heard::Malformed(ParseError::TooLong)));
}

#[tokio::test]
async fn empty_fragments_without_end_do_not_pass_for_a_first_message() {
    let limits = TransportLimits { first_message: Duration::from_secs(1), ..TransportLimits::default() };
    let house = house(limits).await;
    let mut stream = shake(&house).await;
    stream.write_all(&[0x02, 0x80, 0, 0, 0, 0]).await.unwrap();
    while stream.write_all(&[0x00, 0x80, 0, 0, 0, 0]).await.is_ok() {
        tokio::task::yield_now().await;
    }
    until(|| house.transports.counters().connections_open() == 0).await;
    assert_eq!(house.transports.counters().half_open_closed.read(), 1);
}

#[tokio::test]
async fn a_message_that_is_none_leaves_the_socket_open_for_the_next() {
    let mut house = house(TransportLimits::default()).await;
    let mut phone = phone(&house).await;
    phone.send(Chunk::text("hello")).await.unwrap();
    assert!(matches!(house.next().await, Heard::Malformed(_)));
    phone.send(Chunk::binary(options(1))).await.unwrap();
    assert_eq!(number_of(&house.message().await.2), 1);
}

#[tokio::test]
async fn phones_whose_network_breaks_leave_nothing() {
    let house = house(TransportLimits::default()).await;
    for _ in 0..200 {
        let stream = shake(&house).await;
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
    until(|| house.transports.counters().connections_open() == 0).await;
    assert!(house.transports.shared.connections.is_empty());
}
