//! What must hold for any bytes that come to a media port as a connectivity check. Used by the fuzz target and by the
//! replay of its seeds.

use offhook::protocol::ice::credentials::Credentials;
use offhook::protocol::ice::responder::{Responder, Terms};
use offhook::protocol::ice::stun::{Class, Message};
use offhook::protocol::ice::write::{self, Check, ROOM};
use std::net::SocketAddr;
use std::time::Instant;

const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

/// The bytes are datagrams, each with its length in one byte before it.
#[allow(clippy::disallowed_methods)]
pub fn hold(bytes: &[u8]) {
    let now = Instant::now();
    let own = Credentials::described("evtj", PASSWORD).expect("credentials");
    let mut responder = Responder::new(Terms { own, peer: "h6vY".into() });
    let from = SocketAddr::from(([192, 0, 2, 1], 32_853));
    let mut rest = bytes;
    while let Some((&length, after)) = rest.split_first() {
        let (datagram, after) = after.split_at(usize::from(length).min(after.len()));
        let mut room = [0; ROOM];
        let checked = responder.take(now, from, datagram, &mut room);
        let is_signed = Message::parse(datagram).is_ok_and(|message| message.is_authentic(PASSWORD.as_bytes()));
        assert!(checked.outcome.is_err() || is_signed, "what was taken was signed");
        if let Some(length) = checked.answer {
            assert!(is_signed || length <= datagram.len(), "no stranger gets more than it sent");
            let answer = Message::parse(room.get(..length).expect("within the room")).expect("an answer can be read");
            assert!(matches!(answer.class, Class::Success | Class::Error));
        }
        assert!(responder.chosen().is_none_or(|to| to == from));
        rest = after;
    }
    writes_what_it_reads(bytes);
}

/// A check with parts taken from the bytes comes back as it was written.
fn writes_what_it_reads(bytes: &[u8]) {
    let Some((transaction, rest)) = bytes.split_first_chunk::<12>() else { return };
    let Some((priority, name)) = rest.split_first_chunk::<4>() else { return };
    let username: String = name.iter().take(64).map(|byte| char::from(byte & 0x7f)).collect();
    let check = Check {
        transaction: *transaction,
        username: &username,
        password: PASSWORD,
        priority: u32::from_be_bytes(*priority),
        use_candidate: name.len() % 2 == 0,
        is_controlling: name.len() % 3 == 0,
    };
    let mut room = [0; 256];
    let length = write::check(&mut room, &check).expect("room");
    let message = Message::parse(room.get(..length).expect("within the room")).expect("a message");
    assert_eq!((message.transaction, message.priority), (check.transaction, Some(check.priority)));
    assert_eq!(message.username, Some(username.as_bytes()));
    assert!(message.is_authentic(PASSWORD.as_bytes()));
}
