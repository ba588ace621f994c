//! Which tokens of others are believed.

use super::*;
use crate::base::secret::Secret;
use crate::edge::softphone::settings::PublicKey;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{EcdsaKeyPair, KeyPair, RsaKeyPair};
use serde_json::{Value, json};

const NOW: Duration = Duration::from_secs(1_000_000);

fn settings(key: JwtKey) -> JwtSettings {
    JwtSettings {
        key,
        issuer: Some("https://sso.example".into()),
        audience: Some("offhook".into()),
        age_max: Duration::from_secs(600),
        leeway: Duration::from_secs(30),
    }
}

fn claims() -> Value {
    json!({ "sub": "alice", "iss": "https://sso.example", "aud": ["other", "offhook"], "iat": 999_990, "exp": 1_000_060 })
}

fn with(name: &str, value: Value) -> Value {
    let mut changed = claims();
    changed[name] = value;
    changed
}

fn token(head: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(head), part(claims));
    let proof = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));
    format!("{signed}.{proof}")
}

fn by_secret(secret: &str, signed: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed).as_ref().to_vec()
}

fn shared(claims: &Value) -> Result<String, JwtFault> {
    let token = token(&json!({ "alg": "HS256" }), claims, |signed| by_secret("a secret", signed));
    subject(&settings(JwtKey::Hs256(Secret::new("a secret"))), &token, NOW)
}

#[test]
fn the_subject_of_a_good_token_is_believed_whichever_way_it_is_signed() {
    assert_eq!(shared(&claims()), Ok("alice".to_owned()));
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let public = |der: &[u8]| PublicKey { path: "key.pem".into(), der: der.to_vec() };
    let es = settings(JwtKey::Es256(public(pair.public_key().as_ref())));
    let sign = |signed: &[u8]| pair.sign(&random, signed).expect("signed").as_ref().to_vec();
    let good = token(&json!({ "alg": "ES256", "typ": "JWT", "kid": "1" }), &claims(), sign);
    assert_eq!(subject(&es, &good, NOW), Ok("alice".to_owned()));

    let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let rs = settings(JwtKey::Rs256(public(pair.public_key().as_ref())));
    let sign = |signed: &[u8]| {
        let mut proof = vec![0; pair.public_modulus_len()];
        pair.sign(&signature::RSA_PKCS1_SHA256, &random, signed, &mut proof).expect("signed");
        proof
    };
    assert_eq!(subject(&rs, &token(&json!({ "alg": "RS256" }), &claims(), sign), NOW), Ok("alice".to_owned()));
    assert_eq!(subject(&rs, &good, NOW), Err(JwtFault::Forged), "another algorithm than agreed");
}

#[test]
fn the_token_does_not_choose_how_it_is_checked() {
    let own = settings(JwtKey::Hs256(Secret::new("a secret")));
    let sign = |signed: &[u8]| by_secret("a secret", signed);
    for head in
        [json!({ "alg": "none" }), json!({ "alg": "RS256" }), json!({ "alg": "HS256", "crit": ["b64"] }), json!({})]
    {
        assert_eq!(subject(&own, &token(&head, &claims(), sign), NOW), Err(JwtFault::Forged), "{head}");
    }
    let unsigned = token(&json!({ "alg": "HS256" }), &claims(), |_| Vec::new());
    assert_eq!(subject(&own, &unsigned, NOW), Err(JwtFault::Forged));
    let public = b"-----BEGIN PUBLIC KEY-----";
    let confused = token(&json!({ "alg": "HS256" }), &claims(), |signed| {
        by_secret(std::str::from_utf8(public).expect("text"), signed)
    });
    let es = settings(JwtKey::Es256(PublicKey { path: "key.pem".into(), der: public.to_vec() }));
    assert_eq!(subject(&es, &confused, NOW), Err(JwtFault::Forged));
}

#[test]
fn a_token_is_good_in_its_time_and_for_us_alone() {
    for (changed, fault) in [
        (with("exp", json!(999_970)), JwtFault::Expired),
        (with("iat", json!(999_000)), JwtFault::Expired),
        (with("iat", json!(1_000_031)), JwtFault::Expired),
        (with("nbf", json!(1_000_031)), JwtFault::Expired),
        (with("exp", Value::Null), JwtFault::Foreign),
        (with("iat", Value::Null), JwtFault::Foreign),
        (with("aud", json!("other")), JwtFault::Foreign),
        (with("aud", Value::Null), JwtFault::Foreign),
        (with("iss", json!("https://elsewhere.example")), JwtFault::Foreign),
        (with("sub", json!("")), JwtFault::Foreign),
        (with("exp", json!("soon")), JwtFault::Forged),
    ] {
        assert_eq!(shared(&changed), Err(fault), "{changed}");
    }
    assert_eq!(shared(&with("exp", json!(999_971))), Ok("alice".to_owned()), "clocks may be a little apart");
    assert_eq!(shared(&with("aud", json!("offhook"))), Ok("alice".to_owned()));
}

#[test]
fn what_is_no_token_is_refused() {
    let own = settings(JwtKey::Hs256(Secret::new("a secret")));
    for text in ["", ".", "..", "a.b.c", "e30.e30.", &"x".repeat(9_000), "\u{0}.\u{0}.\u{0}"] {
        assert_eq!(subject(&own, text, NOW), Err(JwtFault::Forged), "{text:?}");
    }
}
