//! The telephone exchange in its own words. Opens no socket and reads no clock.

pub mod call;
pub mod contact;
pub mod dialplan;
pub mod flow;
pub mod hours;
pub mod leg;
pub mod number;
pub mod phone;
pub mod profile;
pub mod queue;
pub mod routing;
pub mod softphone;
pub mod switchboard;
pub mod trunk;
