//! RTP, RTCP and SRTP: packets in place, and the machines around one stream of them. Opens no port.

pub mod emodel;
pub mod jitter_buffer;
pub mod kind;
pub mod outgoing;
pub mod packet;
pub mod rtcp;
pub mod sequence;
pub mod srtp;
pub mod suite;
pub mod telephone_event;
pub mod window;

#[cfg(test)]
mod tests;
