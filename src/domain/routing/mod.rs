//! Who decides: what an engine is asked, what it may say, and who has the right to say it. Knows no socket and no call's legs.

pub mod engine;
pub mod lease;
pub mod order;
pub mod piece;
pub mod request;
pub mod talk;
