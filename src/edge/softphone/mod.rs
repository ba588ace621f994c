//! Agents' phones in the browser: pages, logins, and for each agent a seat at which a phone of ours stands. See docs/agents.md.

pub mod assets;
pub mod guesses;
pub mod handset;
pub mod ice;
pub mod jwt;
pub mod lines;
pub mod panel;
pub mod password;
pub mod reception;
pub mod seat;
pub mod seats;
pub mod settings;
pub mod socket;
pub mod token;
pub mod wire;
pub mod words;
