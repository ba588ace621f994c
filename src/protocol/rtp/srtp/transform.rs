//! The two ways in which SRTP protects bytes, with keys prepared: AES-CM with HMAC-SHA1, and AES-GCM. Counts nothing.

use super::SrtpFault;
use super::derive::SessionKeys;
use crate::protocol::rtp::suite::Suite;
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use sha1::{Digest, Sha1};

/// Bytes of a GCM tag (RFC 7714 12).
const GCM_TAG: usize = 16;
/// SRTCP is always tagged with 80 bits (RFC 4568 6.2.2).
const RTCP_TAG: usize = 10;

/// One direction of RTP, or one of RTCP.
pub(super) struct Transform {
    cipher: Cipher,
    /// The session salt, for GCM twelve bytes of it.
    salt: [u8; 14],
}

enum Cipher {
    Counter(Box<Counter>),
    Galois(LessSafeKey),
}

struct Counter {
    key: EncryptingKey,
    authentication: Authentication,
    tag: usize,
}

/// HMAC-SHA1 (RFC 2104) with both halves of its key absorbed. The provider's costs four times as much per packet and
/// keeps over a kilobyte.
struct Authentication {
    inner: Sha1,
    outer: Sha1,
}

/// Where a packet stands: what the initialisation vector is made of.
#[derive(Clone, Copy)]
pub(super) struct Position {
    pub ssrc: u32,
    /// The 48 bit index of SRTP, or the 31 bit index of SRTCP.
    pub index: u64,
}

impl Transform {
    pub fn for_rtp(suite: Suite, keys: &SessionKeys) -> Result<Transform, SrtpFault> {
        let tag = if suite == Suite::AesCm128HmacSha1_32 { 4 } else { 10 };
        Transform::new(suite, keys, tag)
    }

    pub fn for_rtcp(suite: Suite, keys: &SessionKeys) -> Result<Transform, SrtpFault> {
        Transform::new(suite, keys, RTCP_TAG)
    }

    fn new(suite: Suite, keys: &SessionKeys, tag: usize) -> Result<Transform, SrtpFault> {
        let cipher = match suite {
            Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => Cipher::Counter(Box::new(Counter {
                key: UnboundCipherKey::new(&AES_128, keys.cipher())
                    .and_then(EncryptingKey::ctr)
                    .map_err(|_| SrtpFault::WrongKey)?,
                authentication: Authentication::new(&keys.authentication),
                tag,
            })),
            Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => {
                let algorithm = if suite == Suite::AeadAes128Gcm { &AES_128_GCM } else { &AES_256_GCM };
                let key = UnboundKey::new(algorithm, keys.cipher()).map_err(|_| SrtpFault::WrongKey)?;
                Cipher::Galois(LessSafeKey::new(key))
            }
        };
        Ok(Transform { cipher, salt: keys.salt })
    }

    /// How many bytes protection adds, the index of SRTCP aside.
    #[inline]
    pub fn tag_bytes(&self) -> usize {
        match &self.cipher {
            Cipher::Counter(counter) => counter.tag,
            Cipher::Galois(_) => GCM_TAG,
        }
    }

    /// Encrypts what follows the header and writes the tag behind it. `room` is header, payload and place for the tag.
    #[inline]
    pub fn seal_rtp(&self, at: Position, header: usize, room: &mut [u8]) -> Result<(), SrtpFault> {
        let end = room.len().checked_sub(self.tag_bytes()).ok_or(SrtpFault::TooShort)?;
        let (packet, tag) = room.split_at_mut_checked(end).ok_or(SrtpFault::TooShort)?;
        let (head, payload) = packet.split_at_mut_checked(header).ok_or(SrtpFault::TooShort)?;
        match &self.cipher {
            Cipher::Counter(counter) => {
                let Counter { key, authentication, .. } = &**counter;
                apply(key, self.counter_vector(at), payload)?;
                let made = authentication.tag(packet, &rollover(at.index));
                copy(tag, made.as_slice());
            }
            Cipher::Galois(key) => {
                let nonce = Nonce::assume_unique_for_key(self.rtp_nonce(at));
                let made = key.seal_in_place_separate_tag(nonce, Aad::from(&*head), payload);
                copy(tag, made.map_err(|_| SrtpFault::Exhausted)?.as_ref());
            }
        }
        Ok(())
    }

    /// Verifies and decrypts in place. After a failure the bytes of a GCM packet are worthless.
    #[inline]
    pub fn open_rtp(&self, at: Position, header: usize, packet: &mut [u8]) -> Result<usize, SrtpFault> {
        let end = packet.len().checked_sub(self.tag_bytes()).ok_or(SrtpFault::TooShort)?;
        match &self.cipher {
            Cipher::Counter(counter) => {
                let Counter { key, authentication, .. } = &**counter;
                let (packet, tag) = packet.split_at_mut_checked(end).ok_or(SrtpFault::TooShort)?;
                verify(&authentication.tag(packet, &rollover(at.index)), tag)?;
                let payload = packet.get_mut(header..).ok_or(SrtpFault::TooShort)?;
                apply(key, self.counter_vector(at), payload)?;
            }
            Cipher::Galois(key) => {
                let (head, sealed) = packet.split_at_mut_checked(header).ok_or(SrtpFault::TooShort)?;
                let nonce = Nonce::assume_unique_for_key(self.rtp_nonce(at));
                key.open_in_place(nonce, Aad::from(&*head), sealed).map_err(|_| SrtpFault::NotAuthentic)?;
            }
        }
        Ok(end)
    }

    /// Encrypts all but the first eight bytes; `room` ends with place for tag and index (RFC 3711 3.4, RFC 7714 9.1).
    pub fn seal_rtcp(&self, at: Position, room: &mut [u8]) -> Result<(), SrtpFault> {
        let end = room.len().checked_sub(self.tag_bytes() + 4).ok_or(SrtpFault::TooShort)?;
        let word = (encrypted_word(at.index)).to_be_bytes();
        let (packet, trailer) = room.split_at_mut_checked(end).ok_or(SrtpFault::TooShort)?;
        let (head, payload) = packet.split_at_mut_checked(8).ok_or(SrtpFault::TooShort)?;
        match &self.cipher {
            Cipher::Counter(counter) => {
                let Counter { key, authentication, .. } = &**counter;
                apply(key, self.counter_vector(at), payload)?;
                let made = authentication.tag(packet, &word);
                let (index, tag) = trailer.split_at_mut_checked(4).ok_or(SrtpFault::TooShort)?;
                copy(index, &word);
                copy(tag, made.as_slice());
            }
            Cipher::Galois(key) => {
                let nonce = Nonce::assume_unique_for_key(self.rtcp_nonce(at));
                let made = key.seal_in_place_separate_tag(nonce, Aad::from(rtcp_associated(head, &word)), payload);
                let (tag, index) = trailer.split_at_mut_checked(GCM_TAG).ok_or(SrtpFault::TooShort)?;
                copy(tag, made.map_err(|_| SrtpFault::Exhausted)?.as_ref());
                copy(index, &word);
            }
        }
        Ok(())
    }

    /// Where the index of an SRTCP packet stands: before the tag of HMAC, behind that of GCM.
    pub fn rtcp_word(&self, packet: &[u8]) -> Option<u32> {
        let from_end = match &self.cipher {
            Cipher::Counter(counter) => counter.tag + 4,
            Cipher::Galois(_) => 4,
        };
        let at = packet.len().checked_sub(from_end)?;
        packet.get(at..)?.first_chunk().map(|word| u32::from_be_bytes(*word))
    }

    /// Verifies and decrypts in place; what the peer has only tagged (no E bit) is verified and left.
    pub fn open_rtcp(&self, at: Position, encrypted: bool, packet: &mut [u8]) -> Result<usize, SrtpFault> {
        let end = packet.len().checked_sub(self.tag_bytes() + 4).ok_or(SrtpFault::TooShort)?;
        let (packet, trailer) = packet.split_at_mut_checked(end).ok_or(SrtpFault::TooShort)?;
        match &self.cipher {
            Cipher::Counter(counter) => {
                let Counter { key, authentication, .. } = &**counter;
                let (word, tag) = trailer.split_at_checked(4).ok_or(SrtpFault::TooShort)?;
                verify(&authentication.tag(packet, word), tag)?;
                let payload = packet.get_mut(8..).ok_or(SrtpFault::TooShort)?;
                if encrypted {
                    apply(key, self.counter_vector(at), payload)?;
                }
            }
            Cipher::Galois(key) => {
                let nonce = Nonce::assume_unique_for_key(self.rtcp_nonce(at));
                let (tag, word) = trailer.split_at_checked(GCM_TAG).ok_or(SrtpFault::TooShort)?;
                if encrypted {
                    let (head, payload) = packet.split_at_mut_checked(8).ok_or(SrtpFault::TooShort)?;
                    let associated = Aad::from(rtcp_associated(head, word));
                    key.open_in_place_separate_tag(nonce, associated, tag, payload)
                        .map_err(|_| SrtpFault::NotAuthentic)?;
                } else {
                    // RFC 7714 9.3: nothing is encrypted, so all of the packet and the index are associated bytes.
                    let whole = [&*packet, word].concat();
                    key.open_in_place_separate_tag(nonce, Aad::from(whole), tag, &mut [])
                        .map_err(|_| SrtpFault::NotAuthentic)?;
                }
            }
        }
        Ok(end)
    }

    /// RFC 3711 4.1.1: salt, SSRC and index, each in its place.
    #[inline]
    fn counter_vector(&self, at: Position) -> [u8; 16] {
        let mut salt = [0; 16];
        copy(&mut salt, &self.salt);
        let mixed = u128::from_be_bytes(salt) ^ (u128::from(at.ssrc) << 64) ^ (u128::from(at.index) << 16);
        mixed.to_be_bytes()
    }

    /// RFC 7714 8.1: SSRC, rollover counter and sequence number over the salt.
    #[inline]
    fn rtp_nonce(&self, at: Position) -> [u8; 12] {
        self.nonce((u128::from(at.ssrc) << 48) | u128::from(at.index))
    }

    /// RFC 7714 9.1: SSRC and index over the salt.
    fn rtcp_nonce(&self, at: Position) -> [u8; 12] {
        self.nonce((u128::from(at.ssrc) << 48) | u128::from(at.index))
    }

    #[inline]
    fn nonce(&self, place: u128) -> [u8; 12] {
        let mut nonce = [0; 12];
        let place = place.to_be_bytes();
        let mixed = self.salt.iter().zip(place.iter().skip(4)).map(|(salt, byte)| salt ^ byte);
        nonce.iter_mut().zip(mixed).for_each(|(slot, byte)| *slot = byte);
        nonce
    }
}

impl Authentication {
    fn new(key: &[u8; 20]) -> Authentication {
        let padded = |with: u8| {
            let mut block = [with; 64];
            block.iter_mut().zip(key).for_each(|(slot, byte)| *slot ^= byte);
            Sha1::new_with_prefix(block)
        };
        Authentication { inner: padded(0x36), outer: padded(0x5c) }
    }

    #[inline]
    fn tag(&self, packet: &[u8], trailer: &[u8]) -> [u8; 20] {
        let mut inner = self.inner.clone();
        inner.update(packet);
        inner.update(trailer);
        let mut outer = self.outer.clone();
        outer.update(inner.finalize());
        outer.finalize().into()
    }
}

/// The E bit and the index.
pub(super) fn encrypted_word(index: u64) -> u32 {
    0x8000_0000 | u32::try_from(index & 0x7fff_ffff).unwrap_or_default()
}

fn rollover(index: u64) -> [u8; 4] {
    let [_, _, a, b, c, d, _, _] = index.to_be_bytes();
    [a, b, c, d]
}

#[inline]
fn apply(key: &EncryptingKey, vector: [u8; 16], payload: &mut [u8]) -> Result<(), SrtpFault> {
    let vector = EncryptionContext::Iv128(FixedLength::from(vector));
    key.less_safe_encrypt(payload, vector).map(drop).map_err(|_| SrtpFault::Exhausted)
}

/// In constant time: how far a guess agrees must not show.
#[inline]
fn verify(made: &[u8], received: &[u8]) -> Result<(), SrtpFault> {
    let made = made.get(..received.len()).ok_or(SrtpFault::NotAuthentic)?;
    aws_lc_rs::constant_time::verify_slices_are_equal(made, received).map_err(|_| SrtpFault::NotAuthentic)
}

fn rtcp_associated(head: &[u8], word: &[u8]) -> [u8; 12] {
    let mut associated = [0; 12];
    associated.iter_mut().zip(head.iter().chain(word)).for_each(|(slot, byte)| *slot = *byte);
    associated
}

#[inline]
fn copy(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(slot, byte)| *slot = *byte);
}
