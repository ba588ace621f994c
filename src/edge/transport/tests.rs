//! Loopback tests of the sockets: real ones, on ports that the system picks, waiting for events only.

mod datagrams;
mod secure;
mod sockets;
mod streams;

use super::*;
use crate::domain::profile::{Listener, Profile, ReliablePolicy, SessionTimerPolicy, Timers, TlsFiles};
use crate::protocol::sip::path::{ConnectionId, Target};
use bytes::Bytes;
use std::io::Read;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

/// How long a test waits for what must come. Never how long it waits for nothing.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
enum Heard {
    Message { from: Path, names: Vec<String>, message: Box<Message> },
    Undeliverable(u32),
    Closed(Path),
    Malformed(ParseError),
}

struct Ear(mpsc::UnboundedSender<Heard>);

impl Sink for Ear {
    fn message(&self, from: Path, tls_names: &Arc<[Box<str>]>, message: Box<Message>) {
        let names = tls_names.iter().map(|name| name.to_string()).collect();
        let _gone = self.0.send(Heard::Message { from, names, message });
    }
    fn undeliverable(&self, _owner: CallId, token: u32) {
        let _gone = self.0.send(Heard::Undeliverable(token));
    }
    fn closed(&self, path: Path) {
        let _gone = self.0.send(Heard::Closed(path));
    }
    fn malformed(&self, _from: Path, error: ParseError) {
        let _gone = self.0.send(Heard::Malformed(error));
    }
}

/// A running set of sockets and what it tells.
struct House {
    transports: Transports,
    heard: mpsc::UnboundedReceiver<Heard>,
}

impl House {
    async fn open(listeners: Vec<Listener>, trust: Trust, limits: TransportLimits) -> House {
        House::try_open(listeners, trust, limits).await.expect("the listeners open")
    }

    async fn try_open(listeners: Vec<Listener>, trust: Trust, limits: TransportLimits) -> Result<House, StartError> {
        let (sender, heard) = mpsc::unbounded_channel();
        let transports = Transports::start(profiles(listeners), trust, limits, Arc::new(Ear(sender))).await?;
        Ok(House { transports, heard })
    }

    /// One listener of this transport on the loopback address.
    async fn with(transport: Transport, limits: TransportLimits) -> House {
        House::open(vec![listener(transport, "127.0.0.1:0")], Trust::default(), limits).await
    }

    fn address(&self) -> SocketAddr {
        self.transports.address(ListenerId(0)).expect("listener 0 is there")
    }

    async fn next(&mut self) -> Heard {
        timely(self.heard.recv()).await.expect("the sink lives")
    }

    async fn message(&mut self) -> (Path, Vec<String>, Box<Message>) {
        match self.next().await {
            Heard::Message { from, names, message } => (from, names, message),
            other => panic!("a message was due, not {other:?}"),
        }
    }

    fn send(&self, path: Path, tls_name: Option<&str>, token: u32, bytes: &[u8]) {
        let target = Target { path, tls_name: tls_name.map(Arc::from) };
        self.transports.send(CallId(1), Outgoing { target, token, bytes: Bytes::copy_from_slice(bytes) });
    }

    fn is_silent(&mut self) -> bool {
        self.heard.try_recv().is_err()
    }
}

async fn timely<T>(wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, wait).await.expect("it came in time")
}

/// Waits until something that is only told by a number has come about.
async fn until(condition: impl Fn() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(2));
    timely(async {
        while !condition() {
            look.tick().await;
        }
    })
    .await;
}

fn profiles(listeners: Vec<Listener>) -> Arc<Profiles> {
    let count = u16::try_from(listeners.len()).expect("few listeners");
    let listeners =
        listeners.into_iter().zip(0..).map(|(listener, id)| Listener { id: ListenerId(id), ..listener }).collect();
    let profile = Profile {
        name: "carrier".into(),
        listeners,
        realm: "example.com".into(),
        product: "".into(),
        timers: Timers::default(),
        session_timer: SessionTimerPolicy {
            enabled: false,
            expires: Duration::from_secs(1_800),
            min: Duration::from_secs(90),
        },
        reliable: ReliablePolicy::Off,
        digest: crate::domain::profile::DigestPolicy::Both,
        media_bind: None,
        media_address: None,
    };
    Arc::new(Profiles { profiles: vec![Arc::new(profile)], listeners: (0..count).map(|index| (0, index)).collect() })
}

fn listener(transport: Transport, bind: &str) -> Listener {
    Listener {
        id: ListenerId(0),
        transport,
        bind: bind.parse().expect("an address"),
        advertised_host: "example.com".into(),
        advertised_port: 5060,
        tls: None,
        origins: Vec::new(),
    }
}

fn options(number: u32) -> Vec<u8> {
    format!(
        "OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK{number}\r\nMax-Forwards: 70\r\n\
         From: <sip:a@example.com>;tag=1\r\nTo: <sip:example.com>\r\nCall-ID: {number}\r\nCSeq: {number} OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

fn number_of(message: &Message) -> u32 {
    message.call_id().parse().expect("a message of these tests")
}

fn to(transport: Transport, remote: SocketAddr) -> Path {
    Path { transport, listener: ListenerId(0), remote, connection: None }
}

/// Reads exactly what was expected, or fails.
async fn expect_bytes(stream: &mut (impl tokio::io::AsyncRead + Unpin), expected: &[u8]) {
    let mut read = vec![0; expected.len()];
    timely(stream.read_exact(&mut read)).await.expect("bytes come");
    assert_eq!(String::from_utf8_lossy(&read), String::from_utf8_lossy(expected));
}

/// All that comes until the other side has closed.
async fn read_to_end(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut read = Vec::new();
    let _reset = timely(stream.read_to_end(&mut read)).await;
    read
}

fn short() -> TransportLimits {
    TransportLimits {
        first_message: Duration::from_millis(400),
        connect: Duration::from_secs(1),
        ..TransportLimits::default()
    }
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("this is Linux").count()
}

/// A folder of one test's certificates, gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let mut random = [0; 8];
        std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut random)).expect("chance");
        let folder = std::env::temp_dir().join(format!("offhook-{test}-{:016x}", u64::from_ne_bytes(random)));
        std::fs::create_dir_all(&folder).expect("a folder for the test");
        Folder(folder)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.0.join(name);
        std::fs::write(&file, text).expect("a file for the test");
        file
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left = std::fs::remove_dir_all(&self.0);
    }
}
