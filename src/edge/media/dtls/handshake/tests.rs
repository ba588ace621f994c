//! Two handshakes that talk with each other, and what must not come of them.

use super::*;

#[path = "../../../../../fuzz/properties/dtls_record.rs"]
mod dtls_record;

#[test]
fn seeds_of_dtls_record_hold() {
    crate::replay::replay("dtls_record", dtls_record::hold);
}

struct Side {
    handshake: Handshake,
    sent: Vec<Box<[u8]>>,
    keys: Option<SrtpKeys>,
    fault: Option<HandshakeFault>,
}

impl Side {
    fn new(identity: &Arc<Identity>, peer: Fingerprint, is_client: bool, certificate: u8, now: Instant) -> Side {
        let wish = HandshakeWish { peer, is_client, certificate };
        Side { handshake: Handshake::begin(identity, wish, now), sent: Vec::new(), keys: None, fault: None }
    }

    fn step(&mut self, now: Instant, datagram: Option<&[u8]>) {
        let mut news = Vec::new();
        let stepped = self.handshake.step(now, datagram, &mut news);
        self.fault = self.fault.or(stepped.err());
        for news in news {
            match news {
                HandshakeNews::Send(datagram) => self.sent.push(datagram),
                HandshakeNews::Keys(_, keys) => self.keys = Some(*keys),
                HandshakeNews::Failed(_) => {}
            }
        }
    }
}

/// Lets both talk until neither has anything to say; every `lost`-th datagram is lost.
fn talk(now: &mut Instant, (one, other): (&mut Side, &mut Side), lost: Option<usize>) {
    let mut count = 0;
    for _ in 0..200 {
        one.step(*now, None);
        other.step(*now, None);
        for turn in 0..2 {
            let (from, to) = if turn == 0 { (&mut *one, &mut *other) } else { (&mut *other, &mut *one) };
            for datagram in std::mem::take(&mut from.sent) {
                count += 1;
                if lost.is_none_or(|every| count % every != 0) && to.fault.is_none() {
                    to.step(*now, Some(&datagram));
                }
            }
        }
        if (one.keys.is_some() && other.keys.is_some()) || one.fault.is_some() || other.fault.is_some() {
            return;
        }
        *now += Duration::from_millis(100);
    }
}

fn pair(now: Instant, certificate: u8) -> (Side, Side) {
    let identity = || Arc::new(Identity::draw().expect("identity"));
    let (one, other) = (identity(), identity());
    let shown = |identity: &Identity| identity.certificates().0[usize::from(certificate)];
    let client = Side::new(&one, shown(&other), true, certificate, now);
    (client, Side::new(&other, shown(&one), false, certificate, now))
}

#[test]
fn both_sides_come_to_the_same_keys_crosswise() {
    for (certificate, lost) in [(0, None), (1, None), (0, Some(3)), (1, Some(4))] {
        let mut now = Instant::now();
        let (mut client, mut server) = pair(now, certificate);
        talk(&mut now, (&mut client, &mut server), lost);
        assert_eq!((client.fault, server.fault), (None, None), "{certificate} {lost:?}");
        let (client, server) = (client.keys.expect("keys"), server.keys.expect("keys"));
        assert_eq!((&client.ours, &client.theirs), (&server.theirs, &server.ours));
        assert_ne!(client.ours, client.theirs);
        assert!(matches!(client.suite, Suite::AeadAes256Gcm | Suite::AeadAes128Gcm), "{:?}", client.suite);
        assert_eq!(client.ours.len(), client.suite.key_bytes() + client.suite.salt_bytes());
    }
}

#[test]
fn a_browser_that_prefers_what_costs_more_gets_gcm_and_one_of_dtls_1_3_alone_is_understood() {
    let mut now = Instant::now();
    let (mut client, mut server) = pair(now, 0);
    talk(&mut now, (&mut client, &mut server), None);
    assert_eq!(server.handshake.dtls.protocol_version(), Some(dimpl::ProtocolVersion::DTLS1_2));
    let (mut client, mut server) = pair(now, 0);
    let [own, _] = &client.handshake.identity.certificates;
    client.handshake.dtls = Dtls::new_13(Arc::clone(&client.handshake.identity.config), own.clone(), now);
    client.handshake.dtls.set_active(true);
    talk(&mut now, (&mut client, &mut server), None);
    assert_eq!((client.fault, server.fault), (None, None));
    assert_eq!(server.handshake.dtls.protocol_version(), Some(dimpl::ProtocolVersion::DTLS1_3));
    assert!(client.keys.is_some() && server.keys.is_some());
}

#[test]
fn a_certificate_that_was_not_described_gives_no_keys() {
    for is_client in [true, false] {
        let mut now = Instant::now();
        let (mut client, mut server) = pair(now, 0);
        let betrayed = if is_client { &mut client } else { &mut server };
        betrayed.handshake.wish.peer = Fingerprint([7; 32]);
        talk(&mut now, (&mut client, &mut server), None);
        let betrayed = if is_client { &client } else { &server };
        assert_eq!(betrayed.fault, Some(HandshakeFault::Fingerprint));
        assert_eq!(betrayed.keys, None);
    }
}

#[test]
fn a_peer_that_falls_silent_is_given_up() {
    let mut now = Instant::now();
    let (mut client, _) = pair(now, 0);
    let began = now;
    while client.fault.is_none() && now < began + 3 * PATIENCE {
        client.step(now, None);
        now = client.handshake.when.max(now + Duration::from_millis(1));
    }
    assert_eq!(client.fault, Some(HandshakeFault::TooLate));
    assert!(client.sent.len() > 3, "it has asked {} times", client.sent.len());
}

#[test]
fn an_alert_that_anybody_could_have_written_ends_nothing() {
    let mut now = Instant::now();
    let (mut client, mut server) = pair(now, 0);
    let alert = [21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40];
    client.step(now, None);
    let hello = [&alert[..], &client.sent.remove(0)].concat();
    server.step(now, Some(&hello));
    assert!(!server.sent.is_empty(), "the hello beside it was heard");
    for side in [&mut client, &mut server] {
        side.step(now, Some(&alert));
        assert_eq!(side.fault, None);
    }
    talk(&mut now, (&mut client, &mut server), None);
    assert!(client.keys.is_some() && server.keys.is_some(), "{:?} {:?}", client.fault, server.fault);
}

#[test]
fn junk_before_the_honest_hello_changes_nothing() {
    let mut now = Instant::now();
    let (mut client, mut server) = pair(now, 0);
    let alert = [21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40];
    let junk: [&[u8]; 4] = [&alert, &[22; 13], &[22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], &[0x3f; 1_400]];
    for datagram in junk.iter().cycle().take(100) {
        server.step(now, Some(datagram));
    }
    assert_eq!((server.fault, server.sent.len()), (None, 0));
    talk(&mut now, (&mut client, &mut server), None);
    assert!(client.keys.is_some() && server.keys.is_some(), "{:?} {:?}", client.fault, server.fault);
}
