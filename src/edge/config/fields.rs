//! Typed readers of one table: each notes what it may hold and collects its faults. Knows no key by name.

use crate::edge::config::place::Place;
use crate::edge::config::raw::{Kind, Table, Value};
use crate::edge::config::reading::{Item, Reading};
use crate::edge::config::suggest;
use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::time::Duration;

static EMPTY: Table = Table { entries: Vec::new() };

/// One table under the eyes of its converter. Call `finish` when every key has been asked for.
pub struct Fields<'a> {
    pub reading: &'a Reading,
    table: &'a Table,
    /// Where the table begins: the place of keys that are missing.
    pub at: Place,
    path: String,
    shape: String,
    file: &'static str,
    asked: RefCell<Vec<&'static str>>,
}

/// One entry of a list in which texts and tables stand side by side.
pub enum Piece<'a> {
    Text(Item),
    Table(Fields<'a>),
}

impl<'a> Fields<'a> {
    /// A whole file. `file` is the name of its kind in the documentation.
    pub fn root(reading: &'a Reading, table: &'a Table, source: usize, file: &'static str) -> Fields<'a> {
        let at = Place { source, start: 0, end: 0 };
        Fields { reading, table, at, path: String::new(), shape: String::new(), file, asked: RefCell::default() }
    }

    fn below(&self, table: &'a Table, at: Place, path: String, shape: String) -> Fields<'a> {
        Fields { reading: self.reading, table, at, path, shape, file: self.file, asked: RefCell::default() }
    }

    fn joined(base: &str, key: &str) -> String {
        match (base, key) {
            ("", key) => key.to_owned(),
            (base, "") => base.to_owned(),
            (base, key) => format!("{base}.{key}"),
        }
    }

    /// Dotted path of a key of this table; of the table itself where the key is empty.
    pub fn path(&self, key: &str) -> String {
        Fields::joined(&self.path, key)
    }

    /// Where a key's value stands, or the table if it has none.
    pub fn place(&self, key: &str) -> Place {
        self.table.get(key).map_or(self.at, |entry| entry.value.at)
    }

    pub fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    pub fn is_list(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(|entry| matches!(entry.value.kind, Kind::Array(_)))
    }

    /// A fault of this key's value.
    pub fn error(&self, key: &str, problem: impl Into<String>, suggestion: Option<String>) {
        self.reading.error(self.place(key), &self.path(key), problem, suggestion);
    }

    pub fn warning(&self, key: &str, problem: impl Into<String>, suggestion: Option<String>) {
        self.reading.warning(self.place(key), &self.path(key), problem, suggestion);
    }

    /// The key is needed and is not there.
    pub fn missing(&self, key: &str) {
        if self.reading.is_damaged(self.at.source) {
            return;
        }
        self.reading.error(self.at, &self.path(key), format!("missing key `{key}`"), None);
    }

    fn ask(&self, key: &'static str, kind: &str, default: &str) -> Option<&'a Value> {
        self.asked.borrow_mut().push(key);
        // For the test of the documentation alone, and no little part of the work where there are thousands of files.
        if cfg!(test) {
            self.reading.note_known(self.file, Fields::joined(&self.shape, key), kind, default);
        }
        self.table.get(key).map(|entry| &entry.value)
    }

    fn mistyped(&self, key: &str, expected: &str, found: &Value) {
        self.error(key, format!("expected {expected}, found {}", found.kind.name()), None);
    }

    /// A text without control characters.
    pub fn text_or(&self, key: &'static str, default: &str) -> String {
        let shown = if default.is_empty() { "empty".to_owned() } else { format!("`{default}`") };
        self.take_text(key, &shown).map_or_else(|| default.to_owned(), |item| item.text)
    }

    /// A text whose absence means something of its own; `default` says what.
    pub fn text(&self, key: &'static str, default: &str) -> Option<Item> {
        self.take_text(key, default)
    }

    pub fn required(&self, key: &'static str) -> Option<Item> {
        if !self.has(key) {
            self.missing(key);
        }
        self.take_text(key, "required")
    }

    fn take_text(&self, key: &'static str, default: &str) -> Option<Item> {
        let value = self.ask(key, "text", default)?;
        if !matches!(value.kind, Kind::Text(_) | Kind::Open(_)) {
            self.mistyped(key, "a text", value);
            return None;
        }
        self.item(value, self.path(key))
    }

    fn item(&self, value: &Value, path: String) -> Option<Item> {
        let text = match &value.kind {
            Kind::Text(text) | Kind::Open(text) => text.clone(),
            Kind::Integer(Some(number)) => number.to_string(),
            _ => return None,
        };
        if text.chars().any(char::is_control) {
            self.reading.error(value.at, &path, "control characters are not allowed here", None);
            return None;
        }
        Some(Item { text, at: value.at, path })
    }

    /// A list of texts; a single text counts as a list of one.
    pub fn texts(&self, key: &'static str, default: &str) -> Vec<Item> {
        let Some(value) = self.ask(key, "list of texts", default) else { return Vec::new() };
        self.items(key, value, "a list of texts", |item| matches!(item, Kind::Text(_)))
    }

    /// A list of integers, as they were written.
    pub fn integers(&self, key: &'static str, default: &str) -> Vec<Item> {
        let Some(value) = self.ask(key, "list of integers", default) else { return Vec::new() };
        self.items(key, value, "a list of integers", |item| matches!(item, Kind::Integer(Some(_))))
    }

    fn items(&self, key: &str, value: &Value, expected: &str, fits: fn(&Kind) -> bool) -> Vec<Item> {
        let path = self.path(key);
        let single = expected.trim_start_matches("a list of ").trim_end_matches('s');
        match &value.kind {
            Kind::Array(items) => items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| {
                    let path = format!("{path}[{index}]");
                    if !fits(&item.kind) {
                        let article = if single.starts_with('i') { "an" } else { "a" };
                        let problem = format!("expected {article} {single}, found {}", item.kind.name());
                        self.reading.error(item.at, &path, problem, None);
                        return None;
                    }
                    self.item(item, path)
                })
                .collect(),
            Kind::Open(text) => text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty() && !part.chars().any(char::is_control))
                .map(|part| Item { text: part.to_owned(), at: value.at, path: path.clone() })
                .collect(),
            other if fits(other) => self.item(value, path).into_iter().collect(),
            _ => {
                self.mistyped(key, expected, value);
                Vec::new()
            }
        }
    }

    pub fn flag(&self, key: &'static str, default: bool) -> bool {
        let Some(value) = self.ask(key, "true or false", &format!("`{default}`")) else { return default };
        match &value.kind {
            Kind::Flag(flag) => *flag,
            Kind::Open(text) if text == "true" || text == "false" => text == "true",
            _ => {
                self.mistyped(key, "true or false", value);
                default
            }
        }
    }

    pub fn integer<T>(&self, key: &'static str, default: T, range: RangeInclusive<T>) -> T
    where
        T: TryFrom<i64> + Copy + PartialOrd + std::fmt::Display,
    {
        self.take_integer(key, &format!("`{default}`"), range).unwrap_or(default)
    }

    /// An integer whose absence means something of its own.
    pub fn integer_opt<T>(&self, key: &'static str, absent: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i64> + Copy + PartialOrd + std::fmt::Display,
    {
        self.take_integer(key, absent, range)
    }

    fn take_integer<T>(&self, key: &'static str, default: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i64> + Copy + PartialOrd + std::fmt::Display,
    {
        let value = self.ask(key, "integer", default)?;
        let number = match &value.kind {
            Kind::Integer(number) => *number,
            Kind::Open(text) if text.parse::<i64>().is_ok() => text.parse().ok(),
            _ => {
                self.mistyped(key, "an integer", value);
                return None;
            }
        };
        let fitting = number.and_then(|number| T::try_from(number).ok()).filter(|number| range.contains(number));
        if fitting.is_none() {
            self.error(key, format!("must be from {} to {}", range.start(), range.end()), None);
        }
        fitting
    }

    pub fn number(&self, key: &'static str, default: f64, range: RangeInclusive<f64>) -> f64 {
        let Some(value) = self.ask(key, "number", &format!("`{default}`")) else { return default };
        let number = match &value.kind {
            // Through text, because no lossless conversion exists; the range check keeps it exact.
            Kind::Integer(number) => number.and_then(|number| number.to_string().parse().ok()),
            Kind::Float(number) => Some(*number),
            Kind::Open(text) if text.parse::<f64>().is_ok() => text.parse().ok(),
            _ => {
                self.mistyped(key, "a number", value);
                return default;
            }
        };
        match number.filter(|number: &f64| range.contains(number)) {
            Some(number) => number,
            None => {
                self.error(key, format!("must be from {} to {}", range.start(), range.end()), None);
                default
            }
        }
    }

    pub fn duration(&self, key: &'static str, default: Duration, range: RangeInclusive<Duration>) -> Duration {
        self.duration_opt(key, &format!("`\"{}\"`", shown(default)), range).unwrap_or(default)
    }

    /// A duration whose absence means something of its own.
    pub fn duration_opt(&self, key: &'static str, absent: &str, range: RangeInclusive<Duration>) -> Option<Duration> {
        let value = self.ask(key, "duration", absent)?;
        let (Kind::Text(text) | Kind::Open(text)) = &value.kind else {
            let problem = format!("expected a duration such as \"30s\", found {}", value.kind.name());
            let meant = match value.kind {
                Kind::Integer(Some(number)) => Some(format!("write \"{number}s\" for {number} seconds")),
                _ => None,
            };
            self.error(key, problem, meant);
            return None;
        };
        let Some(duration) = parse_duration(text) else {
            let problem = format!("`{}` is no duration", printable(text));
            self.error(key, problem, Some("write a number and ms, s, m, h or d, such as \"30s\"".to_owned()));
            return None;
        };
        if !range.contains(&duration) {
            self.error(key, format!("must be from \"{}\" to \"{}\"", shown(*range.start()), shown(*range.end())), None);
            return None;
        }
        Some(duration)
    }

    /// One of a few words.
    pub fn choice<T: Copy + PartialEq>(&self, key: &'static str, words: &[(&'static str, T)], default: T) -> T {
        let named = words.iter().find(|(_, value)| *value == default).map_or("", |(word, _)| *word);
        self.take_choice(key, words, &format!("`\"{named}\"`")).unwrap_or(default)
    }

    /// One of a few words; its absence means something of its own.
    pub fn choice_opt<T: Copy>(&self, key: &'static str, words: &[(&'static str, T)], absent: &str) -> Option<T> {
        self.take_choice(key, words, absent)
    }

    fn take_choice<T: Copy>(&self, key: &'static str, words: &[(&'static str, T)], default: &str) -> Option<T> {
        let kind = words.iter().map(|(word, _)| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", ");
        let value = self.ask(key, &kind, default)?;
        let listed = words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let (Kind::Text(text) | Kind::Open(text)) = &value.kind else {
            self.mistyped(key, &format!("one of {listed}"), value);
            return None;
        };
        let found = words.iter().find(|(word, _)| word == text);
        if found.is_none() {
            let near = suggest::nearest(text, words.iter().map(|(word, _)| *word));
            let meant = near.map(|word| format!("did you mean \"{word}\"?"));
            self.error(key, format!("`{}` is not one of {listed}", printable(text)), meant);
        }
        found.map(|(_, value)| *value)
    }

    /// A table that may be left out: then every key in it has its default.
    pub fn table(&self, key: &'static str) -> Fields<'a> {
        let path = self.path(key);
        let shape = Fields::joined(&self.shape, key);
        match self.ask(key, "table", "") {
            Some(Value { at, kind: Kind::Table(table) }) => self.below(table, *at, path, shape),
            Some(other) => {
                self.mistyped(key, "a table", other);
                self.below(&EMPTY, other.at, path, shape)
            }
            None => self.below(&EMPTY, self.at, path, shape),
        }
    }

    /// A table whose absence means that there is no such thing.
    pub fn table_opt(&self, key: &'static str) -> Option<Fields<'a>> {
        if self.has(key) {
            return Some(self.table(key));
        }
        self.ask(key, "table", "none");
        None
    }

    /// An array of tables, `[[key]]`.
    pub fn tables(&self, key: &'static str) -> Vec<Fields<'a>> {
        let shape = format!("{}[]", Fields::joined(&self.shape, key));
        let Some(value) = self.ask(key, "list of tables", "none") else { return Vec::new() };
        let items = match &value.kind {
            Kind::Array(items) => items,
            Kind::Table(_) => {
                let meant = Some(format!("write [[{}]]", shape.trim_end_matches("[]").replace("[]", "")));
                self.error(key, "expected a list of tables, found a table", meant);
                return Vec::new();
            }
            _ => {
                self.mistyped(key, "a list of tables", value);
                return Vec::new();
            }
        };
        let tables = items.iter().enumerate().filter_map(|(index, item)| {
            let path = format!("{}[{index}]", self.path(key));
            if let Kind::Table(table) = &item.kind {
                return Some(self.below(table, item.at, path, shape.clone()));
            }
            self.reading.error(item.at, &path, format!("expected a table, found {}", item.kind.name()), None);
            None
        });
        tables.collect()
    }

    /// Tables under names of the writer's choice, `[key.NAME]`, in the order in which they were written.
    pub fn named_tables(&self, key: &'static str) -> Vec<(Item, Fields<'a>)> {
        let shape = format!("{}.*", Fields::joined(&self.shape, key));
        let Some(value) = self.ask(key, "table", "none") else { return Vec::new() };
        let Kind::Table(table) = &value.kind else {
            self.mistyped(key, &format!("tables such as [{key}.NAME]"), value);
            return Vec::new();
        };
        let tables = table.entries.iter().filter_map(|entry| {
            let path = format!("{}.{}", self.path(key), printable(&entry.key));
            let Kind::Table(table) = &entry.value.kind else {
                let problem = format!("expected a table, found {}", entry.value.kind.name());
                self.reading.error(entry.value.at, &path, problem, None);
                return None;
            };
            let name = Item { text: entry.key.clone(), at: entry.at, path: path.clone() };
            Some((name, self.below(table, entry.at, path, shape.clone())))
        });
        tables.collect()
    }

    /// A list in which texts and tables may stand side by side; a single text counts as a list of one.
    pub fn pieces(&self, key: &'static str, default: &str) -> Vec<Piece<'a>> {
        let Some(value) = self.ask(key, "list of texts and tables", default) else { return Vec::new() };
        let path = self.path(key);
        let items = match &value.kind {
            Kind::Array(items) => items.as_slice(),
            Kind::Text(_) | Kind::Table(_) => std::slice::from_ref(value),
            _ => {
                self.mistyped(key, "a list of texts and tables", value);
                return Vec::new();
            }
        };
        let shape = format!("{}[]", Fields::joined(&self.shape, key));
        let pieces = items.iter().enumerate().filter_map(|(index, item)| {
            let path = format!("{path}[{index}]");
            match &item.kind {
                Kind::Text(_) => self.item(item, path).map(Piece::Text),
                Kind::Table(table) => Some(Piece::Table(self.below(table, item.at, path, shape.clone()))),
                other => {
                    let problem = format!("expected a text or a table, found {}", other.name());
                    self.reading.error(item.at, &path, problem, None);
                    None
                }
            }
        });
        pieces.collect()
    }

    /// Whatever stands there, for keys that take more than one kind of value.
    pub fn value(&self, key: &'static str, kind: &str, default: &str) -> Option<&'a Value> {
        self.ask(key, kind, default)
    }

    /// What there is in this table, as it was written.
    pub fn written(&self) -> &'a Table {
        self.table
    }

    /// A table whose keys are free, each with a text.
    pub fn pairs(&self, key: &'static str) -> Vec<(Item, Item)> {
        let Some(value) = self.ask(key, "table of texts", "empty") else { return Vec::new() };
        let Kind::Table(table) = &value.kind else {
            self.mistyped(key, "a table of texts", value);
            return Vec::new();
        };
        let pairs = table.entries.iter().filter_map(|entry| {
            let path = format!("{}.{}", self.path(key), entry.key);
            let name = Item { text: entry.key.clone(), at: entry.at, path: path.clone() };
            if !matches!(entry.value.kind, Kind::Text(_) | Kind::Open(_)) {
                let problem = format!("expected a text, found {}", entry.value.kind.name());
                self.reading.error(entry.value.at, &path, problem, None);
                return None;
            }
            Some((name, self.item(&entry.value, path)?))
        });
        pairs.collect()
    }

    /// Every key that was never asked for is unknown.
    pub fn finish(self) {
        let asked = self.asked.borrow();
        for entry in self.table.entries.iter().filter(|entry| !asked.contains(&entry.key.as_str())) {
            let problem = format!("unknown key `{}`", printable(&entry.key));
            let meant = match (self.reading.is_variable(entry.at), suggest::nearest(&entry.key, asked.iter().copied()))
            {
                (true, Some(near)) => Some(format!("did you mean {}?", variable(&self.path(near)))),
                _ => suggest::did_you_mean(&entry.key, asked.iter().copied(), "valid here"),
            };
            let path = self.path(&printable(&entry.key));
            self.reading.error(entry.at, &path, problem, meant);
        }
    }
}

/// The variable that sets a key of `offhook.toml`.
pub fn variable(key: &str) -> String {
    format!("OFFHOOK_{}", key.replace('.', "__").to_ascii_uppercase())
}

/// A foreign text as it may stand in a message: without control characters, and not without end.
pub fn printable(text: &str) -> String {
    let shown: String = text.chars().take(80).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().count() > 80 { format!("{shown}...") } else { shown }
}

/// `500ms`, `5s`, `2m`, `1h`, `1d`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '_')?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.replace('_', "").parse().ok()?;
    let millis: u64 = match unit.trim_start() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}

/// The shortest form that `parse_duration` reads back.
pub fn shown(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units: [(u128, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    for (unit, name) in units {
        if millis >= unit && millis.is_multiple_of(unit) {
            return format!("{}{name}", millis / unit);
        }
    }
    if millis == 0 { "0s".to_owned() } else { format!("{millis}ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_back_as_they_are_shown() {
        for text in ["0s", "1ms", "1500ms", "5s", "90s", "2m", "1h", "36h", "7d"] {
            assert_eq!(parse_duration(text).map(shown).as_deref(), Some(text));
        }
        assert_eq!(parse_duration("1_000ms"), Some(Duration::from_secs(1)));
        for text in ["", "5", "s", "-5s", "5 fortnights", "99999999999999999999s", "1.5s"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
