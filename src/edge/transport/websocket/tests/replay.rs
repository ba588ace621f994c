//! The seeds of the websocket fuzz target, held to the same properties in every test run.

#[path = "../../../../../fuzz/properties/websocket.rs"]
mod properties;

#[test]
fn the_seeds_of_the_websocket_target_hold() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/websocket");
    let seeds: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(seeds.len() >= 10);
    for seed in seeds {
        properties::hold(&std::fs::read(seed).unwrap());
    }
}
