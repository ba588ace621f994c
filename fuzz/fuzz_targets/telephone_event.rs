//! Feeds arbitrary bytes to the properties of telephone_event; decides nothing itself.
#![no_main]

#[path = "../properties/telephone_event.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::hold(bytes));
