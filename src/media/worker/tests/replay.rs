//! The seeds of the fuzz target, held to the same properties in every test run.

#[path = "../../../../fuzz/properties/media_worker.rs"]
mod media_worker;

#[test]
fn seeds_of_media_worker_hold() {
    crate::replay::replay("media_worker", media_worker::hold);
}
