//! SRTP against the vectors of its RFCs, and against loss, order, wraps, replay, new keys and strangers.

use super::*;
use crate::protocol::rtp::packet::Header;
use crate::protocol::rtp::suite::Suite;
use proptest::prelude::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|two| u8::from_str_radix(str::from_utf8(two).expect("hex"), 16).expect("hex")).collect()
}

fn master(suite: Suite, first: u8) -> Vec<u8> {
    (first..).take(suite.key_bytes() + suite.salt_bytes()).collect()
}

fn rtp(ssrc: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let header = Header { payload_type: 0, marker: false, sequence, timestamp: 160, ssrc };
    [&header.to_bytes()[..], payload].concat()
}

fn report(ssrc: u32) -> Vec<u8> {
    [&[0x80, 201, 0, 1][..], &ssrc.to_be_bytes()].concat()
}

struct Pair {
    sender: SrtpSender,
    receiver: SrtpReceiver,
}

impl Pair {
    fn new(suite: Suite) -> Pair {
        let master = master(suite, 3);
        Pair {
            sender: SrtpSender::new(suite, &master).expect("sender"),
            receiver: SrtpReceiver::new(suite, &master).expect("receiver"),
        }
    }

    fn protect(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut buffer = packet.to_vec();
        buffer.resize(packet.len() + TRAILER_BYTES_MAX, 0);
        let length = self.sender.protect(&mut buffer, packet.len()).expect("protected");
        buffer.truncate(length);
        buffer
    }

    fn protect_rtcp(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut buffer = packet.to_vec();
        buffer.resize(packet.len() + TRAILER_BYTES_MAX, 0);
        let length = self.sender.protect_rtcp(&mut buffer, packet.len()).expect("protected");
        buffer.truncate(length);
        buffer
    }

    fn unprotect(&mut self, packet: &[u8]) -> Result<Vec<u8>, SrtpFault> {
        let mut copy = packet.to_vec();
        let length = self.receiver.unprotect(&mut copy)?;
        copy.truncate(length);
        Ok(copy)
    }

    fn unprotect_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>, SrtpFault> {
        let mut copy = packet.to_vec();
        let length = self.receiver.unprotect_rtcp(&mut copy)?;
        copy.truncate(length);
        Ok(copy)
    }
}

#[test]
fn what_is_protected_comes_out_as_it_went_in() {
    for suite in Suite::ALL {
        let mut pair = Pair::new(suite);
        for sequence in 0..5 {
            let packet = rtp(7, sequence, b"twenty milliseconds");
            let protected = pair.protect(&packet);
            assert_ne!(protected[12..31], packet[12..], "{}", suite.name());
            assert_eq!(pair.unprotect(&protected).as_ref(), Ok(&packet), "{}", suite.name());
            assert_eq!(pair.unprotect(&protected), Err(SrtpFault::Replayed));
            let packet = [report(7), report(8)].concat();
            let protected = pair.protect_rtcp(&packet);
            assert_eq!(pair.unprotect_rtcp(&protected).as_ref(), Ok(&packet), "{}", suite.name());
            assert_eq!(pair.unprotect_rtcp(&protected), Err(SrtpFault::Replayed));
        }
    }
}

#[test]
fn tags_are_as_long_as_the_suite_says() {
    for (suite, rtp_bytes, rtcp_bytes) in [
        (Suite::AesCm128HmacSha1_80, 10, 14),
        (Suite::AesCm128HmacSha1_32, 4, 14),
        (Suite::AeadAes128Gcm, 16, 20),
        (Suite::AeadAes256Gcm, 16, 20),
    ] {
        let mut pair = Pair::new(suite);
        assert_eq!(pair.protect(&rtp(7, 1, b"abc")).len(), 15 + rtp_bytes, "{}", suite.name());
        assert_eq!(pair.protect_rtcp(&report(7)).len(), 8 + rtcp_bytes, "{}", suite.name());
    }
}

#[test]
fn no_changed_bit_is_accepted() {
    for suite in Suite::ALL {
        let mut pair = Pair::new(suite);
        let first = pair.protect(&rtp(7, 1, b"first"));
        let reported = pair.protect_rtcp(&[report(7), report(8)].concat());
        for known in [false, true] {
            for bit in 0..first.len() * 8 {
                let mut forged = first.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                assert!(pair.unprotect(&forged).is_err(), "{} bit {bit} known {known}", suite.name());
            }
            for bit in 0..reported.len() * 8 {
                let mut forged = reported.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                assert!(pair.unprotect_rtcp(&forged).is_err(), "{} bit {bit}", suite.name());
            }
            let next = pair.protect(&rtp(7, 2 + u16::from(known), b"next"));
            assert!(pair.unprotect(&next).is_ok());
        }
        assert!(pair.unprotect(&first).is_ok(), "forgeries leave no trace");
        assert!(pair.unprotect_rtcp(&reported).is_ok());
    }
}

/// Sends the numbers in order, delivers them in the order given by place, and tells which were accepted.
fn check_order(sequences: &[u16], delivered: &[usize]) {
    for suite in Suite::ALL {
        let mut pair = Pair::new(suite);
        let protected: Vec<_> = sequences.iter().map(|sequence| pair.protect(&rtp(7, *sequence, b"abc"))).collect();
        for place in delivered {
            let opened = pair.unprotect(&protected[*place]);
            assert!(opened.is_ok(), "{} {sequences:?}: number {place} gave {opened:?}", suite.name());
        }
    }
}

#[test]
fn the_rollover_counter_is_found_whatever_comes_first() {
    check_order(&[65_534, 65_535, 0, 1], &[0, 1, 2, 3]);
    check_order(&[65_534, 65_535, 0, 1], &[0, 2, 1, 3]);
    check_order(&[65_534, 65_535, 0, 1], &[2, 3]);
    check_order(&[65_534, 65_535, 0, 1], &[3, 1, 2, 0]);
    check_order(&[40_000, 60_000, 10_000, 40_000, 60_000, 10_000], &[0, 1, 2, 3, 4, 5]);
    check_order(&[0, 30_000, 60_000, 20_000, 50_000, 15_000], &[0, 1, 2, 3, 4, 5]);
}

#[test]
fn one_index_protects_one_packet() {
    let mut pair = Pair::new(Suite::AeadAes128Gcm);
    pair.protect(&rtp(7, 5, b"abc"));
    let mut again = rtp(7, 5, b"xyz");
    again.resize(64, 0);
    assert_eq!(pair.sender.protect(&mut again, 15), Err(SrtpFault::Exhausted));
    let mut early = rtp(8, 0, b"abc");
    early.resize(64, 0);
    assert!(pair.sender.protect(&mut early, 15).is_ok());
    let mut before_all = rtp(8, 65_535, b"abc");
    before_all.resize(64, 0);
    assert_eq!(pair.sender.protect(&mut before_all, 15), Err(SrtpFault::Exhausted));
}

#[test]
fn a_new_key_takes_over_while_the_old_is_under_way() {
    for suite in Suite::ALL {
        for (to, begins_again) in Suite::ALL.into_iter().flat_map(|to| [(to, false), (to, true)]) {
            let mut pair = Pair::new(suite);
            for sequence in [60_000, 10_000, 10_001] {
                let packet = pair.protect(&rtp(7, sequence, b"old"));
                pair.unprotect(&packet).expect("old key");
            }
            let late = pair.protect(&rtp(7, 10_002, b"late"));
            let key = master(to, 90);
            pair.sender.rekey(to, &key).expect("key");
            if begins_again {
                pair.sender = SrtpSender::new(to, &key).expect("key");
            }
            pair.receiver.rekey(to, &key).expect("key");
            let fresh = pair.protect(&rtp(7, 10_003, b"fresh"));
            assert!(pair.unprotect(&fresh).is_ok(), "{} {begins_again}", to.name());
            assert!(pair.unprotect(&late).is_ok(), "{} to {} {begins_again}", suite.name(), to.name());
            assert!(pair.unprotect(&late).is_err(), "replay under the old key");
            assert!(pair.unprotect(&fresh).is_err(), "replay under the new key");
            for sequence in 10_004..10_300 {
                let packet = pair.protect(&rtp(7, sequence, b"new"));
                assert!(pair.unprotect(&packet).is_ok());
            }
            assert!(pair.receiver.unprotect(&mut late.clone()).is_err(), "the old key is gone");
            let reported = pair.protect_rtcp(&report(7));
            assert!(pair.unprotect_rtcp(&reported).is_ok());
        }
    }
}

#[test]
fn many_sources_are_followed_and_no_stranger_displaces_one() {
    let mut pair = Pair::new(Suite::AesCm128HmacSha1_80);
    for ssrc in 0..16 {
        let packet = pair.protect(&rtp(ssrc, 60_000, b"abc"));
        pair.unprotect(&packet).expect("source");
    }
    for ssrc in 1_000..2_000 {
        let mut forged = rtp(ssrc, 1, b"abcdefghijklm");
        assert_eq!(pair.receiver.unprotect(&mut forged), Err(SrtpFault::NotAuthentic));
    }
    for ssrc in 0..16 {
        let packet = pair.protect(&rtp(ssrc, 10_000, b"abc"));
        assert!(pair.unprotect(&packet).is_ok(), "source {ssrc} past its wrap");
    }
    assert_eq!(pair.receiver.sources.len(), 16);
}

/// RFC 7714 16 and 17: session keys are given there, so the transforms are tested below the derivation.
fn check_gcm(suite: Suite, expected_rtp: &str, expected_rtcp: &str) {
    let key: Vec<u8> = (0..32).take(suite.key_bytes()).collect();
    let keys = derive::SessionKeys::given(&key, &bytes("517569642070726f2071756f"));
    let transform = transform::Transform::for_rtp(suite, &keys).expect("transform");
    let plain = bytes(
        "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573",
    );
    let mut room = plain.clone();
    room.resize(plain.len() + 16, 0);
    let at = transform::Position { ssrc: 0x5501_a0b2, index: 0xf17b };
    transform.seal_rtp(at, 12, &mut room).expect("sealed");
    assert_eq!(room, bytes(expected_rtp));
    assert_eq!(transform.open_rtp(at, 12, &mut room), Ok(plain.len()));
    assert_eq!(room[..plain.len()], plain);
    let plain = bytes(
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef",
    );
    let mut room = plain.clone();
    room.resize(plain.len() + 20, 0);
    let at = transform::Position { ssrc: 0x4d61_7273, index: 0x5d4 };
    transform.seal_rtcp(at, &mut room).expect("sealed");
    assert_eq!(room, bytes(expected_rtcp));
    assert_eq!(transform.rtcp_word(&room), Some(0x8000_05d4));
    assert_eq!(transform.open_rtcp(at, true, &mut room), Ok(plain.len()));
    assert_eq!(room[..plain.len()], plain);
}

#[test]
fn gcm_is_as_in_rfc_7714() {
    check_gcm(
        Suite::AeadAes128Gcm,
        "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf
         8833899d 7f27beb1 6a9152cf 765ee439 0cce",
        "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46 86303ded
         0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4",
    );
    check_gcm(
        Suite::AeadAes256Gcm,
        "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799
         b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
        "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be 8415f658 c61de047
         6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4",
    );
}

/// A report that is tagged and not encrypted (RFC 7714 17.3 and 17.4).
#[test]
fn reports_without_encryption_are_verified() {
    for (suite, tagged) in [
        (
            Suite::AeadAes128Gcm,
            "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef
             deadbeef 841dd968 3dd78ec9 2ae58790 125f62b3 000005d4",
        ),
        (
            Suite::AeadAes256Gcm,
            "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef
             deadbeef 91db4afb feee5a97 8fab4393 ed2615fe 000005d4",
        ),
    ] {
        let key: Vec<u8> = (0..32).take(suite.key_bytes()).collect();
        let keys = derive::SessionKeys::given(&key, &bytes("517569642070726f2071756f"));
        let transform = transform::Transform::for_rtcp(suite, &keys).expect("transform");
        let mut packet = bytes(tagged);
        let at = transform::Position { ssrc: 0x4d61_7273, index: 0x5d4 };
        assert_eq!(transform.open_rtcp(at, false, &mut packet), Ok(52), "{}", suite.name());
        packet[20] ^= 1;
        assert_eq!(transform.open_rtcp(at, false, &mut packet), Err(SrtpFault::NotAuthentic));
    }
}

/// The packet by which libsrtp checks itself: key and salt of RFC 3711 B.3.
#[test]
fn counter_mode_is_as_in_libsrtp() {
    let master = bytes("e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6");
    let mut sender = SrtpSender::new(Suite::AesCm128HmacSha1_80, &master).expect("sender");
    let mut packet = bytes("800f1234 decafbad cafebabe abababab abababab abababab abababab 00000000 00000000 00000000");
    assert_eq!(sender.protect(&mut packet, 28), Ok(38));
    assert_eq!(
        packet[..38],
        bytes("800f1234 decafbad cafebabe 4e55dc4c e79978d8 8ca4d215 949d2402 b78d6acc 99ea179b 8dbb")
    );
}

proptest! {
    /// Loss up to half the number space, order within the window, any number to begin with.
    #[test]
    fn packets_come_out_once_whatever_the_network_does(
        first: u16,
        steps in prop::collection::vec((1u16..200, 0usize..4, any::<bool>()), 1..150),
        which in 0usize..4,
    ) {
        let mut pair = Pair::new(Suite::ALL[which]);
        let mut sequence = first & 0x7fff;
        let mut under_way: Vec<Vec<u8>> = Vec::new();
        for (step, behind, twice) in steps {
            sequence = sequence.wrapping_add(step.wrapping_mul(7));
            let packet = rtp(7, sequence, &sequence.to_be_bytes());
            under_way.push(pair.protect(&packet));
            if under_way.len() > 4 {
                let arrived = under_way.remove(behind);
                let plain = pair.unprotect(&arrived);
                let late = matches!(plain, Err(SrtpFault::Replayed));
                prop_assert!(plain.is_ok() || late, "{plain:?}");
                if let Ok(plain) = plain {
                    prop_assert_eq!(&plain[12..], &plain[2..4]);
                }
                if twice {
                    prop_assert_eq!(pair.unprotect(&arrived), Err(SrtpFault::Replayed));
                }
            }
        }
    }

    #[test]
    fn no_bytes_are_taken_for_authentic(mut packet in prop::collection::vec(any::<u8>(), 0..80), which in 0usize..4) {
        let mut pair = Pair::new(Suite::ALL[which]);
        prop_assert!(pair.receiver.unprotect(&mut packet).is_err());
        prop_assert!(pair.receiver.unprotect_rtcp(&mut packet).is_err());
        let length = packet.len();
        let _ = pair.sender.protect(&mut packet, length);
        let _ = pair.sender.protect_rtcp(&mut packet, length);
        let _ = pair.sender.protect(&mut packet, length + 1);
    }
}
