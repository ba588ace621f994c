//! REGISTER as phones send it.
