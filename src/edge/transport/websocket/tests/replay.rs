//! The seeds of the fuzz target, held to the same properties in every test run.

#[path = "../../../../../fuzz/properties/websocket.rs"]
mod websocket;

#[test]
fn seeds_of_websocket_hold() {
    crate::replay::replay("websocket", websocket::hold);
}
