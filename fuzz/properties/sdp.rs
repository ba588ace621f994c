//! What must hold for any two bodies taken as offer and answer. Used by the fuzz target and by the replay of its seeds.

use offhook::base::entropy::Entropy;
use offhook::domain::leg::media_plan::{self, MediaPlan, Relaying, Side};
use offhook::domain::trunk::media::MediaSettings;
use offhook::domain::trunk::settings::SrtpPolicy;
use offhook::media::handshake::Certificates;
use offhook::protocol::sdp::attribute::Direction;
use offhook::protocol::sdp::offer_answer::{self, Local, Policy, Security};
use offhook::protocol::sdp::parse::{Description, Media};

/// The bytes hold an offer, and after a line `---` an answer.
pub fn hold(bytes: &[u8]) {
    let cut = bytes.windows(5).position(|window| window == b"\n---\n");
    let (offer, answer) = match cut {
        Some(at) => (&bytes[..at], &bytes[at + 5..]),
        None => (bytes, bytes),
    };
    for body in [offer, answer] {
        prints_the_same(body);
        let _ = media_plan::is_hold(body);
        let _ = media_plan::session_description(Some("multipart/mixed;boundary=x"), body);
    }
    if let (Ok(offer), Ok(answer)) = (Description::parse(offer), Description::parse(answer)) {
        laws_hold(&offer, answer);
    }
    legs_hold(offer, answer);
}

fn prints_the_same(body: &[u8]) {
    let Ok(description) = Description::parse(body) else { return };
    let printed = description.to_string();
    assert!(printed.len() <= body.len() * 4 + 64 + description.media.len() * 8, "{printed}");
    assert!(!printed.contains('\0') && printed.matches('\n').count() == printed.matches('\r').count());
    let again = Description::parse(printed.as_bytes()).expect("what we print");
    assert_eq!(again.to_string(), printed);
    assert_eq!(again.media.len(), description.media.len());
    for media in &description.media {
        views_are_read(&description, media);
    }
    let _ = (description.origin(), description.bundle().count(), description.is_hold());
}

fn views_are_read(description: &Description<'_>, media: &Media<'_>) {
    let _ = (description.direction(media), description.connection(media), description.fingerprint(media));
    let _ = (description.setup(media), description.ice(media), media.ptime(), media.maxptime(), media.mid());
    let _ = (media.rtcp_port(), media.rtcp_feedback().count(), media.sources().count(), media.cryptos().count());
    assert!(media.codecs().all(|codec| codec.matches(&codec) && codec.payload < 128));
}

fn laws_hold(offer: &Description<'_>, mut answer: Description<'_>) {
    offer_answer::fit(offer, &mut answer);
    check(offer, &answer);
    let codecs = [Box::from("PCMA"), Box::from("opus")];
    let policy = Policy { codecs: &codecs, security: Security::Optional };
    let ports = [4000; 32];
    let local = Local {
        host: "192.0.2.1",
        ports: &ports,
        direction: Direction::SendRecv,
        crypto: Some("AES_CM_128_HMAC_SHA1_80 inline:k"),
    };
    let (ours, plan) = offer_answer::answer(offer, &policy, &local);
    check(offer, &ours);
    assert_eq!(plan.clone().mirrored().mirrored(), plan);
}

/// RFC 3264 section 6.
fn check(offer: &Description<'_>, answer: &Description<'_>) {
    assert_eq!(offer.media.len(), answer.media.len());
    for (offered, answered) in offer.media.iter().zip(&answer.media).filter(|(_, answered)| answered.port != 0) {
        assert!(offered.port != 0 && offered.protocol == answered.protocol);
        assert!(answered.codecs().all(|codec| offered.codecs().any(|own| own.matches(&codec))));
        let (asked, given) = (offer.direction(offered), answer.direction(answered));
        assert!((!given.sends() || asked.receives()) && (!given.receives() || asked.sends()));
    }
}

/// A whole exchange through two legs; what leaves us is always a description, and never tells the other side's origin.
fn legs_hold(offer: &[u8], answer: &[u8]) {
    let codecs = [Box::from("PCMU"), Box::from("opus/48000")];
    let media = MediaSettings::of_trunk();
    for srtp in [SrtpPolicy::Plain, SrtpPolicy::Optional, SrtpPolicy::Required] {
        let side = Side { host: "192.0.2.9", codecs: &codecs, srtp, media: &media, is_phone: true };
        exchange_holds(offer, answer, (&side, None));
        for is_browser in [false, true] {
            exchange_holds(offer, answer, (&side, Some(Relaying { recode: true, srtp, is_browser })));
        }
    }
}

fn exchange_holds(offer: &[u8], answer: &[u8], (side, relaying): (&Side<'_>, Option<Relaying>)) {
    let mut entropy = Entropy::from_number(1);
    let (mut caller, mut callee) = (MediaPlan::new(&mut entropy), MediaPlan::new(&mut entropy));
    let is_browser = relaying.is_some_and(|relaying| relaying.is_browser);
    if let Some(relaying) = relaying {
        for (plan, port) in [(&mut caller, 20_000), (&mut callee, 20_002)] {
            plan.relay(relaying, &mut entropy);
            plan.opened(([192, 0, 2, 9], port).into(), Certificates::default());
        }
    }
    let Ok(passed) = caller.offered(offer, side) else { return };
    let Ok(sent) = callee.offer_to(&passed, side) else { return };
    let _ = callee.answered(answer);
    let mut leaving = vec![sent];
    leaving.extend(caller.answer_to(answer, side));
    for body in leaving {
        let description = Description::parse(&body).expect("what leaves us");
        assert_eq!(description.origin().map(|origin| (origin.user, origin.address)), Some(("-", "192.0.2.9")));
        for media in description.media.iter().filter(|media| media.port != 0) {
            let is_keyed = media.cryptos().next().is_some();
            let is_dtls = media.protocol.contains("TLS");
            assert!(
                !is_dtls || !is_browser || description.fingerprint(media).is_some() && description.ice(media).is_some()
            );
            assert!(side.srtp != SrtpPolicy::Plain || is_browser && is_dtls || !media.is_secure() && !is_keyed);
            assert!(side.srtp != SrtpPolicy::Required || !media.is_rtp() || media.is_secure() || is_keyed);
            if relaying.is_some() {
                let host = description.connection(media).map(|connection| connection.host);
                assert!(media.is_audio() && matches!(media.port, 20_000 | 20_002) && host == Some("192.0.2.9"));
                let mut payloads: Vec<u8> = media.codecs().map(|codec| codec.payload).collect();
                assert_eq!(payloads.len(), media.formats.len());
                payloads.sort_unstable();
                assert!(payloads.windows(2).all(|pair| pair[0] != pair[1]), "one number for two formats");
            }
        }
    }
    for plan in [&caller, &callee] {
        if let Some(agreement) = plan.agreement() {
            let wish = agreement.plan(side.media, None);
            assert!(
                !wish.codecs.is_empty()
                    && (side.srtp != SrtpPolicy::Required || wish.srtp.is_some() || wish.webrtc.is_some())
            );
        }
    }
    callee.settle();
    assert_eq!(callee.refresh(side), callee.refresh(side));
}
