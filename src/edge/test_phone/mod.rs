//! A small SIP phone on one UDP socket, for `offhook dial` and `offhook demo`. Carries no audio and is no part of the exchange.

pub mod callee;
pub mod caller;
pub mod ladder;
pub mod line;
