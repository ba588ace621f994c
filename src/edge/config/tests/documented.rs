//! `docs/configuration.md` holds exactly the keys that the code knows, with their kinds and defaults.
