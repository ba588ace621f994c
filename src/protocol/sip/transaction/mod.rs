//! The four transaction machines of RFC 3261 with RFC 6026, and the set of them that one owner has.

pub mod set;
