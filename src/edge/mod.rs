//! Everything that touches a socket, file, clock, thread or process. Decides nothing about calls.

// Clocks, threads and tasks are what this layer is for.
#![allow(clippy::disallowed_methods)]

pub mod clock;
pub mod config;
pub mod entropy;
pub mod journal;
pub mod logging;
pub mod metrics;
pub mod ops_http;
pub mod resolver;
pub mod systemd;
pub mod test_phone;
pub mod transport;
