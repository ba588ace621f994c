//! What a log line may look like, whatever values a peer has sent.

use super::*;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tracing::{debug, info, info_span};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Page {
    type Writer = Page;
    fn make_writer(&'a self) -> Page {
        self.clone()
    }
}

/// The lines that `work` logs.
fn check(format: LineFormat, work: impl FnOnce()) -> String {
    let page = Page::default();
    let lines = tracing_subscriber::fmt::layer()
        .fmt_fields(format)
        .event_format(format)
        .with_ansi(false)
        .with_writer(page.clone());
    tracing::subscriber::with_default(Registry::default().with(lines), work);
    let bytes = page.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

const NASTY: &str = "a\r\nERROR fake line\u{1b}[2J\u{9b}31m\0\u{7f}\u{202e}\u{2028}\"\\z";

#[test]
fn no_value_can_end_its_line_or_steer_a_terminal() {
    for format in [LineFormat::Human { colour: false }, LineFormat::Json] {
        let text = check(format, || {
            let call = info_span!("call", call = NASTY, leg = %NASTY);
            let _inside = call.enter();
            info!(text = NASTY, shown = %NASTY, debug = ?NASTY, "message with {NASTY}");
        });
        assert_eq!(text.matches('\n').count(), 1, "{text:?}");
        assert!(text.ends_with('\n'));
        let line = text.trim_end_matches('\n');
        assert!(!line.chars().any(|c| c.is_control() || matches!(c, '\u{202e}' | '\u{2028}')), "{line:?}");
    }
}

#[test]
fn a_json_line_is_an_object_that_gives_the_values_back() {
    let text = check(LineFormat::Json, || {
        info_span!("call", call = "00000000000000ff").in_scope(|| {
            info!(text = NASTY, status = 486_u16, ratio = 0.5, answered = false, nan = f64::NAN, "ended");
        });
    });
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["text"], NASTY);
    assert_eq!(line["call"], "00000000000000ff");
    assert_eq!(line["message"], "ended");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["status"], 486);
    assert_eq!(line["answered"], false);
    assert_eq!(line["nan"], "NaN");
    assert_eq!(line["target"], "offhook::edge::logging::tests");
}

#[test]
fn every_line_of_a_call_carries_its_call_also_what_is_learned_later() {
    for format in [LineFormat::Human { colour: true }, LineFormat::Json] {
        let text = check(format, || {
            let call = info_span!("call", call = "00000000000000ff", trunk = tracing::field::Empty);
            call.in_scope(|| {
                info!("admitted");
                call.record("trunk", "carrier-a");
                info_span!("leg", leg = 1).in_scope(|| info!("answered"));
            });
        });
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|line| line.contains("00000000000000ff")), "{text}");
        assert!(!lines[0].contains("carrier-a") && lines[1].contains("carrier-a"), "{text}");
        assert!(lines[1].contains("leg=1") || lines[1].contains("\"leg\":1"), "{text}");
        if format == LineFormat::Json {
            assert!(lines.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{text}");
        }
    }
}

#[test]
fn numbers_and_sources_are_masked_above_debug_only() {
    let text = check(LineFormat::Json, || {
        info!(number = "+815012345678", source = "192.0.2.77", "refused");
        debug!(number = "+815012345678", "looked up");
    });
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("+8150123456**") && lines[0].contains("192.0.2.**"), "{text}");
    assert!(lines[1].contains("+815012345678"), "{text}");
}

#[test]
fn a_level_is_read_whole_or_refused() {
    for good in ["info", "debug,offhook::edge=trace", "off", "warn,hyper=error"] {
        assert!(read_level(good).is_ok(), "{good}");
    }
    for bad in ["loud", "", "info,", "info,offhook::edge", "offhook=noisy"] {
        assert_eq!(read_level(bad).err(), Some(LogError::Level(bad.into())), "{bad}");
    }
}

#[test]
fn the_level_changes_while_running() {
    let page = Page::default();
    let (filter, handle) = reload::Layer::new(read_level("info").unwrap());
    let control = LevelControl(handle);
    let lines = tracing_subscriber::fmt::layer()
        .fmt_fields(LineFormat::Json)
        .event_format(LineFormat::Json)
        .with_writer(page.clone())
        .with_filter(filter);
    tracing::subscriber::with_default(Registry::default().with(lines), || {
        debug!("before");
        control.set_level("debug").unwrap();
        debug!("after");
        assert!(control.set_level("nonsense").is_err());
        debug!("still");
        assert_eq!(control.level(), "debug");
    });
    let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    assert!(!text.contains("before") && text.contains("after") && text.contains("still"), "{text}");
}

#[test]
fn under_systemd_and_in_pipes_lines_are_json() {
    assert_eq!(choose(LogFormat::Auto, true, false), LineFormat::Human { colour: true });
    assert_eq!(choose(LogFormat::Auto, true, true), LineFormat::Json);
    assert_eq!(choose(LogFormat::Auto, false, false), LineFormat::Json);
    assert_eq!(choose(LogFormat::Human, false, true), LineFormat::Human { colour: false });
}

/// Takes nothing until it is let go.
struct Stuck(std::sync::mpsc::Receiver<()>);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stuck_reader_costs_lines_and_never_time() {
    let (release, held) = std::sync::mpsc::channel();
    let mut queue = LogQueue::start(Stuck(held)).unwrap();
    let written = crate::base::limits::LOG_QUEUE + 100;
    for _ in 0..written {
        queue.write_all(b"line\n").unwrap();
    }
    assert!((99..=100).contains(&queue.dropped()), "{}", queue.dropped());
    drop(release);
    assert!(queue.flush(Duration::from_secs(10)) || queue.dropped() > 0);
}
