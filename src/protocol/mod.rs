//! Bytes to values and back, and the machines that RFCs describe. Knows no call.

pub mod audio;
pub mod ice;
pub mod rtp;
pub mod sdp;
pub mod sip;
