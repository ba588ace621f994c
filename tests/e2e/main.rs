//! End to end: the real binary among programs that we did not write.

// These see the world from outside: clocks and waiting are theirs.
#![allow(clippy::disallowed_methods)]

mod agents;
mod audio;
mod baresip;
mod browser;
mod business_hours;
mod callbacks;
mod calls;
mod certificates;
mod control;
mod daemon;
mod dial;
mod dtls;
mod engines;
mod flows;
mod house;
mod kamailio;
mod linphone;
mod numbers;
mod operations;
mod own_network;
mod page;
mod phones;
mod sipp;
mod softphone;
mod turns;
mod wav;
mod web;
mod webrtc;
