//! One customer interaction from the first INVITE to the last BYE. Knows no other call.

pub mod interface;
