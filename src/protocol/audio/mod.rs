//! Samples: codecs, mixing, tones and files, all as arithmetic on slices. Knows no packet and no clock.

pub mod codec;
pub mod coder;
pub mod comfort_noise;
pub mod concealment;
pub mod g711;
pub mod g722;
pub mod l16;
pub mod level;
pub mod mix;
pub mod ogg_opus;
pub mod opus;
pub mod pitch;
pub mod recording;
pub mod resample;
pub mod sample;
pub mod stretch;
#[cfg(test)]
pub mod testing;
pub mod tone;
pub mod tone_detect;
pub mod tones_by_country;
pub mod wav;
