//! What callers key, written under a public key: RSA-OAEP with SHA-512 around an AES-256-GCM key. Keeps no plain text.

use crate::edge::outside::settings::KeySettings;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{OAEP_SHA512_MGF1SHA512, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The keys of the configuration, by name.
pub struct PublicKeys(Vec<(Box<str>, OaepPublicEncryptingKey)>);

/// Whether these octets are a key that can be used.
pub fn is_usable(public: &[u8]) -> bool {
    parse(public).is_some()
}

fn parse(public: &[u8]) -> Option<OaepPublicEncryptingKey> {
    OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(public).ok()?).ok()
}

impl PublicKeys {
    pub fn new(settings: &[KeySettings]) -> PublicKeys {
        let keys = settings.iter().filter_map(|key| Some((key.name.clone(), parse(&key.public)?)));
        PublicKeys(keys.collect())
    }

    /// `offhook1.KEY.WRAPPED.NONCE.SEALED`, each part in base 64. `None`: there is no such key.
    pub fn seal(&self, name: &str, digits: &str) -> Option<Box<str>> {
        let (_, public) = self.0.iter().find(|(own, _)| **own == *name)?;
        let (mut secret, mut nonce) = ([0; 32], [0; 12]);
        rand::fill(&mut secret).ok()?;
        rand::fill(&mut nonce).ok()?;
        let mut wrapped = vec![0; public.ciphertext_size()];
        let wrapped: &[u8] = public.encrypt(&OAEP_SHA512_MGF1SHA512, &secret, &mut wrapped, None).ok()?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &secret).ok()?);
        secret.fill(0);
        let mut sealed = digits.as_bytes().to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(name.as_bytes()), &mut sealed)
            .ok()?;
        let parts = [wrapped, &nonce[..], &sealed[..]].map(|part| STANDARD.encode(part));
        Some(format!("offhook1.{name}.{}", parts.join(".")).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rsa::{KeySize, OaepPrivateDecryptingKey, PrivateDecryptingKey};

    #[test]
    fn only_the_private_key_opens_it() {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).expect("a key");
        let public = private.public_key().as_der().expect("DER").as_ref().to_vec();
        assert!(is_usable(&public));
        let keys = PublicKeys::new(&[KeySettings { name: "card".into(), public: public.into() }]);
        let sealed = keys.seal("card", "4111111111111111").expect("sealed");
        assert!(!sealed.contains("4111"));
        let parts: Vec<Vec<u8>> =
            sealed.split('.').skip(2).map(|part| STANDARD.decode(part).expect("base 64")).collect();
        let private = OaepPrivateDecryptingKey::new(private).expect("a key");
        let mut secret = vec![0; private.min_output_size()];
        let secret = private.decrypt(&OAEP_SHA512_MGF1SHA512, &parts[0], &mut secret, None).expect("unwrapped");
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, secret).expect("a key"));
        let nonce = Nonce::try_assume_unique_for_key(&parts[1]).expect("a nonce");
        let mut sealed = parts[2].clone();
        let plain = key.open_in_place(nonce, Aad::from("card"), &mut sealed).expect("opened");
        assert_eq!(plain, b"4111111111111111");
        assert_eq!(keys.seal("other", "1"), None);
    }
}
