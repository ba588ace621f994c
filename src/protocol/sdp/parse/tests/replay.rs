//! The seeds of the fuzz target, held to the same properties in every test run.

#[path = "../../../../../fuzz/properties/sdp.rs"]
mod sdp;

#[test]
fn seeds_of_sdp_hold() {
    crate::replay::replay("sdp", sdp::hold);
}
