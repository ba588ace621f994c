//! The committed seeds of one fuzz target, each held to the properties of the target in every test run.

/// Holds every seed; too few of them mean that the folder is not what it was.
pub fn replay(target: &str, hold: fn(&[u8])) {
    let folder = format!("{}/fuzz/seeds/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect(&folder) {
        let path = entry.expect("entry").path();
        println!("{}", path.display());
        hold(&std::fs::read(path).expect("seed"));
        count += 1;
    }
    assert!(count > 5, "{target} has {count} seeds");
}
