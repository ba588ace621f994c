//! Feeds arbitrary bytes to the properties of media_worker; decides nothing itself.
#![no_main]

#[path = "../properties/media_worker.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::hold(bytes));
