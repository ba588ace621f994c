//! The table of all calls: whose message is this, may it come in, where does it go; and all that belongs to no call.

pub mod admission;
pub mod agenda;
pub mod calls;
pub mod door;
pub mod interface;
pub mod owner;
