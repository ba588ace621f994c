//! One party of a call: its dialog, its media plan, whether it is held.

pub mod abandoned;
pub mod challenge;
pub mod early;
pub mod established;
pub mod event;
pub mod farewell;
pub mod headers;
pub mod hop;
pub mod inbound;
#[allow(clippy::module_inception)]
pub mod leg;
pub mod media_plan;
pub mod offer;
pub mod outbound;
pub mod party;
pub mod wire;
