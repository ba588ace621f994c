//! Telephone numbers: what one is by the world's numbering plans, and which are ours and lead where. Routes no call.

pub mod book;
pub mod country;
pub mod csv;
pub mod entry;
pub mod inventory;
pub mod key;
pub mod kind;
pub mod plan;
pub mod refusal;

#[cfg(test)]
mod tests;
