<<<<<<< HEAD
//! (being written)
pub mod resolver;
pub mod transport;
=======
//! Everything that touches a socket, file, clock, thread or process. Decides nothing about calls.

pub mod clock;
pub mod entropy;
pub mod logging;
pub mod metrics;
>>>>>>> 238bb4b (Write lines that no peer can break, and count what happens in named series)
