//! The samples, the documentation, and a small folder that the other tests break or change.

mod broken;
mod documented;

use crate::edge::config::place::Fault;
use crate::edge::config::{Configuration, read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

pub const MINIMAL_PROFILE: &str = "[[listener]]\ntransport = \"udp\"\nbind = \"127.0.0.1:5080\"\n";

const CARRIER: &str = r#"[profile]
name = "carriers"

[[listener]]
transport = "udp"
bind = "127.0.0.1:5060"

[[trunk]]
name = "carrier-a"
networks = ["192.0.2.0/24"]
limits = { calls_max = 30, calls_per_second = 5, burst = 10 }

[[trunk.target]]
host = "192.0.2.1"
port = 5060
"#;

const PHONES: &str = r#"[[listener]]
transport = "udp"
bind = "127.0.0.1:5062"

[[phone]]
name = "alice"
password_env = "ALICE"

[[phone]]
name = "bob"
password_file = "bob.secret"
"#;

const DIALPLAN: &str = r#"[[rule]]
name = "first"
number = "1"
to = ["phone:alice"]

[[rule]]
name = "second"
number = "2"
to = ["phone:bob"]

[[rule]]
name = "out"
number = "*"
from = ["phones"]
to = ["trunk:carrier-a"]
"#;

/// A configuration folder of its own for one test; gone when the test is.
pub struct Folder(PathBuf);

impl Folder {
    pub fn empty() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("offhook-configuration-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// Two profiles, a trunk, two phones, three rules.
    pub fn sample() -> Folder {
        let folder = Folder::empty();
        folder.write("offhook.toml", "[log]\nlevel = \"info\"\n");
        folder.write("sip-profiles/carrier.toml", CARRIER);
        folder.write("sip-profiles/phones.toml", PHONES);
        folder.write("dialplans/main.toml", DIALPLAN);
        folder.write("bob.secret", "bobs word\n");
        folder
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.0.join(file)).unwrap();
        assert!(text.contains(from), "{file} does not hold {from:?}");
        self.write(file, &text.replacen(from, to, 1));
    }

    pub fn remove(&self, file: &str) {
        std::fs::remove_file(self.0.join(file)).unwrap();
    }

    pub fn try_read(&self, variables: &[(&str, &str)]) -> Result<Configuration, Vec<Fault>> {
        let always = [("ALICE".to_owned(), "alices word".to_owned()), ("HOME".to_owned(), "/".to_owned())];
        let more = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        read(&self.0, always.into_iter().chain(more))
    }

    pub fn read(&self) -> Configuration {
        self.try_read(&[]).unwrap_or_else(|faults| panic!("{}", self.summaries(&faults).join("\n")))
    }

    /// The faults in one line each, file names relative to the folder.
    pub fn summaries(&self, faults: &[Fault]) -> Vec<String> {
        let own = format!("{}/", self.0.display());
        faults.iter().map(|fault| fault.summary().replace(&own, "")).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_sample_has_no_faults() {
    let configuration = read(repository(), std::iter::empty()).unwrap_or_else(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"));
    });
    let exchange = &configuration.exchange;
    assert_eq!(exchange.trunks.iter().map(|trunk| trunk.name.as_ref()).collect::<Vec<_>>(), ["carrier-a"]);
    assert_eq!(exchange.phones.iter().map(|phone| phone.name.as_ref()).collect::<Vec<_>>(), ["alice", "bob"]);
    assert_eq!(exchange.profiles.listeners, [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]);
    assert_eq!(exchange.dialplan.rules.len(), 8);
    for warning in &configuration.warnings {
        assert!(warning.problem.starts_with("holds passwords"), "{warning}");
    }
}

#[test]
fn the_sample_says_what_the_defaults_are() {
    let sample = read(repository(), std::iter::empty()).unwrap();
    let folder = Folder::sample();
    // Its one flow asks a server, which no daemon does by default.
    folder.write("offhook.toml", "[webhooks]\nallow = [\"http://127.0.0.1:8099/\"]\n");
    let plain = folder.read();
    assert_eq!(sample.daemon, plain.daemon);
    assert_eq!(sample.exchange.admission, plain.exchange.admission);
}

#[test]
fn sleeping_samples_are_right_once_their_certificates_are_there() {
    let folder = Folder::empty();
    for file in ["offhook.toml", "sip-profiles/tls-srtp-trunk.toml", "sip-profiles/registering-trunk.toml"] {
        folder.write(file, &std::fs::read_to_string(repository().join(file)).unwrap());
    }
    folder.edit("sip-profiles/tls-srtp-trunk.toml", "enabled = false", "enabled = true");
    folder.edit("sip-profiles/registering-trunk.toml", "enabled = false", "enabled = true");
    let (certificate, key) = pair();
    folder.write("certs/server.pem", &certificate);
    folder.write("certs/ca.pem", &certificate);
    folder.write("certs/server.key", &key);
    let read = folder.try_read(&[("CARRIER_B_PASSWORD", "hush")]);
    let configuration = read.unwrap_or_else(|faults| panic!("{}", folder.summaries(&faults).join("\n")));
    assert_eq!(configuration.exchange.trunks.len(), 2);
    let authorities = configuration.exchange.trunks[1].tls_authorities.clone();
    assert_eq!(authorities, Some(folder.path().join("certs/ca.pem")));
    assert_eq!(configuration.files.len(), 3);
}

/// A certificate and its key.
pub fn pair() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn the_environment_wins_over_the_file() {
    let folder = Folder::sample();
    let variables = [
        ("OFFHOOK_LOG__LEVEL", "warn"),
        ("OFFHOOK_OPS__LISTEN", "127.0.0.1:0"),
        ("OFFHOOK_ADMISSION__CALLS_MAX", "12"),
        ("OFFHOOK_ADMISSION__BAN", "9s"),
        ("OFFHOOK_JOURNAL__ROTATE_DAILY", "false"),
        ("OFFHOOK_STATE_DIRECTORY", "elsewhere"),
        ("OFFHOOK_SEED", "no key of ours"),
    ];
    let configuration = folder.try_read(&variables).unwrap();
    assert_eq!(configuration.daemon.log.level, "warn");
    assert_eq!(configuration.daemon.ops_listen, Some("127.0.0.1:0".parse().unwrap()));
    assert_eq!(configuration.exchange.admission.calls_max, 12);
    assert_eq!(configuration.exchange.admission.ban, std::time::Duration::from_secs(9));
    assert!(!configuration.daemon.journal.rotate_daily);
    assert_eq!(configuration.daemon.control.socket, Path::new("elsewhere/control.sock"));
    assert_ne!(configuration.hash, folder.read().hash);
}

#[test]
fn dialplans_are_read_from_folders_below_in_order_of_their_paths() {
    let folder = Folder::sample();
    folder.write("dialplans/a/z.toml", "[[rule]]\nname = \"deep\"\nnumber = \"3\"\nto = [\"reject:busy\"]\n");
    folder.write("dialplans/.hidden.toml", "not TOML");
    let rules: Vec<String> = folder.read().exchange.dialplan.rules.iter().map(|rule| rule.name.to_string()).collect();
    assert_eq!(rules, ["deep", "first", "second", "out"]);
}

#[test]
fn a_target_leaves_from_the_listener_that_fits() {
    let folder = Folder::sample();
    folder.edit(
        "sip-profiles/carrier.toml",
        "[[trunk]]",
        "[[listener]]\ntransport = \"tcp\"\nbind = \"127.0.0.1:5060\"\n\n[[listener]]\nname = \"six\"\ntransport = \"udp\"\nbind = \"[::1]:5060\"\n\n[[trunk]]",
    );
    folder.edit(
        "sip-profiles/carrier.toml",
        "port = 5060\n",
        "port = 5060\npriority = 9\n[[trunk.target]]\nhost = \"[2001:db8::1]\"\n[[trunk.target]]\nhost = \"a.example\"\ntransport = \"tcp\"\n\
         [[trunk.target]]\nhost = \"b.example\"\n[[trunk.target]]\nhost = \"c.example\"\nlistener = \"six\"\n",
    );
    let configuration = folder.read();
    let targets: Vec<_> = configuration.exchange.trunks[0]
        .targets
        .iter()
        .map(|target| (target.host.to_string(), target.listener.0, target.transport.map(|transport| transport.name())))
        .collect();
    let expected = [
        ("2001:db8::1", 2, Some("udp")),
        ("a.example", 1, Some("tcp")),
        ("b.example", 0, None),
        ("c.example", 2, Some("udp")),
        ("192.0.2.1", 0, Some("udp")),
    ];
    assert_eq!(targets, expected.map(|(host, listener, transport)| (host.to_owned(), listener, transport)));
}

#[test]
fn secrets_are_in_no_debug_output_and_in_no_fault() {
    let folder = Folder::sample();
    folder.edit("sip-profiles/phones.toml", "password_env = \"ALICE\"", "password = \"hush hush\"\ncalls_max = \"x\"");
    let faults = folder.try_read(&[]).unwrap_err();
    assert!(!format!("{faults:?}").contains("hush hush"));
    folder.edit("sip-profiles/phones.toml", "calls_max = \"x\"", "calls_max = 1");
    assert!(!format!("{:?}", folder.read()).contains("hush hush"));
}
