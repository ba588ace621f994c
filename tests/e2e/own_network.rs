//! Runs a test in a network of its own: loopback with a default route, which some phones want before they listen.
//! The network goes with its last process, so nothing can be left behind.

use std::process::Command;

const INSIDE: &str = "E2E_OWN_NETWORK";

const SET_UP: &str = "ip address add 10.99.0.1/32 dev lo && ip link set lo up && \
                      ip route add default dev lo src 10.99.0.1 && exec \"$0\" \"$@\"";

/// Runs the calling test's `body` in a child of this very program, inside a fresh network.
pub fn in_own_network<F: FnOnce()>(body: F) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    // `e2e::module::name_of_the_test::{{closure}}`
    let path = std::any::type_name::<F>();
    let test = path.split_once("::").and_then(|(_, rest)| rest.rsplit_once("::")).expect("a closure in a test").0;
    let program = std::env::current_exe().expect("this program has a path");
    let outcome = Command::new("unshare")
        .args(["--map-root-user", "--net", "sh", "-c", SET_UP])
        .arg(program)
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare runs (Debian package util-linux)");
    let (told, complained) = (String::from_utf8_lossy(&outcome.stdout), String::from_utf8_lossy(&outcome.stderr));
    assert!(outcome.status.success() && told.contains("1 passed"), "{test} in its own network:\n{told}\n{complained}");
}
