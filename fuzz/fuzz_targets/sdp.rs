//! Feeds arbitrary bytes to the properties of sdp; decides nothing itself.
#![no_main]

#[path = "../properties/sdp.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::hold(bytes));
