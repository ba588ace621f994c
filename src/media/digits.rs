//! Key presses that come as an event and as sound: each counts once. Decides nothing about what they mean.

use super::event::HeardAs;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How far apart the two forms of one key press may be told: the audio waits in its jitter buffer, the event does not.
const APART_MAX: Duration = Duration::from_millis(700);
/// Presses that may still be heard in their other form.
const PRESSES_MAX: usize = 8;

/// Counts a key press once that is heard as an event and in the audio as well.
#[derive(Clone, Default, Debug)]
pub struct OnceEach {
    told: VecDeque<(u8, HeardAs, Instant)>,
}

impl OnceEach {
    /// Whether this is a press of its own, and not the other form of one that was told.
    pub fn is_new(&mut self, now: Instant, digit: u8, form: HeardAs) -> bool {
        self.told.retain(|(_, _, at)| now.saturating_duration_since(*at) <= APART_MAX);
        let twin = self.told.iter().position(|(other, as_other, _)| *other == digit && *as_other != form);
        if let Some(twin) = twin {
            // One press answers one: the same key pressed again counts.
            self.told.remove(twin);
            return false;
        }
        if self.told.len() >= PRESSES_MAX {
            self.told.pop_front();
        }
        self.told.push_back((digit, form, now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_that_is_heard_both_ways_counts_once_and_the_same_key_again_counts_again() {
        // The only clock of the test is this first reading.
        #[allow(clippy::disallowed_methods)]
        let start = Instant::now();
        let mut once = OnceEach::default();
        let mut hear = |ms, digit, form| once.is_new(start + Duration::from_millis(ms), digit, form);
        let (event, sound) = (HeardAs::TelephoneEvent, HeardAs::InBand);
        assert!(hear(0, b'5', event));
        assert!(!hear(80, b'5', sound), "the same press");
        assert!(hear(200, b'5', event), "pressed again");
        assert!(!hear(280, b'5', sound));
        assert!(hear(400, b'6', sound), "the audio may be first");
        assert!(!hear(450, b'6', event));
        assert!(hear(600, b'7', sound) && hear(700, b'7', sound), "two presses in one form");
        assert!(hear(2_000, b'8', event) && hear(2_701, b'8', sound), "too far apart to be one");
    }
}
