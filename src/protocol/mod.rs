//! Bytes to values and back, and the machines that RFCs describe. Knows no call.

pub mod sdp;
pub mod sip;
