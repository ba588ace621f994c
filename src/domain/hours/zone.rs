//! A time on the wall as a moment, also on the two nights a year on which the clock jumps. Reads no clock.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Which end of a stretch a time is. A time that the clock shows twice is the first showing for a start and the last for
/// an end, so that hours which were meant to be one stretch stay one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edge {
    Start,
    End,
}

/// A minute of a day; minutes beyond the day are its last.
pub fn on(date: Date, minute: u16) -> DateTime {
    let part = |value: u16| i8::try_from(value).unwrap_or_default();
    date.at(part(minute / 60 % 24), part(minute % 60), 0, 0)
}

/// Seconds since 1970. A time that the clock leaves out is the moment at which it jumps.
pub fn moment(zone: &TimeZone, time: DateTime, edge: Edge) -> i64 {
    let ambiguous = zone.to_ambiguous_timestamp(time);
    let is_midnight = time.hour() == 0 && time.minute() == 0;
    let found = match (ambiguous.offset(), edge) {
        (AmbiguousOffset::Gap { .. }, _) => {
            let behind = ambiguous.later().unwrap_or_default();
            return jump_before(zone, behind).unwrap_or(behind).as_second();
        }
        // The day ends when the next one first begins.
        (AmbiguousOffset::Fold { .. }, Edge::End) if !is_midnight => ambiguous.later(),
        _ => ambiguous.earlier(),
    };
    found.unwrap_or_default().as_second()
}

/// The last change of the clock at or before a moment.
fn jump_before(zone: &TimeZone, moment: Timestamp) -> Option<Timestamp> {
    let after = Timestamp::from_second(moment.as_second().checked_add(1)?).ok()?;
    zone.preceding(after).next().map(|change| change.timestamp())
}
