//! The exchange in virtual time: golden dialogues as text, and whatever else needs no socket.

mod dialogue;
mod memory;
