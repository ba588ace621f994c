//! One customer interaction from the first INVITE to the last BYE. Knows no other call.

#[allow(clippy::module_inception)]
pub mod call;
pub mod connect;
pub mod dialler;
pub mod digits;
pub mod early;
pub mod ending;
pub mod floor;
pub mod handover;
pub mod inform;
pub mod interface;
pub mod invite;
pub mod joined;
pub mod opening;
pub mod parts;
pub mod phase;
pub mod record;
pub mod refusal;
pub mod replacing;
mod sending_on;
pub mod serving;
pub mod streams;
pub mod trail;
pub mod transfer;
pub mod will;

pub use call::Call;
