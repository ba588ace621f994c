//! Our signalling relation to a carrier: who they are, what they may, how they write numbers.

pub mod identify;
pub mod limits;
pub mod settings;
