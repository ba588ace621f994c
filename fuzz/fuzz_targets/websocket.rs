//! Feeds arbitrary bytes to the properties of websocket; decides nothing itself.
#![no_main]

#[path = "../properties/websocket.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::hold(bytes));
