//! The seeds of the fuzz target, held to the same properties in every test run.

#[path = "../../../../../fuzz/properties/replay.rs"]
mod replay;
#[path = "../../../../../fuzz/properties/sdp.rs"]
mod sdp;

#[test]
fn seeds_of_sdp_hold() {
    replay::replay("sdp", sdp::hold);
}
