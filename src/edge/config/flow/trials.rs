//! Files of tests beside flows, `NAME.test.toml`: each test as a script of one call and what is expected of it. Runs none.

use crate::domain::flow::key::Key;
use crate::domain::flow::memory::{Origin, QueueName};
use crate::domain::flow::trial::{Event, Happening, Reply, Script, When};
use crate::domain::flow::value::{Map, Value};
use crate::edge::config::fields::{Fields, parse_duration, printable};
use crate::edge::config::place::Fault;
use crate::edge::config::raw::{self, Kind};
use crate::edge::config::read::{load, toml_files};
use crate::edge::config::read_flows::TEST_SUFFIX;
use crate::edge::config::reading::{Item, Reading};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

pub const TRIAL_FILES: &str = "dialplans/flows/*.test.toml";

/// A Monday morning, where a test says no time.
const AT: &str = "2026-01-05T10:00:00Z";

/// One test.
#[derive(Clone, Debug)]
pub struct Trial {
    pub flow: String,
    pub name: String,
    /// `file:line` of the test.
    pub place: String,
    /// Seconds since 1970: when the call begins.
    pub at: i64,
    pub script: Script,
    pub expect: Expect,
}

/// What has to come of it; what is not named does not matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expect {
    pub steps: Option<Vec<String>>,
    pub heard: Option<Vec<String>>,
    pub asked: Option<Vec<String>>,
    pub dialled: Option<Vec<String>>,
    pub end: Option<String>,
    pub is_answered: Option<bool>,
    pub lasts: Option<Duration>,
    pub attributes: Vec<(String, String)>,
}

/// All tests of a configuration folder, or what is wrong with their files.
pub fn read(folder: &Path) -> Result<Vec<Trial>, Vec<Fault>> {
    let reading = Reading::new(folder.to_owned(), BTreeMap::new());
    let mut trials = Vec::new();
    for relative in toml_files(&reading, "dialplans/flows", true) {
        let Some(path) = relative.strip_suffix(TEST_SUFFIX) else { continue };
        let Some((index, table, _)) = load(&reading, &relative, &mut Sha256::new()) else { continue };
        let flow = path.rsplit('/').next().unwrap_or_default();
        let fields = Fields::root(&reading, &table, index, TRIAL_FILES);
        trials.extend(fields.tables("test").into_iter().filter_map(|one| trial(one, flow)));
        fields.finish();
    }
    let faults = reading.faults();
    if faults.iter().any(Fault::is_error) { Err(faults) } else { Ok(trials) }
}

fn trial(fields: Fields<'_>, flow: &str) -> Option<Trial> {
    let name = fields.required("name");
    let flow = fields.text_or("flow", flow);
    let at = fields.text_or("at", AT).parse::<Timestamp>();
    if at.is_err() {
        fields.error(
            "at",
            "is no moment",
            Some(format!("write one such as \"{AT}\" or \"2026-11-20T10:00:00+09:00\"")),
        );
    }
    let script = script(&fields);
    let expect = fields.table_opt("expect").map(expect);
    if expect.as_ref().is_none_or(|expect| *expect == Expect::default()) {
        let meant = Some("add [test.expect] with `steps`, `heard` or `end`".to_owned());
        fields.reading.error(fields.at, &fields.path("expect"), "nothing is expected", meant);
    }
    let place = fields.reading.place(fields.at);
    fields.finish();
    Some(Trial { flow, name: name?.text, place, at: at.ok()?.as_second(), script, expect: expect? })
}

fn script(fields: &Fields<'_>) -> Script {
    let day = Duration::from_secs(86_400);
    let headers = fields.pairs("headers").into_iter().map(|(name, value)| (name.text.into(), value.text.into()));
    let origin = Origin {
        contact: fields.text_or("contact", "trial").into(),
        customer: fields.text_or("from", "+81312345678").into(),
        dialled: fields.text_or("to", "+815012345600").into(),
        initiation: initiation(fields),
        headers: headers.collect(),
        language: fields.text("language", "none").map(|item| item.text.into()),
    };
    Script {
        origin,
        attributes: map(fields, "attributes"),
        queue: fields.text("queue", "none").map(|item| QueueName::Queue(item.text.into())),
        answers: answers(fields),
        events: fields.texts("events", "none").iter().filter_map(|item| event(fields, item)).collect(),
        seed: fields.integer("seed", 1, 0..=u64::from(u32::MAX)),
        limit: fields.duration("limit", Duration::from_secs(3_600), Duration::from_secs(1)..=8 * day),
        sound: fields.duration("sound", Duration::from_secs(2), Duration::from_millis(1)..=day),
    }
}

fn initiation(fields: &Fields<'_>) -> &'static str {
    let words = ["INBOUND", "OUTBOUND", "TRANSFER", "CALLBACK", "API", "QUEUE_TRANSFER", "DISCONNECT"];
    fields.choice("initiation", &words.map(|word| (word, word)), "INBOUND")
}

fn map(fields: &Fields<'_>, key: &'static str) -> Map {
    let Some(written) = fields.value(key, "table", "none") else { return Map::new() };
    match value(fields.reading, written, &fields.path(key)) {
        Some(Value::Map(map)) => map,
        _ => {
            fields.error(key, "is no table", None);
            Map::new()
        }
    }
}

fn value(reading: &Reading, written: &raw::Value, path: &str) -> Option<Value> {
    match &written.kind {
        Kind::Text(text) | Kind::Open(text) => Some(Value::text(text.as_str())),
        Kind::Integer(Some(number)) => Some(Value::number(number)),
        Kind::Float(number) if number.is_finite() => Some(Value::number(number)),
        Kind::Flag(flag) => Some(Value::Bool(*flag)),
        Kind::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| value(reading, item, &format!("{path}[{index}]")))
            .collect::<Option<Vec<_>>>()
            .map(Value::List),
        Kind::Table(table) => {
            let pairs = table.entries.iter();
            let pairs = pairs.map(|entry| {
                let below = value(reading, &entry.value, &format!("{path}.{}", printable(&entry.key)))?;
                Some((entry.key.as_str().into(), below))
            });
            pairs.collect::<Option<Map>>().map(Value::Map)
        }
        other => {
            reading.error(written.at, path, format!("{} cannot stand here", other.name()), None);
            None
        }
    }
}

/// By step: a word, a table of values, or a list of these, one after the other.
fn answers(fields: &Fields<'_>) -> BTreeMap<Box<str>, Vec<Reply>> {
    let Some(written) = fields.value("answers", "table", "none") else { return BTreeMap::new() };
    let Kind::Table(table) = &written.kind else {
        fields.error("answers", "expected a table: a step, and what it is answered", None);
        return BTreeMap::new();
    };
    let path = fields.path("answers");
    let reply = |written: &raw::Value, path: &str| match &written.kind {
        Kind::Text(word) => Some(Reply::Word(word.as_str().into())),
        Kind::Table(_) => value(fields.reading, written, path).map(Reply::Values),
        other => {
            let problem = format!("expected a word or a table of values, found {}", other.name());
            fields.reading.error(written.at, path, problem, None);
            None
        }
    };
    let answers = table.entries.iter().map(|entry| {
        let path = format!("{path}.{}", printable(&entry.key));
        let replies = match &entry.value.kind {
            Kind::Array(items) => items.iter().filter_map(|item| reply(item, &path)).collect(),
            _ => reply(&entry.value, &path).into_iter().collect(),
        };
        (entry.key.as_str().into(), replies)
    });
    answers.collect()
}

/// `3s: 1`, `menu: 123#`, `menu#2+1s: hangs up`.
fn event(fields: &Fields<'_>, item: &Item) -> Option<Event> {
    let found = item.text.split_once(':').and_then(|(when, what)| {
        let what = match what.trim() {
            "hangs up" => Happening::HangsUp,
            "offered" => Happening::Offered,
            "offer ends" => Happening::OfferEnds,
            "stopped" => Happening::Stopped,
            keys => Happening::Keys(Key::all(keys).filter(|keys| !keys.is_empty())?),
        };
        Some(Event { when: moment(when.trim())?, what })
    });
    if found.is_none() {
        let meant =
            "write \"3s: 1\", \"menu: 123#\", \"menu#2+1s: hangs up\", \"25s: offered\", \"offer ends\" or \"stopped\"";
        let problem = format!("`{}` is no event", printable(&item.text));
        fields.reading.error(item.at, &item.path, problem, Some(meant.to_owned()));
    }
    found
}

fn moment(text: &str) -> Option<When> {
    if let Some(since) = parse_duration(text) {
        return Some(When::Since(since));
    }
    let (name, after) = match text.rsplit_once('+') {
        Some((name, after)) => (name, parse_duration(after)?),
        None => (text, Duration::ZERO),
    };
    let (name, entry) = match name.rsplit_once('#') {
        Some((name, entry)) => (name, entry.parse().ok().filter(|entry| *entry > 0)?),
        None => (name, 1),
    };
    (!name.is_empty()).then(|| When::Step { name: name.into(), entry, after })
}

fn expect(fields: Fields<'_>) -> Expect {
    let list = |key: &'static str| {
        let items = fields.texts(key, "anything");
        fields.has(key).then(|| items.into_iter().map(|item| item.text).collect())
    };
    let day = Duration::from_secs(8 * 86_400);
    let expect = Expect {
        steps: list("steps"),
        heard: list("heard"),
        asked: list("asked"),
        dialled: list("dialled"),
        end: fields.text("end", "any").map(|item| item.text),
        is_answered: fields.has("answered").then(|| fields.flag("answered", true)),
        lasts: fields.duration_opt("lasts", "any", Duration::ZERO..=day),
        attributes: fields.pairs("attributes").into_iter().map(|(name, value)| (name.text, value.text)).collect(),
    };
    fields.finish();
    expect
}
