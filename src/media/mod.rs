//! The media plane without its threads: one worker's streams, who hears whom, and the work on audio. Opens no socket.

pub mod command;
pub mod event;
pub mod matrix;
