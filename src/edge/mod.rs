//! (being written)
pub mod resolver;
pub mod transport;
