//! What real devices send, and what nobody should.

mod replay;

use super::super::attribute::Direction;
use super::*;
use proptest::prelude::*;

fn print(body: &[u8]) -> String {
    Description::parse(body).expect("a description").to_string()
}

#[test]
fn a_plain_description_prints_as_it_was() {
    let body = "v=0\r\no=jdoe 2890844526 2890842807 IN IP4 192.0.2.5\r\ns=Call\r\ni=About\r\nc=IN IP4 198.51.100.1\r\nb=AS:64\r\n\
        t=0 0\r\na=group:BUNDLE 0 1\r\nm=audio 49170/2 RTP/AVP 0 97\r\ni=voice\r\nc=IN IP6 2001:db8::1\r\nb=TIAS:1\r\n\
        a=rtpmap:97 iLBC/8000\r\na=unknown:thing\r\na=sendonly\r\nm=image 0 udptl t38\r\n";
    assert_eq!(print(body.as_bytes()), body);
}

#[test]
fn what_devices_leave_out_or_do_otherwise_is_read() {
    let minimal = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
    assert_eq!(print(b"v=0"), minimal);
    assert_eq!(print(b"v=0\n\n\0\0\0"), minimal);
    assert_eq!(print(b"\r\nv=0 \r\ns=\r\n"), minimal);
    // Attributes before t=, keys, time zones, bare line feeds, no end of the last line.
    let strange = b"v=0\no=Joe Q. Bloggs 12345678901234567890123 7 IN IP4 pbx.example\na=x\nk=clear:y\nz=0 0\nr=7d 1h 0\nt=1 2\nc=IN IP4 host.example\nq=?\nm=audio  9  RTP/AVP  8 ";
    let printed = print(strange);
    assert_eq!(
        printed,
        "v=0\r\no=Joe Q. Bloggs 12345678901234567890123 7 IN IP4 pbx.example\r\ns=-\r\nc=IN IP4 host.example\r\nr=7d 1h 0\r\nt=1 2\r\n\
        z=0 0\r\nk=clear:y\r\nq=?\r\na=x\r\nm=audio 9 RTP/AVP 8\r\n"
    );
    let description = Description::parse(strange).expect("a description");
    let origin = description.origin().expect("an origin");
    assert_eq!((origin.user, origin.id, origin.version), ("Joe Q. Bloggs", "12345678901234567890123", "7"));
    assert_eq!((origin.address_type, origin.address), ("IP4", "pbx.example"));
    assert_eq!(print("v=0\ns=Grüße 日本\n".as_bytes()), minimal.replace("s=-", "s=Grüße 日本"));
    assert_eq!(print(b"v=0\ns=Gr\xfc\xdfe\n"), minimal.replace("s=-", "s=Gr\u{fffd}\u{fffd}e"));
}

#[test]
fn what_is_no_description_is_named() {
    for (body, error) in [
        (&b""[..], SdpError::Version),
        (b"o=- 1 1 IN IP4 h\nv=0", SdpError::Version),
        (b"v=1", SdpError::Version),
        (b"v=0\nv=0", SdpError::Version),
        (b"v=0\nhello", SdpError::Line),
        (b"v=0\ns=a\rb=c", SdpError::Line),
        (b"v=0\ns=a\0b", SdpError::Line),
        (b"v=0\nS=a", SdpError::Line),
        (b"v=0\nm=audio", SdpError::Media),
        (b"v=0\nm=audio 65536 RTP/AVP 0", SdpError::Media),
        (b"v=0\nm=audio -1 RTP/AVP 0", SdpError::Media),
        (b"v=0\nm=audio +1 RTP/AVP 0", SdpError::Media),
        (b"v=0\nm=audio 1/x RTP/AVP 0", SdpError::Media),
    ] {
        assert_eq!(Description::parse(body), Err(error), "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn every_bound_holds() {
    let parse =
        |line: &str, times: usize| Description::parse(format!("v=0\n{}", line.repeat(times)).as_bytes()).map(|_| ());
    assert_eq!(parse("a=x\n", SDP_LINES_MAX - 1), Ok(()));
    assert_eq!(parse("a=x\n", SDP_LINES_MAX), Err(SdpError::TooMuch));
    assert_eq!(parse("m=audio 1 RTP/AVP 0\n", SDP_MEDIA_MAX), Ok(()));
    assert_eq!(parse("m=audio 1 RTP/AVP 0\n", SDP_MEDIA_MAX + 1), Err(SdpError::TooMuch));
    let formats = |count| format!("m=audio 1 RTP/AVP{}\n", " 0".repeat(count));
    assert_eq!(parse(&formats(SDP_FORMATS_MAX), 1), Ok(()));
    assert_eq!(parse(&formats(SDP_FORMATS_MAX + 1), 1), Err(SdpError::TooMuch));
}

#[test]
fn attributes_are_read_where_they_stand() {
    let body = b"v=0\na=group:BUNDLE a v\na=fingerprint:sha-256 AA:BB\na=ice-ufrag:u\na=ice-pwd:p\na=recvonly\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\n\
        a=rtpmap:111 opus/48000/2\na=fmtp:111 minptime=10;useinbandfec=1\na=rtcp-fb:111 transport-cc\na=rtcp:50001 IN IP4 0.0.0.0\na=ptime:20\n\
        a=maxptime:60\na=rtcp-mux\na=mid:a\na=setup:actpass\na=ssrc:7 cname:x\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\n\
        a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc|2^20\na=sendrecv\nm=video 9 RTP/AVP 96\nc=IN IP4 0.0.0.0/127\n";
    let description = Description::parse(body).expect("a description");
    let (audio, video) = (&description.media[0], &description.media[1]);
    let codecs: Vec<_> = audio.codecs().map(|codec| (codec.payload, codec.name, codec.clock, codec.channels)).collect();
    assert_eq!(codecs, [(111, "opus", 48_000, 2), (0, "PCMU", 8_000, 1)]);
    assert_eq!(audio.codec("111").and_then(|codec| codec.parameter("UseInbandFec")), Some("1"));
    assert_eq!(description.bundle().collect::<Vec<_>>(), ["a", "v"]);
    assert_eq!(description.fingerprint(audio).map(|found| (found.hash, found.value)), Some(("sha-256", "AA:BB")));
    assert_eq!((description.ice(audio), description.setup(audio)), (Some(("u", "p")), Some("actpass")));
    assert_eq!(
        (audio.ptime(), audio.maxptime(), audio.rtcp_port(), audio.mid()),
        (Some(20), Some(60), Some(50_001), Some("a"))
    );
    assert!(audio.rtcp_mux() && audio.is_secure() && !video.rtcp_mux() && !video.is_secure());
    assert_eq!(audio.rtcp_feedback().collect::<Vec<_>>(), [("111", "transport-cc")]);
    assert_eq!(audio.sources().collect::<Vec<_>>(), [(7, "cname:x")]);
    assert_eq!(audio.candidates().count(), 1);
    assert_eq!(
        audio.cryptos().map(|crypto| (crypto.tag, crypto.suite, crypto.keys)).next(),
        Some((1, "AES_CM_128_HMAC_SHA1_80", "inline:abc|2^20"))
    );
    assert_eq!(
        (description.direction(audio), description.direction(video)),
        (Direction::SendRecv, Direction::RecvOnly)
    );
    assert!(
        description.connection(audio).is_none()
            && description.connection(video).is_some_and(|connection| connection.is_zero())
    );
    assert_eq!(video.codecs().count(), 0);
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[abciktrzsuepqo]=[ -~]{0,30}",
        2 => "m=(audio|video|image) [0-9]{1,5}(/[0-9])? (RTP/AVP|RTP/SAVP|udptl)( [0-9]{1,3}){0,4}",
        1 => "a=(rtpmap|fmtp|crypto|rtcp-fb|mid|group|ssrc):[ -~é]{0,20}",
    ]
}

proptest! {
    #[test]
    fn a_printed_description_reads_back_and_prints_the_same(lines in prop::collection::vec(line(), 0..20), end in "\r?\n") {
        let body = format!("v=0{end}{}", lines.join(&end));
        if let Ok(description) = Description::parse(body.as_bytes()) {
            let printed = description.to_string();
            let again = Description::parse(printed.as_bytes()).expect("what we print");
            prop_assert_eq!(&again.to_string(), &printed);
            prop_assert_eq!(again.media.len(), description.media.len());
        }
    }

    #[test]
    fn no_bytes_upset_the_parser(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Description::parse(&[b"v=0\n", &body[..]].concat());
    }
}
