//! Guards against bills: how many calls and minutes may go out, by whom and where to; and what has been spent. Ends no call.

pub mod kept;

use crate::domain::number::country::Country;
use crate::domain::number::kind::Kind;
use crate::domain::number::plan::Class;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One limit of configuration. Zero sets no limit.
#[derive(Clone, PartialEq, Debug)]
pub struct Guard {
    pub name: Arc<str>,
    pub per: Per,
    /// Destinations that it counts; where all three are empty, every one.
    pub countries: Vec<Country>,
    pub kinds: Vec<Kind>,
    pub prefixes: Vec<Box<str>>,
    pub calls_per_minute: u32,
    pub concurrent: u32,
    /// Minutes within the window, counted from when the call is begun until it is over.
    pub minutes: u32,
    pub window: Duration,
    /// Once a rate or the minutes are passed nothing more goes out until then; absent: until an operator resets it.
    pub trips_for: Option<Duration>,
}

/// Who has a limit of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Per {
    Trunk,
    Phone,
    Account,
    House,
}

/// What a guard counts under: its name and whose it is.
pub type Subject = (Arc<str>, Box<str>);

/// What has been spent under every guard. Bounded by what configuration names.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    meters: BTreeMap<Subject, Meter>,
}

#[derive(Clone, Debug, Default)]
struct Meter {
    /// Calls of the last minute, oldest first.
    begun: VecDeque<Instant>,
    /// When each running call began.
    running: Vec<Instant>,
    /// Time of calls that ended, by when they ended.
    spent: VecDeque<(Instant, Duration)>,
    tripped: Option<Tripped>,
}

#[derive(Clone, Copy, Debug)]
struct Tripped {
    why: Excess,
    until: Option<Instant>,
}

/// Which limit was passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Excess {
    Rate(u32),
    Concurrent(u32),
    Minutes(u32),
}

/// Why a guard lets a call not out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stopped {
    pub guard: Arc<str>,
    pub subject: Box<str>,
    pub excess: Excess,
    /// Whether this call has just tripped it.
    pub is_new: bool,
}

/// Times of ended calls that one meter keeps one by one; older ones are added up.
const SPENT_MAX: usize = 1_024;
const MINUTE: Duration = Duration::from_secs(60);

impl Guard {
    /// Whether calls to this destination count.
    pub fn counts(&self, e164: Option<&str>, digits: &str, class: Option<Class>) -> bool {
        if self.countries.is_empty() && self.kinds.is_empty() && self.prefixes.is_empty() {
            return true;
        }
        let number = e164.unwrap_or(digits);
        let country = class.and_then(|class| class.country);
        country.is_some_and(|country| self.countries.contains(&country))
            || class.is_some_and(|class| self.kinds.iter().any(|kind| class.kind.fits(*kind)))
            || self.prefixes.iter().any(|prefix| number.starts_with(&**prefix))
    }

    fn excess(&self, meter: &Meter, now: Instant) -> Option<Excess> {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        if self.concurrent > 0 && count(meter.running.len()) >= self.concurrent {
            return Some(Excess::Concurrent(self.concurrent));
        }
        if self.calls_per_minute > 0 && count(meter.begun.len()) >= self.calls_per_minute {
            return Some(Excess::Rate(self.calls_per_minute));
        }
        let spent = meter.spent(now);
        (self.minutes > 0 && spent >= MINUTE * self.minutes).then_some(Excess::Minutes(self.minutes))
    }
}

impl Meter {
    fn forget(&mut self, guard: &Guard, now: Instant) {
        let is_over = |at: Instant, time: Duration| at.checked_add(time).is_some_and(|end| end <= now);
        while self.begun.front().is_some_and(|at| is_over(*at, MINUTE)) {
            self.begun.pop_front();
        }
        while self.spent.front().is_some_and(|(at, _)| is_over(*at, guard.window)) {
            self.spent.pop_front();
        }
        if self.tripped.is_some_and(|tripped| tripped.until.is_some_and(|until| until <= now)) {
            self.tripped = None;
        }
    }

    fn spent(&self, now: Instant) -> Duration {
        let running = self.running.iter().map(|began| now.saturating_duration_since(*began));
        self.spent.iter().map(|(_, time)| *time).chain(running).sum()
    }
}

impl Meters {
    /// Whether one more call may go out under this guard. Takes nothing.
    pub fn check(&mut self, guard: &Guard, subject: &str, now: Instant) -> Result<(), Stopped> {
        let key = (guard.name.clone(), subject.into());
        let stopped = |excess, is_new| Stopped { guard: guard.name.clone(), subject: subject.into(), excess, is_new };
        let Some(meter) = self.meters.get_mut(&key) else { return Ok(()) };
        meter.forget(guard, now);
        if let Some(tripped) = meter.tripped {
            return Err(stopped(tripped.why, false));
        }
        let Some(excess) = guard.excess(meter, now) else { return Ok(()) };
        // So many at a time is a limit, no sign of fraud: the next place that is free may be taken.
        let trips = !matches!(excess, Excess::Concurrent(_));
        if trips {
            let until = guard.trips_for.and_then(|time| now.checked_add(time));
            meter.tripped = Some(Tripped { why: excess, until });
        }
        Err(stopped(excess, trips))
    }

    /// Whether it would let a call out now, and how much is spent. For dry runs.
    pub fn look(&self, guard: &Guard, subject: &str, now: Instant) -> Look {
        let Some(meter) = self.meters.get(&(guard.name.clone(), subject.into())) else { return Look::default() };
        let mut meter = meter.clone();
        meter.forget(guard, now);
        Look {
            calls: meter.running.len(),
            last_minute: meter.begun.len(),
            spent: meter.spent(now),
            stopped: meter.tripped.map(|tripped| tripped.why).or_else(|| guard.excess(&meter, now)),
        }
    }

    /// A call goes out.
    pub fn begin(&mut self, guard: &Guard, subject: &str, now: Instant) -> Subject {
        let key = (guard.name.clone(), Box::from(subject));
        let meter = self.meters.entry(key.clone()).or_default();
        meter.forget(guard, now);
        if guard.calls_per_minute > 0 {
            meter.begun.push_back(now);
        }
        meter.running.push(now);
        key
    }

    /// A call that began at `began` is over.
    pub fn end(&mut self, subject: &Subject, began: Instant, now: Instant) {
        let Some(meter) = self.meters.get_mut(subject) else { return };
        if let Some(at) = meter.running.iter().position(|at| *at == began) {
            meter.running.swap_remove(at);
        }
        let time = now.saturating_duration_since(began);
        if meter.spent.len() >= SPENT_MAX
            && let Some((_, last)) = meter.spent.back_mut()
        {
            *last += time;
            return;
        }
        meter.spent.push_back((now, time));
    }

    /// Lets calls out again and forgets what was spent. Gives how many had been stopped.
    pub fn reset(&mut self, guard: &str, subject: Option<&str>) -> usize {
        let wanted = |key: &Subject| *key.0 == *guard && subject.is_none_or(|subject| *key.1 == *subject);
        let mut stopped = 0;
        for (_, meter) in self.meters.iter_mut().filter(|(key, _)| wanted(key)) {
            stopped += usize::from(meter.tripped.take().is_some());
            meter.begun.clear();
            meter.spent.clear();
            // A running call goes on to count as running, from now on.
        }
        stopped
    }

    /// Guards that have tripped, and whose.
    pub fn tripped(&self) -> impl Iterator<Item = (&Subject, Excess)> {
        self.meters.iter().filter_map(|(key, meter)| meter.tripped.map(|tripped| (key, tripped.why)))
    }

    /// Meters of guards that configuration has no more are dropped once nothing runs under them.
    pub fn retain(&mut self, names: impl Fn(&str) -> bool) {
        self.meters.retain(|(guard, _), meter| names(guard) || !meter.running.is_empty());
    }
}

/// What a meter shows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Look {
    pub calls: usize,
    pub last_minute: usize,
    pub spent: Duration,
    pub stopped: Option<Excess>,
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Excess::Rate(most) => write!(f, "more than {most} calls in a minute"),
            Excess::Concurrent(most) => write!(f, "{most} calls at a time are the most"),
            Excess::Minutes(most) => write!(f, "its {most} minutes are spent"),
        }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "guard {} stops {}: {}", self.guard, self.subject, self.excess)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        Guard {
            name: "abroad".into(),
            per: Per::Phone,
            countries: Vec::new(),
            kinds: Vec::new(),
            prefixes: Vec::new(),
            calls_per_minute: 0,
            concurrent: 0,
            minutes: 0,
            window: Duration::from_secs(3_600),
            trips_for: None,
        }
    }

    /// Begins a call if the guard lets it out.
    fn call(meters: &mut Meters, guard: &Guard, subject: &str, now: Instant) -> Result<Subject, Stopped> {
        meters.check(guard, subject, now)?;
        Ok(meters.begin(guard, subject, now))
    }

    #[test]
    fn too_many_calls_in_a_minute_trip_until_somebody_resets() {
        let (guard, start) = (Guard { calls_per_minute: 2, ..guard() }, Instant::now());
        let mut meters = Meters::default();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(call(&mut meters, &guard, "alice", at(0)).is_ok());
        assert!(call(&mut meters, &guard, "alice", at(1)).is_ok());
        assert!(call(&mut meters, &guard, "alice", at(2)).is_err_and(|stopped| stopped.is_new));
        assert!(call(&mut meters, &guard, "alice", at(3_600)).is_err_and(|stopped| !stopped.is_new));
        assert!(call(&mut meters, &guard, "bob", at(2)).is_ok(), "each has a limit of its own");
        assert_eq!(meters.tripped().count(), 1);
        assert_eq!(meters.reset("abroad", Some("alice")), 1);
        assert!(call(&mut meters, &guard, "alice", at(3_600)).is_ok());
    }

    #[test]
    fn a_slow_caller_never_trips() {
        let (guard, start) = (Guard { calls_per_minute: 2, ..guard() }, Instant::now());
        let mut meters = Meters::default();
        for minute in 0..100 {
            assert!(call(&mut meters, &guard, "alice", start + Duration::from_secs(31 * minute)).is_ok());
        }
    }

    #[test]
    fn so_many_at_a_time_is_a_limit_that_frees_itself() {
        let (guard, now) = (Guard { concurrent: 1, ..guard() }, Instant::now());
        let mut meters = Meters::default();
        let held = call(&mut meters, &guard, "alice", now).expect("let out");
        assert!(call(&mut meters, &guard, "alice", now).is_err_and(|stopped| !stopped.is_new));
        meters.end(&held, now, now + MINUTE);
        assert!(call(&mut meters, &guard, "alice", now + MINUTE).is_ok());
        assert_eq!(meters.tripped().count(), 0);
    }

    #[test]
    fn minutes_are_those_of_the_window_and_count_while_they_run() {
        let rest = Duration::from_secs(600);
        let (guard, start) = (Guard { minutes: 10, trips_for: Some(rest), ..guard() }, Instant::now());
        let mut meters = Meters::default();
        let at = |minutes: u32| start + MINUTE * minutes;
        let first = call(&mut meters, &guard, "alice", at(0)).expect("let out");
        meters.end(&first, at(0), at(4));
        let _second = call(&mut meters, &guard, "alice", at(5)).expect("let out");
        assert!(call(&mut meters, &guard, "alice", at(10)).is_ok(), "4 and 5 are less than 10");
        let mut meters = meters.clone();
        let stopped = call(&mut meters, &guard, "alice", at(11)).expect_err("4, 6 and 1 are more");
        assert_eq!((stopped.excess, stopped.is_new), (Excess::Minutes(10), true));
        assert!(call(&mut meters, &guard, "alice", at(20)).is_err(), "it rests");
        assert_eq!(meters.look(&guard, "alice", at(20)).stopped, Some(Excess::Minutes(10)));
    }

    #[test]
    fn only_its_own_destinations_count() {
        let abroad = Guard { countries: Country::parse("CU").into_iter().collect(), ..guard() };
        let class = |country: &str| Class { country: Country::parse(country), kind: Kind::Fixed, is_valid: true };
        assert!(abroad.counts(Some("+5371234567"), "", Some(class("CU"))));
        assert!(!abroad.counts(Some("+81312345678"), "", Some(class("JP"))));
        let premium = Guard { kinds: vec![Kind::Premium], prefixes: vec!["+882".into()], ..guard() };
        assert!(premium.counts(Some("+88212345"), "", None));
        assert!(!premium.counts(Some("+81312345678"), "", Some(class("JP"))));
        assert!(guard().counts(None, "1001", None));
    }
}
