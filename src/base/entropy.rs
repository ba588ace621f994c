//! Randomness as an argument: a seeded generator that the edge seeds from the system and the simulator from a number.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// An unguessable stream of numbers. Same seed, same stream.
#[derive(Clone)]
pub struct Entropy {
    seed: [u8; 32],
    /// Words that were taken before the last rest.
    words: u64,
    /// The generator with what it has made in advance: six times what is needed to make it again.
    awake: Option<Box<ChaCha12Rng>>,
}

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy")
    }
}

impl Entropy {
    pub fn from_seed(seed: [u8; 32]) -> Entropy {
        Entropy { seed, words: 0, awake: None }
    }

    /// For tests and simulations, where the seed is printed and typed again.
    pub fn from_number(seed: u64) -> Entropy {
        Entropy::from_seed(ChaCha12Rng::seed_from_u64(seed).get_seed())
    }

    pub fn number(&mut self) -> u64 {
        self.generator().next_u64()
    }

    /// A number below `bound`; zero when the bound is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.number() % bound }
    }

    /// A generator of its own for a new owner.
    pub fn split(&mut self) -> Entropy {
        let mut seed = [0; 32];
        self.generator().fill_bytes(&mut seed);
        Entropy::from_seed(seed)
    }

    /// Keeps only its place in the stream until it is asked again: for owners that may be silent for hours.
    pub fn rest(&mut self) {
        if let Some(generator) = self.awake.take() {
            self.words = u64::try_from(generator.get_word_pos()).unwrap_or(u64::MAX);
        }
    }

    fn generator(&mut self) -> &mut ChaCha12Rng {
        let Entropy { seed, words, awake } = self;
        awake.get_or_insert_with(|| {
            let mut generator = Box::new(ChaCha12Rng::from_seed(*seed));
            generator.set_word_pos(u128::from(*words));
            generator
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_changes_nothing_of_what_is_drawn() {
        let (mut tireless, mut sleeper) = (Entropy::from_number(7), Entropy::from_number(7));
        for turn in 0..100 {
            assert_eq!(tireless.number(), sleeper.number(), "turn {turn}");
            assert_eq!(tireless.split().number(), sleeper.split().number(), "turn {turn}");
            sleeper.rest();
        }
    }
}
