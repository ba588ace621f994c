//! Samples: codecs, mixing, tones and files, all as arithmetic on slices. Knows no packet and no clock.

pub mod codec;
