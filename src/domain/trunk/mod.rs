//! Our signalling relation to a carrier: who they are, what they may, how they write numbers.

pub mod attributes;
pub mod crossing;
pub mod health;
pub mod identify;
pub mod identity;
pub mod limits;
pub mod media;
pub mod number_rules;
pub mod registration;
pub mod settings;
