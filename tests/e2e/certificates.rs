//! A test authority and what it signs, made with openssl in the test's own folder.

use std::path::Path;
use std::process::Command;

fn openssl(folder: &Path, arguments: &[&str]) {
    let outcome = Command::new("openssl").args(arguments).current_dir(folder).output().expect("openssl runs");
    assert!(outcome.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&outcome.stderr));
}

/// `ca.pem`, and `server.pem` with `server.key` for 127.0.0.1 and localhost.
pub fn make(folder: &Path) {
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let mut authority = vec![
        "req",
        "-x509",
        "-days",
        "2",
        "-subj",
        "/CN=Offhook test authority",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
    ];
    authority.extend(key);
    openssl(folder, &authority);
    let mut request = vec!["req", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"];
    request.extend(key);
    openssl(folder, &request);
    std::fs::write(folder.join("server.ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").expect("written");
    let sign =
        "x509 -req -days 2 -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile server.ext -out server.pem";
    openssl(folder, &sign.split(' ').collect::<Vec<_>>());
}
