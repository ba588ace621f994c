//! Negotiations and waits, event by event.
