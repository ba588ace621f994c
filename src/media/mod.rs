//! The media plane without its threads: one worker's streams, who hears whom, and the work on audio. Opens no socket.

pub mod command;
pub mod desk;
pub mod digits;
pub mod event;
pub mod matrix;
pub mod path;
pub mod recipe;
pub mod tap;
