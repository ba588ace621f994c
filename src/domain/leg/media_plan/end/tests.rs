//! Two legs that talk through us: what each is told of our end, and what its worker is told of it.

use crate::base::entropy::Entropy;
use crate::domain::leg::media_plan::{MediaPlan, Refusal, Relaying, Side};
use crate::domain::trunk::media::{DtmfForm, MediaSettings};
use crate::domain::trunk::settings::SrtpPolicy;
use crate::media::command::{DigitForm, Learning, StreamPlan};
use crate::media::handshake::Certificates;
use crate::protocol::audio::codec::Codec;
use crate::protocol::sdp::fingerprint::Fingerprint;
use bytes::Bytes;

/// The party that calls and the one that is called, with our end toward each.
struct Call {
    near: Party,
    far: Party,
}

struct Party {
    plan: MediaPlan,
    codecs: Vec<Box<str>>,
    srtp: SrtpPolicy,
    settings: MediaSettings,
    is_phone: bool,
    is_browser: bool,
}

const CERTIFICATES: Certificates = Certificates([Fingerprint([0xaa; 32]), Fingerprint([0xbb; 32])]);

impl Party {
    fn new(port: u16, codecs: &[&str], srtp: SrtpPolicy) -> Party {
        let codecs = codecs.iter().map(|name| Box::from(*name)).collect();
        let settings = MediaSettings { recode: true, ..MediaSettings::of_trunk() };
        let plan = MediaPlan::new(&mut Entropy::from_number(7));
        let mut party = Party { plan, codecs, srtp, settings, is_phone: false, is_browser: false };
        party.open(port, true);
        party
    }

    fn open(&mut self, port: u16, recode: bool) {
        let mut entropy = Entropy::from_number(u64::from(port));
        let mut plan = MediaPlan::new(&mut Entropy::from_number(7));
        plan.relay(Relaying { recode, srtp: self.srtp, is_browser: self.is_browser }, &mut entropy);
        plan.opened(([203, 0, 113, 5], port).into(), CERTIFICATES);
        self.plan = plan;
    }

    fn with<R>(&mut self, act: impl FnOnce(&mut MediaPlan, &Side<'_>) -> R) -> R {
        let Party { plan, codecs, srtp, settings, is_phone, .. } = self;
        let side = Side { host: "203.0.113.9", codecs, srtp: *srtp, media: settings, is_phone: *is_phone };
        act(plan, &side)
    }

    fn stream(&self) -> StreamPlan {
        self.plan.agreement().expect("an agreement").plan(&self.settings, None)
    }
}

fn call(near: &[&str], far: &[&str]) -> Call {
    Call { near: Party::new(20_000, near, SrtpPolicy::Plain), far: Party::new(20_002, far, SrtpPolicy::Plain) }
}

impl Call {
    /// The caller's offer, as it reaches the callee.
    fn offer(&mut self, offer: &str) -> Result<String, Refusal> {
        let passed = self.near.with(|plan, side| plan.offered(offer.as_bytes(), side))?;
        self.far.with(|plan, side| plan.offer_to(&passed, side)).map(text)
    }

    /// The callee's answer, as it reaches the caller.
    fn answer(&mut self, answer: &str) -> Result<String, Refusal> {
        self.far.plan.answered(answer.as_bytes())?;
        let told = self.near.with(|plan, side| plan.answer_to(answer.as_bytes(), side)).map(text);
        self.near.plan.settle();
        self.far.plan.settle();
        told
    }
}

fn text(bytes: Bytes) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn has(text: &str, line: &str) -> bool {
    text.split("\r\n").any(|own| own == line)
}

fn audio(formats: &str, more: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP {formats}\r\n{more}"
    )
}

const CALLER: &str = "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 maxplaybackrate=16000\r\na=rtpmap:97 telephone-event/8000\r\n\
    a=ptime:30\r\na=rtcp-mux\r\na=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\na=ice-ufrag:x\r\n";

#[test]
fn each_side_is_told_our_own_address_and_nothing_of_the_other() {
    let mut call = call(&[], &[]);
    let offer = call.offer(&audio("0 8 97", CALLER)).expect("an offer");
    assert!(has(&offer, "c=IN IP4 203.0.113.5") && has(&offer, "m=audio 20002 RTP/AVP 0 8 9 96 97 98"), "{offer}");
    assert!(has(&offer, "a=rtcp:20003") && has(&offer, "a=ptime:30") && has(&offer, "a=sendrecv"), "{offer}");
    for foreign in ["192.0.2.1", "candidate", "ice-", "4000\r", "rtcp-mux"] {
        assert!(!offer.contains(foreign), "{foreign} in {offer}");
    }
    let answer = call.answer(&audio("8 97", "a=rtpmap:97 telephone-event/8000\r\n").replace("4000", "6000"));
    let answer = answer.expect("an answer");
    assert!(has(&answer, "m=audio 20000 RTP/AVP 8 97") && has(&answer, "a=rtcp-mux"), "{answer}");
    assert!(!answer.contains("192.0.2.1") && !answer.contains("6000"), "{answer}");
    let (near, far) = (call.near.stream(), call.far.stream());
    assert_eq!(near.remote, "192.0.2.1:4000".parse().ok());
    assert_eq!((near.remote_rtcp, near.rtcp_mux), (near.remote, true));
    assert_eq!(far.remote_rtcp, "192.0.2.1:6001".parse().ok());
    assert_eq!((near.codecs[0].codec, near.codecs[0].kind), (Codec::Pcma, far.codecs[0].kind));
    assert_eq!((near.ptime, far.ptime), (30, 20));
    assert_eq!(near.telephone_event.map(|event| (event.receive, event.send)), Some((97, 97)));
    assert!(near.sends && near.receives && near.learning == Learning::Never);
}

#[test]
fn what_needs_no_recoding_is_offered_first_and_what_can_be_made_follows() {
    let offered = |far: &[&str], formats: &str| call(&[], far).offer(&audio(formats, CALLER));
    let line = |offer: Result<String, Refusal>| {
        let offer = offer.expect("an offer");
        offer.split("\r\n").find(|line| line.starts_with("m=")).expect("m=")["m=audio 20002 RTP/AVP ".len()..]
            .to_owned()
    };
    // In the callee's order, as far as the caller has it; then the rest of what it is allowed.
    assert_eq!(line(offered(&["PCMA", "opus", "PCMU"], "0 8 97")), "8 0 96 97 98");
    // A wideband caller is better served by wideband codecs.
    assert_eq!(line(offered(&[], "96 97")), "96 9 0 8 97 98");
    // G.729 cannot be made here.
    assert_eq!(line(offered(&["G729"], "18 0")), "18 101");
    assert_eq!(line(offered(&["PCMU"], "18 8")), "0 101");
    assert_eq!(offered(&["PCMU"], "18"), Err(Refusal::NoCodec));
    assert_eq!(offered(&["G729"], "0"), Err(Refusal::NoCodec));
    // Not at all where it is not wanted.
    let mut plain = call(&[], &["PCMA", "PCMU"]);
    plain.far.open(20_002, false);
    assert_eq!(line(plain.offer(&audio("0", ""))), "0 101");
}

#[test]
fn a_number_of_the_other_side_that_is_taken_here_gives_way() {
    let mut call = call(&["G722"], &["opus", "G722"]);
    let offer = call.offer(&audio("9 96", "a=rtpmap:96 telephone-event/8000\r\n")).expect("an offer");
    assert!(has(&offer, "m=audio 20002 RTP/AVP 9 97 96 98") && has(&offer, "a=rtpmap:97 opus/48000/2"), "{offer}");
    assert!(has(&offer, "a=fmtp:97 useinbandfec=1") && has(&offer, "a=rtpmap:98 telephone-event/48000"), "{offer}");
    // Later offers of the same dialog keep the meaning of each number (RFC 3264 8.3.2).
    let later = audio("98 97", "a=rtpmap:98 opus/48000/2\r\na=rtpmap:97 telephone-event/8000\r\n");
    let passed = Bytes::from(later);
    let again = call.far.with(|plan, side| plan.offer_to(&passed, side)).map(text).expect("an offer");
    assert!(has(&again, "a=rtpmap:97 opus/48000/2") && has(&again, "a=rtpmap:96 telephone-event/8000"), "{again}");
    assert!(has(&again, "m=audio 20002 RTP/AVP 97 9 96 98"), "{again}");
}

#[test]
fn different_codecs_meet_only_where_both_can_be_recoded() {
    let mut mixed = call(&[], &["opus"]);
    mixed.offer(&audio("18 8 97", CALLER)).expect("an offer");
    let opus = "a=rtpmap:111 opus/48000/2\r\na=rtpmap:101 telephone-event/48000\r\n";
    let answer = mixed.answer(&audio("111 101", opus)).expect("an answer");
    assert!(has(&answer, "m=audio 20000 RTP/AVP 8 97"), "{answer}");
    let (near, far) = (mixed.near.stream(), mixed.far.stream());
    assert_eq!((near.codecs[0].codec, far.codecs[0].codec), (Codec::Pcma, Codec::Opus));
    assert_ne!(near.codecs[0].kind, far.codecs[0].kind);
    assert_eq!((far.codecs[0].payload.receive, far.codecs[0].payload.send), (96, 111));
    assert_eq!(far.telephone_event.map(|event| (event.receive, event.send, event.clock)), Some((98, 101, 48_000)));
    let mut deaf = call(&[], &["G729"]);
    deaf.offer(&audio("18", "")).expect("an offer");
    assert_eq!(deaf.answer(&audio("0", "")), Err(Refusal::NoCodec));
}

#[test]
fn a_codec_that_both_have_saves_recoding_even_where_it_is_not_the_first() {
    let mut call = call(&[], &[]);
    call.offer(&audio("8", "")).expect("an offer");
    // The callee would rather send Opus, and takes PCMA as well.
    let answer = call.answer(&audio("96 8", "a=rtpmap:96 opus/48000/2\r\n")).expect("an answer");
    assert!(has(&answer, "m=audio 20000 RTP/AVP 8"), "{answer}");
    let (near, far) = (call.near.plan.agreement().expect("one"), call.far.plan.agreement().expect("one"));
    let shared = near.shared_with(far);
    assert_eq!(shared, Some(near.codecs[0].kind));
    let plan = far.plan(&call.far.settings, shared);
    assert_eq!((plan.codecs[0].codec, plan.codecs[1].codec), (Codec::Pcma, Codec::Opus));
}

#[test]
fn hold_reaches_the_other_side_and_stops_what_may_be_sent() {
    let mut call = call(&[], &[]);
    call.offer(&audio("0", "")).expect("an offer");
    call.answer(&audio("0", "")).expect("an answer");
    let before = call.near.plan.revision();
    for (hold, heard, answered) in [
        ("a=sendonly\r\n", "a=sendonly", "a=recvonly"),
        ("a=inactive\r\n", "a=inactive", "a=inactive"),
        ("c=IN IP4 0.0.0.0\r\n", "a=sendonly", "a=recvonly"),
    ] {
        let offer = call.offer(&audio("0", hold)).expect("an offer");
        assert!(has(&offer, heard), "{offer}");
        let answer = call.answer(&audio("0", &format!("{answered}\r\n"))).expect("an answer");
        assert!(has(&answer, answered), "{answer}");
        let (near, far) = (call.near.stream(), call.far.stream());
        assert!(!near.sends && !far.receives, "{hold}");
        assert_eq!((near.receives, far.sends), (hold != "a=inactive\r\n", hold != "a=inactive\r\n"), "{hold}");
    }
    let back = call.offer(&audio("0", "")).expect("an offer");
    assert!(has(&back, "a=sendrecv"));
    call.answer(&audio("0", "")).expect("an answer");
    assert!(call.near.stream().sends && call.near.plan.revision() > before);
    // What only repeats changes nothing.
    let settled = call.near.plan.revision();
    call.offer(&audio("0", "")).expect("an offer");
    call.answer(&audio("0", "")).expect("an answer");
    assert_eq!(call.near.plan.revision(), settled);
}

#[test]
fn only_the_first_stream_of_audio_lives_and_every_stream_keeps_its_place() {
    let mut call = call(&[], &[]);
    let two = "v=0\r\nc=IN IP4 192.0.2.1\r\nm=video 5000 RTP/AVP 34\r\na=mid:v\r\nm=audio 4000 RTP/AVP 0\r\na=mid:a\r\nm=audio 4002 RTP/AVP 0\r\n";
    let offer = call.offer(two).expect("an offer");
    assert_eq!(offer.matches("m=").count(), 1, "{offer}");
    let answer = call.answer(&audio("0", "")).expect("an answer");
    let lines: Vec<&str> = answer.split("\r\n").filter(|line| line.starts_with("m=") || line.contains("mid")).collect();
    let wanted = ["m=video 0 RTP/AVP 34", "a=mid:v", "m=audio 20000 RTP/AVP 0", "a=mid:a", "m=audio 0 RTP/AVP 0"];
    assert_eq!(lines, wanted);
    // When we offer in that dialog later, all three are still there.
    let passed = Bytes::from(audio("8", ""));
    let again = call.near.with(|plan, side| plan.offer_to(&passed, side)).map(text).expect("an offer");
    let lines: Vec<&str> = again.split("\r\n").filter(|line| line.starts_with("m=")).collect();
    assert_eq!(lines, ["m=video 0 RTP/AVP 34", "m=audio 20000 RTP/AVP 8 0 9 96 101 97", "m=audio 0 RTP/AVP 0"]);
    assert_eq!(call.offer("v=0\r\nm=video 5000 RTP/AVP 34\r\n"), Err(Refusal::NoCodec));
}

#[test]
fn an_early_answer_is_replaced_by_that_of_another_fork_and_counts_no_more_when_settled() {
    let mut call = call(&[], &[]);
    call.offer(&audio("0 8", "")).expect("an offer");
    for port in ["6000", "7000"] {
        call.far.plan.answered(audio("8", "").replace("4000", port).as_bytes()).expect("an answer");
        assert_eq!(call.far.stream().remote.map(|at| at.port().to_string()), Some(port.to_owned()));
    }
    call.far.plan.settle();
    call.far.plan.answered(audio("8", "").as_bytes()).expect("what comes too late");
    assert_eq!(call.far.stream().remote.map(|at| at.port()), Some(7_000));
    // A refused stream leaves nothing to send to.
    call.offer(&audio("0 8", "")).expect("an offer");
    call.far.plan.answered(audio("8", "").replace("4000", "0").as_bytes()).expect("an answer");
    assert!(!call.far.stream().sends && !call.far.stream().receives);
}

#[test]
fn keys_are_ours_on_each_side_and_answered_under_the_offered_tag() {
    let mut call = call(&[], &[]);
    call.near = Party::new(20_000, &[], SrtpPolicy::Required);
    call.far = Party::new(20_002, &[], SrtpPolicy::Optional);
    let key = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
    let secret = format!(
        "a=crypto:3 AES_CM_128_HMAC_SHA1_32 inline:{key}|2^20\r\na=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:{key}|2^20|1:4\r\n"
    );
    let offer = call.offer(&audio("0", &secret).replace("RTP/AVP", "RTP/SAVP")).expect("an offer");
    // Who may have SRTP is offered keys beside plain RTP; four suites, none of them the caller's.
    assert!(offer.contains("RTP/AVP") && offer.matches("a=crypto:").count() == 4 && !offer.contains(key), "{offer}");
    let ours = offer.split("a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:").nth(1).and_then(|rest| rest.get(..40));
    let taken = "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n";
    let answer = call.answer(&audio("0", taken)).expect("an answer");
    // The line with a master key identifier cannot be kept to; the other one is answered.
    assert!(answer.contains("RTP/SAVP") && answer.contains("a=crypto:3 AES_CM_128_HMAC_SHA1_32 inline:"), "{answer}");
    assert!(!answer.contains(key) && !answer.contains(ours.expect("a key")), "{answer}");
    let (near, far) = (call.near.stream().srtp.expect("keys"), call.far.stream().srtp.expect("keys"));
    assert_eq!((near.suite.name(), far.suite.name()), ("AES_CM_128_HMAC_SHA1_32", "AES_CM_128_HMAC_SHA1_80"));
    assert!(near.theirs.starts_with(b"=-n@%^x!Bjuf") && near.ours != far.ours && far.theirs.len() == 30);
    assert_eq!(format!("{near:?}"), "SrtpKeys(AES_CM_128_HMAC_SHA1_32)");
    // A callee that passes over the keys talks plainly, because it may.
    call.offer(&audio("0", &secret).replace("RTP/AVP", "RTP/SAVP")).expect("an offer");
    call.answer(&audio("0", "")).expect("an answer");
    assert_eq!(call.far.stream().srtp, None);
}

#[test]
fn who_must_be_secret_talks_to_nobody_in_clear() {
    let mut call = call(&[], &[]);
    call.near = Party::new(20_000, &[], SrtpPolicy::Required);
    assert_eq!(call.offer(&audio("0", "")), Err(Refusal::NotSecure));
    let dtls = audio("0", "a=fingerprint:sha-256 AA\r\n").replace("RTP/AVP", "UDP/TLS/RTP/SAVPF");
    assert_eq!(call.offer(&dtls), Err(Refusal::NotSecure));
    call.near = Party::new(20_000, &[], SrtpPolicy::Plain);
    assert_eq!(call.offer(&audio("0", "").replace("AVP", "SAVP")), Err(Refusal::OnlySecure));
    // Required of the callee: it is offered nothing else, and an answer without a key gives it no stream.
    call.far = Party::new(20_002, &[], SrtpPolicy::Required);
    let offer = call.offer(&audio("0", "")).expect("an offer");
    assert!(offer.contains("m=audio 20002 RTP/SAVP 0"), "{offer}");
    assert_eq!(call.answer(&audio("0", "").replace("AVP", "SAVP")), Err(Refusal::NotSecure));
    assert!(call.far.plan.agreement().is_none());
}

#[test]
fn digits_go_out_as_the_party_wants_them_and_as_it_can_take_them() {
    let mut call = call(&[], &[]);
    call.offer(&audio("0", "")).expect("an offer");
    call.answer(&audio("0", "")).expect("an answer");
    let form = |call: &Call, dtmf| {
        let settings = MediaSettings { dtmf, ..call.far.settings };
        call.far.plan.agreement().expect("one").plan(&settings, None).dtmf_out
    };
    // The callee has not taken telephone-event.
    assert_eq!(form(&call, DtmfForm::Rfc4733), DigitForm::InBand);
    assert_eq!(form(&call, DtmfForm::InfoRelay), DigitForm::Info);
    call.offer(&audio("0", "")).expect("an offer");
    call.answer(&audio("0 101", "a=rtpmap:101 telephone-event/8000\r\n")).expect("an answer");
    assert_eq!(form(&call, DtmfForm::Rfc4733), DigitForm::TelephoneEvent);
    assert_eq!(form(&call, DtmfForm::InBand), DigitForm::InBand);
}
