//! Feeds arbitrary bytes to the properties of rtp; decides nothing itself.
#![no_main]

#[path = "../properties/rtp.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::hold(bytes));
