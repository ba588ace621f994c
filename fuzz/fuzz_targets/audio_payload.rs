//! Feeds arbitrary bytes to the properties of audio_payload; decides nothing itself.
#![no_main]

#[path = "../properties/audio_payload.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::hold(bytes));
