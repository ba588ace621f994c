//! The softphone against an exchange that says what a test wants, in virtual time.

mod audio;
mod calls;
mod rig;
mod transfers;
