//! The seeds of the fuzz targets, held to the same properties in every test run.

#[path = "../../../../../fuzz/properties/sip_message.rs"]
mod sip_message;
#[path = "../../../../../fuzz/properties/sip_stream.rs"]
mod sip_stream;
#[path = "../../../../../fuzz/properties/sip_uri.rs"]
mod sip_uri;

#[test]
fn seeds_of_sip_message_hold() {
    crate::replay::replay("sip_message", sip_message::hold);
}

#[test]
fn seeds_of_sip_uri_hold() {
    crate::replay::replay("sip_uri", sip_uri::hold);
}

#[test]
fn seeds_of_sip_stream_hold() {
    crate::replay::replay("sip_stream", sip_stream::hold);
}

#[test]
fn the_torture_messages_hold_too() {
    for case in sipx_testkit::rfc4475::CASES {
        sip_message::hold(case.bytes);
        sip_stream::hold(&[case.bytes, case.bytes].concat());
    }
    for case in sipx_testkit::rfc5118::CASES {
        sip_message::hold(&case.wire());
    }
}
