//! RFC 3261 and its family: messages, transactions, dialogs. Sans-IO.

pub mod message;
pub mod multipart;
pub mod path;
pub mod stamp;
pub mod transaction;
