//! The seeds of the fuzz targets of audio, held to the same properties in every test run.

#[path = "../../../../../fuzz/properties/audio_payload.rs"]
mod audio_payload;
#[path = "../../../../../fuzz/properties/ogg_opus.rs"]
mod ogg_opus;
#[path = "../../../../../fuzz/properties/wav.rs"]
mod wav;

fn replay(target: &str, hold: fn(&[u8])) {
    let folder = format!("{}/fuzz/seeds/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect(&folder) {
        let path = entry.expect("entry").path();
        println!("{}", path.display());
        hold(&std::fs::read(path).expect("seed"));
        count += 1;
    }
    assert!(count > 5, "{target} has {count} seeds");
}

#[test]
fn seeds_of_wav_hold() {
    replay("wav", wav::hold);
}

#[test]
fn seeds_of_ogg_opus_hold() {
    replay("ogg_opus", ogg_opus::hold);
}

#[test]
fn seeds_of_audio_payload_hold() {
    replay("audio_payload", audio_payload::hold);
}
