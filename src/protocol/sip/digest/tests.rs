//! Known answers, and a peer and a doorkeeper that talk to each other.

use super::client::{Challenge, Login};
use super::server::{Authenticator, Verdict};
use super::*;
use crate::base::entropy::Entropy;
use crate::base::now::Now;
use crate::protocol::sip::message::Message;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

const LIFETIME: Duration = Duration::from_secs(60);

fn now() -> Now {
    Now { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) }
}

fn peer() -> SocketAddr {
    "192.0.2.9:5060".parse().unwrap()
}

fn doorkeeper() -> Authenticator {
    Authenticator::new("offhook.test", LIFETIME, Algorithm::ALL, &mut Entropy::from_number(1))
}

fn challenged(header: &str, values: &[String]) -> Message {
    let status = if header.starts_with("Proxy") { 407 } else { 401 };
    let lines: String = values.iter().map(|value| format!("{header}: {value}\r\n")).collect();
    let text = format!(
        "SIP/2.0 {status} Unauthorized\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n\
         Call-ID: x\r\nCSeq: 1 REGISTER\r\n{lines}Content-Length: 0\r\n\r\n"
    );
    Message::parse(text.as_bytes()).unwrap()
}

fn register(authorization: Option<&str>) -> Message {
    let line = authorization.map(|value| format!("Authorization: {value}\r\n")).unwrap_or_default();
    let text = format!(
        "REGISTER sip:offhook.test SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n\
         Call-ID: x\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\n{line}Content-Length: 0\r\n\r\n"
    );
    Message::parse(text.as_bytes()).unwrap()
}

/// A login by what the doorkeeper now offers.
fn login(doorkeeper: &mut Authenticator, now: Now) -> Login {
    let values = doorkeeper.challenges(now, peer(), false);
    Login::new(Challenge::strongest(&challenged("WWW-Authenticate", &values), "").unwrap())
}

fn answer(login: &mut Login, user: &str, password: &str) -> String {
    let mut entropy = Entropy::from_number(5);
    login.answer(user, &Secret::new(password), "REGISTER", "sip:offhook.test", &mut entropy)
}

fn verdict(doorkeeper: &mut Authenticator, now: Now, source: SocketAddr, authorization: &str) -> Verdict {
    let known = Secret::new("open sesame");
    doorkeeper.verify(now, source, &register(Some(authorization)), |user| (user == "alice").then_some(&known))
}

fn granted() -> Verdict {
    Verdict::Granted { user: "alice".into() }
}

#[test]
fn gives_the_answers_of_rfc_7616_3_9_1() {
    for (algorithm, expected) in [
        (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
        (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let question = Question {
            algorithm,
            user: "Mufasa",
            realm: "http-auth@example.org",
            method: "GET",
            uri: "/dir/index.html",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            auth: Some(("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
        };
        assert_eq!(question.response(&Secret::new("Circle of Life")), expected);
    }
}

#[test]
fn gives_the_answer_of_rfc_2069_without_qop() {
    let question = Question {
        algorithm: Algorithm::Md5,
        user: "Mufasa",
        realm: "testrealm@host.com",
        method: "GET",
        uri: "/dir/index.html",
        nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        auth: None,
    };
    // RFC 2069 2.4 as corrected by its erratum 749.
    assert_eq!(question.response(&Secret::new("CircleOfLife")), "1949323746fe6a43ef61f9606e7febea");
}

#[test]
fn a_right_password_opens_and_the_nonce_count_rises() {
    let (now, mut doorkeeper) = (now(), doorkeeper());
    let mut login = login(&mut doorkeeper, now);
    let first = answer(&mut login, "alice", "open sesame");
    assert!(first.contains("nc=00000001") && first.contains("algorithm=SHA-256"), "{first}");
    assert_eq!(verdict(&mut doorkeeper, now, peer(), &first), granted());
    let second = answer(&mut login, "alice", "open sesame");
    assert!(second.contains("nc=00000002"), "{second}");
    assert_eq!(verdict(&mut doorkeeper, now, peer(), &second), granted());
}

#[test]
fn a_replayed_answer_is_stale_also_when_a_later_one_came_first() {
    let (now, mut doorkeeper) = (now(), doorkeeper());
    let mut login = login(&mut doorkeeper, now);
    let first = answer(&mut login, "alice", "open sesame");
    let second = answer(&mut login, "alice", "open sesame");
    assert_eq!(verdict(&mut doorkeeper, now, peer(), &second), granted());
    assert_eq!(verdict(&mut doorkeeper, now, peer(), &second), Verdict::Stale);
    assert_eq!(verdict(&mut doorkeeper, now, peer(), &first), Verdict::Stale);
}

#[test]
fn a_nonce_without_qop_is_good_once() {
    let (now, mut doorkeeper) = (now(), doorkeeper());
    let values: Vec<String> = doorkeeper.challenges(now, peer(), false);
    let legacy = vec![values[1].replace(r#", qop="auth""#, "")];
    let mut login = Login::new(Challenge::strongest(&challenged("WWW-Authenticate", &legacy), "").unwrap());
    let once = answer(&mut login, "alice", "open sesame");
    assert!(!once.contains("qop") && once.contains("algorithm=MD5"), "{once}");
    assert_eq!(verdict(&mut doorkeeper, now, peer(), &once), granted());
    assert_eq!(verdict(&mut doorkeeper, now, peer(), &once), Verdict::Stale);
}

#[test]
fn a_nonce_is_bound_to_its_source_and_its_time() {
    let (now, mut doorkeeper) = (now(), doorkeeper());
    let mut login = login(&mut doorkeeper, now);
    let right = answer(&mut login, "alice", "open sesame");
    for elsewhere in ["192.0.2.10:5060", "192.0.2.9:5061", "[2001:db8::9]:5060"] {
        assert_eq!(verdict(&mut doorkeeper, now, elsewhere.parse().unwrap(), &right), Verdict::Stale, "{elsewhere}");
    }
    let late = now.after(LIFETIME);
    assert_eq!(verdict(&mut doorkeeper, late, peer(), &right), Verdict::Stale);
    let just = now.after(LIFETIME - Duration::from_millis(1));
    assert_eq!(verdict(&mut doorkeeper, just, peer(), &right), granted());
}

#[test]
fn stale_is_said_only_to_those_who_know_the_password() {
    let (now, mut doorkeeper) = (now(), doorkeeper());
    let mut login = login(&mut doorkeeper, now);
    let late = now.after(LIFETIME * 2);
    for (user, password) in [("alice", "wrong"), ("mallory", "open sesame"), ("", "")] {
        let authorization = answer(&mut login, user, password);
        assert_eq!(verdict(&mut doorkeeper, late, peer(), &authorization), Verdict::Wrong, "{user}");
        assert_eq!(verdict(&mut doorkeeper, now, peer(), &authorization), Verdict::Wrong, "{user}");
    }
}

#[test]
fn nonces_of_our_own_making_only() {
    let (now, mut doorkeeper) = (now(), doorkeeper());
    let values = doorkeeper.challenges(now, peer(), false);
    for nonce in ["", "abc", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &"A".repeat(4_000)] {
        let start = values[0].find("nonce=\"").unwrap() + 7;
        let end = start + values[0][start..].find('"').unwrap();
        let forged = format!("{}{nonce}{}", &values[0][..start], &values[0][end..]);
        let challenge = Challenge::strongest(&challenged("WWW-Authenticate", &[forged]), "").unwrap();
        let authorization = answer(&mut Login::new(challenge), "alice", "open sesame");
        assert_eq!(verdict(&mut doorkeeper, now, peer(), &authorization), Verdict::Stale, "{nonce}");
    }
}

#[test]
fn garbage_is_wrong_and_foreign_realms_are_missing() {
    let (now, mut doorkeeper) = (now(), doorkeeper());
    let known = Secret::new("x");
    assert_eq!(doorkeeper.verify(now, peer(), &register(None), |_| Some(&known)), Verdict::Missing);
    for foreign in
        ["Basic YWxpY2U6eA==", r#"Digest realm="else", username="alice""#, "Digest", "Digest =,=,=", "\"", ",,,"]
    {
        assert_eq!(verdict(&mut doorkeeper, now, peer(), foreign), Verdict::Missing, "{foreign}");
    }
    let own = r#"Digest realm="offhook.test""#;
    for more in
        ["", r#", username="alice""#, r#", username="alice", nonce="a", response="b", uri="c", algorithm=ROT13"#]
    {
        assert_eq!(verdict(&mut doorkeeper, now, peer(), &format!("{own}{more}")), Verdict::Wrong, "{more}");
    }
}

#[test]
fn memory_of_used_nonces_is_bounded_and_forgetting_never_reopens() {
    let (now, mut doorkeeper) = (now(), doorkeeper().remembering(100));
    let known = Secret::new("open sesame");
    let mut first = None;
    for _ in 0..101 {
        let mut login = login(&mut doorkeeper, now);
        let request = register(Some(&answer(&mut login, "alice", "open sesame")));
        assert_eq!(doorkeeper.verify(now, peer(), &request, |_| Some(&known)), granted());
        first.get_or_insert(request);
    }
    let replayed = doorkeeper.verify(now, peer(), &first.unwrap(), |_| Some(&known));
    assert_eq!(replayed, Verdict::Stale);
}

#[test]
fn the_strongest_challenge_of_the_realm_is_chosen() {
    let line = r#"Digest realm="a, \"b\"", nonce="n1",algorithm=MD5, qop="auth,auth-int", Digest realm="a, \"b\"" , nonce="n2", algorithm=SHA-256, qop="auth", Basic realm="z", Digest realm="c", nonce="n3", opaque="o", stale=TRUE"#;
    let response = challenged("Proxy-Authenticate", &[line.into()]);
    let all = Challenge::all(&response);
    assert_eq!(all.len(), 2);
    assert_eq!((&*all[0].realm, all[0].algorithm, all[0].from_proxy), (r#"a, \"b\""#, Algorithm::Sha256, true));
    let other = Challenge::strongest(&response, "c").unwrap();
    assert!(other.stale && other.algorithm == Algorithm::Md5);
    let value = answer(&mut Login::new(other), "u", "p");
    assert!(value.ends_with(r#"opaque="o""#) && !value.contains("algorithm"), "{value}");
    assert_eq!(Challenge::strongest(&response, "nobody's"), None);
}

#[test]
fn challenges_that_we_cannot_answer_are_left_alone() {
    for value in [
        r#"Digest realm="a", nonce="n", algorithm=AKAv1-MD5"#,
        r#"Digest realm="a", nonce="n", qop="auth-int""#,
        r#"Digest realm="a""#,
        "Digest",
        "",
    ] {
        assert_eq!(Challenge::all(&challenged("WWW-Authenticate", &[value.into()])), vec![], "{value}");
    }
}

proptest::proptest! {
    #[test]
    fn no_header_line_upsets_the_reader(line in r#"[ -~\t]{0,200}"#, mixed in r#"(Digest |Basic |realm|nonce|=|,|"|\\| |a){0,60}"#) {
        for line in [line, mixed] {
            for parameters in digests(&line) {
                proptest::prop_assert!(parameters.0.len() <= PARAMETERS_MAX);
                let _ = parameters.get("realm");
            }
        }
    }

    #[test]
    fn whatever_realm_and_user_a_right_password_opens(realm in "[a-zA-Z0-9 @.,=;-]{1,40}", user in "[a-zA-Z0-9@.,=+-]{1,40}") {
        let (now, mut entropy) = (now(), Entropy::from_number(2));
        let mut doorkeeper = Authenticator::new(&realm, LIFETIME, Algorithm::ALL, &mut entropy);
        let values = doorkeeper.challenges(now, peer(), true);
        let challenge = Challenge::strongest(&challenged("WWW-Authenticate", &values), &realm);
        let challenge = challenge.expect("our own challenge is understood");
        proptest::prop_assert!(challenge.stale);
        let password = Secret::new("p");
        let value = Login::new(challenge).answer(&user, &password, "REGISTER", "sip:x", &mut entropy);
        let verdict = doorkeeper.verify(now, peer(), &register(Some(&value)), |_| Some(&password));
        proptest::prop_assert_eq!(verdict, Verdict::Granted { user: user.into() });
    }
}
