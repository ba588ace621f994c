//! The seeds of the fuzz target, held to the same properties in every test run.

#[path = "../../../../../fuzz/properties/sdp.rs"]
mod sdp;

#[test]
fn seeds_of_sdp_hold() {
    let folder = format!("{}/fuzz/seeds/sdp", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect(&folder) {
        let path = entry.expect("entry").path();
        println!("{}", path.display());
        sdp::hold(&std::fs::read(path).expect("seed"));
        count += 1;
    }
    assert!(count > 5, "{count} seeds");
}
