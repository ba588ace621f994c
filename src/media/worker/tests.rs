//! A worker told by commands and packets made by hand, in made-up time.

mod hijack;
mod late;
mod proof;
mod relay;
mod replay;
mod reports;
mod world;
