//! The seeds of the fuzz target, held to the same properties in every test run.

#[path = "../../../../fuzz/properties/media_worker.rs"]
mod media_worker;
#[path = "../../../../fuzz/properties/replay.rs"]
mod replay;

#[test]
fn seeds_of_media_worker_hold() {
    replay::replay("media_worker", media_worker::hold);
}
