//! What a DTLS handshake with a browser costs at our end. Prints a table; judges by the goal of 0.6 ms of processor time.

// These see the world from outside: clocks and waiting are theirs.
#![allow(clippy::disallowed_methods)]

use offhook::edge::media::dtls::handshake::{Handshake, Identity};
use offhook::media::handshake::{HandshakeNews, HandshakeWish};
use std::sync::Arc;
use std::time::{Duration, Instant};

const GOAL: Duration = Duration::from_micros(600);
const ROUNDS: u32 = 15;
const HANDSHAKES: u32 = 40;

/// One side, and how long it has worked.
struct Side {
    handshake: Handshake,
    sent: Vec<Box<[u8]>>,
    is_keyed: bool,
    worked: Duration,
}

impl Side {
    fn begin(identity: &Arc<Identity>, wish: HandshakeWish, now: Instant) -> Side {
        let start = Instant::now();
        let handshake = Handshake::begin(identity, wish, now);
        Side { handshake, sent: Vec::new(), is_keyed: false, worked: start.elapsed() }
    }

    fn step(&mut self, now: Instant, datagram: Option<&[u8]>) {
        let mut news = Vec::new();
        let start = Instant::now();
        let stepped = self.handshake.step(now, datagram, &mut news);
        self.worked += start.elapsed();
        assert_eq!(stepped, Ok(()), "an honest handshake");
        for one in news {
            match one {
                HandshakeNews::Send(datagram) => self.sent.push(datagram),
                HandshakeNews::Keys(..) => self.is_keyed = true,
                HandshakeNews::Failed(fault) => panic!("{fault:?}"),
            }
        }
    }
}

/// The processor's time of the client and of the server.
fn handshake(browser: &Arc<Identity>, ours: &Arc<Identity>) -> (Duration, Duration) {
    let mut now = Instant::now();
    let of = |identity: &Identity| identity.certificates().0[0];
    let mut client = Side::begin(browser, HandshakeWish { peer: of(ours), is_client: true, certificate: 0 }, now);
    let mut server = Side::begin(ours, HandshakeWish { peer: of(browser), is_client: false, certificate: 0 }, now);
    client.step(now, None);
    for _ in 0..20 {
        now += Duration::from_millis(1);
        for datagram in std::mem::take(&mut client.sent) {
            server.step(now, Some(&datagram));
        }
        for datagram in std::mem::take(&mut server.sent) {
            client.step(now, Some(&datagram));
        }
        if client.is_keyed && server.is_keyed && client.sent.is_empty() {
            return (client.worked, server.worked);
        }
    }
    panic!("no keys");
}

fn main() {
    let (browser, ours) = (Identity::draw(), Identity::draw());
    let (Ok(browser), Ok(ours)) = (browser, ours) else { panic!("no certificates") };
    let (browser, ours) = (Arc::new(browser), Arc::new(ours));
    let (mut client, mut server) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let all = (0..HANDSHAKES).map(|_| handshake(&browser, &ours));
        let sums = all.fold((Duration::ZERO, Duration::ZERO), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        client = client.min(sums.0 / HANDSHAKES);
        server = server.min(sums.1 / HANDSHAKES);
    }
    let verdict = |took: Duration| if took <= GOAL { "within the goal" } else { "above the goal" };
    println!("a DTLS handshake, best of {ROUNDS} rounds of {HANDSHAKES}, goal {} us at our end", GOAL.as_micros());
    println!("we answer  {:>5} us  {}", server.as_micros(), verdict(server));
    println!("we begin   {:>5} us  {}", client.as_micros(), verdict(client));
}
