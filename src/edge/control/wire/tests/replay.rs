//! The seeds of the fuzz target, held to the same properties in every test run.

#[path = "../../../../../fuzz/properties/control.rs"]
mod control;

#[test]
fn seeds_of_control_hold() {
    crate::replay::replay("control", control::hold);
}
