//! A stream whose peer is a browser: nothing goes out before it has proven where it is and given its keys.

use super::world::*;
use crate::media::command::{Command, SrtpKeys, StreamPlan};
use crate::media::event::Event;
use crate::media::handshake::{HandshakeFault, HandshakeNews, HandshakeOrder, HandshakeWish, WebRtc};
use crate::protocol::ice::credentials::Credentials;
use crate::protocol::ice::responder::Terms;
use crate::protocol::ice::stun::{Class, Message};
use crate::protocol::ice::write::{self, Check};
use crate::protocol::rtp::srtp::{SrtpReceiver, SrtpSender};
use crate::protocol::rtp::suite::Suite;
use crate::protocol::sdp::fingerprint::Fingerprint;
use std::time::Duration;

const PASSWORD: &str = "a-password-is-no-letter";
const LETTERS: &str = "AbcdefghijklmnopqrstuvWX";
const SUITE: Suite = Suite::AeadAes128Gcm;
const HELLO: [u8; 20] = [22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 1, 0, 0, 0, 0, 0, 0];

fn wish(peer: u8, is_client: bool) -> HandshakeWish {
    HandshakeWish { peer: Fingerprint([peer; 32]), is_client, certificate: 0 }
}

fn browser(wish: HandshakeWish) -> StreamPlan {
    let own = Credentials::described("ours", LETTERS).expect("credentials");
    let terms = Terms { own, peer: "them".into() };
    let webrtc = Some(Box::new(WebRtc { terms, wish }));
    StreamPlan { remote: None, remote_rtcp: None, rtcp_mux: true, webrtc, ..plan(ALICE) }
}

fn check(password: &str, use_candidate: bool) -> Vec<u8> {
    let mut room = [0; 256];
    let check = Check {
        transaction: [9; 12],
        username: "ours:them",
        password,
        priority: 1,
        use_candidate,
        is_controlling: true,
    };
    let length = write::check(&mut room, &check).expect("room");
    room[..length].to_vec()
}

/// The first is a browser, the second a plain telephone.
fn world(wish: HandshakeWish) -> World {
    World::of_two(browser(wish), plan(BOB))
}

fn keys() -> SrtpKeys {
    let key = |byte: u8| vec![byte; SUITE.key_bytes() + SUITE.salt_bytes()].into_boxed_slice();
    SrtpKeys { suite: SUITE, ours: key(1), theirs: key(2) }
}

fn give_keys(world: &mut World, wish: HandshakeWish) {
    world.tell(Command::Handshake { stream: stream(A), news: HandshakeNews::Keys(wish, Box::new(keys())) });
}

/// What leaves when the telephone says something.
struct Telephone(Talker);

impl Telephone {
    fn new() -> Telephone {
        Telephone(Talker::new(5, 0))
    }

    fn speaks(&mut self, world: &mut World) -> Option<Left> {
        world.comes(B, BOB, &self.0.packet(&[0xff; 160]))
    }
}

#[test]
fn a_browser_is_heard_and_spoken_to_after_check_and_handshake_and_not_before() {
    let mut world = world(wish(1, false));
    let mut bob = Telephone::new();
    let mut sender = SrtpSender::new(SUITE, &keys().theirs).expect("sender");
    let mut protected = Talker::new(9, 0).packet(&[0x55; 160]);
    let plain = protected.clone();
    protected.resize(plain.len() + 64, 0);
    let length = sender.protect(&mut protected, plain.len()).expect("protected");
    protected.truncate(length);

    assert_eq!(world.comes(A, ALICE, &HELLO), None);
    assert_eq!(world.comes(A, ALICE, &protected), None);
    assert_eq!((world.orders.len(), bob.speaks(&mut world)), (0, None), "nothing is proven yet");

    let answer = world.comes(A, ALICE, &check(LETTERS, true)).expect("an answer");
    let message = Message::parse(&answer.bytes).expect("STUN");
    assert_eq!((message.class, answer.to), (Class::Success, address(ALICE)));
    assert!(message.is_authentic(LETTERS.as_bytes()));
    assert_eq!((bob.speaks(&mut world), world.comes(A, ALICE, &plain)), (None, None), "there are no keys yet");

    assert_eq!(world.comes(A, ALICE, &HELLO), None);
    let order = HandshakeOrder::Go { stream: stream(A), wish: wish(1, false), datagram: Some(HELLO.as_slice().into()) };
    assert_eq!(world.orders, [order]);
    world.tell(Command::Handshake { stream: stream(A), news: HandshakeNews::Send(HELLO.as_slice().into()) });
    assert_eq!(world.made.last().map(|left| (left.to, left.bytes.clone())), Some((address(ALICE), HELLO.to_vec())));

    give_keys(&mut world, wish(1, false));
    let mut sent = bob.speaks(&mut world).expect("it goes to the browser");
    assert_eq!(sent.to, address(ALICE));
    let mut receiver = SrtpReceiver::new(SUITE, &keys().ours).expect("receiver");
    let length = receiver.unprotect(&mut sent.bytes).expect("protected by our key");
    assert_eq!(&sent.bytes[12..length], &[0xff; 160]);
    let heard = world.comes(A, ALICE, &protected).expect("it goes to the telephone");
    assert_eq!((heard.to, heard.payload()), (address(BOB), &[0x55; 160][..]));
    assert_eq!(world.comes(A, ALICE, &protected), None, "a repeated packet is nothing");
    assert_eq!(world.comes(A, STRANGER, &protected), None);
}

#[test]
fn strangers_get_nothing_and_cost_nothing() {
    let mut world = world(wish(1, false));
    assert_eq!(
        world.comes(A, STRANGER, &check("wrong-password-of-a-stranger", true)).map(|left| left.bytes.len() < 100),
        Some(true)
    );
    for bytes in
        [&HELLO[..], &[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], PASSWORD.as_bytes()]
    {
        assert_eq!(world.comes(A, STRANGER, bytes), None);
    }
    world.comes(A, ALICE, &check(LETTERS, true)).expect("the honest one is answered");
    for _ in 0..1_000 {
        assert_eq!(world.comes(A, STRANGER, &HELLO), None);
    }
    assert_eq!((world.orders.len(), world.made.len()), (0, 0));
    world.comes(A, ALICE, &HELLO);
    assert_eq!(world.orders.len(), 1, "the honest hello still gets through");
    let counters = world.worker.counters();
    assert_eq!((counters.checks, counters.checks_refused.iter().sum::<u64>()), (1, 2));
    assert_eq!(counters.refused(crate::media::counters::Refusal::Dtls), 1_001);
}

#[test]
fn a_proven_peer_cannot_flood_whoever_performs_handshakes() {
    let mut world = world(wish(1, false));
    world.comes(A, ALICE, &check(LETTERS, true)).expect("an answer");
    (0..10_000).for_each(|_| assert_eq!(world.comes(A, ALICE, &HELLO), None));
    assert!(world.orders.len() <= 256, "{}", world.orders.len());
}

#[test]
fn where_the_peer_waits_we_begin_once_it_has_chosen_its_way() {
    let mut world = world(wish(1, true));
    world.comes(A, ALICE, &check(LETTERS, false)).expect("an answer");
    assert_eq!(world.orders, []);
    world.comes(A, ALICE, &check(LETTERS, true)).expect("an answer");
    assert_eq!(world.orders, [HandshakeOrder::Go { stream: stream(A), wish: wish(1, true), datagram: None }]);
    give_keys(&mut world, wish(1, true));
    world.comes(A, ALICE, &check(LETTERS, true)).expect("an answer");
    assert_eq!(world.orders.len(), 1, "it is over");
}

#[test]
fn keys_hold_through_a_repeated_plan_and_not_for_another_peer() {
    let mut world = world(wish(1, false));
    let mut bob = Telephone::new();
    world.comes(A, ALICE, &check(LETTERS, true)).expect("an answer");
    give_keys(&mut world, wish(1, false));
    world.plan(A, browser(wish(1, false)));
    assert!(bob.speaks(&mut world).is_some());
    world.plan(A, browser(wish(2, false)));
    assert_eq!(bob.speaks(&mut world), None);
    give_keys(&mut world, wish(1, false));
    assert_eq!(bob.speaks(&mut world), None, "keys of the one before");
    give_keys(&mut world, wish(2, false));
    assert!(bob.speaks(&mut world).is_some());
}

#[test]
fn without_renewed_consent_nothing_is_sent_any_more() {
    let mut world = world(wish(1, false));
    let mut bob = Telephone::new();
    world.comes(A, ALICE, &check(LETTERS, true)).expect("an answer");
    give_keys(&mut world, wish(1, false));
    for _ in 0..6 {
        world.pass(Duration::from_secs(10));
        world.comes(A, ALICE, &check(LETTERS, false)).expect("an answer");
    }
    assert!(bob.speaks(&mut world).is_some());
    world.pass(Duration::from_secs(31));
    assert!(world.events.contains(&Event::ConsentLost { stream: stream(A) }));
    assert_eq!((bob.speaks(&mut world), world.worker.counters().consents_lost), (None, 1));
    world.comes(A, "192.0.2.1:4444", &check(LETTERS, true)).expect("it is back, from another port");
    assert_eq!(bob.speaks(&mut world).map(|left| left.to), Some(address("192.0.2.1:4444")));
}

#[test]
fn a_failed_handshake_is_told_and_the_end_of_a_stream_ends_its_handshake() {
    let mut world = world(wish(1, false));
    let mut bob = Telephone::new();
    let fault = HandshakeFault::Fingerprint;
    world.tell(Command::Handshake { stream: stream(A), news: HandshakeNews::Failed(fault) });
    assert_eq!(world.events, [Event::NotSecured { stream: stream(A), fault }]);
    assert_eq!(bob.speaks(&mut world), None);
    world.tell(Command::Close { stream: stream(A) });
    assert_eq!(world.orders, [HandshakeOrder::End { stream: stream(A) }]);
    give_keys(&mut world, wish(1, false));
}
