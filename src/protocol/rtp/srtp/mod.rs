//! SRTP and SRTCP (RFC 3711, RFC 7714) in place, with keys prepared once. Negotiates nothing.

mod derive;
pub mod inline;
mod receiver;
mod sender;
mod transform;

pub use receiver::SrtpReceiver;
pub use sender::SrtpSender;

/// The most that protection adds: a GCM tag and the index of SRTCP.
pub const TRAILER_BYTES_MAX: usize = 20;

/// Sources under one key; the least recently heard gives way to a new one that has proven itself.
const SOURCES_MAX: usize = 16;

/// Why a packet was not protected or not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SrtpFault {
    /// No packet, or no room for the tag.
    TooShort,
    /// Not protected by the key that was agreed.
    NotAuthentic,
    /// Seen before, or too old to tell.
    Replayed,
    /// The key has the wrong length for its suite.
    WrongKey,
    /// This index has been used under this key, or the key has protected all that it may.
    Exhausted,
}

#[cfg(test)]
mod tests;
