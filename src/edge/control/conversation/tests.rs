//! One client and a desk that notes what it is asked.

use super::*;
use crate::edge::events::log::EventSettings;
use crate::edge::events::wire::Event;
use std::sync::Mutex;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

/// Does nothing but remember.
struct Noting {
    folder: std::path::PathBuf,
    events: EventLog,
    metrics: Metrics,
    done: Mutex<Vec<Command>>,
    clients: Mutex<Vec<Arc<Client>>>,
    left: Mutex<u32>,
    remembered: Remembered,
}

impl Noting {
    fn new() -> Arc<Noting> {
        static MADE: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = MADE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("offhook-talk-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let metrics = Metrics::new(Duration::ZERO).unwrap();
        let settings = EventSettings { folder: folder.clone(), bytes_max: 100_000_000 };
        let events = EventLog::start(&settings, metrics.clone()).unwrap();
        Arc::new(Noting {
            folder,
            events,
            metrics,
            done: Mutex::default(),
            clients: Mutex::default(),
            left: Mutex::default(),
            remembered: Remembered::default(),
        })
    }
}

impl Drop for Noting {
    fn drop(&mut self) {
        self.events.stop(Duration::from_secs(30));
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Desk for Noting {
    async fn execute(&self, client: &Arc<Client>, command: Command) -> Result<Value, Fault> {
        if let Command::Hello { client: Some(name), .. } = &command {
            client.is_named(name);
            self.clients.lock().unwrap().push(Arc::clone(client));
        }
        if let Command::Follow { from, only } = &command {
            client.follow(Some(Following { from: from.unwrap_or(1), only: only.clone() }));
        }
        self.done.lock().unwrap().push(command);
        Ok(Value::from(self.done.lock().unwrap().len()))
    }

    async fn left(&self, _client: &Arc<Client>) {
        *self.left.lock().unwrap() += 1;
    }

    fn remembered(&self) -> &Remembered {
        &self.remembered
    }

    fn events(&self) -> &EventLog {
        &self.events
    }

    fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

struct Peer {
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
    conversation: tokio::task::JoinHandle<()>,
}

fn connect(desk: &Arc<Noting>, scopes: Scopes, limits: Limits) -> Peer {
    let (theirs, ours) = UnixStream::pair().unwrap();
    let conversation = tokio::spawn(hold(Lines::of(ours), ("uid:7".into(), scopes), Arc::clone(desk), limits));
    let (read, write) = theirs.into_split();
    Peer { read: BufReader::new(read), write, conversation }
}

impl Peer {
    async fn say(&mut self, lines: &str) {
        self.write.write_all(lines.as_bytes()).await.unwrap();
    }

    async fn hears(&mut self) -> String {
        let mut line = String::new();
        self.read.read_line(&mut line).await.unwrap();
        line
    }
}

#[tokio::test]
async fn many_commands_come_on_one_connection_and_each_has_one_answer() {
    let desk = Noting::new();
    let mut peer = connect(&desk, Scopes::all(), Limits::default());
    peer.say("{\"id\":1,\"command\":\"status\"}\n{\"id\":\"b\",\"command\":\"nonsense\"}\n\n{\"id\":3,\"command\":\"calls\"}\n").await;
    assert_eq!(peer.hears().await, "{\"id\":1,\"result\":1}\n");
    assert!(peer.hears().await.contains("\"id\":\"b\""));
    assert_eq!(peer.hears().await, "{\"id\":3,\"result\":2}\n");
    let Peer { read, write, conversation } = peer;
    drop((read, write));
    conversation.await.unwrap();
    assert_eq!(*desk.left.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_named_client_has_each_id_done_once_wherever_it_asks() {
    let desk = Noting::new();
    let hello = "{\"id\":0,\"command\":\"hello\",\"client\":\"acd\"}\n";
    let drain = "{\"id\":1,\"command\":\"drain\"}\n";
    let mut first = connect(&desk, Scopes::all(), Limits::default());
    first.say(&format!("{hello}{drain}")).await;
    assert_eq!(
        (first.hears().await, first.hears().await),
        ("{\"id\":0,\"result\":1}\n".into(), "{\"id\":1,\"result\":2}\n".into())
    );
    let mut again = connect(&desk, Scopes::all(), Limits::default());
    again.say(&format!("{hello}{drain}{{\"id\":1,\"command\":\"reload\"}}\n")).await;
    assert_eq!(again.hears().await, "{\"id\":0,\"result\":3}\n");
    assert_eq!(again.hears().await, "{\"id\":1,\"result\":2}\n", "the answer of the first time");
    assert_eq!(again.hears().await, "{\"id\":1,\"result\":4}\n", "another command is another one, whatever its id");
    let mut nameless = connect(&desk, Scopes::all(), Limits::default());
    nameless.say(drain).await;
    assert_eq!(nameless.hears().await, "{\"id\":1,\"result\":5}\n");
}

#[tokio::test]
async fn without_the_scope_nothing_is_done_and_without_any_soon_nobody_listens() {
    let desk = Noting::new();
    let mut peer = connect(&desk, [super::super::scope::Scope::Observe].into_iter().collect(), Limits::default());
    peer.say("{\"id\":1,\"command\":\"drain\"}\n{\"id\":2,\"command\":\"status\"}\n").await;
    assert!(peer.hears().await.contains("forbidden"));
    assert_eq!(peer.hears().await, "{\"id\":2,\"result\":1}\n");
    let mut stranger = connect(&desk, Scopes::default(), Limits::default());
    stranger.say(&"{\"id\":1,\"command\":\"status\"}\n".repeat(9)).await;
    for _ in 0..UNPROVEN_FAULTS_MAX {
        assert!(stranger.hears().await.contains("forbidden"));
    }
    assert_eq!(stranger.hears().await, "");
    let silent = connect(&desk, Scopes::default(), Limits { proof: Duration::from_millis(20), ..Limits::default() });
    silent.conversation.await.unwrap();
}

#[tokio::test]
async fn one_that_does_not_read_is_told_when_it_does_and_is_dropped() {
    let desk = Noting::new();
    let limits = Limits { write: Duration::from_millis(50), ..Limits::default() };
    let mut peer = connect(&desk, Scopes::all(), limits);
    peer.say("{\"id\":0,\"command\":\"hello\",\"client\":\"acd\"}\n").await;
    peer.hears().await;
    let client = Arc::clone(&desk.clients.lock().unwrap()[0]);
    let frame = Bytes::from(format!("{}\n", "x".repeat(4_000)));
    // More than the system's buffers take: at last even the bounded queue is full, or the client given up.
    let mut pushed = 0;
    while client.push(frame.clone()).is_ok() {
        pushed += 1;
        tokio::task::yield_now().await;
    }
    while client.push(frame.clone()) != Err(super::super::client::NotSent::Gone) {
        tokio::task::yield_now().await;
    }
    let mut heard = 0;
    let last = loop {
        let line = peer.hears().await;
        match line.as_bytes() {
            [b'x', ..] => heard += 1,
            _ => break line,
        }
    };
    assert!(last.contains("too_slow"), "{last:?}");
    assert!(heard < pushed, "{heard} of {pushed}");
    assert_eq!(peer.hears().await, "");
    peer.conversation.await.unwrap();
}

#[tokio::test]
async fn a_client_that_asks_nothing_loses_its_place_unless_it_waits_for_us() {
    let desk = Noting::new();
    let limits = Limits { idle: Duration::from_millis(20), ..Limits::default() };
    let peer = connect(&desk, Scopes::all(), limits);
    peer.conversation.await.unwrap();
    let mut staying = connect(&desk, Scopes::all(), limits);
    staying.say("{\"id\":0,\"command\":\"hello\",\"client\":\"acd\"}\n").await;
    staying.hears().await;
    let client = Arc::clone(&desk.clients.lock().unwrap()[0]);
    client.set_staying(true);
    // A second one with the same patience has lost its place meanwhile.
    connect(&desk, Scopes::all(), limits).conversation.await.unwrap();
    connect(&desk, Scopes::all(), limits).conversation.await.unwrap();
    assert!(client.push(Bytes::from_static(b"still here\n")).is_ok());
    assert_eq!(staying.hears().await, "still here\n");
}

/// A thousand a second for a minute are sixty thousand; here as fast as they go.
#[tokio::test]
async fn a_follower_that_does_not_read_has_a_gap_in_the_end_and_the_others_have_all() {
    let desk = Noting::new();
    let limits = Limits { write: Duration::from_millis(200), ..Limits::default() };
    let mut stuck = connect(&desk, Scopes::all(), limits);
    let mut other = connect(&desk, Scopes::all(), Limits::default());
    for peer in [&mut stuck, &mut other] {
        peer.say("{\"id\":1,\"command\":\"follow\",\"from\":1}\n").await;
        assert!(peer.hears().await.starts_with("{\"id\":1"), "the answer comes before the first event");
    }
    let (mut told, mut heard) = (1, 0);
    while told < 60_000 {
        let room = desk.events.next();
        (0..1_000).for_each(|_| desk.events.tell(Event::AgentStatus { agent: "a".into(), status: "Offline".into() }));
        told = room + 1_000;
        while heard + 1 < told {
            let event: Value = serde_json::from_str(&other.hears().await).unwrap();
            assert_eq!(event["seq"], heard + 1, "{event}");
            heard += 1;
        }
    }
    let (mut expected, mut last) = (1, Value::Null);
    loop {
        let line = stuck.hears().await;
        if line.is_empty() {
            break;
        }
        last = serde_json::from_str(&line).unwrap();
        match last["event"].as_str() {
            Some("gap") => {
                assert_eq!((last["from"].as_u64(), last["why"].as_str()), (Some(expected), Some("slow")), "{last}");
                expected = 0;
            }
            Some(_) => {
                assert_eq!(last["seq"], expected);
                expected += 1;
            }
            None => assert_eq!(expected, 0, "the gap is told before the end"),
        }
    }
    assert_eq!(last["error"]["code"], "too_slow");
    stuck.conversation.await.unwrap();
}
