//! What is asked outside, by servers and engines that behave in every way.

use super::http::HttpClient;
use super::settings::{SpeechEngine, SpeechSettings, WebhookSettings};
use super::speech::Speaker;
use super::webhook::Webhooks;
use crate::domain::call::interface::Speech;
use crate::domain::flow::act::{Reply, Spoken};
use crate::domain::flow::interface::{FetchFault, FetchFrom, FetchOrder, Sound};
use crate::domain::flow::say::say;
use crate::domain::flow::value::Value;
use crate::edge::media::prompts::PromptLibrary;
use crate::edge::metrics::Metrics;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn metrics() -> Metrics {
    Metrics::new(Duration::from_secs(1)).expect("a table without mistakes")
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work)
}

/// A server that says the same to everybody, and counts how often it was asked; `None`: nothing at all.
async fn server(answer: Option<String>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::Relaxed);
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut bytes = [0; 8_192];
                let _ = stream.read(&mut bytes).await;
                match answer {
                    Some(answer) => drop(stream.write_all(answer.as_bytes()).await),
                    None => std::future::pending().await,
                }
            });
        }
    });
    (url, asked)
}

fn http(status: &str, body: &str) -> Option<String> {
    Some(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()))
}

async fn fetch(url: &str, allow: &str) -> Result<Value, FetchFault> {
    let settings = WebhookSettings { allow: vec![allow.into()], at_once: 2 };
    let order = FetchOrder {
        to: FetchFrom::Url(url.into()),
        body: Value::map([("Name", Value::text("ContactFlowEvent"))]),
        reply: Reply::StringMap,
        each: Duration::from_millis(200),
        total: Duration::from_secs(2),
        tries: 3,
        bytes_max: 1_000,
    };
    Webhooks::new(&settings, HttpClient::new(), metrics()).fetch(&order).await
}

/// What a server's answer becomes, and how often it is asked for it.
#[track_caller]
fn check(answer: Option<String>, expected: Result<Value, FetchFault>, times: usize) {
    let (outcome, asked) = run(async {
        let (url, asked) = server(answer).await;
        (fetch(&url, &url).await, asked.load(Ordering::Relaxed))
    });
    assert_eq!((outcome, asked), (expected, times));
}

#[test]
fn an_answer_is_read_as_the_step_wants_it() {
    check(http("200 OK", r#"{"item":"boots"}"#), Ok(Value::map([("item", Value::text("boots"))])), 1);
    check(http("200 OK", r#"{"item":1}"#), Err(FetchFault::NotUnderstood), 1);
    check(http("200 OK", "<html>"), Err(FetchFault::NotUnderstood), 1);
}

#[test]
fn what_may_go_better_is_tried_again_and_nothing_else() {
    check(http("500 No", ""), Err(FetchFault::Refused(500)), 3);
    check(http("429 No", ""), Err(FetchFault::Refused(429)), 3);
    check(http("404 No", ""), Err(FetchFault::Refused(404)), 1);
    check(None, Err(FetchFault::TimedOut), 3);
    check(Some("no HTTP at all\r\n\r\n".into()), Err(FetchFault::Unreachable), 3);
}

#[test]
fn an_answer_that_is_too_long_is_not_read_to_its_end() {
    check(http("200 OK", &format!(r#"{{"item":"{}"}}"#, "x".repeat(2_000))), Err(FetchFault::TooLarge), 1);
}

#[test]
fn nobody_is_asked_whom_configuration_does_not_name() {
    let (outcome, asked) = run(async {
        let (url, asked) = server(http("200 OK", "{}")).await;
        (fetch(&url, "https://elsewhere.example/").await, asked.load(Ordering::Relaxed))
    });
    assert_eq!((outcome, asked), (Err(FetchFault::NotAllowed), 0));
}

#[test]
fn nobody_there_is_a_fault_and_no_wait() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port").port();
    let url = format!("http://127.0.0.1:{port}/");
    assert_eq!(run(fetch(&url, &url)), Err(FetchFault::Unreachable));
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("offhook-outside-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

fn speech_by(folder: &std::path::Path, command: &[&str]) -> SpeechSettings {
    SpeechSettings {
        engine: SpeechEngine::Command(command.iter().map(|word| (*word).into()).collect()),
        reads_ssml: false,
        folder: folder.join("kept"),
        folder_bytes_max: 1 << 30,
        timeout: Duration::from_secs(5),
        at_once: 1,
    }
}

fn hello() -> Speech {
    Speech { text: "Hello".into(), is_ssml: false, language: "en-US".into(), voice: None, is_secret: false }
}

#[test]
fn a_text_is_spoken_once_and_kept() {
    let folder = folder("spoken");
    let wav = folder.join("hello.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 22_050,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&wav, spec).expect("a file");
    (0..22_050).for_each(|at| writer.write_sample((at % 100) as i16).expect("room"));
    writer.finalize().expect("written");
    let settings = speech_by(&folder, &["cat", wav.to_str().expect("a name")]);
    let speaker = Speaker::start(&settings, HttpClient::new(), metrics()).expect("a folder");
    let prompt = run(speaker.speak(&hello())).expect("it was spoken");
    assert_eq!(prompt.lasts(), Duration::from_secs(1));
    // The engine is no more, and what it said still is.
    std::fs::remove_file(&wav).expect("there");
    assert!(run(speaker.speak(&hello())).is_some());
    assert!(run(speaker.speak(&Speech { text: "Other".into(), ..hello() })).is_none());
    std::fs::remove_dir_all(&folder).expect("clean");
}

#[test]
fn what_holds_a_secret_is_spoken_and_never_kept() {
    let folder = folder("secret");
    let (said, kept) = (folder.join("said"), folder.join("kept"));
    std::fs::create_dir_all(&said).expect("a folder");
    let wav = said.join("hello.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&wav, spec).expect("a file");
    (0..8_000).for_each(|at| writer.write_sample((at % 100) as i16).expect("room"));
    writer.finalize().expect("written");
    let mut settings = speech_by(&folder, &["cat", wav.to_str().expect("a name")]);
    settings.folder = kept.clone();
    let speaker = Speaker::start(&settings, HttpClient::new(), metrics()).expect("a folder");
    let secret = Speech { is_secret: true, ..hello() };
    assert!(run(speaker.speak(&secret)).is_some());
    assert_eq!(std::fs::read_dir(&kept).expect("a folder").count(), 0, "nothing of it is on disk");
    assert!(run(speaker.speak(&hello())).is_some());
    assert_eq!(std::fs::read_dir(&kept).expect("a folder").count(), 1);
    std::fs::remove_dir_all(&folder).expect("clean");
}

#[test]
fn an_engine_that_fails_or_hangs_costs_no_more_than_its_time() {
    let folder = folder("fails");
    for (command, patience) in [(vec!["false"], 5_000), (vec!["sleep", "60"], 100), (vec!["/no/such/engine"], 5_000)] {
        let mut settings = speech_by(&folder, &command);
        settings.timeout = Duration::from_millis(patience);
        let speaker = Speaker::start(&settings, HttpClient::new(), metrics()).expect("a folder");
        assert!(run(speaker.speak(&hello())).is_none(), "{command:?}");
    }
    std::fs::remove_dir_all(&folder).expect("clean");
}

#[test]
fn the_library_that_is_shipped_has_every_word_that_the_rules_can_say() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let (library, faults) = PromptLibrary::load(&folder);
    assert!(faults.is_empty(), "{faults:?}");
    let mut values: Vec<(Spoken, String)> = (0..=1_000).map(|number| (Spoken::Number, number.to_string())).collect();
    let large = ["-3.14", "4300", "8600", "12000", "10000000", "312345678", "987654321098"];
    values.extend(large.map(|number| (Spoken::Number, number.to_owned())));
    values.extend((1..=31).map(|day| (Spoken::Date, format!("2024-01-{day:02}"))));
    values.extend((1..=12).map(|month| (Spoken::Date, format!("1905-{month:02}-01"))));
    values.extend((0..24).map(|hour| (Spoken::Time, format!("{hour:02}:00"))));
    values.extend((0..60).map(|minute| (Spoken::Time, format!("12:{minute:02}"))));
    for currency in ["USD", "EUR", "GBP", "JPY"] {
        values.extend(["0", "1", "4.01", "14.50"].map(|amount| (Spoken::Money(currency.into()), amount.to_owned())));
    }
    values.push((Spoken::Telephone, "+81312345678".to_owned()));
    values.push((Spoken::Telephone, "+14155552671".to_owned()));
    values.push((Spoken::Digits, "0123456789*#+".to_owned()));
    for language in ["en-US", "ja-JP"] {
        for (how, value) in &values {
            let said = say(how, value, language).unwrap_or_else(|| panic!("{value} in {language}"));
            let missing =
                said.iter().find(|sound| matches!(sound, Sound::Prompt(name) if library.find(name).is_none()));
            assert_eq!(missing, None, "{value} in {language}");
        }
    }
}
