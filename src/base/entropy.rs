//! Randomness as an argument: a seeded generator that the edge seeds from the system and the simulator from a number.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// An unguessable stream of numbers. Same seed, same stream.
#[derive(Clone)]
pub struct Entropy(Box<ChaCha12Rng>);

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy")
    }
}

impl Entropy {
    pub fn from_seed(seed: [u8; 32]) -> Entropy {
        Entropy(Box::new(ChaCha12Rng::from_seed(seed)))
    }

    /// For tests and simulations, where the seed is printed and typed again.
    pub fn from_number(seed: u64) -> Entropy {
        Entropy(Box::new(ChaCha12Rng::seed_from_u64(seed)))
    }

    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`; zero when the bound is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.0.next_u64() % bound }
    }

    /// A generator of its own for a new owner.
    pub fn split(&mut self) -> Entropy {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        Entropy::from_seed(seed)
    }
}
