//! Our end of ICE (RFC 8445) as a lite agent: reads and answers connectivity checks. Sends no check and opens no port.

pub mod credentials;
pub mod responder;
pub mod stun;
pub mod write;

mod crc;

#[cfg(test)]
mod tests;
