//! The daemon under test: the real binary with a configuration of its own, in its own scratch folder.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

static SCRATCH: AtomicU32 = AtomicU32::new(0);

/// A folder that goes away with the test, unless the test failed.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        let number = SCRATCH.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("offhook-e2e-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("a scratch folder");
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept for a look: {}", self.0.display());
        } else {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Ports are given out once each, below those that the system gives to connections, so that nobody takes one meanwhile.
static NEXT_PORT: AtomicU32 = AtomicU32::new(0);
const PORTS: std::ops::Range<u32> = 12_000..31_000;

/// Of one daemon: two for each leg of the few calls of a test.
const MEDIA_PORTS: u32 = 120;

/// A port that nobody has, for UDP and TCP alike.
pub fn free_port() -> u16 {
    free_ports(1)
}

/// The first of so many free ports in a row.
pub fn free_ports(count: u32) -> u16 {
    let start = std::process::id().wrapping_mul(97);
    for _ in 0..1_000 {
        let at = start.wrapping_add(NEXT_PORT.fetch_add(count, Ordering::Relaxed));
        let first = PORTS.start + at % (PORTS.end - PORTS.start - count);
        if (first..first + count).all(is_free) {
            return u16::try_from(first).expect("in range");
        }
    }
    panic!("no free port");
}

fn is_free(port: u32) -> bool {
    let port = u16::try_from(port).expect("in range");
    TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok()
}

pub struct Daemon {
    child: Child,
    pub folder: Scratch,
    pub sip: u16,
    pub ops: u16,
}

/// The files of one configuration; `{sip}`, `{ops}`, `{dir}` and what `fill` names are filled in.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    pub profile: &'a str,
    pub dialplan: &'a str,
    pub fill: &'a [(&'a str, String)],
}

impl Daemon {
    pub fn start(files: &Files<'_>) -> Daemon {
        Daemon::start_with(Scratch::new(), files, &[])
    }

    /// In this folder, with these variables in its environment.
    pub fn start_with(folder: Scratch, files: &Files<'_>, environment: &[(&str, String)]) -> Daemon {
        let (sip, ops) = (free_port(), free_port());
        let media = free_ports(MEDIA_PORTS);
        let media = format!("{media}-{}", u32::from(media) + MEDIA_PORTS - 1);
        let fill = |text: &str| {
            let text = files.fill.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
            text.replace("{sip}", &sip.to_string())
                .replace("{ops}", &ops.to_string())
                .replace("{media}", &media)
                .replace("{dir}", &folder.0.display().to_string())
        };
        let write = |name: &str, text: &str| {
            let path = folder.0.join(name);
            fs::create_dir_all(path.parent().expect("has a parent")).expect("a folder");
            fs::write(path, fill(text)).expect("a configuration file");
        };
        write("offhook.toml", include_str!("config/offhook.toml"));
        write("sip-profiles/test.toml", files.profile);
        write("dialplans/test.toml", files.dialplan);
        let child = spawn(&folder, environment);
        let mut daemon = Daemon { child, folder, sip, ops };
        daemon.wait_until_ready();
        daemon
    }

    /// Ends it as a crash does, and starts another one on what it left behind.
    pub fn kill_and_start_again(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("it ends");
        self.child = spawn(&self.folder, &[]);
        self.wait_until_ready();
    }

    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("the daemon ended with {status}:\n{}", self.log());
            }
            if self.get("/readyz").is_some_and(|(status, _)| status == 200) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the daemon was not ready in time:\n{}", self.log());
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Plain HTTP GET on the ops port: status and body.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.ops)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())?;
        Some((status, body))
    }

    /// The sum of all series of one metric.
    pub fn metric(&self, name: &str) -> f64 {
        let (_, page) = self.get("/metrics").expect("a page");
        let series = page.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
        series.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// One request on the control socket.
    pub fn control(&self, request: &str) -> String {
        let mut stream = UnixStream::connect(self.folder.0.join("run/control.sock")).expect("the control socket");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a deadline");
        writeln!(stream, "{request}").expect("written");
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("an answer");
        line
    }

    /// The finished calls, one JSON object each, once there are at least `count`.
    pub fn records(&self, count: usize) -> Vec<serde_json::Value> {
        let path = self.folder.0.join("run/records.jsonl");
        let mut found = Vec::new();
        wait_for(|| {
            found = read_records(&path);
            found.len() >= count
        });
        assert!(found.len() >= count, "{} records, wanted {count}; log:\n{}", found.len(), self.log());
        found
    }

    /// As its configuration says.
    pub fn media_ports(&self) -> std::ops::RangeInclusive<u16> {
        let text = fs::read_to_string(self.folder.0.join("offhook.toml")).expect("readable");
        let ports = text.split("ports = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a range");
        let (first, last) = ports.split_once('-').expect("a range");
        first.parse().expect("a port")..=last.parse().expect("a port")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.0.join("daemon.log")).unwrap_or_default()
    }

    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args([name, &self.pid().to_string()]).status().expect("kill runs");
        assert!(done.success());
    }

    pub fn rewrite(&self, name: &str, from: &str, to: &str) {
        let path = self.folder.0.join(name);
        let text = fs::read_to_string(&path).expect("readable");
        assert!(text.contains(from), "{from:?} is not in {name}");
        fs::write(path, text.replace(from, to)).expect("writable");
    }

    /// Waits for the end of the process by itself.
    pub fn wait_for_end(&mut self) -> std::process::ExitStatus {
        let mut ended = None;
        wait_for(|| {
            ended = self.child.try_wait().ok().flatten();
            ended.is_some()
        });
        ended.unwrap_or_else(|| panic!("the daemon did not end; log:\n{}", self.log()))
    }
}

fn spawn(folder: &Scratch, environment: &[(&str, String)]) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.0.join("daemon.log")).expect("a log file");
    Command::new(env!("CARGO_BIN_EXE_offhook"))
        .args(["run", "--config"])
        .arg(&folder.0)
        .envs(environment.iter().map(|(name, value)| (*name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle"))
        .stderr(log)
        .spawn()
        .expect("the daemon starts")
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_records(path: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Polls a condition of another process until it holds, for half a minute at most: machines are busy at times.
pub fn wait_for(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while Instant::now() < deadline && !condition() {
        std::thread::sleep(Duration::from_millis(20));
    }
}
