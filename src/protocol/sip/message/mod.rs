//! A SIP message as validated text with a table of spans; values are read when somebody asks.

pub mod framer;
pub mod header;
pub mod message;
pub mod method;
pub mod uri;
pub mod value;
pub mod writer;

pub use header::HeaderName;
pub use message::{Message, ParseError};
pub use method::Method;
pub use writer::Writer;
