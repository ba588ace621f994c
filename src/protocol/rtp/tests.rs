//! The seeds of the fuzz targets, held to the same properties in every test run.

#[path = "../../../fuzz/properties/rtcp.rs"]
mod rtcp;
#[path = "../../../fuzz/properties/rtp.rs"]
mod rtp;
#[path = "../../../fuzz/properties/srtp.rs"]
mod srtp;
#[path = "../../../fuzz/properties/telephone_event.rs"]
mod telephone_event;

fn check(target: &str, hold: fn(&[u8])) {
    let folder = format!("{}/fuzz/seeds/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect(&folder) {
        let path = entry.expect("entry").path();
        println!("{}", path.display());
        hold(&std::fs::read(path).expect("seed"));
        count += 1;
    }
    assert!(count > 5, "{count} seeds of {target}");
}

#[test]
fn seeds_of_rtp_hold() {
    check("rtp", rtp::hold);
}

#[test]
fn seeds_of_rtcp_hold() {
    check("rtcp", rtcp::hold);
}

#[test]
fn seeds_of_srtp_hold() {
    check("srtp", srtp::hold);
}

#[test]
fn seeds_of_telephone_event_hold() {
    check("telephone_event", telephone_event::hold);
}
