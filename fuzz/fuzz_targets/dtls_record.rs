//! Feeds arbitrary bytes to the properties of dtls_record; decides nothing itself.
#![no_main]

#[path = "../properties/dtls_record.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::hold(bytes));
