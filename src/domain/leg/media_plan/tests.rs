//! Two legs that offer and answer through us, in the words of their descriptions.

use super::*;

const OFFER: &str = "v=0\r\no=alice 2890844526 7 IN IP4 host.carrier-a.example\r\ns=Asterisk\r\ni=secret\r\nu=http://carrier-a.example\r\n\
    e=noc@carrier-a.example\r\np=+1 617 555\r\nc=IN IP4 192.0.2.1\r\nb=AS:84\r\nt=3034423619 0\r\na=tool:Asterisk\r\n\
    m=audio 49170 RTP/AVP 0 8 96 101 13\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:96 opus/48000/2\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=fmtp:96 useinbandfec=1\r\na=ptime:20\r\na=sendonly\r\n";

fn side<'a>(codecs: &'a [Box<str>], srtp: SrtpPolicy) -> Side<'a> {
    static PASSING: std::sync::LazyLock<MediaSettings> = std::sync::LazyLock::new(MediaSettings::passing);
    Side { host: "203.0.113.9", codecs, srtp, media: &PASSING, is_phone: false }
}

fn plan() -> MediaPlan {
    MediaPlan::new(&mut Entropy::from_number(7))
}

fn names(list: &[&str]) -> Vec<Box<str>> {
    list.iter().map(|name| Box::from(*name)).collect()
}

fn text(bytes: Result<Bytes, Refusal>) -> String {
    String::from_utf8(bytes.expect("a description").to_vec()).expect("text")
}

fn has(text: &str, line: &str) -> bool {
    text.split("\r\n").any(|own| own == line)
}

#[test]
fn what_tells_of_the_other_side_does_not_cross() {
    let sent = text(plan().offer_to(OFFER.as_bytes(), &side(&[], SrtpPolicy::Plain)));
    for secret in ["alice", "carrier-a", "Asterisk", "secret", "617", "2890844526", "3034423619"] {
        assert!(!sent.contains(secret), "{secret} in {sent}");
    }
    for line in [
        "s=-",
        "t=0 0",
        "c=IN IP4 192.0.2.1",
        "b=AS:84",
        "a=sendonly",
        "a=ptime:20",
        "m=audio 49170 RTP/AVP 0 8 96 101 13",
    ] {
        assert!(has(&sent, line), "{line} not in {sent}");
    }
    assert!(sent.contains(" 1 IN IP4 203.0.113.9\r\n"), "{sent}");
}

#[test]
fn codecs_are_filtered_and_ordered_and_bring_their_companions() {
    let codecs = names(&["PCMA", "pcmu"]);
    let sent = text(plan().offer_to(OFFER.as_bytes(), &side(&codecs, SrtpPolicy::Plain)));
    assert!(has(&sent, "m=audio 49170 RTP/AVP 8 0 101 13"), "{sent}");
    assert!(!sent.contains("opus") && !sent.contains("useinbandfec"), "{sent}");
    assert!(has(&sent, "a=rtpmap:101 telephone-event/8000") && has(&sent, "a=fmtp:101 0-15"), "{sent}");
}

#[test]
fn an_offer_that_would_be_left_empty_is_refused() {
    let codecs = names(&["G729"]);
    let refused = plan().offer_to(OFFER.as_bytes(), &side(&codecs, SrtpPolicy::Plain));
    assert_eq!(refused, Err(Refusal::NoCodec));
    assert_eq!(refused.map_err(Refusal::cause), Err(Cause::MediaNotAcceptable));
}

#[test]
fn an_answer_is_mirrored_against_the_offer_that_it_answers() {
    let codecs = names(&["PCMA", "PCMU"]);
    let near = side(&codecs, SrtpPolicy::Plain);
    let mut caller = plan();
    let offer = caller.offered(OFFER.as_bytes(), &near).expect("an offer");
    plan().offer_to(&offer, &near).expect("an offer");
    // The callee answers sendrecv to sendonly, a codec that was taken out, and a stream too many.
    let answer =
        b"v=0\no=- 1 1 IN IP4 198.51.100.7\ns=pbx\nc=IN IP4 198.51.100.7\nt=0 0\nm=audio 6000 RTP/AVP 8 97 101\n\
        a=rtpmap:97 opus/48000/2\na=rtpmap:101 telephone-event/8000\na=rtcp-mux\nm=video 6002 RTP/AVP 34\n";
    let sent = text(caller.answer_to(answer, &near));
    assert!(has(&sent, "m=audio 6000 RTP/AVP 8 101"), "{sent}");
    assert!(has(&sent, "a=recvonly") && has(&sent, "t=3034423619 0"), "{sent}");
    assert!(
        !sent.contains("video") && !sent.contains("pbx") && !sent.contains("rtcp-mux") && !sent.contains("opus"),
        "{sent}"
    );
}

#[test]
fn a_rejected_stream_keeps_its_place() {
    let near = side(&[], SrtpPolicy::Plain);
    let mut caller = plan();
    let two = b"v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=video 5000 RTP/AVP 34\nm=audio 4000 RTP/AVP 0\n\
        m=image 4002 udptl t38\n";
    caller.offered(two, &near).expect("an offer");
    let answer = b"v=0\no=- 1 1 IN IP4 198.51.100.7\ns=-\nc=IN IP4 198.51.100.7\nt=0 0\nm=video 0 RTP/AVP 34\nm=audio 6000 RTP/AVP 0\n";
    let sent = text(caller.answer_to(answer, &near));
    let media: Vec<&str> = sent.split("\r\n").filter(|line| line.starts_with("m=")).collect();
    assert_eq!(media, ["m=video 0 RTP/AVP 34", "m=audio 6000 RTP/AVP 0", "m=image 0 udptl t38"]);
}

#[test]
fn an_answer_that_shares_nothing_with_its_offer_is_refused() {
    let near = side(&[], SrtpPolicy::Plain);
    let mut caller = plan();
    assert_eq!(caller.answer_to(b"v=0\n", &near), Err(Refusal::NoOffer));
    caller.offered(b"v=0\nm=audio 4000 RTP/AVP 0\n", &near).expect("an offer");
    assert_eq!(caller.answer_to(b"v=0\nm=audio 6000 RTP/AVP 8\n", &near), Err(Refusal::NoCodec));
    assert_eq!(caller.answer_to(b"hello", &near), Err(Refusal::Unreadable));
}

#[test]
fn srtp_is_offered_only_to_who_takes_it_and_demanded_of_who_must() {
    let plain = "v=0\nm=audio 4000 RTP/AVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:K\n";
    let secure = plain.replace("RTP/AVP", "RTP/SAVP");
    let dtls = "v=0\na=fingerprint:sha-256 AA\na=setup:actpass\nm=audio 4000 UDP/TLS/RTP/SAVPF 0\n";
    let bare = "v=0\nm=audio 4000 RTP/SAVP 0\n";
    let sent = |offer: &str, policy| plan().offer_to(offer.as_bytes(), &side(&[], policy));
    assert!(!text(sent(plain, SrtpPolicy::Plain)).contains("crypto"));
    assert!(text(sent(plain, SrtpPolicy::Optional)).contains("crypto"));
    assert_eq!(sent(plain, SrtpPolicy::Required), Err(Refusal::NotSecure));
    for offer in [&*secure, dtls] {
        assert_eq!(sent(offer, SrtpPolicy::Plain), Err(Refusal::OnlySecure));
        assert!(sent(offer, SrtpPolicy::Optional).is_ok() && sent(offer, SrtpPolicy::Required).is_ok());
    }
    assert_eq!(sent(bare, SrtpPolicy::Required), Err(Refusal::NotSecure));
    // What calls itself neither is sound that nobody can judge; fax over TLS is no plain fax.
    for odd in ["audio 4000 R^TP/SAVP", "audio 4000 SAVP", "video 4000 what", "image 4000 UDP/TLS/UDPTL"] {
        assert!(sent(&format!("v=0\nm={odd} 0\n"), SrtpPolicy::Plain).is_err(), "{odd}");
    }
    assert!(sent("v=0\nm=image 4000 udptl t38\n", SrtpPolicy::Required).is_ok());
    // Both profiles side by side: the plain peer gets the plain stream alone, in its place.
    let both = format!("{secure}m=audio 4002 RTP/AVP 0\n");
    let sent = text(sent(&both, SrtpPolicy::Plain));
    assert!(has(&sent, "m=audio 0 RTP/SAVP 0") && has(&sent, "m=audio 4002 RTP/AVP 0"), "{sent}");
}

#[test]
fn a_secure_answer_takes_an_offered_key_or_is_none() {
    let near = side(&[], SrtpPolicy::Required);
    let mut caller = plan();
    let offer = "v=0\nm=audio 4000 RTP/SAVP 0\na=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:K\n";
    caller.offered(offer.as_bytes(), &near).expect("an offer");
    let answer = "v=0\nm=audio 6000 RTP/SAVP 0\na=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:L\n";
    assert!(text(caller.answer_to(answer.as_bytes(), &near)).contains("inline:L"));
    assert_eq!(caller.answer_to(answer.replace(":4", ":5").as_bytes(), &near), Err(Refusal::NoCodec));
    assert_eq!(caller.answer_to(answer.replace("SAVP", "AVP").as_bytes(), &near), Err(Refusal::NoCodec));
}

#[test]
fn a_refresh_repeats_what_holds_even_after_a_refused_offer() {
    let near = side(&[], SrtpPolicy::Plain);
    let mut callee = plan();
    assert_eq!(callee.refresh(&near), None);
    let first = callee.offer_to(OFFER.as_bytes(), &near).expect("an offer");
    callee.settle();
    assert_eq!(callee.refresh(&near), Some(first.clone()));
    let changed = callee.offer_to(OFFER.replace("sendonly", "inactive").as_bytes(), &near).expect("an offer");
    assert_ne!(changed, first);
    let again = text(callee.refresh(&near).ok_or(Refusal::NoOffer));
    assert_eq!(again.replace(" 3 IN", " 1 IN"), text(Ok(first)));
}

#[test]
fn hold_has_three_forms() {
    let of = |lines: &str| is_hold(format!("v=0\nc=IN IP4 192.0.2.1\n{lines}").as_bytes());
    assert!(of("m=audio 4000 RTP/AVP 0\na=sendonly\n"));
    assert!(of("m=audio 4000 RTP/AVP 0\na=inactive\n"));
    assert!(of("m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\n"));
    let browsers = "m=audio 9 UDP/TLS/RTP/SAVPF 111\nc=IN IP4 0.0.0.0\na=ice-ufrag:u\na=ice-pwd:p\n";
    assert!(!of(browsers), "a browser that has no candidate yet");
    assert!(of(&format!("{browsers}a=sendonly\n")));
    assert!(of("a=sendonly\nm=audio 4000 RTP/AVP 0\nm=video 0 RTP/AVP 34\n"));
    assert!(!of("m=audio 4000 RTP/AVP 0\n") && !of("m=audio 4000 RTP/AVP 0\na=recvonly\n") && !of(""));
    assert!(!of("m=audio 4000 RTP/AVP 0\na=sendonly\nm=video 5000 RTP/AVP 34\n"));
}

#[test]
fn a_description_is_found_alone_or_among_other_parts() {
    assert_eq!(session_description(Some("application/sdp"), b"v=0"), Some(&b"v=0"[..]));
    assert_eq!(session_description(None, b"v=0"), Some(&b"v=0"[..]));
    assert_eq!(session_description(None, b"\r\n"), None);
    assert_eq!(session_description(Some("application/isup"), b"v=0"), None);
    let body = b"--x\r\nContent-Type: application/isup\r\n\r\n\x01\r\n--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x--";
    assert_eq!(session_description(Some("multipart/mixed; boundary=x"), body), Some(&b"v=0"[..]));
}
