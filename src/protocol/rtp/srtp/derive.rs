//! Session keys out of a master key (RFC 3711 4.3, RFC 7714 11). Keeps no key longer than its caller.

use super::SrtpFault;
use crate::protocol::rtp::suite::Suite;
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

/// Encryption key, authentication key and salt of RTP or of RTCP. The key derivation rate is always zero.
#[derive(Clone)]
pub(super) struct SessionKeys {
    cipher: [u8; 32],
    cipher_bytes: usize,
    pub authentication: [u8; 20],
    pub salt: [u8; 14],
}

/// What the keys are for: the first of three labels (RFC 3711 4.3.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Rtp = 0,
    Rtcp = 3,
}

impl SessionKeys {
    pub fn cipher(&self) -> &[u8] {
        self.cipher.get(..self.cipher_bytes).unwrap_or_default()
    }

    /// `master` is key and salt, one after the other.
    pub fn derive(suite: Suite, master: &[u8], purpose: Purpose) -> Result<SessionKeys, SrtpFault> {
        let cipher_bytes = suite.key_bytes();
        let (key, master_salt) = master.split_at_checked(cipher_bytes).ok_or(SrtpFault::WrongKey)?;
        if master_salt.len() != suite.salt_bytes() {
            return Err(SrtpFault::WrongKey);
        }
        let algorithm = if cipher_bytes == 32 { &AES_256 } else { &AES_128 };
        let key = UnboundCipherKey::new(algorithm, key).and_then(EncryptingKey::ctr);
        let key = key.map_err(|_| SrtpFault::WrongKey)?;
        // RFC 7714 11: the twelve bytes of a GCM salt stand before two zero bytes.
        let mut salt = [0; 16];
        salt.iter_mut().zip(master_salt).for_each(|(slot, byte)| *slot = *byte);
        let stream = |label: u8, out: &mut [u8]| {
            let mut vector = salt;
            vector[7] ^= label;
            out.fill(0);
            let vector = EncryptionContext::Iv128(FixedLength::from(vector));
            key.less_safe_encrypt(out, vector).map(drop).map_err(|_| SrtpFault::WrongKey)
        };
        let first = purpose as u8;
        let mut keys = SessionKeys { cipher: [0; 32], cipher_bytes, authentication: [0; 20], salt: [0; 14] };
        stream(first, keys.cipher.get_mut(..cipher_bytes).unwrap_or_default())?;
        stream(first + 1, &mut keys.authentication)?;
        stream(first + 2, &mut keys.salt)?;
        Ok(keys)
    }

    /// Keys that were not derived, as RFC 7714 gives them.
    #[cfg(test)]
    pub fn given(key: &[u8], given_salt: &[u8]) -> SessionKeys {
        let (mut cipher, mut salt) = ([0; 32], [0; 14]);
        cipher[..key.len()].copy_from_slice(key);
        salt[..given_salt.len()].copy_from_slice(given_salt);
        SessionKeys { cipher, cipher_bytes: key.len(), authentication: [0; 20], salt }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits.chunks(2).map(|two| u8::from_str_radix(str::from_utf8(two).expect("hex"), 16).expect("hex")).collect()
    }

    #[test]
    fn keys_are_derived_as_in_rfc_3711_b_3() {
        let master = bytes("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
        let keys = SessionKeys::derive(Suite::AesCm128HmacSha1_80, &master, Purpose::Rtp).expect("keys");
        assert_eq!(keys.cipher(), bytes("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(keys.salt[..], bytes("30CBBC08863D8C85D49DB34A9AE1"));
        assert_eq!(keys.authentication[..], bytes("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
    }

    #[test]
    fn a_master_key_of_another_length_is_refused() {
        for suite in Suite::ALL {
            let right = suite.key_bytes() + suite.salt_bytes();
            for len in 0..64 {
                let derived = SessionKeys::derive(suite, &vec![1; len], Purpose::Rtcp);
                assert_eq!(derived.is_ok(), len == right, "{} of {len}", suite.name());
            }
        }
    }
}
