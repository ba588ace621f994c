//! Kamailio as the carrier's proxy, with record-routing, on both sides of the daemon: SIPp calls SIPp through all three.

use crate::daemon::{Daemon, Files, Scratch, free_port, wait_for};
use crate::sipp::{Part, Sipp, Wire, is_bound};
use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};

const PROXY: &str = "127.0.0.11";
const CALLER: &str = "127.0.0.12";
const CALLEE: &str = "127.0.0.13";
const OFFHOOK: &str = "127.0.0.1";
const NUMBER: &str = "+815012340001";
const CALLS: u32 = 3;

struct Kamailio {
    child: Child,
    folder: Scratch,
}

impl Kamailio {
    fn start(config: &str, port: u16) -> Kamailio {
        let folder = Scratch::new();
        let path = folder.0.join("kamailio.cfg");
        std::fs::write(&path, config).expect("written");
        let log = std::fs::File::create(folder.0.join("log")).expect("a log");
        let child = Command::new("kamailio")
            .args(["-DD", "-E", "-m", "32", "-M", "4", "-f"])
            .arg(&path)
            .arg("-P")
            .arg(folder.0.join("pid"))
            .arg("-Y")
            .arg(&folder.0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("kamailio starts (Debian package kamailio)");
        let proxy = Kamailio { child, folder };
        wait_for(|| is_bound(port, Wire::Tcp) && is_bound(port, Wire::Udp));
        assert!(is_bound(port, Wire::Tcp), "kamailio does not listen:\n{}", proxy.log());
        proxy
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.0.join("log")).unwrap_or_default()
    }

    /// By which transports requests came from there.
    fn wires_of(&self, from: &str) -> BTreeSet<String> {
        let log = self.log();
        let told = log.lines().filter_map(|line| line.split_once("PASSED ")).map(|(_, told)| told.split(' '));
        told.filter_map(|mut words| (words.nth(2) == Some(from)).then(|| words.nth(1).unwrap_or_default().to_owned()))
            .collect()
    }

    /// How many different requests of this method came from there and were passed on.
    fn passed(&self, method: &str, from: &str) -> usize {
        let log = self.log();
        let told = log.lines().filter_map(|line| line.split_once("PASSED ")).map(|(_, told)| told);
        let of_these = told.filter(|told| {
            let mut words = told.split(' ');
            words.next() == Some(method) && words.nth(1) == Some(from)
        });
        of_these.collect::<BTreeSet<_>>().len()
    }
}

impl Drop for Kamailio {
    /// By signal, so that it ends its own children.
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let mut ended = false;
        wait_for(|| {
            ended = matches!(self.child.try_wait(), Ok(Some(_)));
            ended
        });
        if !ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// One kind of call, and how many requests of a method the proxy must have seen from each place, for each call.
struct Case {
    caller: &'static str,
    callee: &'static str,
    cause: &'static str,
    seen: &'static [(&'static str, &'static str, usize)],
}

/// `subscribers` is between SIPp and the proxy, `wire` between the proxy and the daemon.
fn check(case: &Case, subscribers: Wire, wire: Wire) {
    let (proxy_port, callee_port) = (free_port(), free_port());
    let name = |wire| if wire == Wire::Tcp { "tcp" } else { "udp" }.to_owned();
    let fill = [("{kamailio}", proxy_port.to_string()), ("{wire}", name(wire))];
    let dialplan = format!("[[rule]]\nname = \"through\"\nnumber = \"{NUMBER}\"\nto = [\"trunk:carrier\"]\n");
    let daemon =
        Daemon::start(&Files { profile: include_str!("config/kamailio.toml"), dialplan: &dialplan, fill: &fill });
    let config = include_str!("config/kamailio.cfg")
        .replace("{kamailio}", &proxy_port.to_string())
        .replace("{callee}", &callee_port.to_string())
        .replace("{sip}", &daemon.sip.to_string())
        .replace("{subscribers}", &name(subscribers))
        .replace("{wire}", &name(wire));
    let proxy = Kamailio::start(&config, proxy_port);
    let part = |scenario, address, port| Part { scenario, address, port, wire: subscribers, calls: CALLS };
    let callee = Sipp::callee(&daemon.folder, &part(case.callee, CALLEE, callee_port));
    let way = format!("{PROXY}:{proxy_port}");
    let caller = Sipp::caller_by(&way, &daemon.folder, &part(case.caller, CALLER, free_port()), NUMBER);
    caller.passes(&daemon);
    callee.passes(&daemon);
    let calls = usize::try_from(CALLS).expect("few");
    let records = daemon.records(calls);
    assert_eq!(records.len(), calls, "exactly one record for each call: {records:?}");
    assert!(records.iter().all(|record| record["cause"] == case.cause), "{records:?}");
    for (method, from, each) in case.seen {
        let seen = proxy.passed(method, from);
        assert_eq!(seen, each * calls, "{method} from {from}, {subscribers:?} and {wire:?}:\n{}", proxy.log());
    }
    // Where the proxy changes the transport it stands twice in the route set, so a wrong order takes the wrong wire.
    assert_eq!(proxy.wires_of(OFFHOOK), BTreeSet::from([name(wire)]), "{}", proxy.log());
    assert!(!proxy.log().contains("ASTRAY"), "a request without its Route:\n{}", proxy.log());
}

fn on_all_wires(case: &Case) {
    let both = [Wire::Udp, Wire::Tcp];
    for (subscribers, wire) in both.into_iter().flat_map(|subscribers| both.map(|wire| (subscribers, wire))) {
        check(case, subscribers, wire);
    }
}

#[test]
fn a_basic_call_stays_on_the_path_of_the_proxy_on_both_sides() {
    on_all_wires(&Case {
        caller: "uac_basic",
        callee: "uas_basic",
        cause: "normal",
        seen: &[
            ("INVITE", CALLER, 1),
            ("INVITE", OFFHOOK, 1),
            ("ACK", CALLER, 1),
            ("ACK", OFFHOOK, 1),
            ("BYE", CALLER, 1),
            ("BYE", OFFHOOK, 1),
        ],
    });
}

#[test]
fn the_callee_hangs_up_through_the_proxy() {
    on_all_wires(&Case {
        caller: "uac_hung_up_on",
        callee: "uas_hangs_up",
        cause: "normal",
        seen: &[("ACK", CALLER, 1), ("ACK", OFFHOOK, 1), ("BYE", CALLEE, 1), ("BYE", OFFHOOK, 1)],
    });
}

#[test]
fn hold_and_resume_follow_the_routes() {
    on_all_wires(&Case {
        caller: "uac_hold",
        callee: "uas_hold",
        cause: "normal",
        seen: &[
            ("INVITE", CALLER, 3),
            ("INVITE", OFFHOOK, 3),
            ("ACK", CALLER, 3),
            ("ACK", OFFHOOK, 3),
            ("BYE", CALLER, 1),
            ("BYE", OFFHOOK, 1),
        ],
    });
}

#[test]
fn a_cancelled_call_is_cancelled_through_the_proxy() {
    on_all_wires(&Case {
        caller: "uac_cancel_proxied",
        callee: "uas_cancel",
        cause: "cancelled",
        seen: &[("INVITE", OFFHOOK, 1), ("CANCEL", CALLER, 1), ("CANCEL", OFFHOOK, 1)],
    });
}
