//! The table of all calls: whose message is this, may it come in, where does it go; and all that belongs to no call.

mod admission;
mod agenda;
pub mod board;
mod callbacks;
mod calls;
mod carriers;
mod door;
mod explain;
mod flows;
mod gate;
mod handover;
mod house;
mod inbound;
mod index;
pub mod interface;
mod invite;
mod numbers;
pub mod owner;
mod phones;
mod proof;
mod queues;
mod request;
mod routing;
mod status;
mod transfers;
mod trunks;
mod watchers;

pub use board::Switchboard;
pub use explain::DryRun;
pub use status::{PhoneStanding, TrunkStanding};

#[cfg(test)]
mod tests;
