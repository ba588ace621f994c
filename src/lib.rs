//! Offhook: the layers of a telephony gateway, lowest first. Nothing is re-exported here.

// Nothing that a peer, a file or a socket sends may end a task. Tests may stop where they are surprised, and read clocks.
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable))]
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod base;
pub mod cli;
pub mod domain;
pub mod edge;
pub mod media;
pub mod protocol;

/// The properties under `fuzz/` name this crate as their users outside do; its own tests use them too.
#[cfg(test)]
extern crate self as offhook;
/// Holds the committed seeds of `fuzz/` to those properties.
#[cfg(test)]
#[path = "../fuzz/properties/replay.rs"]
mod replay;
