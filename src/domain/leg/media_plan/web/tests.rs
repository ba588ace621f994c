//! A browser and a telephone that talk through us: what the browser is told, and what the worker is told of it.

use crate::base::entropy::Entropy;
use crate::domain::leg::media_plan::{MediaPlan, Refusal, Relaying, Side};
use crate::domain::trunk::media::MediaSettings;
use crate::domain::trunk::settings::SrtpPolicy;
use crate::media::command::StreamPlan;
use crate::media::handshake::{Certificates, WebRtc};
use crate::protocol::audio::codec::Codec;
use crate::protocol::sdp::fingerprint::Fingerprint;
use std::sync::LazyLock;

const CERTIFICATES: Certificates = Certificates([Fingerprint([0xaa; 32]), Fingerprint([0xbb; 32])]);
static SETTINGS: LazyLock<MediaSettings> = LazyLock::new(MediaSettings::of_phone);

/// The lines of Chromium's offer that matter, and some that do not.
const BROWSER: &str = "v=0\r\no=- 4 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
    a=extmap-allow-mixed\r\na=msid-semantic: WMS x\r\nm=audio 53667 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n\
    c=IN IP4 192.0.2.7\r\na=rtcp:9 IN IP4 0.0.0.0\r\n\
    a=candidate:1 1 udp 2113937151 0f51.local 53667 typ host generation 0 network-cost 999\r\n\
    a=ice-ufrag:fWJx\r\na=ice-pwd:vZFyUUNRyKJbFDCkwDHGXtZd\r\na=ice-options:trickle\r\n\
    a=fingerprint:sha-256 11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11\r\n\
    a=setup:actpass\r\na=mid:0\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=sendrecv\r\n\
    a=msid:x y\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n\
    a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=rtpmap:9 G722/8000\r\n\
    a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\na=rtcp-mux\r\n";
const TELEPHONE: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";

fn plan() -> MediaPlan {
    let mut entropy = Entropy::from_number(3);
    let mut plan = MediaPlan::new(&mut entropy);
    plan.relay(Relaying { recode: true, srtp: SrtpPolicy::Plain, is_browser: true }, &mut entropy);
    plan.opened("203.0.113.5:20000".parse().expect("address"), CERTIFICATES);
    plan
}

fn side() -> Side<'static> {
    Side { host: "203.0.113.9", codecs: &[], srtp: SrtpPolicy::Plain, media: &SETTINGS, is_phone: true }
}

fn answer(plan: &mut MediaPlan, offer: &str) -> Result<String, Refusal> {
    plan.offered(offer.as_bytes(), &side())?;
    let answer = plan.answer_to(TELEPHONE.as_bytes(), &side())?;
    Ok(String::from_utf8(answer.to_vec()).expect("text"))
}

fn offer(plan: &mut MediaPlan) -> String {
    String::from_utf8(plan.offer_to(TELEPHONE.as_bytes(), &side()).expect("an offer").to_vec()).expect("text")
}

fn stream(plan: &MediaPlan) -> StreamPlan {
    plan.agreement().expect("an agreement").plan(&SETTINGS, None)
}

fn webrtc(plan: &MediaPlan) -> WebRtc {
    *stream(plan).webrtc.expect("it is a browser's")
}

fn value<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    text.split("\r\n").filter_map(|line| line.strip_prefix("a=")?.strip_prefix(name)?.strip_prefix(':')).collect()
}

fn has(text: &str, line: &str) -> bool {
    text.split("\r\n").any(|own| own == line)
}

/// A browser's answer to an offer of ours.
fn accepted(setup: &str) -> String {
    let audio = BROWSER.split("m=video").next().expect("audio");
    audio.replace("setup:actpass", &format!("setup:{setup}")).replace("111 63 9 0 8 13 110 126", "111 0 110 126")
}

#[test]
fn a_browsers_offer_is_answered_with_all_that_it_needs_and_video_with_nothing() {
    let mut plan = plan();
    let told = answer(&mut plan, BROWSER).expect("an answer");
    for line in [
        "m=audio 20000 UDP/TLS/RTP/SAVPF 111 110",
        "c=IN IP4 203.0.113.5",
        "a=ice-lite",
        "a=group:BUNDLE 0",
        "a=mid:0",
        "a=rtcp-mux",
        "a=setup:passive",
        "a=candidate:1 1 udp 2130706431 203.0.113.5 20000 typ host",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "m=video 0 UDP/TLS/RTP/SAVPF 96",
        "a=mid:1",
        "a=sendrecv",
    ] {
        assert!(has(&told, line), "{line} not in {told}");
    }
    assert_eq!(value(&told, "fingerprint"), [CERTIFICATES.0[0].to_string()]);
    for foreign in ["0f51", "extmap", "crypto", "192.0.2", "a=rtcp:", "VP8"] {
        assert!(!told.contains(foreign), "{foreign} in {told}");
    }
    let stream = stream(&plan);
    assert_eq!((stream.remote, stream.remote_rtcp, stream.rtcp_mux, stream.srtp), (None, None, true, None));
    assert_eq!((stream.codecs[0].codec, stream.codecs[0].payload.send), (Codec::Opus, 111));
    assert_eq!(stream.telephone_event.map(|event| (event.send, event.clock)), Some((110, 48_000)));
    let agreed = webrtc(&plan);
    assert_eq!(value(&told, "ice-ufrag"), [&*agreed.terms.own.fragment]);
    assert_eq!(value(&told, "ice-pwd"), [&*agreed.terms.own.password]);
    assert_eq!(
        (&*agreed.terms.peer, agreed.wish.peer, agreed.wish.is_client),
        ("fWJx", Fingerprint([0x11; 32]), false)
    );
}

#[test]
fn the_same_offer_is_answered_alike_and_a_restart_by_other_credentials() {
    let mut plan = plan();
    let first = answer(&mut plan, BROWSER).expect("an answer");
    assert_eq!(answer(&mut plan, BROWSER).expect("an answer"), first);
    plan.settle();
    let before = webrtc(&plan);
    let held = answer(&mut plan, &BROWSER.replace("a=sendrecv", "a=sendonly")).expect("an answer");
    assert!(has(&held, "a=recvonly") && webrtc(&plan) == before, "{held}");
    answer(&mut plan, &BROWSER.replace("fWJx", "anew")).expect("an answer");
    let after = webrtc(&plan);
    assert_ne!(after.terms.own, before.terms.own);
    assert_eq!((&*after.terms.peer, after.wish), ("anew", before.wish), "the handshake of before holds");
}

#[test]
fn a_browser_is_offered_opus_first_and_nothing_but_dtls() {
    let mut plan = plan();
    let offered = offer(&mut plan);
    let line = offered.split("\r\n").find(|line| line.starts_with("m=")).expect("m=");
    assert!(line.starts_with("m=audio 20000 UDP/TLS/RTP/SAVPF 96 0 "), "{line}");
    assert!(has(&offered, "a=rtpmap:96 opus/48000/2") && has(&offered, "a=setup:actpass"), "{offered}");
    assert!(has(&offered, "a=ice-lite") && has(&offered, "a=group:BUNDLE 0") && has(&offered, "a=mid:0"), "{offered}");
    for (setup, is_client) in [("active", false), ("passive", true)] {
        plan.answered(accepted(setup).replace("111", "96").as_bytes()).expect("taken");
        let agreed = webrtc(&plan);
        assert_eq!(agreed.wish.is_client, is_client);
        assert_eq!(value(&offered, "ice-ufrag"), [&*agreed.terms.own.fragment]);
    }
    plan.settle();
    // Whoever began the first handshake is asked for no second one by an offer that leaves it open.
    let again = answer(&mut plan, BROWSER).expect("an answer");
    assert!(has(&again, "a=setup:active") && has(&again, "a=mid:0"), "{again}");
}

#[test]
fn what_a_browser_must_say_and_does_not_is_a_refusal() {
    for (what, instead) in [
        ("a=rtcp-mux\r\n", ""),
        ("a=ice-ufrag:fWJx\r\n", ""),
        ("a=ice-pwd:vZFyUUNRyKJbFDCkwDHGXtZd", "a=ice-pwd:short"),
        ("fingerprint:sha-256", "fingerprint:sha-1"),
        ("setup:actpass", "setup:holdconn"),
    ] {
        let mut plan = plan();
        assert_eq!(answer(&mut plan, &BROWSER.replace(what, instead)), Err(Refusal::NotSecure), "{what}");
    }
    let mut plan = plan();
    offer(&mut plan);
    let keyless = accepted("active").replace("a=fingerprint", "a=x");
    assert_eq!(plan.answered(keyless.as_bytes()), Err(Refusal::NotSecure));
    assert_eq!(plan.agreement(), None);
}

#[test]
fn a_stream_that_moves_is_proven_and_secured_anew() {
    let mut plan = plan();
    let first = answer(&mut plan, BROWSER).expect("an answer");
    plan.settle();
    plan.opened("203.0.113.5:20100".parse().expect("address"), CERTIFICATES);
    let moved = String::from_utf8(plan.moved(&side()).expect("an offer").to_vec()).expect("text");
    assert!(has(&moved, "a=candidate:1 1 udp 2130706431 203.0.113.5 20100 typ host"), "{moved}");
    assert!(has(&moved, "a=setup:actpass") && has(&moved, "a=ice-lite") && !moved.contains("20000"), "{moved}");
    assert_eq!(
        value(&moved, "fingerprint"),
        [CERTIFICATES.0[1].to_string()],
        "which a browser takes for a new handshake"
    );
    assert_ne!(value(&moved, "ice-ufrag"), value(&first, "ice-ufrag"));
    plan.answered(accepted("active").as_bytes()).expect("taken");
    assert_eq!(webrtc(&plan).wish.certificate, 1);
}
