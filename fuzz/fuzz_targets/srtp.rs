//! Feeds arbitrary bytes to the properties of srtp; decides nothing itself.
#![no_main]

#[path = "../properties/srtp.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::hold(bytes));
