//! Real phones: they register with digest over every transport and call each other.

use crate::baresip::{Account, Baresip};
use crate::certificates;
use crate::daemon::{Daemon, Files, free_port};

struct Office {
    daemon: Daemon,
    tls: u16,
}

impl Office {
    fn open() -> Office {
        let (tls, ws) = (free_port(), free_port());
        let certificates_here = crate::daemon::Scratch::new();
        certificates::make(&certificates_here.0);
        let profile = include_str!("config/phones.toml").replace("{dir}", &certificates_here.0.display().to_string());
        let fill = [("{tls}", tls.to_string()), ("{ws}", ws.to_string())];
        let files = Files { profile: &profile, dialplan: include_str!("config/phones-dialplan.toml"), fill: &fill };
        let daemon = Daemon::start(&files);
        std::fs::copy(certificates_here.0.join("ca.pem"), daemon.folder.0.join("ca.pem")).expect("copied");
        Office { daemon, tls }
    }

    fn phone(&self, user: &str, transport: &str, answers: bool) -> Baresip {
        let port = if transport == "tls" { self.tls } else { self.daemon.sip };
        let account = Account {
            user,
            registrar: format!("127.0.0.1:{port}"),
            transport,
            answers,
            authority: (transport == "tls").then(|| self.daemon.folder.0.join("ca.pem")),
        };
        let mut phone = Baresip::start(&self.daemon.folder, &account);
        phone.hears("REGISTER_OK");
        phone
    }
}

/// One calls the other by name; they talk; the caller hangs up; both know.
fn check(caller_transport: &str, callee_transport: &str) {
    let office = Office::open();
    let mut bob = office.phone("bob", callee_transport, true);
    let mut alice = office.phone("alice", caller_transport, false);
    alice.command("dial", "sip:bob@offhook.test");
    alice.hears("CALL_ESTABLISHED");
    bob.hears("CALL_ESTABLISHED");
    alice.command("hangup", "");
    bob.hears("CALL_CLOSED");
    let records = office.daemon.records(1);
    assert_eq!(records[0]["cause"], "normal", "{records:?}");
    assert_eq!(records[0]["caller"]["party"], "phone:alice");
}

#[test]
fn phones_over_udp_register_and_call_each_other() {
    check("udp", "udp");
}

#[test]
fn a_phone_over_tcp_calls_one_over_udp() {
    check("tcp", "udp");
}

#[test]
fn phones_over_tls_register_and_call_each_other() {
    check("tls", "tls");
}

#[test]
fn the_callee_may_hang_up() {
    let office = Office::open();
    let mut bob = office.phone("bob", "tcp", true);
    let mut alice = office.phone("alice", "udp", false);
    alice.command("dial", "sip:bob@offhook.test");
    alice.hears("CALL_ESTABLISHED");
    bob.command("hangup", "");
    alice.hears("CALL_CLOSED");
    assert_eq!(office.daemon.records(1)[0]["cause"], "normal");
}

#[test]
fn hold_and_resume_pass_between_phones() {
    let office = Office::open();
    let mut bob = office.phone("bob", "udp", true);
    let mut alice = office.phone("alice", "udp", false);
    alice.command("dial", "sip:bob@offhook.test");
    alice.hears("CALL_ESTABLISHED");
    alice.command("hold", "");
    crate::daemon::wait_for(|| office.daemon.control(r#"{"id":1,"command":"calls"}"#).contains("held"));
    alice.command("resume", "");
    crate::daemon::wait_for(|| office.daemon.control(r#"{"id":1,"command":"calls"}"#).contains("talking"));
    alice.command("hangup", "");
    bob.hears("CALL_CLOSED");
    assert_eq!(office.daemon.records(1)[0]["cause"], "normal");
}

#[test]
fn a_group_rings_all_its_phones_and_the_first_to_answer_has_the_call() {
    let office = Office::open();
    let mut alice = office.phone("alice", "udp", false);
    let mut bob = office.phone("bob", "tcp", false);
    let mut carol = office.phone("carol", "udp", false);
    carol.command("dial", "sip:100@offhook.test");
    alice.hears("CALL_INCOMING");
    bob.hears("CALL_INCOMING");
    bob.command("accept", "");
    carol.hears("CALL_ESTABLISHED");
    alice.hears("CALL_CLOSED");
    carol.command("hangup", "");
    bob.hears("CALL_CLOSED");
    assert_eq!(office.daemon.records(1)[0]["cause"], "normal");
}

#[test]
fn a_wrong_password_registers_nobody() {
    let office = Office::open();
    let account = Account {
        user: "alice",
        registrar: format!("127.0.0.1:{}", office.daemon.sip),
        transport: "udp",
        answers: false,
        authority: None,
    };
    office.daemon.rewrite("sip-profiles/test.toml", "secret-of-alice", "another-secret");
    let reloaded = office.daemon.control(r#"{"id":1,"command":"reload"}"#);
    assert!(reloaded.contains("alice"), "{reloaded}");
    let mut alice = Baresip::start(&office.daemon.folder, &account);
    alice.hears("REGISTER_FAIL");
    assert!(office.daemon.control(r#"{"id":2,"command":"phones"}"#).contains(r#""phone":"alice""#));
}
