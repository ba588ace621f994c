//! End to end: the real binary among programs that we did not write.

mod baresip;
mod calls;
mod certificates;
mod daemon;
mod house;
mod operations;
mod phones;
mod sipp;
mod web;
