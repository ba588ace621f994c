//! Queues, the agents who serve them, offers in their exact order, and callbacks.

pub mod agent;
pub mod bits;
pub mod callback;
pub mod criteria;
pub mod from_flow;
pub mod interface;
pub mod questions;
pub mod queues;
pub mod roster;
pub mod settings;
pub mod tally;
pub mod waiting;

mod agents;
mod calling_back;
mod entering;
mod last_agents;
mod matching;
mod offering;
mod replacing;
mod waiter;

#[cfg(test)]
mod tests;
