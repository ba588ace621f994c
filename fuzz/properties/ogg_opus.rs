//! What must hold for any bytes taken as an Ogg file. Used by the fuzz target and by the replay of its seeds.

use offhook::base::limits::RECORDING_SAMPLES_MAX;
use offhook::protocol::audio::ogg_opus;

pub fn hold(bytes: &[u8]) {
    if let Ok(recording) = ogg_opus::read(bytes) {
        assert_eq!(recording.rate, 48_000);
        assert!((1..=RECORDING_SAMPLES_MAX).contains(&recording.samples.len()));
        // The least packet is two bytes of a page and holds 120 ms at the most.
        assert!(recording.samples.len() <= bytes.len() / 2 * 5_760);
    }
    assert_eq!(ogg_opus::read(bytes), ogg_opus::read(bytes));
}
