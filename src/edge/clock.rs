//! The only place that reads the clocks, and how an instant is written for people and files. Never waits.

use crate::base::now::Now;
use std::fmt;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Both clocks, read once per wake-up.
pub fn now() -> Now {
    Now { instant: Instant::now(), wall: SystemTime::now() }
}

/// The same moment with the wall clock at another time, for dry runs; `None` leaves it.
pub fn at(now: Now, unix_millis: Option<u64>) -> Now {
    let wall = unix_millis.and_then(|millis| UNIX_EPOCH.checked_add(std::time::Duration::from_millis(millis)));
    Now { wall: wall.unwrap_or(now.wall), ..now }
}

/// Milliseconds since 1970 as RFC 3339 in UTC: `2026-11-21T11:59:17.123Z`.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    pub unix_millis: u64,
}

impl Stamp {
    pub fn of(wall: SystemTime) -> Stamp {
        let since = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        Stamp { unix_millis: u64::try_from(since.as_millis()).unwrap_or(u64::MAX) }
    }

    /// Year, month and day of the proleptic Gregorian calendar.
    pub fn date(self) -> (u64, u64, u64) {
        // Days are counted from 1 March of year 0, so that the leap day is the last of its year.
        let days = self.unix_millis / 86_400_000 + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        (year_of_era + era * 400 + u64::from(month <= 2), month, day)
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let millis = self.unix_millis % 1_000;
        let second = self.unix_millis / 1_000 % 86_400;
        let (hours, minutes, seconds) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{millis:03}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_as_rfc_3339_also_around_leap_days() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"),
            (1_795_262_357, "2026-11-21T11:59:17.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000Z"),
        ] {
            assert_eq!(Stamp { unix_millis: seconds * 1_000 }.to_string(), text);
        }
    }
}
