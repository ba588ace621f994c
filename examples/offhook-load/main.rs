//! `offhook-load`: drives streams of numbered packets through a relay, is itself a relay of ours or a bare forwarder, on loopback.
//!
//!   offhook-load drive   --a FILE --b FILE [--pps 50] [--seconds 10] [--pid P] [--stall-for S] [--recode]
//!   offhook-load relay   --calls N --out PREFIX [--pin CORE] [--srtp] [--recode]
//!   offhook-load forward --calls N --out PREFIX [--round-us 500]
//!
//! With `--recode` side a says PCMU and side b Opus; what comes back is counted, and not known by its number.
//! `relay` and `forward` write PREFIX.a and PREFIX.b: the addresses that each side sends to. They end when their input ends.

// It sees the world from outside: clocks and waiting are its own.
#![allow(clippy::disallowed_methods)]

mod drive;
mod forward;
mod meter;
mod relay;
mod speech;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The options of one run, as `--name value`; a name alone says yes.
pub struct Options(BTreeMap<String, String>);

impl Options {
    fn parse(words: &[String]) -> Options {
        let mut options = BTreeMap::new();
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            let name = word.trim_start_matches("--").to_owned();
            let value = words.next_if(|next| !next.starts_with("--")).cloned();
            options.insert(name, value.unwrap_or_else(|| "yes".to_owned()));
        }
        Options(options)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn number<T: std::str::FromStr>(&self, name: &str, absent: T) -> T {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or(absent)
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// Where the parties of a call are: a few sockets for many streams, so that driving them stays cheap.
pub struct Places {
    pub sockets: u16,
    pub a_base: u16,
    pub b_base: u16,
}

impl Places {
    pub fn of(options: &Options) -> Places {
        Places {
            sockets: options.number("sockets", 8),
            a_base: options.number("a-base", 40_000),
            b_base: options.number("b-base", 50_000),
        }
    }

    pub fn a(&self, call: u16) -> SocketAddr {
        loopback(self.a_base + 2 * (call % self.sockets))
    }

    pub fn b(&self, call: u16) -> SocketAddr {
        loopback(self.b_base + 2 * (call % self.sockets))
    }
}

pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
}

/// Tells the other side where to send, one address a line.
pub fn write_addresses(prefix: &str, a: &[SocketAddr], b: &[SocketAddr]) {
    for (side, addresses) in [("a", a), ("b", b)] {
        let lines: String = addresses.iter().map(|address| format!("{address}\n")).collect();
        if let Err(error) = std::fs::write(format!("{prefix}.{side}"), lines) {
            eprintln!("{prefix}.{side}: {error}");
            std::process::exit(1);
        }
    }
}

/// Waits for the end of our input: whoever started us has had enough.
pub fn until_input_ends() {
    let mut line = String::new();
    while matches!(std::io::stdin().read_line(&mut line), Ok(length) if length > 0) {
        line.clear();
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let options = Options::parse(words.get(1..).unwrap_or_default());
    match words.first().map(String::as_str) {
        Some("drive") => drive::run(&options),
        Some("relay") => relay::run(&options),
        Some("forward") => forward::run(&options),
        _ => {
            eprintln!("offhook-load drive | relay | forward, see the head of examples/offhook-load/main.rs");
            std::process::exit(64);
        }
    }
}
