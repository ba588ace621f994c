//! Sets of small numbers as words of bits: an intersection of ten thousand agents costs some hundred operations. Knows no agent.

/// A set of numbers. It grows as numbers are put in; what was never put in is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
}

fn place(number: u32) -> (usize, u64) {
    (usize::try_from(number / 64).unwrap_or(usize::MAX), 1 << (number % 64))
}

impl Bits {
    pub fn set(&mut self, number: u32, is_in: bool) {
        let (at, bit) = place(number);
        if is_in && at >= self.words.len() {
            self.words.resize(at.saturating_add(1), 0);
        }
        if let Some(word) = self.words.get_mut(at) {
            *word = if is_in { *word | bit } else { *word & !bit };
        }
    }

    pub fn has(&self, number: u32) -> bool {
        let (at, bit) = place(number);
        self.word(at) & bit != 0
    }

    /// The sixty-four numbers from `at` times sixty-four on.
    pub fn word(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or(0)
    }

    pub fn words(&self) -> usize {
        self.words.len()
    }

    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// How many numbers are in both.
    pub fn count_with(&self, other: &Bits) -> u32 {
        let both = self.words.iter().zip(&other.words);
        both.map(|(one, other)| (one & other).count_ones()).sum()
    }

    /// Puts in all that the other holds.
    pub fn join(&mut self, other: &Bits) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
    }
}

/// The numbers in one word, which stands at `at`.
pub fn numbers_of(at: usize, mut word: u64) -> impl Iterator<Item = u32> {
    let base = u32::try_from(at).unwrap_or(0).saturating_mul(64);
    std::iter::from_fn(move || {
        if word == 0 {
            return None;
        }
        let bit = word.trailing_zeros();
        word &= word - 1;
        Some(base + bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_in_from_when_it_is_put_in_until_it_is_taken_out() {
        let mut set = Bits::default();
        assert!(set.is_empty() && !set.has(9_999));
        for number in [0, 63, 64, 9_999] {
            set.set(number, true);
        }
        assert!(set.has(0) && set.has(63) && set.has(64) && set.has(9_999) && !set.has(65));
        set.set(63, false);
        set.set(20_000, false);
        let all: Vec<u32> = (0..set.words()).flat_map(|at| numbers_of(at, set.word(at))).collect();
        assert_eq!(all, [0, 64, 9_999]);
    }

    #[test]
    fn counting_and_joining_bear_sets_of_different_length() {
        let (mut short, mut long) = (Bits::default(), Bits::default());
        short.set(1, true);
        short.set(2, true);
        long.set(2, true);
        long.set(500, true);
        assert_eq!(short.count_with(&long), 1);
        short.join(&long);
        assert_eq!(short.count_with(&long), 2);
    }
}
