//! Session descriptions: bytes to values and back, and what an answer to an offer must be. Knows no call and no SIP.

pub mod attribute;
pub mod codec;
pub mod fingerprint;
pub mod offer_answer;
pub mod parse;
pub mod print;
pub mod series;
