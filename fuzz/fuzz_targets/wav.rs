//! Feeds arbitrary bytes to the properties of wav; decides nothing itself.
#![no_main]

#[path = "../properties/wav.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::hold(bytes));
