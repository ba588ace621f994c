//! Flows in virtual time: what they wish, step by step. Opens nothing.

mod connect;
mod decide;
mod facts;
mod fetch;
mod hear;
mod key;
mod legs;
mod limits;
mod log;
mod outcomes;
mod property;
pub mod rig;
mod route;
mod set;
