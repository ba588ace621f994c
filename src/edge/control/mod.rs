//! The control protocol: newline-delimited JSON on a Unix socket, for operators, their tools and engines.

mod agents;
mod callbacks;
pub mod check;
pub mod client;
pub mod commands;
pub mod conversation;
pub mod engines;
pub mod follow;
pub mod frame;
pub mod functions;
pub mod numbers;
pub mod remembered;
pub mod requests;
pub mod schema;
pub mod scope;
pub mod socket;
pub mod token;
pub mod websocket;
pub mod wire;
pub mod wire_decision;
pub mod wire_numbers;
pub mod wire_told;
