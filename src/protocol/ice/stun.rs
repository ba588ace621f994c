//! Reads STUN messages (RFC 8489) as far as a lite agent needs them: bounded, without copies. Believes nothing by itself.

use super::crc::crc;
use super::write::hmac;
use aws_lc_rs::constant_time::verify_slices_are_equal;

pub const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
pub const HEADER_BYTES: usize = 20;
/// More than any check holds: 513 bytes of user name and some fixed attributes.
const MESSAGE_BYTES_MAX: usize = 1_280;
const ATTRIBUTES_MAX: usize = 32;

pub const USERNAME: u16 = 0x0006;
pub const MESSAGE_INTEGRITY: u16 = 0x0008;
pub const ERROR_CODE: u16 = 0x0009;
pub const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
pub const PRIORITY: u16 = 0x0024;
pub const USE_CANDIDATE: u16 = 0x0025;
pub const FINGERPRINT: u16 = 0x8028;
pub const ICE_CONTROLLED: u16 = 0x8029;
pub const ICE_CONTROLLING: u16 = 0x802a;
/// What FINGERPRINT is mixed with, so that it is no other protocol's checksum.
pub const FINGERPRINT_MASK: u32 = 0x5354_554e;

/// The classes of messages of the method Binding; other methods are nothing to ICE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    Request,
    Indication,
    Success,
    Error,
}

/// Which role the sender says it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Controlling,
    Controlled,
}

/// Why bytes are no message that we read. One variant, one label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StunFault {
    /// Not STUN of RFC 8489, or with lengths that do not fit.
    Broken,
    /// Another method than Binding.
    Method,
    /// Its FINGERPRINT is wrong.
    Fingerprint,
}

/// A Binding message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message<'a> {
    pub class: Class,
    pub transaction: [u8; 12],
    pub username: Option<&'a [u8]>,
    pub priority: Option<u32>,
    pub use_candidate: bool,
    pub role: Option<Role>,
    /// An attribute that must be understood and is not (RFC 8489 6.3.1).
    pub unknown: Option<u16>,
    /// What is signed, without its changed length, and the signature.
    integrity: Option<(&'a [u8], &'a [u8])>,
}

impl<'a> Message<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Message<'a>, StunFault> {
        let (kind, attributes) = header(bytes)?;
        let class = match kind {
            0x0001 => Class::Request,
            0x0011 => Class::Indication,
            0x0101 => Class::Success,
            0x0111 => Class::Error,
            _ => return Err(StunFault::Method),
        };
        let transaction = bytes.get(8..HEADER_BYTES).and_then(|id| id.try_into().ok()).ok_or(StunFault::Broken)?;
        let mut message = Message {
            class,
            transaction,
            username: None,
            priority: None,
            use_candidate: false,
            role: None,
            unknown: None,
            integrity: None,
        };
        message.read(bytes, attributes)?;
        Ok(message)
    }

    fn read(&mut self, bytes: &'a [u8], mut rest: &'a [u8]) -> Result<(), StunFault> {
        for _ in 0..ATTRIBUTES_MAX {
            if rest.is_empty() {
                return Ok(());
            }
            let at = bytes.len() - rest.len();
            let (kind, value, after) = attribute(rest)?;
            match kind {
                FINGERPRINT => {
                    return if after.is_empty() { check_fingerprint(bytes, at, value) } else { Err(StunFault::Broken) };
                }
                // RFC 8489 14.5: what stands behind the signature is not signed, so it is not read.
                _ if self.integrity.is_some() => {}
                MESSAGE_INTEGRITY if value.len() == 20 => {
                    self.integrity = bytes.get(..at).map(|signed| (signed, value));
                }
                MESSAGE_INTEGRITY => return Err(StunFault::Broken),
                _ => self.take(kind, value)?,
            }
            rest = after;
        }
        Err(StunFault::Broken)
    }

    fn take(&mut self, kind: u16, value: &'a [u8]) -> Result<(), StunFault> {
        match kind {
            USERNAME if value.len() <= 513 => self.username = self.username.or(Some(value)),
            USERNAME => return Err(StunFault::Broken),
            PRIORITY => {
                let value: [u8; 4] = value.try_into().map_err(|_| StunFault::Broken)?;
                self.priority = Some(u32::from_be_bytes(value));
            }
            USE_CANDIDATE => self.use_candidate = true,
            ICE_CONTROLLING => self.role = Some(Role::Controlling),
            ICE_CONTROLLED => self.role = Some(Role::Controlled),
            // Below this an attribute must be understood; those of responses are, by being of no use to us.
            ERROR_CODE | UNKNOWN_ATTRIBUTES | XOR_MAPPED_ADDRESS | 0x8000.. => {}
            other => self.unknown = self.unknown.or(Some(other)),
        }
        Ok(())
    }

    pub fn has_integrity(&self) -> bool {
        self.integrity.is_some()
    }

    /// Whether somebody wrote this who knows the password. Takes the same time whatever is wrong.
    pub fn is_authentic(&self, password: &[u8]) -> bool {
        let Some((signed, tag)) = self.integrity else { return false };
        let Some((head, body)) = signed.split_first_chunk::<HEADER_BYTES>() else { return false };
        // RFC 8489 14.5: the length counts as if the signature were the last attribute.
        let Ok(length) = u16::try_from(body.len() + 24) else { return false };
        let mut head = *head;
        let [_, _, high, low, ..] = &mut head;
        [*high, *low] = length.to_be_bytes();
        verify_slices_are_equal(&hmac(password, &[&head, body]), tag).is_ok()
    }
}

/// Type and attributes, if lengths and cookie are as they must be.
fn header(bytes: &[u8]) -> Result<(u16, &[u8]), StunFault> {
    let (head, attributes) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(StunFault::Broken)?;
    let [kind_high, kind_low, length_high, length_low, c0, c1, c2, c3, ..] = *head;
    let length = usize::from(u16::from_be_bytes([length_high, length_low]));
    let fits = length == attributes.len() && length.is_multiple_of(4) && bytes.len() <= MESSAGE_BYTES_MAX;
    if !fits || [c0, c1, c2, c3] != COOKIE || kind_high & 0xc0 != 0 {
        return Err(StunFault::Broken);
    }
    Ok((u16::from_be_bytes([kind_high, kind_low]), attributes))
}

/// The first attribute, and what follows its padding.
fn attribute(bytes: &[u8]) -> Result<(u16, &[u8], &[u8]), StunFault> {
    let ([k0, k1, l0, l1], rest) = bytes.split_first_chunk::<4>().ok_or(StunFault::Broken)?;
    let length = usize::from(u16::from_be_bytes([*l0, *l1]));
    let value = rest.get(..length).ok_or(StunFault::Broken)?;
    let after = rest.get(length.next_multiple_of(4)..).ok_or(StunFault::Broken)?;
    Ok((u16::from_be_bytes([*k0, *k1]), value, after))
}

fn check_fingerprint(bytes: &[u8], at: usize, value: &[u8]) -> Result<(), StunFault> {
    let own = bytes.get(..at).map(|covered| crc(covered) ^ FINGERPRINT_MASK).map(u32::to_be_bytes);
    let is_same = own.is_some_and(|own| verify_slices_are_equal(&own, value).is_ok());
    if is_same { Ok(()) } else { Err(StunFault::Fingerprint) }
}
