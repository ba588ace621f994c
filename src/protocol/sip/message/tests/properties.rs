//! Messages made at random: what is written is what is read, and what is read is written the same.

use crate::protocol::sip::message::message::Message;
use crate::protocol::sip::message::uri::Uri;
use crate::protocol::sip::message::{HeaderName, Writer};
use proptest::prelude::*;

fn token() -> impl Strategy<Value = String> {
    "[A-Za-z][A-Za-z0-9.!%*_+`'~-]{0,12}"
}

/// Any text at all, controls and line ends included.
fn wild() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof![8 => any::<char>(), 2 => Just('\r'), 2 => Just('\n'), 2 => Just('"')], 0..24)
        .prop_map(|letters| letters.into_iter().collect())
}

fn sip_uri() -> impl Strategy<Value = String> {
    let user = proptest::option::of("[a-z0-9+][a-z0-9+;=:,/?&$._!~*'()-]{0,12}");
    let host = prop_oneof!["[a-z][a-z0-9.-]{0,12}", "[0-9]{1,3}(\\.[0-9]{1,3}){3}", Just("[2001:db8::1]".to_owned())];
    let port = proptest::option::of(any::<u16>());
    let params = proptest::collection::vec(("[a-z]{1,6}", proptest::option::of("[a-z0-9.]{1,6}")), 0..3);
    (user, host, port, params).prop_map(|(user, host, port, params)| {
        let user = user.map(|user| format!("{user}@")).unwrap_or_default();
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let params = params.into_iter().map(|(name, value)| match value {
            Some(value) => format!(";{name}={value}"),
            None => format!(";{name}"),
        });
        format!("sip:{user}{host}{port}{}", params.collect::<String>())
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        method in token(),
        uri in sip_uri(),
        headers in proptest::collection::vec((0..HeaderName::KNOWN.len(), wild()), 0..20),
        others in proptest::collection::vec((token(), wild()), 0..5),
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut writer = Writer::request(&method, &uri);
        let mut expected = 0;
        for (index, value) in &headers {
            let name = HeaderName::KNOWN[*index];
            writer.header(name, value);
            expected += usize::from(name != HeaderName::ContentLength);
        }
        for (name, value) in &others {
            writer.header_named(name, value);
            expected += usize::from(HeaderName::parse(name) != HeaderName::ContentLength);
        }
        let bytes = writer.finish_with("application/octet-stream", &body);
        let message = Message::parse(&bytes).expect("what we write is a message");
        prop_assert_eq!((message.method_text(), message.uri_text(), message.body()), (&*method, &*uri, &*body));
        prop_assert_eq!(message.headers().count(), expected + 2);
        let clean = |text: &str| text.replace(char::is_control, " ").trim_matches(' ').to_owned();
        for (index, value) in &headers {
            let name = HeaderName::KNOWN[*index];
            prop_assert!(name == HeaderName::ContentLength || message.lines(name).any(|found| found == clean(value)));
        }
        for (name, value) in &others {
            let found = message.headers().any(|(_, written, found)| written == name && found == clean(value));
            prop_assert!(found || HeaderName::parse(name) == HeaderName::ContentLength, "{}: {:?}", name, value);
        }
        let again = Message::parse(&message.print()).expect("what we print is a message");
        prop_assert_eq!(again.print(), message.print());
    }

    #[test]
    fn a_uri_is_read_as_it_was_made_and_equals_itself(text in sip_uri()) {
        let uri = Uri::parse(&text).expect("a URI");
        prop_assert_eq!(uri.text, &*text);
        prop_assert_eq!(uri.host.contains(':'), text.contains('['));
        prop_assert!(uri.equals(&uri) || uri.params.iter().count() > 1);
    }

    #[test]
    fn no_bytes_make_the_parser_fall_over(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let whole = [b"OPTIONS sip:a SIP/2.0\r\nX: ", &bytes[..], b"\r\n\r\n"].concat();
        for bytes in [&bytes[..], &whole[..]] {
            if let Ok(message) = Message::parse(bytes) {
                prop_assert!(message.headers().all(|(_, _, value)| !value.contains(char::is_control)));
                prop_assert!(Message::parse(&message.print()).is_ok());
            }
        }
    }
}
