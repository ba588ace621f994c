//! Writes STUN messages (RFC 8489): signed, with their fingerprint, into a buffer of the caller's. Decides nothing.

use super::crc::crc;
use super::stun::{self, COOKIE, HEADER_BYTES};
use sha1::{Digest, Sha1};
use std::net::{IpAddr, SocketAddr};

/// The largest answer of ours: header, an IPv6 address, signature, fingerprint.
pub const ROOM: usize = 128;

const REQUEST: u16 = 0x0001;
const SUCCESS: u16 = 0x0101;
const ERROR: u16 = 0x0111;

/// HMAC-SHA1 (RFC 2104).
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let hashed: [u8; 20];
    let key = if key.len() > 64 {
        hashed = Sha1::digest(key).into();
        &hashed[..]
    } else {
        key
    };
    let block = |pad: u8| {
        let mut block = [pad; 64];
        block.iter_mut().zip(key).for_each(|(slot, byte)| *slot ^= byte);
        block
    };
    let mut inner = Sha1::new_with_prefix(block(0x36));
    parts.iter().for_each(|part| inner.update(part));
    let mut outer = Sha1::new_with_prefix(block(0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

/// One message under way. What finds no room makes the whole message void.
struct Draft<'a> {
    room: &'a mut [u8],
    length: Option<usize>,
}

impl<'a> Draft<'a> {
    fn new(room: &'a mut [u8], kind: u16, transaction: &[u8; 12]) -> Draft<'a> {
        let mut draft = Draft { room, length: Some(0) };
        draft.put(&kind.to_be_bytes());
        draft.put(&[0; 2]);
        draft.put(&COOKIE);
        draft.put(transaction);
        draft
    }

    fn put(&mut self, bytes: &[u8]) {
        self.length = self.length.and_then(|at| {
            let end = at.checked_add(bytes.len())?;
            self.room.get_mut(at..end)?.copy_from_slice(bytes);
            Some(end)
        });
    }

    fn attribute(&mut self, kind: u16, parts: &[&[u8]]) {
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        let Ok(written) = u16::try_from(length) else {
            self.length = None;
            return;
        };
        self.put(&kind.to_be_bytes());
        self.put(&written.to_be_bytes());
        parts.iter().for_each(|part| self.put(part));
        let padding = [0_u8; 3];
        self.put(padding.get(..length.next_multiple_of(4) - length).unwrap_or_default());
    }

    /// The length as if `more` bytes were to follow.
    fn measure(&mut self, more: usize) {
        let Some(length) = self.length.and_then(|at| u16::try_from((at + more).checked_sub(HEADER_BYTES)?).ok()) else {
            return;
        };
        if let Some(place) = self.room.get_mut(2..4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }

    fn written(&self) -> &[u8] {
        self.length.and_then(|length| self.room.get(..length)).unwrap_or_default()
    }

    fn finish(mut self, password: Option<&str>) -> Option<usize> {
        if let Some(password) = password {
            self.measure(24);
            let tag = hmac(password.as_bytes(), &[self.written()]);
            self.attribute(stun::MESSAGE_INTEGRITY, &[&tag]);
        }
        self.measure(8);
        let sum = crc(self.written()) ^ stun::FINGERPRINT_MASK;
        self.attribute(stun::FINGERPRINT, &[&sum.to_be_bytes()]);
        self.length
    }
}

/// "I have heard you, and this is where you seem to be."
pub fn success(room: &mut [u8], transaction: &[u8; 12], seen: SocketAddr, password: &str) -> Option<usize> {
    let mut draft = Draft::new(room, SUCCESS, transaction);
    let [c0, c1, ..] = COOKIE;
    let port = seen.port() ^ u16::from_be_bytes([c0, c1]);
    match seen.ip() {
        IpAddr::V4(address) => {
            let mut octets = address.octets();
            octets.iter_mut().zip(COOKIE).for_each(|(octet, mask)| *octet ^= mask);
            draft.attribute(stun::XOR_MAPPED_ADDRESS, &[&[0, 1], &port.to_be_bytes(), &octets]);
        }
        IpAddr::V6(address) => {
            let mut octets = address.octets();
            let mask = COOKIE.iter().chain(transaction);
            octets.iter_mut().zip(mask).for_each(|(octet, mask)| *octet ^= mask);
            draft.attribute(stun::XOR_MAPPED_ADDRESS, &[&[0, 2], &port.to_be_bytes(), &octets]);
        }
    }
    draft.finish(Some(password))
}

/// Why a check was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rejection {
    Unauthorized,
    Unknown(u16),
    RoleConflict,
}

pub fn rejection(room: &mut [u8], transaction: &[u8; 12], why: Rejection, password: Option<&str>) -> Option<usize> {
    let mut draft = Draft::new(room, ERROR, transaction);
    let (class, number, words) = match why {
        Rejection::Unauthorized => (4, 1, "Unauthorized"),
        Rejection::Unknown(_) => (4, 20, "Unknown Attribute"),
        Rejection::RoleConflict => (4, 87, "Role Conflict"),
    };
    draft.attribute(stun::ERROR_CODE, &[&[0, 0, class, number], words.as_bytes()]);
    if let Rejection::Unknown(attribute) = why {
        draft.attribute(stun::UNKNOWN_ATTRIBUTES, &[&attribute.to_be_bytes()]);
    }
    draft.finish(password)
}

/// A check such as a peer sends: what tests and the load tool speak.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    pub transaction: [u8; 12],
    pub username: &'a str,
    pub password: &'a str,
    pub priority: u32,
    pub use_candidate: bool,
    pub is_controlling: bool,
}

pub fn check(room: &mut [u8], check: &Check<'_>) -> Option<usize> {
    let mut draft = Draft::new(room, REQUEST, &check.transaction);
    draft.attribute(stun::USERNAME, &[check.username.as_bytes()]);
    draft.attribute(stun::PRIORITY, &[&check.priority.to_be_bytes()]);
    let role = if check.is_controlling { stun::ICE_CONTROLLING } else { stun::ICE_CONTROLLED };
    draft.attribute(role, &[&[7; 8]]);
    if check.use_candidate {
        draft.attribute(stun::USE_CANDIDATE, &[]);
    }
    draft.finish(Some(check.password))
}
