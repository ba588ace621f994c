//! Which of the last numbers of a growing sequence have been seen: replay and duplicates. Knows no packet.

/// The highest number and the 128 up to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Window {
    highest: u64,
    /// Bit n stands for the number n below the highest. Zero: nothing has been seen.
    seen: u128,
}

/// How many numbers back a window remembers; what is older counts as seen.
pub const WINDOW: u64 = 128;

impl Window {
    /// Whether this number has not been seen and is not too old to tell.
    #[inline]
    pub fn is_new(&self, number: u64) -> bool {
        match self.highest.checked_sub(number) {
            _ if self.seen == 0 => true,
            None => true,
            Some(back) if back < WINDOW => self.seen >> back & 1 == 0,
            Some(_) => false,
        }
    }

    /// From now on this number has been seen.
    #[inline]
    pub fn mark(&mut self, number: u64) {
        if self.seen == 0 {
            *self = Window { highest: number, seen: 1 };
            return;
        }
        match number.checked_sub(self.highest) {
            Some(ahead) => {
                self.seen = if ahead < WINDOW { (self.seen << ahead) | 1 } else { 1 };
                self.highest = number;
            }
            None if self.highest - number < WINDOW => self.seen |= 1 << (self.highest - number),
            None => {}
        }
    }

    pub fn highest(&self) -> Option<u64> {
        (self.seen != 0).then_some(self.highest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_is_older_than_the_window_counts_as_seen() {
        let mut window = Window::default();
        assert!(window.is_new(0) && window.highest().is_none());
        window.mark(1_000);
        assert!(!window.is_new(1_000) && window.is_new(1_001) && window.is_new(1_000 - WINDOW + 1));
        assert!(!window.is_new(1_000 - WINDOW));
    }

    proptest! {
        #[test]
        fn a_number_is_new_once(numbers in prop::collection::vec(0u64..400, 0..300)) {
            let (mut window, mut seen) = (Window::default(), BTreeSet::new());
            for number in numbers {
                let too_old = seen.last().is_some_and(|last: &u64| last.saturating_sub(number) >= WINDOW);
                prop_assert_eq!(window.is_new(number), !too_old && !seen.contains(&number));
                window.mark(number);
                if !too_old {
                    seen.insert(number);
                }
                prop_assert_eq!(window.highest(), seen.last().copied());
            }
        }
    }
}
