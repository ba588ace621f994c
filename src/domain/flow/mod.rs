//! Flows: what happens on a call, as people write it. Waits for nobody and touches nothing outside.

pub mod act;
pub mod check;
pub mod definition;
pub mod draft;
pub mod interface;
pub mod key;
pub mod log;
pub mod luggage;
pub mod memory;
pub mod routed;
pub mod run;
pub mod say;
pub mod template;
pub mod trial;
pub mod value;
pub mod walk;
