//! Offhook: the layers of a telephony gateway, lowest first. Nothing is re-exported here.

pub mod base;
pub mod cli;
pub mod domain;
pub mod edge;
pub mod protocol;
