//! The daemon in its own process, among peers of bytes: what one call's fault, a flood and a blocked loop do to the rest.

use super::*;
use crate::edge::ops_http::Pages;
use crate::edge::{config, logging};
use std::net::UdpSocket;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Instant;

const CALLER: &str = "127.0.0.2";
const CALLEE: &str = "127.0.0.3";

/// A daemon, its folder, and the ports of the three.
struct House {
    daemon: Daemon,
    folder: PathBuf,
    sip: u16,
    callee: u16,
}

static NUMBER: AtomicU16 = AtomicU16::new(0);

impl House {
    async fn open() -> House {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("offhook-daemon-{}-{number}", std::process::id()));
        let free = || UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (sip, callee) = (free(), free());
        let daemon = format!(
            "state_directory = \"{}\"\n[admission]\ndrain = \"1s\"\n[ops]\nlisten = \"127.0.0.1:0\"\n",
            folder.display()
        );
        let profile = format!(
            "[profile]\nname = \"here\"\nrealm = \"here.test\"\n\
             [[listener]]\ntransport = \"udp\"\nbind = \"127.0.0.1:{sip}\"\n\
             [[trunk]]\nname = \"callers\"\nnetworks = [\"{CALLER}/32\"]\nhealth = {{ options_every = \"0s\" }}\n\
             [[trunk.target]]\nhost = \"{CALLER}\"\nport = 5999\n\
             [[trunk]]\nname = \"callees\"\nnetworks = [\"{CALLEE}/32\"]\nhealth = {{ options_every = \"0s\" }}\n\
             failover = {{ no_response = \"1s\" }}\n\
             [[trunk.target]]\nhost = \"{CALLEE}\"\nport = {callee}\n"
        );
        let dialplan = "[[rule]]\nname = \"all\"\nnumber = \"*\"\nto = [\"trunk:callees\"]\n";
        for (name, text) in
            [("offhook.toml", daemon.as_str()), ("sip-profiles/here.toml", &profile), ("dialplans/here.toml", dialplan)]
        {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let read = config::read(&folder, std::iter::empty());
        let mut configuration =
            read.unwrap_or_else(|faults| panic!("{}", faults.iter().map(|f| format!("{f}\n")).collect::<String>()));
        configuration.daemon.stall_max = Duration::from_millis(1_500);
        let daemon = Daemon::start(Arc::new(configuration), &logging::silent()).await.unwrap();
        House { daemon, folder, sip, callee }
    }

    fn caller(&self) -> Peer {
        Peer::new(CALLER, 0, self.sip)
    }

    fn callee(&self) -> Peer {
        Peer::new(CALLEE, self.callee, self.sip)
    }

    /// The value of a series without labels.
    fn metric(&self, name: &str) -> f64 {
        let page = self.daemon.vital.metrics();
        let line = page.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(f64::NAN)
    }

    /// The causes of the finished calls, once there are so many.
    async fn causes(&self, count: usize) -> Vec<String> {
        let path = self.folder.join("records.jsonl");
        eventually(|| {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let records = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            let causes: Vec<String> = records.map(|record| record["cause"].as_str().unwrap().to_owned()).collect();
            (causes.len() >= count).then_some(causes)
        })
        .await
    }

    async fn close(self) {
        self.daemon.stop().await;
        std::fs::remove_dir_all(self.folder).unwrap();
    }
}

/// Looks again and again, without holding the runtime up, for ten seconds at most.
async fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(10);
    let mut again = tokio::time::interval(Duration::from_millis(10));
    loop {
        again.tick().await;
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "it did not come to pass");
    }
}

/// A party that writes and reads SIP as text.
struct Peer {
    socket: tokio::net::UdpSocket,
    here: String,
    sip: u16,
}

impl Peer {
    fn new(host: &str, port: u16, sip: u16) -> Peer {
        let socket = UdpSocket::bind((host, port)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let here = socket.local_addr().unwrap().to_string();
        Peer { socket: tokio::net::UdpSocket::from_std(socket).unwrap(), here, sip }
    }

    async fn send(&self, text: &str) {
        self.socket.send_to(text.as_bytes(), ("127.0.0.1", self.sip)).await.unwrap();
    }

    fn write(&self, method: &str, call: &str, (to_tag, cseq): (&str, u32), extra: &str) -> String {
        let (here, sip) = (&self.here, self.sip);
        let cseq_method = method;
        format!(
            "{method} sip:+815012340001@127.0.0.1:{sip} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{call}{cseq}{method}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:+819011112222@{CALLER}>;tag=f{call}\r\nTo: <sip:+815012340001@127.0.0.1>{to_tag}\r\n\
             Call-ID: {call}\r\nCSeq: {cseq} {cseq_method}\r\nContact: <sip:x@{here}>\r\n{extra}Content-Length: 0\r\n\r\n"
        )
    }

    async fn reply(&self, request: &str, status: &str) {
        let copy = |name: &str| header(request, name).map(|value| format!("{name}: {value}\r\n")).unwrap_or_default();
        let to = header(request, "To").unwrap_or_default();
        let tag = if to.contains("tag=") { "" } else { ";tag=callee" };
        let body =
            "v=0\r\no=- 1 1 IN IP4 127.0.0.3\r\ns=-\r\nc=IN IP4 127.0.0.3\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
        let body = if status.starts_with("200") && request.starts_with("INVITE") { body } else { "" };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let text = format!(
            "SIP/2.0 {status}\r\n{}{}To: {to}{tag}\r\n{}{}Contact: <sip:y@{}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            copy("Via"),
            copy("From"),
            copy("Call-ID"),
            copy("CSeq"),
            self.here,
            body.len()
        );
        self.send(&text).await;
    }

    /// The next message that begins so; others are passed over.
    async fn expect(&self, beginning: &str) -> String {
        let mut passed = Vec::new();
        let found = tokio::time::timeout(Duration::from_secs(10), async {
            loop {
                let text = self.receive().await;
                if text.starts_with(beginning) {
                    return text;
                }
                passed.push(text.lines().next().unwrap_or_default().to_owned());
            }
        });
        found.await.unwrap_or_else(|_| panic!("no {beginning}: {passed:?}"))
    }

    async fn receive(&self) -> String {
        let mut buffer = vec![0; 65_536];
        let (length, _) = self.socket.recv_from(&mut buffer).await.unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }
}

fn header<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn tag_of(text: &str) -> String {
    let to = header(text, "To").unwrap();
    format!(";tag={}", to.split("tag=").nth(1).unwrap())
}

/// A call that talks: the caller's tag suffix and what the callee was sent.
async fn talking(caller: &Peer, callee: &Peer, call: &str) -> (String, String) {
    caller.send(&caller.write("INVITE", call, ("", 1), "")).await;
    let invite = callee.expect("INVITE").await;
    callee.reply(&invite, "180 Ringing").await;
    callee.reply(&invite, "200 OK").await;
    let answer = caller.expect("SIP/2.0 200").await;
    let tag = tag_of(&answer);
    let answered = "Content-Type: application/sdp\r\n";
    let body = "v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
    let ack = caller.write("ACK", call, (&tag, 1), answered);
    let ack = ack.replace("Content-Length: 0\r\n\r\n", &format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    caller.send(&ack).await;
    callee.expect("ACK").await;
    (tag, invite)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_in_one_call_ends_that_call_with_a_record_and_no_other() {
    let house = House::open().await;
    let (caller, callee) = (house.caller(), house.callee());
    let (failing, _) = talking(&caller, &callee, "failing").await;
    let (standing, of_standing) = talking(&caller, &callee, "standing").await;

    caller.send(&caller.write("INFO", "failing", (&failing, 2), "X-Planted-Fault: yes\r\n")).await;
    let (up, down) = (caller.expect("BYE").await, callee.expect("BYE").await);
    assert_eq!(header(&up, "Call-ID"), Some("failing"));
    assert_ne!(header(&down, "Call-ID"), header(&of_standing, "Call-ID"));
    assert_eq!(house.causes(1).await, ["fault"]);

    caller.send(&caller.write("BYE", "standing", (&standing, 2), "")).await;
    let bye = callee.expect("BYE").await;
    assert_eq!(header(&bye, "Call-ID"), header(&of_standing, "Call-ID"));
    callee.reply(&bye, "200 OK").await;
    assert_eq!(house.causes(2).await, ["fault", "normal"]);
    assert_eq!(house.metric("offhook_calls_panicked_total"), 1.0);
    assert_eq!(house.metric("offhook_calls_active"), 0.0);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_while_it_rings_is_a_500_for_the_caller_and_a_cancel_for_the_callee() {
    let house = House::open().await;
    let (caller, callee) = (house.caller(), house.callee());
    caller.send(&caller.write("INVITE", "early", ("", 1), "")).await;
    let invite = callee.expect("INVITE").await;
    callee.reply(&invite, "180 Ringing").await;
    let tag = tag_of(&caller.expect("SIP/2.0 180").await);
    caller.send(&caller.write("INFO", "early", (&tag, 2), "X-Planted-Fault: yes\r\n")).await;
    let told = caller.expect("SIP/2.0 500").await;
    assert_eq!(tag_of(&told), tag);
    let cancel = callee.expect("CANCEL").await;
    assert_eq!(header(&cancel, "Via"), header(&invite, "Via"));
    assert_eq!(house.causes(1).await, ["fault"]);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadlines_are_kept_while_datagrams_flood_in() {
    let house = House::open().await;
    let caller = house.caller();
    let is_over = Arc::new(AtomicBool::new(false));
    let (flooder, options) = (UdpSocket::bind((CALLER, 0)).unwrap(), caller.write("OPTIONS", "flood", ("", 1), ""));
    let (stop, sip) = (Arc::clone(&is_over), house.sip);
    let flood = std::thread::spawn(move || {
        let mut sent = 0_u64;
        while !stop.load(Ordering::Relaxed) {
            let text = options.replace("flood", &format!("flood{sent}"));
            sent += u64::from(flooder.send_to(text.as_bytes(), ("127.0.0.1", sip)).is_ok());
        }
        sent
    });
    // The callee says nothing; the trunk's patience is a second.
    let _silent = house.callee();
    caller.send(&caller.write("INVITE", "patient", ("", 1), "")).await;
    caller.expect("SIP/2.0 100").await;
    let began = Instant::now();
    let told = caller.expect("SIP/2.0 5").await;
    let took = began.elapsed();
    is_over.store(true, Ordering::Relaxed);
    let sent = flood.join().unwrap();
    assert_eq!(header(&told, "Call-ID"), Some("patient"));
    assert!(took < Duration::from_secs(4), "{took:?} in a flood of {sent}");
    assert!(sent > 1_000, "{sent} datagrams are no flood");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_blocked_switchboard_is_named_and_late_and_sheds_calls_until_it_is_well() {
    let house = House::open().await;
    let caller = house.caller();
    assert!(house.daemon.vital.stalled().is_empty());
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (begun, begins) = std::sync::mpsc::channel::<()>();
    let dispatch = Arc::clone(&house.daemon.ports.dispatch);
    let blocking = tokio::spawn({
        let dispatch = Arc::clone(&dispatch);
        async move {
            let longest = Duration::from_secs(10);
            dispatch.ask(move |_| begun.send(()).is_ok() && held.recv_timeout(longest).is_ok()).await
        }
    });
    eventually(|| begins.try_recv().ok()).await;
    // Work piles up behind it, as it does in a storm.
    for _ in 0..200 {
        let dispatch = Arc::clone(&dispatch);
        tokio::spawn(async move { dispatch.ask(|_| ()).await });
    }
    eventually(|| (dispatch.waiting() > 100).then_some(())).await;
    let measuring = tokio::spawn({
        let dispatch = Arc::clone(&dispatch);
        async move { dispatch.desk_lateness().await }
    });
    let named = eventually(|| Some(house.daemon.vital.stalled()).filter(|stalled| !stalled.is_empty())).await;
    assert_eq!(named, ["switchboard"]);
    assert_eq!(house.daemon.vital.health().reasons, ["switchboard is stalled"]);
    release.send(()).unwrap();
    blocking.await.unwrap();
    assert!(measuring.await.unwrap() >= Duration::from_millis(500));
    // It is told how late it was, refuses, and takes calls again when it hears that it is on time.
    let mut again = tokio::time::interval(Duration::from_millis(5));
    let mut number = 0;
    let mut shed = false;
    let until = Instant::now() + Duration::from_secs(8);
    loop {
        number += 1;
        caller.send(&caller.write("INVITE", &format!("shed{number}"), ("", 1), "")).await;
        let status = loop {
            let text = tokio::time::timeout(Duration::from_secs(5), caller.receive()).await.unwrap();
            let is_its = header(&text, "Call-ID") == Some(&format!("shed{number}"));
            if is_its && (text.starts_with("SIP/2.0 100") || text.starts_with("SIP/2.0 503")) {
                break text;
            }
        };
        let is_refused = status.starts_with("SIP/2.0 503");
        if is_refused {
            assert!(header(&status, "Retry-After").is_some(), "{status}");
        }
        if shed && !is_refused {
            break;
        }
        shed |= is_refused;
        assert!(Instant::now() < until, "shed: {shed}");
        again.tick().await;
    }
    assert!(house.daemon.vital.stalled().is_empty());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_bye_of_a_drain_is_sent_three_times_before_the_end() {
    let mut house = House::open().await;
    let (caller, callee) = (house.caller(), house.callee());
    talking(&caller, &callee, "last").await;
    let counting = tokio::spawn(async move {
        let mut byes = 0;
        while let Ok(text) = tokio::time::timeout(Duration::from_secs(4), callee.receive()).await {
            byes += usize::from(text.starts_with("BYE"));
        }
        byes
    });
    let answering = tokio::spawn(async move {
        let bye = caller.expect("BYE").await;
        caller.reply(&bye, "200 OK").await;
    });
    house.daemon.drain().await;
    answering.await.unwrap();
    assert_eq!(house.causes(1).await, ["drained"]);
    house.daemon.stop().await;
    let byes = counting.await.unwrap();
    assert!(byes >= 3, "{byes}");
    std::fs::remove_dir_all(house.folder).unwrap();
}
