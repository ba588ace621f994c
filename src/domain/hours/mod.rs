//! Opening hours: a week in a time zone, holidays and exceptions; says whether a moment is in them, until when, and why.

mod holiday;
mod zone;

pub use holiday::{Closure, Holiday, Recurrence, Weekly, Yearly};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How far ahead the next change is looked for. Nothing for longer than a year means "as good as for ever".
const DAYS_AHEAD: u16 = 400;
pub const DAY_MINUTES: u16 = 1_440;

/// One set of opening hours.
#[derive(Clone, PartialEq, Debug)]
pub struct Hours {
    pub name: Arc<str>,
    /// All times are read on a clock on a wall there.
    pub zone: TimeZone,
    pub week: Week,
    pub holidays: Vec<Holiday>,
    /// Win over the week and over holidays; the last that fits a day counts.
    pub exceptions: Vec<Exception>,
}

/// Monday first.
pub type Week = [Vec<Range>; 7];

/// Minutes of a day; `to` beyond 24 hours runs into the next day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Range {
    pub from: u16,
    pub to: u16,
}

/// Days with hours of their own; no range means closed.
#[derive(Clone, PartialEq, Debug)]
pub struct Exception {
    pub first: Date,
    pub last: Date,
    pub open: Vec<Range>,
    pub reason: Box<str>,
}

/// What a moment is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    pub is_open: bool,
    /// Seconds since 1970 of the next change; `None` if there is none for more than a year.
    pub until: Option<i64>,
    pub why: Why,
}

/// What decided. A night that began yesterday is decided by yesterday.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    Week,
    Holiday(Box<str>),
    Exception(Box<str>),
}

/// All sets of a configuration, by name.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct HoursBook {
    sets: BTreeMap<Arc<str>, Arc<Hours>>,
}

impl HoursBook {
    pub fn new(sets: impl IntoIterator<Item = Hours>) -> HoursBook {
        HoursBook { sets: sets.into_iter().map(|hours| (hours.name.clone(), Arc::new(hours))).collect() }
    }

    pub fn find(&self, name: &str) -> Option<&Arc<Hours>> {
        self.sets.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Hours>> {
        self.sets.values()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sets.keys().map(AsRef::as_ref)
    }
}

/// From the first second to before the last, since 1970.
type Stretch = (i64, i64);

/// One day's own hours as moments, and what decided them.
struct Day {
    open: Vec<Stretch>,
    /// Parts of it that a holiday by the hour takes away.
    closed: Vec<(Stretch, Box<str>)>,
    why: Why,
}

impl Hours {
    /// What the moment is, in seconds since 1970.
    pub fn at(&self, unix: i64) -> Verdict {
        let today = self.date(unix);
        let why = self.reason(unix, today);
        let Some(mut end) = self.open_end(unix, today) else {
            return Verdict { is_open: false, until: self.next_opening(unix, today), why };
        };
        // A day that ends at midnight and one that begins there are one stretch.
        for _ in 0..DAYS_AHEAD {
            match self.open_end(end, self.date(end)) {
                Some(later) if later > end => end = later,
                _ => return Verdict { is_open: true, until: Some(end), why },
            }
        }
        Verdict { is_open: true, until: None, why }
    }

    pub fn is_open(&self, unix: i64) -> bool {
        self.open_end(unix, self.date(unix)).is_some()
    }

    fn date(&self, unix: i64) -> Date {
        self.zone.to_datetime(Timestamp::from_second(unix).unwrap_or_default()).date()
    }

    /// The end of the stretch that the moment lies in: of this day, or of the one before.
    fn open_end(&self, unix: i64, today: Date) -> Option<i64> {
        let days = [today.yesterday().ok(), Some(today)];
        let stretches = days.into_iter().flatten().flat_map(|date| self.day(date).left());
        stretches.filter(|(from, to)| (*from..*to).contains(&unix)).map(|(_, to)| to).max()
    }

    fn next_opening(&self, unix: i64, today: Date) -> Option<i64> {
        let mut date = today.yesterday().unwrap_or(today);
        for _ in 0..DAYS_AHEAD {
            let first = self.day(date).left().into_iter().map(|(from, _)| from).filter(|from| *from > unix).min();
            if first.is_some() {
                return first;
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn reason(&self, unix: i64, today: Date) -> Why {
        let own = self.day(today);
        let is_in = |(from, to): Stretch| (from..to).contains(&unix);
        if let Some((_, name)) = own.closed.iter().find(|(stretch, _)| is_in(*stretch)) {
            return Why::Holiday(name.clone());
        }
        // Only a night that runs over from yesterday is not this day's own.
        let yesterday = today.yesterday().map(|date| self.day(date));
        match yesterday {
            Ok(day) if day.left().into_iter().any(is_in) && !own.left().into_iter().any(is_in) => day.why,
            _ => own.why,
        }
    }

    fn day(&self, date: Date) -> Day {
        let moment = |minute: u16, edge: zone::Edge| {
            let days = i64::from(minute / DAY_MINUTES);
            let date = date.checked_add(days.days()).unwrap_or(date);
            zone::moment(&self.zone, zone::on(date, minute % DAY_MINUTES), edge)
        };
        let stretches = |ranges: &[Range]| -> Vec<Stretch> {
            let pair = |range: &Range| (moment(range.from, zone::Edge::Start), moment(range.to, zone::Edge::End));
            ranges.iter().map(pair).filter(|(from, to)| from < to).collect()
        };
        if let Some(exception) = self.exceptions.iter().rev().find(|one| (one.first..=one.last).contains(&date)) {
            let why = Why::Exception(exception.reason.clone());
            return Day { open: stretches(&exception.open), closed: Vec::new(), why };
        }
        let mut closed = Vec::new();
        for holiday in &self.holidays {
            match holiday.on(date, &self.zone) {
                Closure::None => {}
                Closure::WholeDay => {
                    return Day { open: Vec::new(), closed, why: Why::Holiday(holiday.name.clone()) };
                }
                Closure::Part(from, to) => closed.push(((from, to), holiday.name.clone())),
            }
        }
        let index = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default();
        let week = self.week.get(index).map(Vec::as_slice).unwrap_or_default();
        Day { open: stretches(week), closed, why: Why::Week }
    }
}

impl Day {
    /// What stays open when the closed parts are taken out.
    fn left(&self) -> Vec<Stretch> {
        let mut open = self.open.clone();
        for ((from, to), _) in &self.closed {
            let cut = |(start, end): Stretch| [(start, end.min(*from)), (start.max(*to), end)];
            open = open.into_iter().flat_map(cut).filter(|(start, end)| start < end).collect();
        }
        open
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let to = if self.to > DAY_MINUTES { self.to - DAY_MINUTES } else { self.to };
        write!(f, "{:02}:{:02}-{:02}:{:02}", self.from / 60, self.from % 60, to / 60, to % 60)
    }
}

#[cfg(test)]
mod tests;
