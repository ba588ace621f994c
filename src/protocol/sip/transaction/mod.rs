//! The four transaction machines of RFC 3261 with RFC 6026, and the set of them that one owner has.

mod client_invite;
mod client_other;
mod key;
mod server_invite;
mod server_other;
pub mod set;
mod turn;

pub use key::reply_target;

#[cfg(test)]
mod tests;
