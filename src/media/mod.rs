//! The media plane without its threads: one worker's streams, who hears whom, and the work on audio. Opens no socket.

pub mod account;
pub mod circuit;
pub mod command;
pub mod control;
pub mod counters;
pub mod desk;
pub mod digits;
pub mod ear;
pub mod echo;
pub mod event;
pub mod keypad;
pub mod matrix;
pub mod mouth;
pub mod path;
pub mod player;
pub mod ports;
pub mod prompt;
pub mod protection;
pub mod quality;
pub mod recipe;
pub mod slots;
pub mod source_check;
pub mod stream;
pub mod tap;
pub mod transmit;
pub mod worker;
