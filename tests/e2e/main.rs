//! End to end: the real binary among programs that we did not write.

mod calls;
mod daemon;
mod house;
mod sipp;
