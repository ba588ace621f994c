//! Offhook: the layers of a telephony gateway, lowest first. Nothing is re-exported here.

pub mod base;
pub mod cli;
pub mod domain;
pub mod edge;
pub mod protocol;

/// The properties under `fuzz/` name this crate as their users outside do; its own tests use them too.
#[cfg(test)]
extern crate self as offhook;
