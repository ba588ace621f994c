//! SIPp on both sides of the daemon. Callers are at 127.0.0.2, callees at 127.0.0.3.

use crate::daemon::{Daemon, Scratch, wait_for};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub const CALLER: &str = "127.0.0.2";
pub const CALLEE: &str = "127.0.0.3";

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Wire {
    Udp,
    Tcp,
}

/// A running SIPp; ended when dropped.
pub struct Sipp {
    child: Child,
    name: String,
    folder: PathBuf,
}

/// What a SIPp is started with.
pub struct Part<'a> {
    pub scenario: &'a str,
    pub address: &'a str,
    pub port: u16,
    pub wire: Wire,
    pub calls: u32,
}

impl Sipp {
    /// Waits for calls.
    pub fn callee(scratch: &Scratch, part: &Part<'_>) -> Sipp {
        let sipp = Sipp::start(scratch, part, &[]);
        wait_for(|| is_bound(part.port, part.wire));
        sipp
    }

    /// Waits for calls, and sends every packet of audio back.
    pub fn echoing_callee(scratch: &Scratch, part: &Part<'_>, media: u16) -> Sipp {
        let sipp = Sipp::start(scratch, part, &["-rtp_echo", "-mp", &media.to_string()]);
        wait_for(|| is_bound(part.port, part.wire));
        sipp
    }

    /// Places calls to `number` through the daemon.
    pub fn caller(scratch: &Scratch, part: &Part<'_>, daemon: &Daemon, number: &str) -> Sipp {
        Sipp::caller_by(&format!("127.0.0.1:{}", daemon.sip), scratch, part, number)
    }

    /// Places calls to `number` through whoever is at `to`.
    pub fn caller_by(to: &str, scratch: &Scratch, part: &Part<'_>, number: &str) -> Sipp {
        Sipp::start(scratch, part, &[to, "-s", number, "-r", "20"])
    }

    fn start(scratch: &Scratch, part: &Part<'_>, more: &[&str]) -> Sipp {
        let scenario =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/sipp").join(part.scenario).with_extension("xml");
        let name = part.scenario.to_owned();
        let transport = match part.wire {
            Wire::Udp => "u1",
            Wire::Tcp => "t1",
        };
        let child = Command::new("sipp")
            .args(more)
            .arg("-sf")
            .arg(scenario)
            .args(["-i", part.address, "-mi", part.address, "-p", &part.port.to_string(), "-t", transport])
            .args(["-m", &part.calls.to_string(), "-nostdin", "-timeout", "40", "-timeout_error"])
            .args(["-trace_err", "-trace_msg", "-message_file"])
            .arg(scratch.0.join(format!("{name}.messages")))
            .arg("-error_file")
            .arg(scratch.0.join(format!("{name}.errors")))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir(&scratch.0)
            .spawn()
            .expect("sipp starts (Debian package sip-tester)");
        Sipp { child, name, folder: scratch.0.clone() }
    }

    /// Every call must have gone as the scenario says.
    pub fn passes(mut self, daemon: &Daemon) {
        let status = self.child.wait().expect("sipp ends");
        if !status.success() {
            let read = |kind: &str| {
                std::fs::read_to_string(self.folder.join(format!("{}.{kind}", self.name))).unwrap_or_default()
            };
            panic!(
                "sipp {} ended with {status}\n{}\n{}\ndaemon:\n{}",
                self.name,
                read("errors"),
                read("messages"),
                daemon.log()
            );
        }
    }
}

/// Whether somebody listens at this port, as the kernel tells it.
pub fn is_bound(port: u16, wire: Wire) -> bool {
    let table = if wire == Wire::Tcp { "/proc/net/tcp" } else { "/proc/net/udp" };
    let wanted = format!(":{port:04X} ");
    let text = std::fs::read_to_string(table).unwrap_or_default();
    text.lines().any(|line| line.split_once(": ").is_some_and(|(_, rest)| rest.get(8..14) == Some(wanted.as_str())))
}

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
