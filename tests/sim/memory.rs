//! What values cost in memory, as the kernel counts the pages of this program: rounding of the allocator is in.

/// Resident bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux says");
    let pages: usize = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    pages * 4_096
}

/// Bytes that one more of many costs; the first hundreds are not counted, because they fill what lies free.
pub fn cost_of_each<T>(mut make: impl FnMut() -> T) -> usize {
    const COUNTED: usize = 1_000;
    let mut kept: Vec<T> = Vec::with_capacity(COUNTED * 2);
    kept.extend((0..COUNTED).map(|_| make()));
    let before = resident();
    kept.extend((0..COUNTED).map(|_| make()));
    let after = resident();
    after.saturating_sub(before) / COUNTED
}

const ALONE: &str = "SIM_ALONE";

/// Runs the calling test's `body` in a process of its own: what other tests hold and give back is not counted.
pub fn alone<F: FnOnce()>(body: F) {
    if std::env::var_os(ALONE).is_some() {
        return body();
    }
    // `sim::module::name_of_the_test::{{closure}}`
    let path = std::any::type_name::<F>();
    let test = path.split_once("::").and_then(|(_, rest)| rest.rsplit_once("::")).expect("a closure in a test").0;
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = std::process::Command::new(program);
    let outcome = command.args(["--exact", test, "--nocapture"]).env(ALONE, "1").output().expect("it runs");
    let told = String::from_utf8_lossy(&outcome.stdout);
    let complained = String::from_utf8_lossy(&outcome.stderr);
    assert!(outcome.status.success() && told.contains("1 passed"), "{test} alone:\n{told}\n{complained}");
}
