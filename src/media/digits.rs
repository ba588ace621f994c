//! Digits that were heard and nobody has asked for yet, in order. Decides nothing about what they mean.

use super::event::HeardAs;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// More than any caller types ahead of a menu; what comes beyond is refused and counted.
pub const TYPED_AHEAD_MAX: usize = 64;

/// One key press.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeardDigit {
    /// 0 to 9, *, #, A to D.
    pub digit: u8,
    pub lasted: Duration,
    pub form: HeardAs,
}

/// Digits between the moment when they are heard and the step that collects them: none is lost between two steps.
#[derive(Clone, Default, Debug)]
pub struct TypeAhead {
    waiting: VecDeque<HeardDigit>,
    refused: u64,
}

/// What a step that collects digits wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    pub at_most: usize,
    /// A digit that ends the input and is no part of it.
    pub ended_by: Option<u8>,
}

/// What the buffer had for a step.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Taken {
    pub digits: Vec<u8>,
    /// Nothing more is wanted: there are enough, or the ending digit came.
    pub is_complete: bool,
}

impl TypeAhead {
    /// `false` when the buffer is full and the digit was refused; those before it are kept, so that the order is true.
    pub fn push(&mut self, digit: HeardDigit) -> bool {
        let has_room = self.waiting.len() < TYPED_AHEAD_MAX;
        if has_room {
            self.waiting.push_back(digit);
        } else {
            self.refused += 1;
        }
        has_room
    }

    pub fn take_one(&mut self) -> Option<HeardDigit> {
        self.waiting.pop_front()
    }

    /// Takes what a step wants beyond the `had` digits that it has already. What it does not want stays for the next.
    pub fn take(&mut self, wanted: Wanted, had: usize) -> Taken {
        let mut taken = Taken { digits: Vec::new(), is_complete: had >= wanted.at_most };
        while !taken.is_complete {
            let Some(heard) = self.waiting.pop_front() else { break };
            if Some(heard.digit) == wanted.ended_by {
                taken.is_complete = true;
            } else {
                taken.digits.push(heard.digit);
                taken.is_complete = had + taken.digits.len() >= wanted.at_most;
            }
        }
        taken
    }

    /// Forgets what was typed before a step that must not be answered ahead, such as a confirmation.
    pub fn clear(&mut self) {
        self.waiting.clear();
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many did not fit.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

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

    fn typed(text: &str) -> TypeAhead {
        let mut buffer = TypeAhead::default();
        for digit in text.bytes() {
            buffer.push(HeardDigit { digit, lasted: Duration::from_millis(100), form: HeardAs::TelephoneEvent });
        }
        buffer
    }

    #[test]
    fn two_steps_share_what_was_typed_at_once() {
        let mut buffer = typed("2813#9");
        let one = buffer.take(Wanted { at_most: 1, ended_by: None }, 0);
        assert_eq!((one.digits, one.is_complete), (b"2".to_vec(), true));
        let number = buffer.take(Wanted { at_most: 8, ended_by: Some(b'#') }, 0);
        assert_eq!((number.digits, number.is_complete), (b"813".to_vec(), true));
        assert_eq!(buffer.take_one().map(|heard| heard.digit), Some(b'9'));
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_step_that_has_too_few_waits_for_the_rest() {
        let mut buffer = typed("12");
        let wanted = Wanted { at_most: 4, ended_by: Some(b'#') };
        let first = buffer.take(wanted, 0);
        assert_eq!((first.digits.as_slice(), first.is_complete), (&b"12"[..], false));
        assert_eq!(buffer.take(wanted, 2), Taken::default());
        let mut more = typed("345");
        let rest = more.take(wanted, 2);
        assert_eq!((rest.digits, rest.is_complete), (b"34".to_vec(), true));
        assert_eq!(more.len(), 1, "what is not wanted stays");
    }

    #[test]
    fn a_flood_of_digits_is_bounded_and_keeps_the_first() {
        let mut buffer = typed(&"7".repeat(TYPED_AHEAD_MAX));
        let late = HeardDigit { digit: b'1', lasted: Duration::ZERO, form: HeardAs::InBand };
        assert!(!buffer.push(late));
        assert_eq!((buffer.len(), buffer.refused()), (TYPED_AHEAD_MAX, 1));
    }

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

    #[test]
    fn what_must_not_be_answered_ahead_starts_empty() {
        let mut buffer = typed("111");
        buffer.clear();
        assert_eq!(buffer.take(Wanted { at_most: 1, ended_by: None }, 0), Taken::default());
    }
}
