//! What must hold for any bytes taken as a WAV file. Used by the fuzz target and by the replay of its seeds.

use offhook::protocol::audio::{recording, wav};

pub fn hold(bytes: &[u8]) {
    match wav::read(bytes) {
        Ok(recording) => {
            assert!((8_000..=48_000).contains(&recording.rate));
            assert!((1..=bytes.len()).contains(&recording.samples.len()), "more samples than bytes");
        }
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
    // The same bytes as raw audio of any kind.
    for extension in ["ul", "al", "g722", "sln", "sln16", "sln48", "wav"] {
        if let Ok(recording) = recording::read(extension, bytes) {
            assert!(recording.samples.len() <= bytes.len().max(1_000) * 3_000);
        }
    }
}
