//! A small SIP phone for `offhook dial` and `offhook demo`: one UDP socket, and audio over RTP. No part of the exchange.

pub mod audio;
pub mod callee;
pub mod caller;
pub mod heard;
mod inside;
pub mod ladder;
pub mod line;
pub mod sound;
