//! The exchange in virtual time: golden dialogues as text, and whatever else needs no socket.

// The base of virtual time is read once.
#![allow(clippy::disallowed_methods)]

mod callbacks;
mod crowd;
mod dialogue;
mod engines;
mod handover;
mod memory;
mod plane;
mod world;
