//! A phone of ours whose wire is an agent's page: it registers, calls and is called as a phone over WebSocket is, and goes
//! on with its calls while the page is gone. Knows no page, no queue and no status.

mod answering;
mod calling;
pub mod description;
pub mod interface;
mod moving;
mod phone;
mod registering;
mod talk;
mod writing;

pub use phone::Softphone;
pub use talk::{Stage, Talk};

#[cfg(test)]
mod tests;
