//! Real phones: they register with digest over every transport and call each other. baresip 1.0.0 gives up on SHA-256.

use crate::baresip::{Account, Baresip};
use crate::certificates;
use crate::daemon::{Daemon, Files, Scratch, free_port, wait_for};

struct Office {
    daemon: Daemon,
    tls: u16,
    /// Its files must outlive the daemon, which reads them again at a reload.
    certificates: Scratch,
}

impl Office {
    fn open() -> Office {
        let (tls, ws) = (free_port(), free_port());
        let certificates = Scratch::new();
        certificates::make(&certificates.0);
        let profile = include_str!("config/phones.toml").replace("{dir}", &certificates.0.display().to_string());
        let fill = [("{tls}", tls.to_string()), ("{ws}", ws.to_string()), ("{digest}", "md5".to_owned())];
        let files = Files { profile: &profile, dialplan: include_str!("config/phones-dialplan.toml"), fill: &fill };
        let daemon = Daemon::start(&files);
        Office { daemon, tls, certificates }
    }

    fn phone(&self, user: &str, transport: &str, answers: bool) -> Baresip {
        let port = if transport == "tls" { self.tls } else { self.daemon.sip };
        let account = Account {
            user,
            registrar: format!("127.0.0.1:{port}"),
            transport,
            answers,
            authority: (transport == "tls").then(|| self.certificates.0.join("ca.pem")),
        };
        let phone = Baresip::start(&self.daemon.folder, &account);
        wait_for(|| self.is_registered(user));
        assert!(self.is_registered(user), "{user} did not register: {}\n{}", phone.log(), self.daemon.log());
        phone
    }

    fn is_registered(&self, user: &str) -> bool {
        let answer = self.daemon.control(r#"{"id":1,"command":"phones"}"#);
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
        let phones = answer["result"]["phones"].as_array().expect("phones");
        phones.iter().any(|phone| phone["phone"] == user && phone["contacts"].as_array().is_some_and(|c| !c.is_empty()))
    }
}

/// One calls the other by name; they talk; the caller hangs up; both know.
fn check(caller_transport: &str, callee_transport: &str) {
    let office = Office::open();
    let mut bob = office.phone("bob", callee_transport, true);
    let mut alice = office.phone("alice", caller_transport, false);
    alice.dial("bob");
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
    alice.dial("bob");
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
    alice.dial("bob");
    alice.hears("CALL_ESTABLISHED");
    alice.command("hold", "");
    wait_for(|| office.daemon.control(r#"{"id":1,"command":"calls"}"#).contains("held"));
    alice.command("resume", "");
    wait_for(|| office.daemon.control(r#"{"id":1,"command":"calls"}"#).contains("talking"));
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
    carol.dial("100");
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
    let _alice = Baresip::start(&office.daemon.folder, &account);
    wait_for(|| office.daemon.metric("offhook_authentication_failures_total") >= 1.0);
    assert!(office.daemon.metric("offhook_authentication_failures_total") >= 1.0);
    assert!(!office.is_registered("alice"));
}
