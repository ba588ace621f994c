//! The seed that the system gives at start; everything random below the edge follows from it. Never used for keys.

use crate::base::entropy::Entropy;
use std::io;

/// A generator seeded by the system's random source.
pub fn from_system() -> io::Result<Entropy> {
    let mut seed = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut seed).map_err(|_| io::Error::other("the system's random source failed"))?;
    Ok(Entropy::from_seed(seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_starts_do_not_share_their_randomness() -> io::Result<()> {
        assert_ne!(from_system()?.number(), from_system()?.number());
        Ok(())
    }
}
