//! Session descriptions: read, written, and negotiated as pure functions. Opens no port.
