//! Flows in virtual time: what they wish, step by step. Opens nothing.

mod key;
mod rig;
