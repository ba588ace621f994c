//! Everything that touches a socket, file, clock, thread or process. Decides nothing about calls.

pub mod clock;
pub mod entropy;
pub mod logging;
pub mod metrics;
pub mod resolver;
pub mod test_phone;
pub mod transport;
