//! What has been spent under the guards in times of day, so that a restart forgives nothing. Writes it nowhere.

use super::{Excess, Meters, Tripped};
use crate::base::now::Now;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What one meter shows, as it outlives the daemon. Who began how many calls in the last minute does not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    pub guard: Arc<str>,
    pub subject: Box<str>,
    /// Time of calls, by the minute since 1970 in which they ended; that of running ones in the minute that it is.
    pub spent: Vec<(u64, Duration)>,
    /// It lets nothing out: until then, in milliseconds since 1970, or until somebody resets it.
    pub tripped: Option<(Excess, Option<u64>)>,
}

const MINUTE_MILLIS: u64 = 60_000;

impl Meters {
    /// All meters on which there is anything, in order.
    pub fn kept(&self, now: Now) -> Vec<Kept> {
        let wide = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let minute = |at: Instant| {
            let ago = wide(now.instant.saturating_duration_since(at));
            now.unix_millis().saturating_sub(ago) / MINUTE_MILLIS
        };
        let until = |at: Instant| now.unix_millis().saturating_add(wide(at.saturating_duration_since(now.instant)));
        let one = |((guard, subject), meter): (&super::Subject, &super::Meter)| {
            let running =
                meter.running.iter().map(|began| (now.instant, now.instant.saturating_duration_since(*began)));
            let mut spent: BTreeMap<u64, Duration> = BTreeMap::new();
            for (at, span) in meter.spent.iter().copied().chain(running) {
                *spent.entry(minute(at)).or_default() += span;
            }
            spent.retain(|_, span| !span.is_zero());
            let tripped = meter.tripped.map(|tripped| (tripped.why, tripped.until.map(until)));
            Kept { guard: guard.clone(), subject: subject.clone(), spent: spent.into_iter().collect(), tripped }
        };
        let all = self.meters.iter().map(one);
        all.filter(|kept| !kept.spent.is_empty() || kept.tripped.is_some()).collect()
    }

    /// What the daemon before this one had counted.
    pub fn restore(&mut self, now: Now, kept: Vec<Kept>) {
        let at = |unix: u64| {
            let ago = Duration::from_millis(now.unix_millis().saturating_sub(unix));
            now.instant.checked_sub(ago).unwrap_or(now.instant)
        };
        for Kept { guard, subject, spent, tripped } in kept {
            let meter = self.meters.entry((guard, subject)).or_default();
            meter.spent =
                spent.iter().map(|(minute, span)| (at(minute.saturating_mul(MINUTE_MILLIS)), *span)).collect();
            meter.tripped = tripped.map(|(why, until)| {
                let left = until.map(|until| Duration::from_millis(until.saturating_sub(now.unix_millis())));
                Tripped { why, until: left.and_then(|left| now.instant.checked_add(left)) }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Guard, MINUTE, Per};
    use super::*;
    use std::time::UNIX_EPOCH;

    fn guard() -> Guard {
        Guard {
            name: "abroad".into(),
            per: Per::Phone,
            countries: Vec::new(),
            kinds: Vec::new(),
            prefixes: Vec::new(),
            calls_per_minute: 2,
            concurrent: 0,
            minutes: 10,
            window: MINUTE * 60,
            trips_for: Some(MINUTE * 30),
        }
    }

    fn start() -> Now {
        Now { instant: Instant::now(), wall: UNIX_EPOCH + Duration::from_secs(1_700_000_040) }
    }

    #[test]
    fn minutes_outlive_a_restart_and_leave_the_window_when_they_would_have() {
        let (guard, start) = (guard(), start());
        let mut meters = Meters::default();
        let first = meters.begin(&guard, "alice", start.instant);
        meters.end(&first, start.instant, start.instant + MINUTE * 6);
        meters.begin(&guard, "alice", start.after(MINUTE * 7).instant);
        let killed = start.after(MINUTE * 10);
        let kept = meters.kept(killed);
        // Another process, whose instants have nothing to do with those of the first one.
        let mut meters = Meters::default();
        meters.restore(killed, kept);
        assert_eq!(meters.look(&guard, "alice", killed.instant).spent, MINUTE * 9, "6, and 3 of the one that was cut");
        assert!(meters.check(&guard, "alice", killed.instant).is_ok());
        let later = start.after(MINUTE * 68);
        assert_eq!(meters.look(&guard, "alice", later.instant).spent, MINUTE * 3, "the six are an hour old");
    }

    #[test]
    fn who_was_stopped_is_stopped_for_the_rest_of_the_time() {
        let (guard, start) = (guard(), start());
        let mut meters = Meters::default();
        for _ in 0..2 {
            meters.begin(&guard, "alice", start.instant);
        }
        assert!(meters.check(&guard, "alice", start.instant).is_err());
        let kept = meters.kept(start);
        let back = start.after(MINUTE * 10);
        let mut meters = Meters::default();
        meters.restore(back, kept);
        assert!(meters.check(&guard, "alice", back.instant).is_err_and(|stopped| !stopped.is_new));
        assert!(meters.check(&guard, "alice", back.after(MINUTE * 20).instant).is_ok());
        assert!(meters.check(&guard, "bob", back.instant).is_ok());
    }
}
