//! The words that every layer shares. Imports nothing of ours.

pub mod bucket;
pub mod cause;
pub mod e164;
pub mod entropy;
pub mod id;
pub mod limits;
pub mod machine;
pub mod now;
pub mod secret;
pub mod wheel;
