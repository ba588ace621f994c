//! Moments on both sides of every edge: of a day, of a night, of a holiday, and of the clock's jumps.

use super::*;
use jiff::civil::{Weekday, date};

fn ranges(text: &str) -> Vec<Range> {
    let minute = |text: &str| {
        let (hour, minute) = text.split_once(':').unwrap();
        hour.parse::<u16>().unwrap() * 60 + minute.parse::<u16>().unwrap()
    };
    let range = |text: &str| {
        let (from, to) = text.split_once('-').unwrap();
        let (from, to) = (minute(from), minute(to));
        Range { from, to: if to <= from { to + DAY_MINUTES } else { to } }
    };
    text.split(' ').filter(|text| !text.is_empty()).map(range).collect()
}

/// Hours that are the same every day.
fn daily(zone: &str, open: &str) -> Hours {
    let zone = TimeZone::get(zone).unwrap();
    let week = std::array::from_fn(|_| ranges(open));
    Hours { name: "desk".into(), zone, week, holidays: Vec::new(), exceptions: Vec::new() }
}

fn unix(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_second()
}

/// `open until ...`, `closed until ...`, `open for ever`, with the clock of the hours' own zone.
#[track_caller]
fn check(hours: &Hours, at: &str, expected: &str) {
    let verdict = hours.at(unix(at));
    assert_eq!(hours.is_open(unix(at)), verdict.is_open, "{at}");
    let word = if verdict.is_open { "open" } else { "closed" };
    let until = verdict.until.map(|until| {
        let zone = &hours.zone;
        let time = Timestamp::from_second(until).unwrap().to_zoned(zone.clone());
        time.strftime("%Y-%m-%d %H:%M %:z").to_string()
    });
    let told = until.map_or(format!("{word} for ever"), |until| format!("{word} until {until}"));
    assert_eq!(told, expected, "{at}");
}

#[test]
fn several_ranges_a_day_and_nothing_at_the_weekend() {
    let mut hours = daily("Asia/Tokyo", "09:00-12:00 13:00-18:00");
    hours.week[5].clear();
    hours.week[6].clear();
    // 2026-11-20 is a Friday.
    check(&hours, "2026-11-20T08:59:59+09:00", "closed until 2026-11-20 09:00 +09:00");
    check(&hours, "2026-11-20T09:00:00+09:00", "open until 2026-11-20 12:00 +09:00");
    check(&hours, "2026-11-20T12:00:00+09:00", "closed until 2026-11-20 13:00 +09:00");
    check(&hours, "2026-11-20T17:59:59+09:00", "open until 2026-11-20 18:00 +09:00");
    check(&hours, "2026-11-20T18:00:00+09:00", "closed until 2026-11-23 09:00 +09:00");
}

#[test]
fn to_midnight_and_from_midnight_is_one_stretch() {
    let hours = daily("Asia/Tokyo", "00:00-02:00 20:00-24:00");
    check(&hours, "2026-11-20T23:00:00+09:00", "open until 2026-11-21 02:00 +09:00");
    check(&hours, "2026-11-21T00:00:00+09:00", "open until 2026-11-21 02:00 +09:00");
    check(&hours, "2026-11-21T02:00:00+09:00", "closed until 2026-11-21 20:00 +09:00");
}

#[test]
fn all_day_every_day_is_open_for_ever_and_never_is_closed_for_ever() {
    check(&daily("Europe/Berlin", "00:00-24:00"), "2026-03-29T02:30:00Z", "open for ever");
    check(&daily("Europe/Berlin", ""), "2026-03-29T02:30:00Z", "closed for ever");
}

#[test]
fn a_night_belongs_to_the_day_on_which_it_began() {
    let mut hours = daily("Asia/Tokyo", "22:00-02:00");
    let saturday = Holiday::days("Rest", date(2026, 11, 21), date(2026, 11, 21), Recurrence::Once);
    hours.holidays.push(saturday);
    check(&hours, "2026-11-21T01:00:00+09:00", "open until 2026-11-21 02:00 +09:00");
    assert_eq!(hours.at(unix("2026-11-21T01:00:00+09:00")).why, Why::Week);
    check(&hours, "2026-11-21T03:00:00+09:00", "closed until 2026-11-22 22:00 +09:00");
    assert_eq!(hours.at(unix("2026-11-21T03:00:00+09:00")).why, Why::Holiday("Rest".into()));
    check(&hours, "2026-11-22T01:00:00+09:00", "closed until 2026-11-22 22:00 +09:00");
}

#[test]
fn berlin_jumps_forward_over_the_start_of_a_range() {
    // 2026-03-29 02:00 CET is 03:00 CEST.
    let hours = daily("Europe/Berlin", "02:30-05:00");
    check(&hours, "2026-03-29T01:59:59+01:00", "closed until 2026-03-29 03:00 +02:00");
    check(&hours, "2026-03-29T03:00:00+02:00", "open until 2026-03-29 05:00 +02:00");
    let night = daily("Europe/Berlin", "22:00-02:30");
    check(&night, "2026-03-29T01:59:59+01:00", "open until 2026-03-29 03:00 +02:00");
    check(&night, "2026-03-29T03:00:00+02:00", "closed until 2026-03-29 22:00 +02:00");
    // A range that lies in the hour that is left out does not happen on that day.
    check(&daily("Europe/Berlin", "02:10-02:50"), "2026-03-29T00:00:00+01:00", "closed until 2026-03-30 02:10 +02:00");
    check(&daily("Europe/Berlin", "09:00-17:00"), "2026-03-28T18:00:00+01:00", "closed until 2026-03-29 09:00 +02:00");
}

#[test]
fn berlin_jumps_back_and_an_hour_is_there_twice() {
    // 2026-10-25 03:00 CEST is 02:00 CET.
    let hours = daily("Europe/Berlin", "02:30-05:00");
    check(&hours, "2026-10-25T02:29:59+02:00", "closed until 2026-10-25 02:30 +02:00");
    check(&hours, "2026-10-25T02:10:00+01:00", "open until 2026-10-25 05:00 +01:00");
    let night = daily("Europe/Berlin", "22:00-02:30");
    check(&night, "2026-10-25T02:45:00+02:00", "open until 2026-10-25 02:30 +01:00");
    check(&night, "2026-10-25T02:30:00+01:00", "closed until 2026-10-25 22:00 +01:00");
}

#[test]
fn new_york_jumps_on_other_days_than_europe() {
    let hours = daily("America/New_York", "09:00-17:00");
    check(&hours, "2026-03-08T13:00:00Z", "open until 2026-03-08 17:00 -04:00");
    check(&hours, "2026-03-07T13:59:59Z", "closed until 2026-03-07 09:00 -05:00");
    let twice = daily("America/New_York", "01:30-01:45");
    check(&twice, "2026-11-01T01:30:00-04:00", "open until 2026-11-01 01:45 -05:00");
    check(&twice, "2026-11-01T01:45:00-05:00", "closed until 2026-11-02 01:30 -05:00");
}

#[test]
fn lord_howe_jumps_by_half_an_hour() {
    // 2026-10-04 02:00 +10:30 is 02:30 +11:00; 2026-04-05 02:00 +11:00 is 01:30 +10:30.
    let hours = daily("Australia/Lord_Howe", "02:15-03:00");
    check(&hours, "2026-10-04T01:59:59+10:30", "closed until 2026-10-04 02:30 +11:00");
    check(&hours, "2026-10-04T02:30:00+11:00", "open until 2026-10-04 03:00 +11:00");
    let night = daily("Australia/Lord_Howe", "20:00-01:45");
    check(&night, "2026-04-05T01:59:00+11:00", "open until 2026-04-05 01:45 +10:30");
    check(&night, "2026-04-05T01:45:00+10:30", "closed until 2026-04-05 20:00 +10:30");
}

#[test]
fn where_the_clock_jumps_at_midnight_a_day_still_has_one_end() {
    // Havana, 2026-11-01: 01:00 becomes 00:00. Beirut, 2026-03-29: 00:00 becomes 01:00.
    let mut hours = daily("America/Havana", "");
    hours.week[5] = ranges("18:00-24:00");
    check(&hours, "2026-10-31T23:00:00-04:00", "open until 2026-11-01 00:00 -04:00");
    let mut hours = daily("Asia/Beirut", "");
    hours.week[6] = ranges("00:00-06:00");
    check(&hours, "2026-03-28T21:00:00Z", "closed until 2026-03-29 01:00 +03:00");
}

#[test]
fn a_day_that_a_country_left_out_has_no_hours() {
    // Samoa went from the 29th to the 31st of December 2011.
    check(&daily("Pacific/Apia", "09:00-17:00"), "2011-12-29T18:00:00-10:00", "closed until 2011-12-31 09:00 +14:00");
}

#[test]
fn holidays_close_days_once_or_every_year() {
    let mut hours = daily("Europe/Berlin", "09:00-17:00");
    let yearly = Recurrence::Yearly(Yearly::default());
    hours.holidays = vec![
        Holiday::days("Good Friday", date(2026, 4, 3), date(2026, 4, 3), Recurrence::Once),
        Holiday::days("Christmas", date(2020, 12, 25), date(2020, 12, 26), yearly),
    ];
    check(&hours, "2026-04-02T20:00:00+02:00", "closed until 2026-04-04 09:00 +02:00");
    check(&hours, "2027-04-02T20:00:00+02:00", "closed until 2027-04-03 09:00 +02:00");
    check(&hours, "2031-12-24T20:00:00+01:00", "closed until 2031-12-27 09:00 +01:00");
    check(&hours, "2019-12-24T20:00:00+01:00", "closed until 2019-12-25 09:00 +01:00");
    assert_eq!(hours.at(unix("2031-12-26T10:00:00+01:00")).why, Why::Holiday("Christmas".into()));
}

#[test]
fn a_yearly_holiday_may_be_a_weekday_or_every_few_years_and_may_end() {
    let mut hours = daily("America/New_York", "09:00-17:00");
    let fourth_thursday = Weekly { month: 11, nth: 4, weekday: Weekday::Thursday };
    let thanksgiving = Recurrence::Yearly(Yearly { weekly: Some(fourth_thursday), ..Yearly::default() });
    let leap_day = Recurrence::Yearly(Yearly { until: Some(date(2028, 12, 31)), ..Yearly::default() });
    let ballot = Recurrence::Yearly(Yearly { every: 4, times: Some(2), ..Yearly::default() });
    hours.holidays = vec![
        Holiday::days("Thanksgiving", date(2020, 11, 26), date(2020, 11, 26), thanksgiving),
        Holiday::days("Leap day", date(2024, 2, 29), date(2024, 2, 29), leap_day),
        Holiday::days("Ballot", date(2024, 11, 5), date(2024, 11, 5), ballot),
    ];
    let noon = |day: &str| hours.is_open(unix(&format!("{day}T12:00:00-05:00")));
    let open: Vec<bool> = ["2026-11-26", "2027-11-25", "2027-11-26", "2028-02-29", "2032-02-29", "2027-02-28"]
        .into_iter()
        .map(noon)
        .collect();
    assert_eq!(open, [false, false, true, false, true, true]);
    let open: Vec<bool> = ["2024-11-05", "2026-11-05", "2028-11-05", "2032-11-05"].into_iter().map(noon).collect();
    assert_eq!(open, [false, true, false, true]);
}

#[test]
fn a_holiday_by_the_hour_takes_its_hours_only() {
    let mut hours = daily("Europe/Berlin", "09:00-17:00");
    let meeting = Holiday {
        name: "Staff meeting".into(),
        from: date(2026, 7, 1).at(11, 0, 0, 0),
        to: date(2026, 7, 1).at(12, 30, 0, 0),
        zone: Some(TimeZone::get("Europe/London").unwrap()),
        recurrence: Recurrence::Once,
        except: Vec::new(),
    };
    hours.holidays.push(meeting);
    check(&hours, "2026-07-01T10:00:00+02:00", "open until 2026-07-01 12:00 +02:00");
    check(&hours, "2026-07-01T12:00:00+02:00", "closed until 2026-07-01 13:30 +02:00");
    assert_eq!(hours.at(unix("2026-07-01T12:00:00+02:00")).why, Why::Holiday("Staff meeting".into()));
    check(&hours, "2026-07-01T13:30:00+02:00", "open until 2026-07-01 17:00 +02:00");
}

#[test]
fn a_recurrence_may_leave_out_a_day() {
    let mut hours = daily("Europe/Berlin", "09:00-17:00");
    let mut eve =
        Holiday::days("New Year's Eve", date(2020, 12, 31), date(2020, 12, 31), Recurrence::Yearly(Yearly::default()));
    eve.except.push(date(2026, 12, 31));
    hours.holidays.push(eve);
    assert!(!hours.is_open(unix("2025-12-31T12:00:00Z")));
    assert!(hours.is_open(unix("2026-12-31T12:00:00Z")));
}

#[test]
fn an_exception_wins_over_holidays_and_the_last_one_wins_over_the_first() {
    let mut hours = daily("Europe/Berlin", "09:00-17:00");
    hours.holidays.push(Holiday::days("Eve", date(2026, 12, 24), date(2026, 12, 24), Recurrence::Once));
    let exception =
        |first, last, open: &str, reason: &str| Exception { first, last, open: ranges(open), reason: reason.into() };
    hours.exceptions = vec![
        exception(date(2026, 12, 21), date(2026, 12, 31), "", "Stocktaking"),
        exception(date(2026, 12, 24), date(2026, 12, 24), "09:00-12:00", "Last orders"),
    ];
    check(&hours, "2026-12-24T10:00:00+01:00", "open until 2026-12-24 12:00 +01:00");
    assert_eq!(hours.at(unix("2026-12-24T10:00:00+01:00")).why, Why::Exception("Last orders".into()));
    check(&hours, "2026-12-24T12:00:00+01:00", "closed until 2027-01-01 09:00 +01:00");
    assert_eq!(hours.at(unix("2026-12-28T12:00:00+01:00")).why, Why::Exception("Stocktaking".into()));
}

#[test]
fn moments_at_the_end_of_time_do_no_harm() {
    for moment in [i64::MIN, i64::MAX, -377_705_116_800, 253_402_207_200] {
        let verdict = daily("Pacific/Auckland", "09:00-17:00").at(moment);
        assert!(verdict.until.is_none_or(|until| until > i64::MIN));
    }
}

#[test]
fn a_range_is_shown_as_it_is_written() {
    let shown: Vec<String> = ranges("09:05-12:00 20:00-24:00 22:00-02:00").iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["09:05-12:00", "20:00-24:00", "22:00-02:00"]);
}
