//! The seeds of the fuzz targets, held to the same properties in every test run.

#[path = "../../../fuzz/properties/rtcp.rs"]
mod rtcp;
#[path = "../../../fuzz/properties/rtp.rs"]
mod rtp;
#[path = "../../../fuzz/properties/srtp.rs"]
mod srtp;
#[path = "../../../fuzz/properties/telephone_event.rs"]
mod telephone_event;

#[test]
fn seeds_of_rtp_hold() {
    crate::replay::replay("rtp", rtp::hold);
}

#[test]
fn seeds_of_rtcp_hold() {
    crate::replay::replay("rtcp", rtcp::hold);
}

#[test]
fn seeds_of_srtp_hold() {
    crate::replay::replay("srtp", srtp::hold);
}

#[test]
fn seeds_of_telephone_event_hold() {
    crate::replay::replay("telephone_event", telephone_event::hold);
}
