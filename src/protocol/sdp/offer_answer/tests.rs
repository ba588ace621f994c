//! The laws of RFC 3264, against offers and answers of every kind.

use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Description<'_> {
    Description::parse(text.as_bytes()).expect("a description")
}

fn open(codecs: &[Box<str>]) -> Policy<'_> {
    Policy { codecs, security: Security::Plain }
}

fn local(ports: &[u16]) -> Local<'_> {
    Local { host: "203.0.113.1", ports, direction: Direction::SendRecv, crypto: None }
}

#[test]
fn each_direction_has_its_mirror() {
    for (offered, answered) in
        [("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive"), ("sendrecv", "sendrecv")]
    {
        let text = format!("v=0\nm=audio 4000 RTP/AVP 0\na={offered}\n");
        let offer = read(&text);
        let (answer, plan) = answer(&offer, &open(&[]), &local(&[5000]));
        assert_eq!(answer.direction(&answer.media[0]).name(), answered);
        assert_eq!(plan.streams[0].direction.name(), answered);
        // Somebody who answers sendrecv to everything is brought to what the offer allows.
        let mut careless = read("v=0\na=sendrecv\nm=audio 6000 RTP/AVP 0\n");
        assert_eq!(fit(&offer, &mut careless), 1);
        assert_eq!(careless.direction(&careless.media[0]).name(), answered);
    }
}

#[test]
fn an_answer_takes_the_first_allowed_codec_with_its_events() {
    let offer = read(
        "v=0\nt=5 0\nm=audio 4000 RTP/AVP 0 8 96 101 102\na=rtpmap:96 opus/48000/2\na=rtpmap:101 telephone-event/8000\n\
        a=rtpmap:102 telephone-event/48000\na=fmtp:102 0-15\na=ptime:30\na=rtcp-mux\na=mid:0\na=candidate:x\n",
    );
    let opus = [Box::from("opus"), Box::from("PCMA")];
    let (answer, plan) = answer(&offer, &open(&opus), &local(&[5000]));
    assert_eq!(
        answer.to_string().split_once("s=-").map(|(_, rest)| rest),
        Some(
            "\r\nc=IN IP4 203.0.113.1\r\nt=5 0\r\nm=audio 5000 RTP/AVP 96 102\r\na=rtpmap:96 opus/48000/2\r\n\
            a=rtpmap:102 telephone-event/48000\r\na=fmtp:102 0-15\r\na=ptime:30\r\na=rtcp-mux\r\na=mid:0\r\na=sendrecv\r\n"
        )
    );
    let stream = &plan.streams[0];
    assert!(stream.accepted && stream.rtcp_mux && !stream.secure);
    assert_eq!((stream.own_ptime, stream.peer_ptime, stream.codecs.len()), (Some(30), Some(30), 2));
}

#[test]
fn each_side_keeps_its_own_payload_type() {
    let offer = read(
        "v=0\nm=audio 4000 RTP/AVP 96 101\na=rtpmap:96 opus/48000/2\na=rtpmap:101 telephone-event/8000\na=ptime:20\n",
    );
    let answer =
        read("v=0\nm=audio 5000 RTP/AVP 111 97\na=rtpmap:111 OPUS/48000/2\na=rtpmap:97 telephone-event/8000\n");
    let mut fitted = answer.clone();
    assert_eq!(fit(&offer, &mut fitted), 1);
    assert_eq!(fitted, answer);
    let plan = plan(&offer, &answer);
    let payloads: Vec<_> = plan.streams[0].codecs.iter().map(|codec| (codec.own_payload, codec.peer_payload)).collect();
    assert_eq!(payloads, [(96, 111), (101, 97)]);
    assert_eq!((plan.streams[0].own_ptime, plan.streams[0].peer_ptime), (Some(20), None));
}

#[test]
fn framing_that_differs_is_another_codec() {
    let aligned = read("v=0\nm=audio 1 RTP/AVP 97\na=rtpmap:97 AMR/8000\na=fmtp:97 mode-set=0;octet-align=1\n");
    let efficient = read("v=0\nm=audio 1 RTP/AVP 97\na=rtpmap:97 AMR/8000\n");
    assert_eq!(fit(&aligned, &mut efficient.clone()), 0);
    assert_eq!(fit(&efficient, &mut efficient.clone()), 1);
}

#[test]
fn an_answer_without_rtpmap_speaks_by_number() {
    let offer = read("v=0\nm=audio 4000 RTP/AVP 96 101\na=rtpmap:96 opus/48000/2\na=rtpmap:101 telephone-event/8000\n");
    let mut bare = read("v=0\nm=audio 5000 RTP/AVP 96\n");
    assert_eq!(fit(&offer, &mut bare), 1);
    assert_eq!(bare.media[0].formats, ["96"]);
    let mut events_alone = read("v=0\nm=audio 5000 RTP/AVP 101\n");
    assert_eq!(fit(&offer, &mut events_alone), 0);
}

#[test]
fn a_rejected_stream_leaves_its_bundle() {
    let offer = read("v=0\na=group:BUNDLE 0 1\nm=audio 9 RTP/AVP 0\na=mid:0\nm=video 9 RTP/AVP 34\na=mid:1\n");
    let mut answer = read("v=0\na=group:BUNDLE 0 1 2\nm=audio 9 RTP/AVP 0\na=mid:0\nm=video 0 RTP/AVP 34\na=mid:1\n");
    assert_eq!(fit(&offer, &mut answer), 1);
    assert_eq!(answer.bundle().collect::<Vec<_>>(), ["0"]);
    assert_eq!(answer.media[1].mid(), Some("1"));
}

#[test]
fn our_own_secure_answer_echoes_the_tag_of_the_suite() {
    let offer = read("v=0\nm=audio 9 RTP/SAVP 0\na=crypto:1 AES_256 inline:a\na=crypto:2 AES_128 inline:b\n");
    let policy = Policy { codecs: &[], security: Security::Optional };
    let (ours, plan) = answer(&offer, &policy, &Local { crypto: Some("AES_128 inline:mine"), ..local(&[5000]) });
    assert_eq!(
        ours.media[0].cryptos().map(|crypto| (crypto.tag, crypto.keys)).collect::<Vec<_>>(),
        [(2, "inline:mine")]
    );
    assert!(plan.streams[0].secure);
    assert_eq!(answer(&offer, &policy, &local(&[5000])).0.media[0].port, 0);
}

fn media() -> impl Strategy<Value = String> {
    let direction = prop::sample::select(vec!["", "a=sendrecv\n", "a=sendonly\n", "a=recvonly\n", "a=inactive\n"]);
    let formats = prop::collection::vec(prop::sample::select(vec![0_u8, 3, 8, 9, 13, 18, 96, 97, 101, 102]), 1..6);
    let kind = prop::sample::select(vec![
        "audio 4000 RTP/AVP",
        "audio 0 RTP/AVP",
        "audio 4000 RTP/SAVP",
        "video 5000 RTP/AVP",
        "image 6000 udptl",
    ]);
    let swapped = any::<bool>();
    (kind, formats, direction, swapped, any::<bool>()).prop_map(|(kind, formats, direction, swapped, mux)| {
        let formats: Vec<String> = formats.iter().map(u8::to_string).collect();
        let (opus, events) = if swapped { (97, 101) } else { (96, 102) };
        let mux = if mux { "a=rtcp-mux\na=crypto:1 AES inline:k\n" } else { "" };
        format!(
            "m={kind} {}\na=rtpmap:{opus} opus/48000/2\na=rtpmap:{events} telephone-event/8000\n{mux}{direction}",
            formats.join(" ")
        )
    })
}

fn description() -> impl Strategy<Value = String> {
    (prop::sample::select(vec!["", "a=sendonly\n", "a=inactive\n"]), prop::collection::vec(media(), 0..4))
        .prop_map(|(session, media)| format!("v=0\nc=IN IP4 192.0.2.1\n{session}{}", media.concat()))
}

/// RFC 3264 section 6, for any offer and what is said to answer it.
fn check_laws(offer: &Description<'_>, answer: &Description<'_>) -> Result<(), TestCaseError> {
    prop_assert_eq!(offer.media.len(), answer.media.len());
    for (offered, answered) in offer.media.iter().zip(&answer.media) {
        prop_assert_eq!(&offered.kind, &answered.kind);
        prop_assert_eq!(&offered.protocol, &answered.protocol);
        if answered.port == 0 {
            continue;
        }
        prop_assert!(offered.port != 0);
        for codec in answered.codecs() {
            prop_assert!(offered.codecs().any(|own| own.matches(&codec)), "{:?} was not offered", codec);
        }
        let (asked, given) = (offer.direction(offered), answer.direction(answered));
        prop_assert!(!given.sends() || asked.receives());
        prop_assert!(!given.receives() || asked.sends());
        prop_assert!(!answered.rtcp_mux() || offered.rtcp_mux());
        prop_assert!(answered.cryptos().all(|own| offered.cryptos().any(|other| other.tag == own.tag)));
    }
    Ok(())
}

proptest! {
    #[test]
    fn whatever_is_answered_is_brought_under_the_law(offer in description(), answer in description()) {
        let (offer, mut answer) = (read(&offer), read(&answer));
        let live = fit(&offer, &mut answer);
        check_laws(&offer, &answer)?;
        prop_assert_eq!(live, answer.media.iter().filter(|media| media.port != 0).count());
        let once = answer.clone();
        fit(&offer, &mut answer);
        prop_assert_eq!(once, answer);
    }

    #[test]
    fn our_own_answers_keep_the_law(offer in description(), direction in 0..4_usize) {
        let offer = read(&offer);
        let codecs = [Box::from("opus"), Box::from("PCMA")];
        let ours = Local { direction: Direction::ALL[direction], ..local(&[5000, 5002, 0]) };
        let (answer, plan) = answer(&offer, &open(&codecs), &ours);
        check_laws(&offer, &answer)?;
        prop_assert_eq!(plan.streams.len(), offer.media.len());
        for (stream, media) in plan.streams.iter().zip(&answer.media) {
            prop_assert_eq!(stream.accepted, media.port != 0);
            prop_assert!(!stream.accepted || !stream.codecs.is_empty());
        }
    }

    #[test]
    fn a_plan_reads_the_same_from_both_ends(offer in description(), answer in description()) {
        let (offer, mut answer) = (read(&offer), read(&answer));
        fit(&offer, &mut answer);
        let ours = plan(&offer, &answer);
        prop_assert_eq!(ours.clone().mirrored().mirrored(), ours.clone());
        for (own, peer) in ours.streams.iter().zip(&ours.clone().mirrored().streams) {
            prop_assert_eq!(own.direction.sends(), peer.direction.receives());
            prop_assert!(own.codecs.iter().zip(&peer.codecs).all(|(own, peer)| own.own_payload == peer.peer_payload));
        }
    }

    #[test]
    fn what_is_left_of_an_offer_is_of_the_offer_and_allowed(offer in media(), allowed in prop::sample::subsequence(vec!["PCMU", "PCMA", "opus", "G729"], 1..4)) {
        let text = format!("v=0\n{offer}");
        let (before, mut after) = (read(&text), read(&text));
        let allowed: Vec<Box<str>> = allowed.into_iter().map(Box::from).collect();
        if restrict(&mut after.media[0], false, &open(&allowed)).is_ok() && after.media[0].port != 0 && after.media[0].is_audio() {
            prop_assert!(after.media[0].codecs().any(|codec| !codec.is_companion()));
            for codec in after.media[0].codecs() {
                prop_assert!(codec.is_companion() || allowed.iter().any(|name| codec.is_named(name)));
                prop_assert!(before.media[0].codecs().any(|own| own == codec));
            }
            prop_assert_eq!(after.media[0].cryptos().count(), 0);
        }
    }
}
