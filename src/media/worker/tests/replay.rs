//! The seeds of the fuzz target, held to the same properties in every test run.

#[path = "../../../../fuzz/properties/media_worker.rs"]
mod media_worker;

#[test]
fn seeds_of_media_worker_hold() {
    let folder = format!("{}/fuzz/seeds/media_worker", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect(&folder) {
        let path = entry.expect("entry").path();
        println!("{}", path.display());
        media_worker::hold(&std::fs::read(path).expect("seed"));
        count += 1;
    }
    assert!(count > 5, "{count} seeds");
}
