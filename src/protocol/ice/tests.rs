//! The reader and writer against RFC 5769, and the responder against peers, strangers and time.

use super::credentials::Credentials;
use super::responder::{CONSENT, Refused, Responder, Terms};
use super::stun::{Class, Message, Role, StunFault};
use super::write::{self, Check, ROOM};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

#[path = "../../../fuzz/properties/stun.rs"]
mod stun;

#[test]
fn seeds_of_stun_hold() {
    crate::replay::replay("stun", stun::hold);
}

const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";
const TRANSACTION: [u8; 12] = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];
/// RFC 5769 2.1
const SAMPLE: &str = "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff\
    80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2\
    80280004e57a3bcf";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn the_sample_request_of_rfc_5769_is_read_and_proven() {
    let sample = bytes(SAMPLE);
    let message = Message::parse(&sample).expect("a message");
    assert_eq!((message.class, message.transaction), (Class::Request, TRANSACTION));
    assert_eq!(message.username, Some(&b"evtj:h6vY"[..]));
    assert_eq!((message.priority, message.role), (Some(0x6e00_01ff), Some(Role::Controlled)));
    assert!(message.is_authentic(PASSWORD.as_bytes()) && !message.is_authentic(b"VOkJxbRl1RmTxUk/WvJxBT"));
}

#[test]
fn any_changed_bit_of_a_signed_message_is_noticed() {
    let sample = bytes(SAMPLE);
    // The fingerprint behind the signature proves nothing.
    for bit in 0..(sample.len() - 8) * 8 {
        let mut changed = sample.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let proven = Message::parse(&changed).is_ok_and(|message| message.is_authentic(PASSWORD.as_bytes()));
        assert!(!proven, "bit {bit}");
    }
}

#[test]
fn what_is_cut_or_stretched_is_broken() {
    let sample = bytes(SAMPLE);
    for length in 0..sample.len() {
        assert_eq!(Message::parse(&sample[..length]), Err(StunFault::Broken), "{length}");
    }
    assert_eq!(Message::parse(&[&sample[..], &[0; 4]].concat()), Err(StunFault::Broken));
    let mut endless = [&[0, 1, 4, 0][..], &[0x21, 0x12, 0xa4, 0x42], &[0; 12]].concat();
    endless.extend([0x80, 0x22, 0, 0].repeat(256));
    assert_eq!(Message::parse(&endless), Err(StunFault::Broken), "more attributes than anybody sends");
}

#[test]
fn an_answer_is_what_rfc_5769_shows_apart_from_its_software() {
    for (seen, attribute) in [
        ("192.0.2.1:32853", "002000080001a147e112a643"),
        ("[2001:db8:1234:5678:11:2233:4455:6677]:32853", "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"),
    ] {
        let mut room = [0; ROOM];
        let length = write::success(&mut room, &TRANSACTION, seen.parse().unwrap(), PASSWORD).expect("room");
        let message = Message::parse(&room[..length]).expect("a message");
        assert_eq!((message.class, message.transaction), (Class::Success, TRANSACTION));
        assert!(message.is_authentic(PASSWORD.as_bytes()));
        let attribute = bytes(attribute);
        assert!(room.windows(attribute.len()).any(|part| part == attribute), "{seen}");
        assert_eq!(write::success(&mut room[..length - 1], &TRANSACTION, seen.parse().unwrap(), PASSWORD), None);
    }
}

struct World {
    start: Instant,
    responder: Responder,
}

#[derive(Clone, Copy)]
struct Says<'a> {
    username: &'a str,
    password: &'a str,
    priority: u32,
    chooses: bool,
    is_controlling: bool,
}

const HONEST: Says<'_> =
    Says { username: "ours:them", password: PASSWORD, priority: 100, chooses: true, is_controlling: true };

fn terms(own: &str, peer: &str) -> Terms {
    Terms { own: Credentials::described(own, PASSWORD).expect("credentials"), peer: peer.into() }
}

fn world() -> World {
    World { start: Instant::now(), responder: Responder::new(terms("ours", "them")) }
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

const HOME: &str = "192.0.2.7:5000";
const MOBILE: &str = "198.51.100.7:6000";

impl World {
    /// What was made of a check, and the class of the answer.
    fn check(&mut self, millis: u64, from: &str, says: Says<'_>) -> (Result<(), Refused>, Option<Class>) {
        let mut request = [0; 256];
        let check = Check {
            transaction: TRANSACTION,
            username: says.username,
            password: says.password,
            priority: says.priority,
            use_candidate: says.chooses,
            is_controlling: says.is_controlling,
        };
        let length = write::check(&mut request, &check).expect("room");
        let mut room = [0; ROOM];
        let now = self.start + Duration::from_millis(millis);
        let checked = self.responder.take(now, at(from), &request[..length], &mut room);
        let answer = checked.answer.map(|length| Message::parse(&room[..length]).expect("an answer").class);
        (checked.outcome, answer)
    }

    fn expire(&mut self, after: Duration) -> bool {
        self.responder.expire(self.start + after)
    }
}

#[test]
fn a_check_of_the_peer_proves_its_address_and_chooses_it() {
    let mut world = world();
    let listening = Says { chooses: false, ..HONEST };
    assert_eq!(world.check(0, HOME, listening), (Ok(()), Some(Class::Success)));
    assert!(world.responder.is_proven(at(HOME)) && !world.responder.is_proven(at(MOBILE)));
    assert_eq!(world.responder.chosen(), None);
    assert_eq!(world.check(1, HOME, HONEST), (Ok(()), Some(Class::Success)));
    assert_eq!(world.responder.chosen(), Some(at(HOME)));
}

#[test]
fn strangers_are_not_answered_and_wrong_passwords_prove_nothing() {
    let mut world = world();
    let wrong = "wrong-password-of-somebody";
    for (says, refused, answer) in [
        (Says { username: "ours:else", ..HONEST }, Refused::Stranger, None),
        (Says { username: "other:them", ..HONEST }, Refused::Stranger, None),
        (Says { username: "ours", ..HONEST }, Refused::Stranger, None),
        (Says { username: "", ..HONEST }, Refused::Stranger, None),
        (Says { password: wrong, ..HONEST }, Refused::Credentials, Some(Class::Error)),
        (Says { is_controlling: false, ..HONEST }, Refused::Unacceptable, Some(Class::Error)),
    ] {
        assert_eq!(world.check(0, HOME, says), (Err(refused), answer));
        assert!(!world.responder.is_proven(at(HOME)) && world.responder.chosen().is_none());
    }
    let mut room = [0; ROOM];
    for (bytes, refused) in
        [(&bytes("000100002112a442b7e7a701bc34d686fa87dfae")[..], Refused::Stranger), (b"junk", Refused::Broken)]
    {
        let checked = world.responder.take(world.start, at(HOME), bytes, &mut room);
        assert_eq!((checked.answer, checked.outcome), (None, Err(refused)));
    }
}

#[test]
fn an_answer_to_nothing_is_refused() {
    let mut world = world();
    let mut success = [0; ROOM];
    let length = write::success(&mut success, &TRANSACTION, at(HOME), PASSWORD).expect("room");
    let checked = world.responder.take(world.start, at(HOME), &success[..length], &mut [0; ROOM]);
    assert_eq!((checked.answer, checked.outcome), (None, Err(Refused::NotAsked)));
}

#[test]
fn consent_ends_half_a_minute_after_the_last_check() {
    let mut world = world();
    world.check(0, HOME, HONEST).0.expect("taken");
    world.check(20_000, HOME, Says { chooses: false, ..HONEST }).0.expect("taken");
    assert!(!world.expire(CONSENT), "the second check keeps it");
    assert_eq!(world.responder.chosen(), Some(at(HOME)));
    assert!(world.expire(CONSENT + Duration::from_secs(20)));
    assert_eq!((world.responder.chosen(), world.responder.is_proven(at(HOME))), (None, false));
    assert_eq!(world.responder.deadline(), None);
    world.check(60_000, HOME, HONEST).0.expect("taken");
    assert_eq!(world.responder.chosen(), Some(at(HOME)), "it may come back");
}

#[test]
fn a_peer_that_changes_its_network_is_followed() {
    let mut world = world();
    world.check(0, HOME, HONEST).0.expect("taken");
    world.check(100, MOBILE, Says { priority: 50, ..HONEST }).0.expect("taken");
    assert_eq!(world.responder.chosen(), Some(at(HOME)), "the better of two that are chosen at once");
    world.check(5_000, MOBILE, Says { priority: 50, ..HONEST }).0.expect("taken");
    assert_eq!(world.responder.chosen(), Some(at(MOBILE)), "the old way is chosen no more");
    world.check(5_100, HOME, HONEST).0.expect("taken");
    assert_eq!(world.responder.chosen(), Some(at(HOME)), "the better one is back");
}

#[test]
fn after_a_restart_the_old_terms_hold_until_a_way_is_chosen() {
    let mut world = world();
    world.check(0, HOME, HONEST).0.expect("taken");
    world.responder.agree(&terms("anew", "also"));
    assert_eq!(world.check(10, HOME, HONEST).0, Ok(()));
    let anew = Says { username: "anew:also", ..HONEST };
    assert_eq!(world.check(20, MOBILE, anew).0, Ok(()));
    assert_eq!(world.responder.chosen(), Some(at(MOBILE)));
    assert_eq!(world.check(30, HOME, HONEST).0, Err(Refused::Stranger));
}

#[test]
fn no_more_ways_are_kept_than_a_peer_can_need() {
    let mut world = world();
    world.check(0, HOME, HONEST).0.expect("taken");
    for port in 0..100 {
        let says = Says { chooses: false, ..HONEST };
        world.check(port, &format!("192.0.2.9:{}", 1_000 + port), says).0.expect("taken");
    }
    let proven = (0..100).filter(|port| world.responder.is_proven(at(&format!("192.0.2.9:{}", 1_000 + port)))).count();
    assert_eq!((proven, world.responder.is_proven(at(HOME))), (7, true));
}
