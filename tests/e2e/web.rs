//! Browser phones' libraries, unmodified, over SIP on WebSocket (RFC 7118).

use crate::certificates;
use crate::daemon::{Daemon, Files, Scratch, free_port};
use std::path::Path;
use std::process::Command;
use std::sync::Once;

static INSTALL: Once = Once::new();

pub fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/web")
}

/// The libraries at the versions of the lock file.
pub fn install() {
    INSTALL.call_once(|| {
        let outcome = Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(folder())
            .output()
            .expect("npm runs (Debian packages nodejs and npm)");
        assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stderr));
    });
}

/// What the script says after registering with this password.
fn check(script: &str, password: &str) -> String {
    check_over("ws", script, password)
}

/// The same over either transport of RFC 7118; the test's own authority vouches for the secure one.
fn check_over(transport: &str, script: &str, password: &str) -> String {
    install();
    let (tls, ws) = (free_port(), free_port());
    let certificates_here = Scratch::new();
    certificates::make(&certificates_here.0);
    let profile = include_str!("config/phones.toml").replace("{dir}", &certificates_here.0.display().to_string());
    let profile = match transport {
        "wss" => {
            let secure = "transport = \"wss\"\ncertificate = \"{here}/server.pem\"\nkey = \"{here}/server.key\"";
            let secure = secure.replace("{here}", &certificates_here.0.display().to_string());
            profile.replace("transport = \"ws\"", &secure)
        }
        _ => profile,
    };
    let fill = [("{tls}", tls.to_string()), ("{ws}", ws.to_string()), ("{digest}", "both".to_owned())];
    let files = Files { profile: &profile, dialplan: include_str!("config/phones-dialplan.toml"), fill: &fill };
    let daemon = Daemon::start(&files);
    let outcome = Command::new("node")
        .arg(folder().join(script))
        .args([&format!("{transport}://127.0.0.1:{ws}"), "alice", password])
        .env("NODE_EXTRA_CA_CERTS", certificates_here.0.join("ca.pem"))
        .output()
        .expect("node runs");
    let told = String::from_utf8_lossy(&outcome.stdout).replace('\n', " ").trim().to_owned();
    assert!(!told.is_empty(), "{}\n{}", String::from_utf8_lossy(&outcome.stderr), daemon.log());
    told
}

#[test]
fn jssip_registers_and_unregisters() {
    assert_eq!(check("register_jssip.mjs", "secret-of-alice"), "registered unregistered");
}

#[test]
fn sip_js_registers_and_unregisters() {
    assert_eq!(check("register_sipjs.mjs", "secret-of-alice"), "registered unregistered");
}

#[test]
fn both_libraries_register_and_unregister_over_secure_websocket() {
    for script in ["register_jssip.mjs", "register_sipjs.mjs"] {
        assert_eq!(check_over("wss", script, "secret-of-alice"), "registered unregistered", "{script}");
    }
}

#[test]
fn a_wrong_password_is_refused_over_websocket_too() {
    assert!(check("register_jssip.mjs", "wrong").starts_with("failed 4"));
}
