//! One party of a call: its dialog, its media plan, whether it is held.

pub mod media_plan;
pub mod party;
