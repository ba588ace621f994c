//! How one leg's audio fared at the desk, in numbers for the account of its quality. Judges nothing.

use super::seat::Seat;
use std::time::Duration;

/// Of one leg. `None` means: not measured, since its audio never came over the desk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fared {
    /// Decibels below full scale while the leg talked.
    pub level: Option<u8>,
    pub talked: Option<Duration>,
    pub rested: Option<Duration>,
    /// Packets that came too late or too early to be played.
    pub discarded: Option<u64>,
    pub echo_suspected: Option<bool>,
}

impl Fared {
    pub(super) fn of(seat: &Seat) -> Fared {
        let Some(measured) = &seat.measured else { return Fared::default() };
        let now = seat.ear.as_ref().map_or(0, |ear| ear.discarded());
        Fared {
            level: measured.activity.talk_level(),
            talked: Some(Duration::from_millis(measured.activity.talked_milliseconds())),
            rested: Some(Duration::from_millis(measured.activity.rested_milliseconds())),
            discarded: Some(measured.discarded + now),
            echo_suspected: measured.echo.is_suspected(),
        }
    }
}
