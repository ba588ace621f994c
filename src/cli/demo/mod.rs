//! `offhook demo`: a whole exchange on loopback with a simulated carrier and desk; places two calls, shows and measures
//! them, then serves.

use super::dial::summary;
use crate::edge::config::{self, Configuration};
use crate::edge::daemon::{self, Daemon};
use crate::edge::logging::{self, LogFormat, Logging};
use crate::edge::test_phone::callee::Callee;
use crate::edge::test_phone::caller::{self, Order};
use crate::edge::test_phone::ladder::Step;
use crate::edge::test_phone::sound::{self, Says, Sound};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

const OFFHOOK: &str = "127.0.0.1:5060";
const CARRIER: &str = "127.0.0.2:5070";
const DESK: &str = "127.0.0.3:5080";
const MAIN_NUMBER: &str = "+815012345600";
/// What the carrier's caller and the desk each sound like, in hertz: nobody else's tone is near.
const CALLER_SINGS: u16 = 440;
const DESK_SINGS: u16 = 1_000;
const UNASSIGNED: &str = "+815012345699";

#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// End after the two calls instead of serving on.
    #[arg(long)]
    pub once: bool,
}

pub fn demo(once: bool) -> ExitCode {
    let folder = std::env::temp_dir().join(format!("offhook-demo-{}", std::process::id()));
    let outcome = prepare(&folder).and_then(|(configuration, logging)| {
        let runtime = daemon::runtime(&configuration.daemon).map_err(|error| error.to_string())?;
        runtime.block_on(show(Arc::new(configuration), &logging, once))
    });
    if let Err(error) = std::fs::remove_dir_all(&folder) {
        eprintln!("offhook demo: {}: {error}", folder.display());
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("offhook demo: {error}");
            eprintln!(
                "The demo needs UDP and TCP ports 5060, 8080 and 9090 on 127.0.0.1, 5070 on 127.0.0.2 and 5080 on 127.0.0.3."
            );
            ExitCode::FAILURE
        }
    }
}

fn prepare(folder: &Path) -> Result<(Configuration, Logging), String> {
    let files = [
        ("offhook.toml", include_str!("offhook.toml")),
        ("sip-profiles/demo.toml", include_str!("profile.toml")),
        ("dialplans/demo.toml", include_str!("dialplan.toml")),
    ];
    for (name, text) in files {
        let path: PathBuf = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
        let text = text.replace("{dir}", &folder.to_string_lossy());
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let configuration = config::read(folder, std::iter::empty())
        .map_err(|faults| faults.iter().map(|fault| format!("{fault}\n")).collect::<String>())?;
    let logging =
        logging::start(&configuration.daemon.log.level, LogFormat::Human).map_err(|error| error.to_string())?;
    Ok((configuration, logging))
}

async fn show(configuration: Arc<Configuration>, logging: &Logging, once: bool) -> Result<(), String> {
    let journal = configuration.daemon.journal.path.clone();
    let mut daemon = Daemon::start(configuration, logging).await?;
    let (told, mut calls) = mpsc::channel(1);
    let sound = Sound { says: Says::Tone([DESK_SINGS, 0, 0, 0]), codecs: sound::codecs("pcma")?, ..Sound::default() };
    let desk = Callee::open(address(DESK)?, Duration::from_millis(300), sound, told)
        .await
        .map_err(|error| format!("the simulated desk at {DESK}: {error}"))?;
    let desk = tokio::spawn(desk.serve());
    println!("Offhook listens on {OFFHOOK} (SIP over UDP and TCP) and ws://127.0.0.1:8080 (SIP over WebSocket).");
    println!("A simulated carrier is at {CARRIER}, a simulated desk phone at {DESK}.\n");

    println!(
        "1. The carrier calls {MAIN_NUMBER}, which the dialplan sends to the desk. It speaks PCMU and sings {CALLER_SINGS} Hz,"
    );
    println!(
        "   the desk speaks PCMA and sings {DESK_SINGS} Hz; the carrier presses 4 2 #. What each heard was measured."
    );
    let outcome = place(MAIN_NUMBER).await?;
    print_ladder("   carrier <-> offhook", &outcome.ladder);
    let answered = tokio::time::timeout(Duration::from_secs(2), calls.recv()).await.ok().flatten();
    if let Some(call) = &answered {
        print_ladder("   offhook <-> desk (the desk's view)", &call.ladder);
    }
    println!("   {}", summary(&outcome));
    for (who, heard) in [("carrier", outcome.heard.as_ref()), ("desk", answered.as_ref().map(|call| &call.heard))] {
        println!("   the {who} {}", heard.map_or("heard nothing".to_owned(), ToString::to_string));
    }
    println!();

    println!("2. The carrier calls {UNASSIGNED}, which is ours but assigned to nobody.");
    let outcome = place(UNASSIGNED).await?;
    print_ladder("   carrier <-> offhook", &outcome.ladder);
    println!("   {}\n", summary(&outcome));

    print_records(&journal).await;
    if !once {
        println!("Serving until Ctrl-C. Try in another terminal:");
        println!(
            "  offhook dial {MAIN_NUMBER} --to {OFFHOOK} --bind 127.0.0.2:0 --play 523 --digits 1,2# --record /tmp/heard.wav"
        );
        println!("  register a phone as alice (password alice-demo) or bob (bob-demo) at {OFFHOOK} and call the other");
        println!("  curl -s http://127.0.0.1:9090/metrics | grep offhook_calls");
        if let Err(error) = tokio::signal::ctrl_c().await {
            return Err(format!("signals: {error}"));
        }
    }
    desk.abort();
    daemon.drain_limit = Duration::from_secs(1);
    daemon.drain().await;
    daemon.stop().await;
    Ok(())
}

async fn place(number: &str) -> Result<caller::Outcome, String> {
    let order = Order {
        number: number.to_owned(),
        from: "+81312345678".to_owned(),
        to: address(OFFHOOK)?,
        credentials: None,
        ring_max: Duration::from_secs(10),
        talk: Duration::from_millis(2_500),
        sound: Sound {
            says: Says::Tone([CALLER_SINGS, 0, 0, 0]),
            codecs: sound::codecs("pcmu")?,
            keys: sound::keys(",42#")?,
            ..Sound::default()
        },
    };
    caller::call(address(CARRIER)?, &order)
        .await
        .map_err(|error| format!("the simulated carrier at {CARRIER}: {error}"))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}

fn print_ladder(title: &str, steps: &[Step]) {
    println!("{title}");
    for step in steps {
        println!("   {step}");
    }
}

/// The records of both calls, once the journal has them.
async fn print_records(journal: &Path) {
    println!("What remains of them (records.jsonl), with the reason for each decision:");
    let mut text = String::new();
    for _ in 0..100 {
        text = std::fs::read_to_string(journal).unwrap_or_default();
        if text.lines().count() >= 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for line in text.lines() {
        let Ok(record) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        let word = |key: &str| record.get(key).and_then(serde_json::Value::as_str).unwrap_or("-").to_owned();
        println!("   call {}: {} -> {}", word("call"), word("cause"), word("dialled"));
        let trail = record.get("trail").and_then(serde_json::Value::as_array);
        for why in trail.into_iter().flatten().filter_map(serde_json::Value::as_str) {
            println!("      {why}");
        }
    }
    println!();
}
