//! Everything that touches a socket, file, clock, thread or process. Decides nothing about calls.

// Clocks, threads and tasks are what this layer is for.
#![allow(clippy::disallowed_methods)]

pub mod call_journal;
pub mod call_task;
pub mod callback_ledger;
pub mod clock;
pub mod config;
pub mod control;
pub mod daemon;
pub mod dispatch;
pub mod entropy;
pub mod events;
pub mod guard_ledger;
pub mod inbox;
pub mod journal;
pub mod live;
pub mod logging;
pub mod media;
pub mod media_line;
pub mod memory;
pub mod metrics;
pub mod ops_http;
pub mod outside;
pub mod ports;
pub mod reload;
pub mod resolver;
pub mod serve;
pub mod softphone;
pub mod store;
pub mod switchboard_task;
pub mod systemd;
pub mod test_phone;
pub mod transport;
pub mod vital;
