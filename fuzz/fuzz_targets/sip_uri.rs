//! Feeds arbitrary bytes to the properties of sip_uri; decides nothing itself.
#![no_main]

#[path = "../properties/sip_uri.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::hold(bytes));
