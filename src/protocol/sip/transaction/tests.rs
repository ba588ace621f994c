//! The transactions of two sides over a wire in the test's hand, with a virtual clock; and each machine alone, exhaustively.

mod flows;
mod matching;
mod model;
mod races;
mod weather;
mod world;
