//! Feeds arbitrary bytes to the properties of ogg_opus; decides nothing itself.
#![no_main]

#[path = "../properties/ogg_opus.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::hold(bytes));
