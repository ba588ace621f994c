//! Feeds arbitrary bytes to the properties of stun; decides nothing itself.
#![no_main]

#[path = "../properties/stun.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::hold(bytes));
