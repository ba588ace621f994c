//! An iCalendar file as holidays: events of days or hours, once or yearly (RFC 5545). What it cannot keep is an error.

use crate::domain::hours::{Holiday, Recurrence, Weekly, Yearly};
use crate::edge::config::fields::{Fields, printable};
use crate::edge::config::hours::zone_named;
use crate::edge::config::place::{Place, Source};
use crate::edge::config::reading::{Item, Reading};
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;

/// A century of a country's holidays is some 1,500.
const EVENTS_MAX: usize = 10_000;

/// One property of an event.
struct Property<'a> {
    name: String,
    parameters: Vec<(&'a str, &'a str)>,
    value: &'a str,
    at: Place,
}

/// A time as it was written, and the zone if it has one of its own.
#[derive(Clone)]
struct When {
    time: DateTime,
    zone: Option<TimeZone>,
    is_date: bool,
}

/// Everything that the file closes. Faults are told at their lines in it.
pub fn read(fields: &Fields<'_>, file: &Item) -> Vec<Holiday> {
    let reading = fields.reading;
    let path = reading.path(&file.text);
    let bytes = match reading.file(&path) {
        Ok(bytes) => bytes,
        Err(reason) => {
            let problem = format!("cannot read `{}`: {reason}", printable(&file.text));
            reading.error(file.at, &file.path, problem, None);
            return Vec::new();
        }
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let name = path.display().to_string();
    let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
    let source = reading.add_source(Source { name, text: text.clone(), is_variable: false });
    let lines = unfolded(&text);
    let begins = lines.iter().find(|(_, line)| !line.is_empty());
    if !begins.is_some_and(|(_, line)| line.trim_start_matches('\u{feff}').eq_ignore_ascii_case("BEGIN:VCALENDAR")) {
        let problem = "no calendar: the first line is not BEGIN:VCALENDAR";
        reading.error(Place { source, start: 0, end: 0 }, "", problem, None);
        return Vec::new();
    }
    holidays(reading, source, &lines)
}

/// Lines with their offsets; a line that begins with a blank goes on from the one before (RFC 5545 3.1).
fn unfolded(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut offset = 0;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\r', '\n']);
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some((_, last))) => last.push_str(rest),
            _ => lines.push((offset, line.to_owned())),
        }
        offset += whole.len();
    }
    lines
}

fn holidays(reading: &Reading, source: usize, lines: &[(usize, String)]) -> Vec<Holiday> {
    let mut found = Vec::new();
    // Alarms stand within events, and their times are none of ours.
    let mut within: Vec<String> = Vec::new();
    let mut event: Vec<Property<'_>> = Vec::new();
    for (offset, line) in lines {
        let at = Place { source, start: *offset, end: offset + line.len() };
        let Some(property) = property(line, at) else { continue };
        match property.name.as_str() {
            "BEGIN" => {
                within.push(property.value.to_ascii_uppercase());
                if within.last().is_some_and(|name| name == "VEVENT") {
                    event.clear();
                }
            }
            "END" => {
                let ended = within.pop();
                if ended.as_deref() == Some("VEVENT") && found.len() < EVENTS_MAX {
                    found.extend(holiday(reading, at, &event));
                } else if ended.as_deref() == Some("VEVENT") {
                    reading.error(at, "VEVENT", format!("a calendar may have {EVENTS_MAX} events"), None);
                    break;
                }
            }
            _ if within.last().is_some_and(|name| name == "VEVENT") => event.push(property),
            _ => {}
        }
    }
    found
}

/// `NAME;PARAMETER=VALUE:value`; a colon within quotes belongs to the parameter.
fn property(line: &str, at: Place) -> Option<Property<'_>> {
    let mut quoted = false;
    let colon = line.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == ':' && !quoted
    });
    let (head, value) = (line.get(..colon?.0)?, line.get(colon?.0 + 1..)?);
    let mut parts = head.split(';');
    let name = parts.next()?.trim_start_matches('\u{feff}').to_ascii_uppercase();
    let parameters = parts.filter_map(|part| part.split_once('=')).map(|(key, text)| (key, text.trim_matches('"')));
    Some(Property { name, parameters: parameters.collect(), value: value.trim(), at })
}

impl Property<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

fn holiday(reading: &Reading, end_at: Place, event: &[Property<'_>]) -> Option<Holiday> {
    let find = |name: &str| event.iter().find(|property| property.name == name);
    if find("STATUS").is_some_and(|status| status.value.eq_ignore_ascii_case("CANCELLED")) {
        return None;
    }
    let name = find("SUMMARY").map_or_else(|| "holiday".to_owned(), |summary| unescaped(summary.value));
    let refuse = |property: &Property<'_>, problem: String, meant: Option<&str>| {
        reading.error(property.at, &property.name, problem, meant.map(str::to_owned));
    };
    let Some(start) = find("DTSTART") else {
        reading.error(end_at, "DTSTART", "an event without DTSTART", None);
        return None;
    };
    if let Some(single) = find("RECURRENCE-ID").or_else(|| find("RDATE")) {
        let meant = "write it as an event of its own";
        refuse(single, format!("{} is not understood", single.name), Some(meant));
        return None;
    }
    let from = when(reading, start)?;
    let to = match (find("DTEND"), find("DURATION")) {
        (Some(end), _) => when(reading, end)?,
        (None, Some(duration)) => match lasting(duration.value).and_then(|span| from.time.checked_add(span).ok()) {
            Some(time) => When { time, ..from.clone() },
            None => return tell(reading, duration, "is no duration"),
        },
        (None, None) if from.is_date => When { time: from.time.checked_add(1.day()).ok()?, ..from.clone() },
        (None, None) => return tell(reading, start, "closes nothing: the event has no end"),
    };
    if to.time <= from.time || to.is_date != from.is_date {
        return tell(reading, find("DTEND").unwrap_or(start), "does not lie behind its start");
    }
    let recurrence = match find("RRULE") {
        Some(rule) => Recurrence::Yearly(yearly(rule.value, from.time.date()).or_else(|| {
            let meant = "only FREQ=YEARLY with INTERVAL, COUNT, UNTIL, and BYMONTH with BYDAY is";
            refuse(rule, format!("`{}` is not understood", printable(rule.value)), Some(meant));
            None
        })?),
        None => Recurrence::Once,
    };
    let mut except = Vec::new();
    for left_out in event.iter().filter(|property| property.name == "EXDATE") {
        let dates = left_out.value.split(',').map(|text| stamp(text).map(|(time, _)| time.date()));
        except.extend(dates.flatten());
    }
    // The zone of the end is read as that of the start; an event that crosses zones is a flight.
    let zone = from.zone.or_else(|| (!from.is_date).then_some(to.zone).flatten());
    Some(Holiday { name: name.into(), from: from.time, to: to.time, zone, recurrence, except })
}

fn tell<T>(reading: &Reading, property: &Property<'_>, problem: &str) -> Option<T> {
    reading.error(property.at, &property.name, format!("`{}` {problem}", printable(property.value)), None);
    None
}

fn when(reading: &Reading, property: &Property<'_>) -> Option<When> {
    let Some((time, is_utc)) = stamp(property.value) else {
        return tell(reading, property, "is no date and no time");
    };
    let is_date = !property.value.contains('T');
    let zone = match property.parameter("TZID") {
        _ if is_date => None,
        _ if is_utc => Some(TimeZone::UTC),
        Some(name) => match zone_named(name) {
            Some(zone) => Some(zone),
            None => {
                let problem = format!("`{}` is no time zone of the IANA's list", printable(name));
                reading.error(property.at, &property.name, problem, None);
                return None;
            }
        },
        None => None,
    };
    Some(When { time, zone, is_date })
}

/// `20261225`, `20261225T090000`, `20261225T090000Z`; and whether it is in UTC.
fn stamp(text: &str) -> Option<(DateTime, bool)> {
    let text = text.trim();
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let part = |text: &str, from: usize, to: usize| -> Option<i16> {
        let part = text.get(from..to)?;
        if part.bytes().all(|byte| byte.is_ascii_digit()) { part.parse().ok() } else { None }
    };
    let small = |text: &str, from: usize, to: usize| part(text, from, to).and_then(|part| i8::try_from(part).ok());
    let day = Date::new(part(date, 0, 4)?, small(date, 4, 6)?, small(date, 6, 8)?).ok().filter(|_| date.len() == 8)?;
    let Some(time) = time else { return Some((day.at(0, 0, 0, 0), false)) };
    let (time, is_utc) = time.strip_suffix('Z').map_or((time, false), |time| (time, true));
    // A leap second is the second before it.
    let second = small(time, 4, 6).filter(|_| time.len() == 6)?.min(59);
    let time = Time::new(small(time, 0, 2)?, small(time, 2, 4)?, second, 0).ok()?;
    Some((day.to_datetime(time), is_utc))
}

/// `P1D`, `P1W`, `PT2H30M`.
fn lasting(text: &str) -> Option<jiff::Span> {
    let text = text.strip_prefix('P')?;
    let mut span = jiff::Span::new();
    let mut number = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        if c == 'T' && number.is_empty() {
            continue;
        }
        let count: i64 = std::mem::take(&mut number).parse().ok()?;
        span = match c {
            'W' => span.try_weeks(count),
            'D' => span.try_days(count),
            'H' => span.try_hours(count),
            'M' => span.try_minutes(count),
            'S' => span.try_seconds(count),
            _ => return None,
        }
        .ok()?;
    }
    number.is_empty().then_some(span)
}

fn yearly(rule: &str, first: Date) -> Option<Yearly> {
    let mut yearly = Yearly::default();
    let (mut is_yearly, mut month, mut weekday) = (false, first.month(), None);
    for part in rule.split(';').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=')?;
        match key.to_ascii_uppercase().as_str() {
            "FREQ" => is_yearly = value.eq_ignore_ascii_case("YEARLY"),
            "INTERVAL" => yearly.every = value.parse().ok().filter(|every| *every > 0)?,
            "COUNT" => yearly.times = Some(value.parse().ok()?),
            "UNTIL" => yearly.until = Some(stamp(value)?.0.date()),
            "BYMONTH" => month = value.parse().ok().filter(|month| (1..=12).contains(month))?,
            "BYMONTHDAY" if value.parse() == Ok(first.day()) => {}
            "BYDAY" => weekday = Some(nth_weekday(value)?),
            "WKST" => {}
            _ => return None,
        }
    }
    yearly.weekly = weekday.map(|(nth, weekday)| Weekly { month, nth, weekday });
    (is_yearly && (month == first.month() || yearly.weekly.is_some())).then_some(yearly)
}

/// `4TH`, `-1MO`.
fn nth_weekday(text: &str) -> Option<(i8, Weekday)> {
    let (nth, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let weekday = match day.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    };
    let nth: i8 = nth.trim_start_matches('+').parse().ok()?;
    (nth != 0 && (-5..=5).contains(&nth)).then_some((nth, weekday))
}

/// Text without the escapes of RFC 5545 3.3.11 and without controls.
fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') | None => plain.push(' '),
                Some(other) => plain.push(other),
            },
            c if c.is_control() => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain.chars().take(80).collect()
}
