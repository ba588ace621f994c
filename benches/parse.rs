//! What it costs to read and write a message, beside the least that any parser must do. Prints a table; judges by the goals beside it.

// These see the world from outside: clocks and waiting are theirs.
#![allow(clippy::disallowed_methods)]

use offhook::protocol::sip::message::framer::Framer;
use offhook::protocol::sip::message::value::NameAddr;
use offhook::protocol::sip::message::{HeaderName, Message, Writer};
use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The best of several rounds, per turn: the machine is shared, and only the floor of its noise says something.
fn best(mut turn: impl FnMut()) -> Duration {
    let mut turns = 1;
    loop {
        let start = Instant::now();
        (0..turns).for_each(|_| turn());
        if start.elapsed() > Duration::from_millis(20) {
            break;
        }
        turns *= 2;
    }
    let rounds = (0..15).map(|_| {
        let start = Instant::now();
        (0..turns).for_each(|_| turn());
        start.elapsed() / turns
    });
    rounds.min().unwrap_or_default()
}

/// The least there is to do: find the lines, validate the text, keep a copy.
fn floor(bytes: &[u8]) {
    black_box(memchr::memchr_iter(b'\n', bytes).count());
    black_box(std::str::from_utf8(bytes).is_ok());
    black_box(Box::<[u8]>::from(bytes));
}

fn invite() -> Vec<u8> {
    let sdp = "v=0\r\no=- 3911 3911 IN IP4 198.51.100.20\r\ns=-\r\nc=IN IP4 198.51.100.20\r\nt=0 0\r\n\
        m=audio 21034 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
        a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";
    format!(
        "INVITE sip:+15550100@192.0.2.10:5060;user=phone SIP/2.0\r\n\
        Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK0a1b2c3d4e5f;rport\r\n\
        Record-Route: <sip:198.51.100.7;lr;ftag=gK0c5a>\r\n\
        Max-Forwards: 69\r\n\
        From: \"Example Caller\" <sip:+15550111@198.51.100.7;user=phone>;tag=gK0c5a\r\n\
        To: <sip:+15550100@192.0.2.10;user=phone>\r\n\
        Call-ID: 1894737_120938456@198.51.100.20\r\n\
        CSeq: 18234 INVITE\r\n\
        Contact: <sip:+15550111@198.51.100.20:5060>\r\n\
        Allow: INVITE,ACK,CANCEL,BYE,REGISTER,REFER,INFO,SUBSCRIBE,NOTIFY,PRACK,UPDATE,OPTIONS\r\n\
        Supported: timer,100rel,replaces\r\n\
        Session-Expires: 1800\r\nMin-SE: 90\r\n\
        P-Asserted-Identity: \"Example Caller\" <sip:+15550111@198.51.100.20>\r\n\
        Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    )
    .into_bytes()
}

const HEAD: &str = "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n\
    To: <sip:b@c>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n";

/// 64 KB of one kind of trouble.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let fill = |one: &str, before: &str, after: &str| -> Vec<u8> {
        let room = 65_000 - HEAD.len() - before.len() - after.len();
        format!("{HEAD}{before}{}{after}\r\n\r\n", one.repeat(room / one.len())).into_bytes()
    };
    vec![
        ("64 KB of headers, too many", fill("X: y\r\n", "", "Z: z")),
        ("64 KB in 500 headers", fill(&format!("Via: SIP/2.0/UDP h;branch={}\r\n", "b".repeat(103)), "", "Z: z")),
        ("64 KB folded header", fill("\r\n a", "Subject: x", "")),
        ("64 KB of commas", fill(",", "Contact: ", "")),
        ("64 KB of addresses", fill("<sip:a@b>,", "Contact: ", "<sip:a@b>")),
        ("64 KB of semicolons", fill(";", "Contact: <sip:a@b>", "")),
        ("64 KB of parameters", fill(";a=b", "Contact: <sip:a@b>", "")),
        ("64 KB of quotes", fill("\"\\\"", "Contact: ", "")),
        ("64 KB of opening brackets", fill("<", "Contact: ", "")),
        ("64 KB not UTF-8", {
            let mut bytes = fill("x", "Subject: ", "");
            bytes.iter_mut().skip(HEAD.len() + 9).take(64_000).for_each(|byte| *byte = 0xff);
            bytes
        }),
    ]
}

/// What the way of an INVITE asks of it.
fn read_typed(message: &Message) {
    black_box(message.check_request().is_ok());
    black_box((message.top_via().is_ok(), message.from_tag(), message.to_tag(), message.call_id()));
    black_box((message.cseq().is_ok(), message.contact().is_ok(), message.uri().is_ok()));
    let identity = message.values(HeaderName::PAssertedIdentity).next();
    black_box(identity.map(|value| NameAddr::parse(value, HeaderName::PAssertedIdentity).is_ok()));
}

fn write(message: &Message) {
    let mut writer = Writer::request("INVITE", "sip:+15550100@203.0.113.5;user=phone");
    for (name, _, value) in message.headers() {
        writer.header(name, value);
    }
    black_box(writer.finish_with("application/sdp", message.body()));
}

fn row(what: &str, bytes: usize, taken: Duration, least: Duration, goal: Duration) -> bool {
    let ratio = taken.as_secs_f64() / least.as_secs_f64();
    let verdict = if taken <= goal { "met" } else { "MISSED" };
    println!("{what:<30} {bytes:>6} B {taken:>10.1?} {least:>10.1?} {ratio:>8.1} {goal:>8.0?}  {verdict}");
    taken <= goal
}

fn main() {
    let invite = invite();
    let message = Message::parse(&invite).expect("the sample is a message");
    let source = SocketAddr::from(([198, 51, 100, 7], 5060));
    let small = Duration::from_micros(5);
    let least = best(|| floor(&invite));
    println!("{:<30} {:>8} {:>10} {:>10} {:>8} {:>8}", "what", "size", "taken", "floor", "ratio", "goal");
    let size = invite.len();
    let mut met = true;
    met &= row("INVITE, parsed", size, best(|| drop(black_box(Message::parse(&invite)))), least, small);
    met &= row(
        "INVITE, parsed and read",
        size,
        best(|| Message::parse(&invite).iter().for_each(read_typed)),
        least,
        small,
    );
    met &= row("INVITE, written", size, best(|| write(&message)), least, small);
    met &= row(
        "INVITE, answered 180",
        size,
        best(|| {
            black_box(Writer::reply(&message, source, 180, "Ringing", Some("t")).finish());
        }),
        least,
        small,
    );
    let big = Duration::from_millis(2);
    for (what, bytes) in hostile() {
        let least = best(|| floor(&bytes));
        let all = || {
            if let Ok(message) = Message::parse(&bytes) {
                read_typed(&message);
                black_box(message.values(HeaderName::Contact).count());
                black_box(message.print());
            }
        };
        met &= row(what, bytes.len(), best(all), least, big);
    }
    let stream =
        [HEAD.as_bytes(), &b"X: y\r\n".repeat(400), b"Content-Length: 60000\r\n\r\n", &[b'x'; 60_000]].concat();
    let least = best(|| floor(&stream));
    met &= row(
        "64 KB stream, byte by byte",
        stream.len(),
        best(|| {
            let mut framer = Framer::default();
            for byte in &stream {
                framer.push(std::slice::from_ref(byte));
                black_box(framer.poll().is_ok());
            }
        }),
        least,
        big,
    );
    std::process::exit(i32::from(!met));
}
