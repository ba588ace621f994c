//! The unit file in the eyes of the programs that will read it.

use std::path::PathBuf;
use std::process::Command;

/// The score of `systemd-analyze security` that we keep below.
const EXPOSURE_MAX: f64 = 1.5;

/// A copy of our unit that starts the program under test, in a folder of its own.
fn unit() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("systemd/offhook.service")).unwrap();
    let folder =
        std::env::temp_dir().join(format!("offhook-unit-{}-{:?}", std::process::id(), std::thread::current().id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("offhook.service");
    let text = text.replace("/usr/bin/offhook", env!("CARGO_BIN_EXE_offhook"));
    let text: Vec<&str> = text.lines().filter(|line| !line.starts_with("Documentation=")).collect();
    std::fs::write(&path, text.join("\n")).unwrap();
    path
}

fn analyze(arguments: &[&str]) -> String {
    let run = Command::new("systemd-analyze").args(arguments).output().expect("systemd-analyze is installed");
    format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr))
}

#[test]
fn systemd_takes_every_line_of_the_unit() {
    let path = unit();
    let told = analyze(&["verify", "--man=no", path.to_str().unwrap()]);
    // Other units of the machine are read too; only what is said of ours counts. Type=notify-reload came with 253.
    let faults = told.lines().filter(|line| line.contains("offhook.service"));
    let faults: Vec<&str> = faults.filter(|line| !line.contains("notify-reload")).collect();
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_unit_exposes_little() {
    let path = unit();
    let told = analyze(&["security", "--offline=true", "--no-pager", path.to_str().unwrap()]);
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    let score = told.split("exposure level for").nth(1).and_then(|rest| rest.split(": ").nth(1));
    let score: f64 = score.and_then(|rest| rest.split(' ').next()).and_then(|word| word.parse().ok()).expect(&told);
    assert!(score <= EXPOSURE_MAX, "{score}\n{told}");
}
