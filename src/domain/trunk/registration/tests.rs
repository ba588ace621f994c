//! The registration of a trunk in virtual time.
