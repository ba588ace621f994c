//! RTCP of a stream, and streams under SRTP.

use super::world::*;
use crate::media::command::{Command, Learning, SrtpKeys, StreamPlan};
use crate::media::event::{Event, Quality};
use crate::media::transmit::SocketId;
use crate::protocol::audio::codec::Codec;
use crate::protocol::audio::g711::encode_ulaw;
use crate::protocol::audio::testing::speech;
use crate::protocol::rtp::rtcp::ReportBlock;
use crate::protocol::rtp::rtcp::read::{Packet, read};
use crate::protocol::rtp::rtcp::write::Compound;
use crate::protocol::rtp::srtp::{SrtpReceiver, SrtpSender};
use crate::protocol::rtp::suite::Suite;
use std::time::Duration;

const CONTROL: SocketId = SocketId { slot: 0, control: true };
const ALICE_RTCP: &str = "192.0.2.1:4001";

/// Both talk for so many packets of twenty milliseconds.
fn talk(world: &mut World, packets: usize) {
    let (mut alice, mut bob) = (Talker::new(0xa11ce, 0), Talker::new(0xb0b, 0));
    for _ in 0..packets {
        world.comes(A, ALICE, &alice.packet(&[0; 160]));
        world.comes(B, BOB, &bob.packet(&[0; 160]));
        world.pass(Duration::from_millis(20));
    }
}

fn report(ours: u32, lost: i32) -> Vec<u8> {
    report_of(&ReportBlock { ssrc: ours, fraction_lost: 10, lost, ..ReportBlock::default() })
}

fn report_of(block: &ReportBlock) -> Vec<u8> {
    let mut buffer = [0; 256];
    let mut compound = Compound::new(&mut buffer);
    compound.receiver_report(0xa11ce, Some(block));
    compound.name(0xa11ce, "alice");
    let length = compound.length();
    buffer[..length].to_vec()
}

fn farewell() -> Vec<u8> {
    let mut buffer = [0; 256];
    let mut compound = Compound::new(&mut buffer);
    compound.receiver_report(0xa11ce, None);
    compound.bye(0xa11ce);
    let length = compound.length();
    buffer[..length].to_vec()
}

fn ours(world: &World) -> u32 {
    let left = world.made.iter().find(|left| left.from == CONTROL).expect("a report");
    match read(&left.bytes).next() {
        Some(Packet::SenderReport { ssrc, .. }) => ssrc,
        other => panic!("{other:?}"),
    }
}

fn end(world: &mut World) -> Box<Quality> {
    world.tell(Command::Close { stream: stream(A) });
    match world.events.last() {
        Some(Event::Closed { quality, .. }) => quality.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_leg_gets_our_own_reports_at_its_own_address() {
    let mut world = World::of_two(plan(ALICE), plan(BOB));
    talk(&mut world, 1_000);
    let to_alice: Vec<&Left> = world.made.iter().filter(|left| left.to == address(ALICE_RTCP)).collect();
    assert!((2..=8).contains(&to_alice.len()), "{} in twenty seconds", to_alice.len());
    assert!(to_alice.iter().all(|left| left.from == CONTROL));
    let Some(Packet::SenderReport { packets, blocks, .. }) = read(&to_alice[0].bytes).next() else { panic!() };
    assert!(packets > 50, "{packets}");
    assert_eq!(blocks.map(|block| block.ssrc).collect::<Vec<_>>(), [0xa11ce]);
}

#[test]
fn what_the_peer_reports_is_told_as_quality_of_what_we_sent() {
    let mut world = World::of_two(plan(ALICE), plan(BOB));
    talk(&mut world, 300);
    let ours = ours(&world);
    assert_eq!(world.comes_on(CONTROL, ALICE_RTCP, &report(ours, 7)), None);
    let quality = end(&mut world);
    assert_eq!((quality.sent.lost, quality.received.lost), (Some(7), Some(0)));
    assert!(quality.received.mos > Some(4.0) && quality.sent.mos < quality.received.mos, "{quality:?}");
    assert_eq!(world.worker.counters().control_in, 1);
}

/// How many of an Opus stream's packets carry what the one before said, in so many hundredths.
fn redundant(left: &[Left]) -> usize {
    // RFC 6716 4.2.3 and 4.2.4: of a frame of one channel the first bit tells of a voice, the second of redundancy.
    let has = |left: &&Left| left.payload().get(1).is_some_and(|flags| flags & 0x40 != 0);
    left.iter().filter(has).count() * 100 / left.len().max(1)
}

#[test]
fn opus_is_as_redundant_as_the_loss_that_its_peer_reports() {
    let opus = StreamPlan { codecs: vec![codec(Codec::Opus, 111, 111)], ..plan(ALICE) };
    let mut world = World::of_two(opus, plan(BOB));
    let (mut bob, tape) = (Talker::new(0xb0b, 0), speech(4, 8_000, 24));
    let mut frames = tape.chunks_exact(160);
    let mut talk = |world: &mut World, seconds: usize| {
        let before = world.made.len();
        for frame in frames.by_ref().take(seconds * 50) {
            let payload: Vec<u8> = frame.iter().map(|sample| encode_ulaw(*sample)).collect();
            world.comes(B, BOB, &bob.packet(&payload));
            world.pass(Duration::from_millis(20));
        }
        let audio = |left: &&Left| left.to == address(ALICE) && !left.from.control;
        redundant(&world.made[before..].iter().filter(audio).cloned().collect::<Vec<Left>>())
    };
    let unknown = talk(&mut world, 8);
    let ours = ours(&world);
    let told = |world: &mut World, fraction_lost| {
        let block = ReportBlock { ssrc: ours, fraction_lost, ..ReportBlock::default() };
        world.comes_on(CONTROL, ALICE_RTCP, &report_of(&block));
    };
    told(&mut world, 64);
    let lossy = talk(&mut world, 8);
    // Loss comes in spells: it takes several good reports until it is not expected any more.
    (0..20).for_each(|_| told(&mut world, 0));
    let clean = talk(&mut world, 8);
    assert!(unknown > 60 && lossy > 60, "{unknown} {lossy} {clean} of a hundred");
    assert_eq!(clean, 0, "{unknown} {lossy} {clean} of a hundred");
}

#[test]
fn a_strangers_reports_and_farewells_are_nobodys() {
    let port = Learning::Port { within: WINDOW };
    for learning in [Learning::Never, port] {
        let mut world = World::of_two(StreamPlan { learning, ..plan(ALICE) }, plan(BOB));
        talk(&mut world, 300);
        let ours = ours(&world);
        for from in [STRANGER, "198.51.100.66:4001", "192.0.2.1:4007"] {
            world.comes_on(CONTROL, from, &report(ours, 7));
            world.comes_on(CONTROL, from, &farewell());
            world.comes_on(SocketId { slot: 0, control: false }, from, &farewell());
        }
        assert_eq!(end(&mut world).sent.lost, None, "{learning:?}");
        assert!(!world.events.iter().any(|event| matches!(event, Event::PeerLeft { .. })));
    }
}

#[test]
fn a_farewell_is_told_once_and_ours_is_sent_at_the_end() {
    let mut world = World::of_two(plan(ALICE), plan(BOB));
    talk(&mut world, 50);
    world.comes_on(CONTROL, ALICE_RTCP, &farewell());
    world.comes_on(CONTROL, ALICE_RTCP, &farewell());
    let left = world.events.iter().filter(|event| matches!(event, Event::PeerLeft { .. })).count();
    assert_eq!(left, 1);
    end(&mut world);
    let last = world.made.last().expect("a farewell");
    assert_eq!(last.to, address(ALICE_RTCP));
    assert!(read(&last.bytes).any(|packet| matches!(packet, Packet::Bye { .. })));
}

#[test]
fn multiplexed_reports_share_the_port_of_audio() {
    let muxed = StreamPlan { rtcp_mux: true, ..plan(ALICE) };
    let mut world = World::of_two(muxed, plan(BOB));
    talk(&mut world, 300);
    let to_alice: Vec<&Left> = world.made.iter().filter(|left| left.to == address(ALICE)).collect();
    assert!(!to_alice.is_empty() && to_alice.iter().all(|left| !left.from.control));
    world.comes(A, ALICE, &farewell());
    assert!(world.events.iter().any(|event| matches!(event, Event::PeerLeft { .. })));
}

#[test]
fn a_silent_held_call_reports_seldom_and_wakes_the_worker_for_little_else() {
    let held = |remote| StreamPlan { sends: false, receives: false, ..plan(remote) };
    let mut world = World::of_two(held(ALICE), held(BOB));
    world.pass(Duration::from_secs(600));
    let reports = world.made.len();
    assert!((18..=24).contains(&reports), "{reports} reports of two legs in ten minutes");
    assert_eq!(world.events, []);
}

fn key(first: u8) -> Box<[u8]> {
    (first..first + 30).collect()
}

fn protected(remote: &str) -> StreamPlan {
    let srtp = SrtpKeys { suite: Suite::AesCm128HmacSha1_80, ours: key(1), theirs: key(101) };
    StreamPlan { srtp: Some(srtp), ..plan(remote) }
}

fn by(sender: &mut SrtpSender, packet: &[u8]) -> Vec<u8> {
    let mut buffer = [0; 512];
    buffer[..packet.len()].copy_from_slice(packet);
    let length = sender.protect(&mut buffer, packet.len()).expect("protected");
    buffer[..length].to_vec()
}

#[test]
fn a_protected_leg_and_a_plain_one_hear_each_other() {
    let mut world = World::of_two(protected(ALICE), plan(BOB));
    let suite = Suite::AesCm128HmacSha1_80;
    let mut alice = SrtpSender::new(suite, &key(101)).expect("key");
    let mut hears = SrtpReceiver::new(suite, &key(1)).expect("key");
    let (mut talker, mut bob) = (Talker::new(0xa11ce, 0), Talker::new(0xb0b, 0));
    for _ in 0..100 {
        let packet = by(&mut alice, &talker.packet(b"secret"));
        assert_ne!(packet.get(12..18), Some(&b"secret"[..]));
        assert_eq!(world.comes(A, ALICE, &packet).expect("crosses").payload(), b"secret");
        assert_eq!(world.comes(A, ALICE, &packet), None, "a replay");
        let mut left = world.comes(B, BOB, &bob.packet(b"answer")).expect("crosses");
        let length = hears.unprotect(&mut left.bytes).expect("authentic");
        left.bytes.truncate(length);
        assert_eq!(left.payload(), b"answer");
        world.pass(Duration::from_millis(20));
    }
    assert_eq!(end(&mut world).refused.not_authentic, 100);
}

#[test]
fn nothing_in_clear_and_nothing_under_another_key_enters_a_protected_leg() {
    for learning in [Learning::Never, Learning::Port { within: WINDOW }, Learning::Anywhere { within: WINDOW }] {
        let mut world = World::of_two(StreamPlan { learning, ..protected(ALICE) }, plan(BOB));
        let mut wrong = SrtpSender::new(Suite::AesCm128HmacSha1_80, &key(50)).expect("key");
        let mut talker = Talker::new(0xa11ce, 0);
        for from in [ALICE, "192.0.2.1:4444", STRANGER] {
            for _ in 0..10 {
                assert_eq!(world.comes(A, from, &talker.packet(b"clear")), None);
                let packet = by(&mut wrong, &talker.packet(b"wrong"));
                assert_eq!(world.comes(A, from, &packet), None);
            }
        }
        let left = world.comes(B, BOB, &Talker::new(2, 0).packet(b"x")).expect("crosses");
        assert_eq!(left.to, address(ALICE), "{learning:?}: nothing was learned from what nobody could prove");
    }
}

#[test]
fn unusable_keys_let_nothing_pass_least_of_all_in_clear() {
    let srtp = SrtpKeys { suite: Suite::AeadAes256Gcm, ours: key(1), theirs: key(101) };
    let mut world = World::of_two(StreamPlan { srtp: Some(srtp), ..plan(ALICE) }, plan(BOB));
    assert_eq!(world.comes(A, ALICE, &Talker::new(1, 0).packet(b"x")), None);
    assert_eq!(world.comes(B, BOB, &Talker::new(2, 0).packet(b"x")), None);
}
