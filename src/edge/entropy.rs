//! The seed that the system gives at start; everything random below the edge follows from it. Never used for keys.

use crate::base::entropy::Entropy;

/// A generator seeded by the system's random source. A system without one ends the process: every tag and nonce
/// could be guessed.
pub fn from_system() -> Entropy {
    let mut seed = [0_u8; 32];
    if aws_lc_rs::rand::fill(&mut seed).is_err() {
        tracing::error!("the system's random source failed");
        std::process::abort();
    }
    Entropy::from_seed(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_starts_do_not_share_their_randomness() {
        assert_ne!(from_system().number(), from_system().number());
    }
}
