//! The seeds of the fuzz targets of audio, held to the same properties in every test run.

#[path = "../../../../../fuzz/properties/audio_payload.rs"]
mod audio_payload;
#[path = "../../../../../fuzz/properties/ogg_opus.rs"]
mod ogg_opus;
#[path = "../../../../../fuzz/properties/wav.rs"]
mod wav;

#[test]
fn seeds_of_wav_hold() {
    crate::replay::replay("wav", wav::hold);
}

#[test]
fn seeds_of_ogg_opus_hold() {
    crate::replay::replay("ogg_opus", ogg_opus::hold);
}

#[test]
fn seeds_of_audio_payload_hold() {
    crate::replay::replay("audio_payload", audio_payload::hold);
}
