//! Feeds arbitrary bytes to the properties of control; decides nothing itself.
#![no_main]

#[path = "../properties/control.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::hold(bytes));
