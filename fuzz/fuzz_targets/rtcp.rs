//! Feeds arbitrary bytes to the properties of rtcp; decides nothing itself.
#![no_main]

#[path = "../properties/rtcp.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::hold(bytes));
