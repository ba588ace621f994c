//! Days and hours that are closed, once or every year. Knows no week.

use crate::domain::hours::zone;
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;

/// Closed from one time to another: whole days, or by the hour.
#[derive(Clone, PartialEq, Debug)]
pub struct Holiday {
    pub name: Box<str>,
    pub from: DateTime,
    /// Not in it any more.
    pub to: DateTime,
    /// Of times by the hour that were written for another place; whole days are days wherever one is.
    pub zone: Option<TimeZone>,
    pub recurrence: Recurrence,
    /// Days on which a recurrence does not happen.
    pub except: Vec<Date>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Recurrence {
    Once,
    Yearly(Yearly),
}

#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Yearly {
    /// Every so many years; 0 counts as 1.
    pub every: i16,
    /// The last day on which it may begin.
    pub until: Option<Date>,
    /// How often at most.
    pub times: Option<u16>,
    /// `None`: on the date of the first time, and only in years that have this date.
    pub weekly: Option<Weekly>,
}

/// The fourth Thursday of November, the last Monday of May (-1).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Weekly {
    pub month: i8,
    pub nth: i8,
    pub weekday: Weekday,
}

/// What of one day is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closure {
    None,
    WholeDay,
    /// Seconds since 1970.
    Part(i64, i64),
}

impl Holiday {
    /// Whole days, the last one included.
    pub fn days(name: &str, first: Date, last: Date, recurrence: Recurrence) -> Holiday {
        let to = last.tomorrow().unwrap_or(last).at(0, 0, 0, 0);
        Holiday { name: name.into(), from: first.at(0, 0, 0, 0), to, zone: None, recurrence, except: Vec::new() }
    }

    fn is_by_day(&self) -> bool {
        self.zone.is_none() && self.from.time() == self.to.time() && self.from == self.from.date().at(0, 0, 0, 0)
    }

    /// What it takes of a day in the zone of the hours.
    pub fn on(&self, date: Date, zone: &TimeZone) -> Closure {
        let years = [date.year().saturating_sub(1), date.year(), date.year().saturating_add(1)];
        let starts = match self.recurrence {
            Recurrence::Once => vec![self.from.date()],
            Recurrence::Yearly(yearly) => years.into_iter().filter_map(|year| self.start_in(year, yearly)).collect(),
        };
        let closures = starts.into_iter().filter(|start| !self.except.contains(start));
        closures.map(|start| self.closing(start, date, zone)).find(|one| *one != Closure::None).unwrap_or(Closure::None)
    }

    fn closing(&self, start: Date, date: Date, zone: &TimeZone) -> Closure {
        let shift = i64::from((start - self.from.date()).get_days());
        let moved = |time: DateTime| time.checked_add(shift.days()).unwrap_or(time);
        let (from, to) = (moved(self.from), moved(self.to));
        if self.is_by_day() {
            let is_in = (from.date()..to.date()).contains(&date);
            return if is_in { Closure::WholeDay } else { Closure::None };
        }
        let own = self.zone.as_ref().unwrap_or(zone);
        let from = zone::moment(own, from, zone::Edge::Start);
        let to = zone::moment(own, to, zone::Edge::End);
        // A night belongs to the day on which it began, so a closure may have to cut hours of the day after.
        let day_start = zone::moment(zone, date.at(0, 0, 0, 0), zone::Edge::Start);
        let after = date.checked_add(2.days()).unwrap_or(date);
        let day_end = zone::moment(zone, after.at(0, 0, 0, 0), zone::Edge::End);
        if from < day_end && to > day_start { Closure::Part(from, to) } else { Closure::None }
    }

    /// The day on which it begins in a year, if it does.
    fn start_in(&self, year: i16, yearly: Yearly) -> Option<Date> {
        let first = self.from.date();
        let since = year.checked_sub(first.year())?;
        let every = yearly.every.max(1);
        let has_happened = u16::try_from(since / every).ok()?;
        if since % every != 0 || yearly.times.is_some_and(|times| has_happened >= times) {
            return None;
        }
        let start = match yearly.weekly {
            Some(rule) => {
                let month = Date::new(year, rule.month, 1).ok()?;
                month.nth_weekday_of_month(rule.nth, rule.weekday).ok()?
            }
            None => Date::new(year, first.month(), first.day()).ok()?,
        };
        (start >= first && yearly.until.is_none_or(|until| start <= until)).then_some(start)
    }
}
