//! A sound file of hours, the words for each broken one, and calendars of holidays.

use crate::domain::hours::{Hours, Why};
use crate::edge::config::tests::Folder;
use std::sync::Arc;

const OFFICE: &str = r#"[hours]
zone = "Europe/Berlin"
calendars = ["holidays.ics"]

[week]
weekdays = ["09:00-12:00", "13:00-18:00"]
friday = "09:00-15:00"
saturday = ["22:00-02:00"]

[[holiday]]
name = "Christmas"
date = "12-25"
to = "12-26"

[[holiday]]
name = "Turn of the year"
date = "12-31"
to = "01-01"

[[exception]]
date = "2026-12-24"
open = ["09:00-12:00"]
reason = "Last orders"
"#;

const CALENDAR: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\n\
DTSTART:19701025T030000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n\
BEGIN:VEVENT\r\nSUMMARY:Labour\\, day of\r\nDTSTART;VALUE=DATE:20200501\r\nRRULE:FREQ=YEARLY\r\n\
BEGIN:VALARM\r\nDTSTART:20200430T090000Z\r\nEND:VALARM\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nSUMMARY:A long\r\n  name\r\nDTSTART;VALUE=DATE:20260706\r\nDTEND;VALUE=DATE:20260708\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nSUMMARY:Meeting\r\nDTSTART;TZID=\"Europe/London\":20260901T100000\r\nDURATION:PT1H30M\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nSUMMARY:Off\r\nSTATUS:CANCELLED\r\nDTSTART;VALUE=DATE:20260902\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nSUMMARY:Last Monday of May\r\nDTSTART;VALUE=DATE:20200525\r\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO\r\n\
EXDATE;VALUE=DATE:20270531\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

fn folder() -> Folder {
    let folder = Folder::sample();
    folder.write("dialplans/hours/office.toml", OFFICE);
    folder.write("holidays.ics", CALENDAR);
    folder
}

fn office(folder: &Folder) -> Arc<Hours> {
    folder.read().exchange.hours.find("office").unwrap().clone()
}

fn unix(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_second()
}

#[track_caller]
fn check(hours: &Hours, at: &str, open: bool, why: Why) {
    let verdict = hours.at(unix(at));
    assert_eq!((verdict.is_open, verdict.why), (open, why), "{at}");
}

#[test]
fn a_file_of_hours_becomes_a_week_with_holidays_and_exceptions() {
    let hours = office(&folder());
    check(&hours, "2026-11-19T17:59:00+01:00", true, Why::Week);
    check(&hours, "2026-11-20T15:00:00+01:00", false, Why::Week);
    check(&hours, "2026-11-22T01:59:00+01:00", true, Why::Week);
    check(&hours, "2026-11-22T12:00:00+01:00", false, Why::Week);
    check(&hours, "2029-12-26T10:00:00+01:00", false, Why::Holiday("Christmas".into()));
    check(&hours, "2027-01-01T10:00:00+01:00", false, Why::Holiday("Turn of the year".into()));
    check(&hours, "2026-12-24T11:59:00+01:00", true, Why::Exception("Last orders".into()));
}

#[test]
fn a_calendar_closes_days_and_hours() {
    let hours = office(&folder());
    check(&hours, "2028-05-01T10:00:00+02:00", false, Why::Holiday("Labour, day of".into()));
    check(&hours, "2020-04-30T11:00:00+02:00", true, Why::Week);
    check(&hours, "2026-07-07T10:00:00+02:00", false, Why::Holiday("A long name".into()));
    check(&hours, "2026-07-08T10:00:00+02:00", true, Why::Week);
    check(&hours, "2026-09-01T11:30:00+02:00", false, Why::Holiday("Meeting".into()));
    check(&hours, "2026-09-02T10:00:00+02:00", true, Why::Week);
    check(&hours, "2026-05-25T10:00:00+02:00", false, Why::Holiday("Last Monday of May".into()));
    check(&hours, "2027-05-31T10:00:00+02:00", true, Why::Week);
}

#[test]
fn a_changed_calendar_is_part_of_the_plan() {
    let folder = folder();
    let before = folder.read();
    folder.edit("holidays.ics", "20260706", "20260705");
    let after = folder.read();
    assert_ne!(before.hash, after.hash);
    let lines = crate::edge::config::plan::plan(&before, &after, &|_| 0);
    assert!(lines.iter().any(|line| line.starts_with("hours office: holidays [")), "{lines:?}");
}

#[test]
fn a_range_may_be_written_in_several_ways() {
    let read = |text: &str| super::range(text).map(|range| (range.from, range.to));
    assert_eq!(read("all-day"), Some((0, 1_440)));
    assert_eq!(read("00:00-00:00"), Some((0, 1_440)));
    assert_eq!(read("18:00-00:00"), Some((1_080, 1_440)));
    assert_eq!(read("18:00-24:00"), Some((1_080, 1_440)));
    assert_eq!(read("9:00 - 17:30"), Some((540, 1_050)));
    assert_eq!(read("22:00-06:00"), Some((1_320, 1_800)));
    for text in
        ["", "9-17", "09:00", "09:00-09:00", "24:00-25:00", "24:00-06:00", "09:0-10:00", "09:60-10:00", "-1:00-2:00"]
    {
        assert_eq!(read(text), None, "{text}");
    }
}
