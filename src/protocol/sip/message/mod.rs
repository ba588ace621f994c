//! A SIP message as validated text with a table of spans; values are read when somebody asks.

mod check;
pub mod framer;
pub mod header;
mod marks;
#[expect(clippy::module_inception, reason = "the file is named for its type")]
pub mod message;
pub mod method;
pub mod params;
mod parse;
pub mod text;
pub mod uri;
pub mod value;
pub mod writer;

pub use header::HeaderName;
pub use message::{Message, ParseError};
pub use method::Method;
pub use params::Params;
pub use writer::Writer;

#[cfg(test)]
mod tests;
