//! RFC 3261 and its family: messages, transactions, dialogs. Sans-IO.

pub mod dialog;
pub mod digest;
pub mod locate;
pub mod message;
pub mod multipart;
pub mod path;
pub mod reliable;
pub mod replaces;
pub mod session_timer;
pub mod stamp;
pub mod transaction;
