//! The control socket: newline-delimited JSON on a Unix socket, for operators and their tools.

mod agents;
pub mod commands;
pub mod numbers;
pub mod socket;
pub mod wire;
pub mod wire_numbers;
