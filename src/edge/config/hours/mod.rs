//! Files in `dialplans/hours/`: opening hours with their zone, holidays and exceptions. Knows no call.

mod calendar;

use crate::domain::hours::{DAY_MINUTES, Exception, Holiday, Hours, Range, Recurrence, Week, Yearly};
use crate::edge::config::fields::{Fields, printable};
use crate::edge::config::reading::Item;
use crate::edge::config::shared;
use crate::edge::config::suggest;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Stretches of one day; more is a slip.
const RANGES_MAX: usize = 24;
/// A year that has every date, for dates that are written without one.
const LEAP_YEAR: i16 = 2000;

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// One file, and where its name stands.
pub struct HoursFile {
    pub name: Item,
    pub hours: Hours,
}

/// `None` when something that everything else needs is missing.
pub fn hours(fields: Fields<'_>, stem: &str) -> Option<HoursFile> {
    let head = fields.table("hours");
    let name = shared::name_or(&head, stem, "the file's name");
    let zone = zone(&head);
    let mut holidays = Vec::new();
    for file in head.texts("calendars", "empty") {
        holidays.extend(calendar::read(&head, &file));
    }
    head.finish();
    let week = week(fields.table("week"));
    holidays.extend(fields.tables("holiday").into_iter().filter_map(holiday));
    let exceptions = fields.tables("exception").into_iter().filter_map(exception).collect();
    fields.finish();
    let name = name?;
    let hours = Hours { name: name.text.as_str().into(), zone: zone?, week, holidays, exceptions };
    Some(HoursFile { name, hours })
}

fn zone(fields: &Fields<'_>) -> Option<TimeZone> {
    let written = fields.required("zone")?;
    let found = zone_named(&written.text);
    if found.is_none() {
        let problem = format!("`{}` is no time zone", printable(&written.text));
        fields.error("zone", problem, Some(nearest_zone(&written.text)));
    }
    found
}

/// A zone of the IANA's list, from the tables that are compiled in.
fn zone_named(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok().filter(|zone| !zone.is_unknown())
}

fn nearest_zone(wrong: &str) -> String {
    let all: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    // `Berlin` is near to nothing, but it is how people call it.
    let city = all.iter().find(|name| name.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(wrong)));
    match city.map(String::as_str).or_else(|| suggest::nearest(wrong, all.iter().map(String::as_str))) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write an IANA name such as \"Europe/Berlin\" or \"Asia/Tokyo\"".to_owned(),
    }
}

/// Days alone win over `weekdays` and `weekend`, and these over `every_day`. A day that nobody names is closed.
fn week(fields: Fields<'_>) -> Week {
    let every_day = day(&fields, "every_day", "closed");
    let weekdays = day(&fields, "weekdays", "`every_day`");
    let weekend = day(&fields, "weekend", "`every_day`");
    let mut week = Week::default();
    for (index, (own, name)) in week.iter_mut().zip(DAYS).enumerate() {
        let (group, absent) = if index < 5 { (&weekdays, "`weekdays`") } else { (&weekend, "`weekend`") };
        let chosen = day(&fields, name, absent).or_else(|| group.clone()).or_else(|| every_day.clone());
        *own = chosen.unwrap_or_default();
    }
    fields.finish();
    week
}

fn day(fields: &Fields<'_>, key: &'static str, absent: &str) -> Option<Vec<Range>> {
    let items = fields.texts(key, absent);
    fields.has(key).then(|| ranges(fields, key, &items))
}

fn ranges(fields: &Fields<'_>, key: &str, items: &[Item]) -> Vec<Range> {
    let mut found: Vec<(Range, &Item)> = Vec::new();
    for item in items {
        let Some(range) = range(&item.text) else {
            let problem = format!("`{}` is no stretch of a day", printable(&item.text));
            let meant = "write \"09:00-17:30\", \"18:00-24:00\", \"22:00-06:00\" or \"all-day\"".to_owned();
            fields.reading.error(item.at, &item.path, problem, Some(meant));
            continue;
        };
        if let Some((_, other)) = found.iter().find(|(other, _)| other.from < range.to && range.from < other.to) {
            let problem = format!("`{}` and `{}` overlap", printable(&other.text), printable(&item.text));
            fields.reading.error(item.at, &item.path, problem, None);
        }
        found.push((range, item));
    }
    if found.len() > RANGES_MAX {
        fields.error(key, format!("a day may have {RANGES_MAX} stretches"), None);
        found.clear();
    }
    let mut ranges: Vec<Range> = found.into_iter().map(|(range, _)| range).collect();
    ranges.sort_unstable();
    ranges
}

/// `09:00-17:30`. An end before the start is on the next day; `00:00` as an end is midnight at the end of the day.
fn range(text: &str) -> Option<Range> {
    if text == "all-day" {
        return Some(Range { from: 0, to: DAY_MINUTES });
    }
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minute(from.trim())?, minute(to.trim())?);
    if from == DAY_MINUTES || (from == to && from != 0) {
        return None;
    }
    Some(Range { from, to: if to <= from { to + DAY_MINUTES } else { to } })
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| -> Option<u16> {
        let is_plain = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_plain { text.parse().ok() } else { None }
    };
    let (hour, minute) = (number(hour)?, number(minute).filter(|_| minute.len() == 2)?);
    (hour * 60 + minute <= DAY_MINUTES && minute < 60).then_some(hour * 60 + minute)
}

fn holiday(fields: Fields<'_>) -> Option<Holiday> {
    let name = fields.text_or("name", "holiday");
    let days = days(&fields, true);
    fields.finish();
    let Days { first, last, is_yearly } = days?;
    let recurrence = if is_yearly { Recurrence::Yearly(Yearly::default()) } else { Recurrence::Once };
    Some(Holiday::days(&name, first, last, recurrence))
}

fn exception(fields: Fields<'_>) -> Option<Exception> {
    let reason = fields.text_or("reason", "exception");
    let items = fields.texts("open", "required; empty: closed");
    if !fields.has("open") {
        fields.missing("open");
    }
    let open = ranges(&fields, "open", &items);
    let days = days(&fields, false);
    fields.finish();
    let Days { first, last, .. } = days?;
    Some(Exception { first, last, open, reason: reason.into() })
}

struct Days {
    first: Date,
    last: Date,
    is_yearly: bool,
}

/// `date`, and `to` where it is more than one day.
fn days(fields: &Fields<'_>, may_be_yearly: bool) -> Option<Days> {
    let from = fields.required("date");
    let to = fields.text("to", "the same day");
    let from = from.and_then(|item| written_date(fields, "date", &item, may_be_yearly))?;
    let to = match to {
        Some(item) => written_date(fields, "to", &item, may_be_yearly)?,
        None => from,
    };
    let (first, is_yearly) = from;
    let (mut last, last_is_yearly) = to;
    if is_yearly != last_is_yearly {
        fields.error("to", "`date` and `to` must both have a year, or neither", None);
        return None;
    }
    if is_yearly && last < first {
        last = Date::new(LEAP_YEAR + 1, last.month(), last.day().min(last.days_in_month())).ok()?;
    }
    if last < first {
        fields.error("to", "is before `date`", None);
        return None;
    }
    Some(Days { first, last, is_yearly })
}

/// `2026-12-25`, or `12-25` for every year.
fn written_date(fields: &Fields<'_>, key: &str, item: &Item, may_be_yearly: bool) -> Option<(Date, bool)> {
    let parts: Vec<Option<i16>> = item.text.split('-').map(|part| part.parse().ok()).collect();
    let small = |part: i16| i8::try_from(part).ok();
    let found = match parts.as_slice() {
        [Some(year), Some(month), Some(day)] => {
            small(*month).zip(small(*day)).and_then(|(month, day)| Some((Date::new(*year, month, day).ok()?, false)))
        }
        [Some(month), Some(day)] if may_be_yearly => {
            small(*month).zip(small(*day)).and_then(|(month, day)| Some((Date::new(LEAP_YEAR, month, day).ok()?, true)))
        }
        _ => None,
    };
    if found.is_none() {
        let yearly = if may_be_yearly { ", or \"12-25\" for every year" } else { "" };
        let problem = format!("`{}` is no date", printable(&item.text));
        fields.error(key, problem, Some(format!("write \"2026-12-25\"{yearly}")));
    }
    found
}

#[cfg(test)]
mod tests;
