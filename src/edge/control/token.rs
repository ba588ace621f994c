//! Tokens of clients that come over the network: only their digests are known here, compared in constant time.

use super::scope::Scopes;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use sha2::{Digest, Sha256};

/// Whose a token is, and what it may do.
#[derive(Clone, PartialEq, Debug)]
pub struct Token {
    pub name: Box<str>,
    pub sha256: [u8; 32],
    pub scopes: Scopes,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tokens(pub Vec<Token>);

impl Tokens {
    /// Looks at all of them, so that how long it takes says nothing.
    pub fn owner(&self, token: &str) -> Option<(String, Scopes)> {
        let digest = Sha256::digest(token.trim().as_bytes());
        let fits = |own: &&Token| verify_slices_are_equal(digest.as_slice(), &own.sha256).is_ok();
        let found: Vec<&Token> = self.0.iter().filter(fits).collect();
        found.first().map(|own| (format!("token:{}", own.name), own.scopes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::control::scope::Scope;

    #[test]
    fn a_token_is_known_by_its_digest_alone() {
        let sha256 = Sha256::digest(b"open sesame").into();
        let scopes: Scopes = [Scope::Observe].into_iter().collect();
        let tokens = Tokens(vec![
            Token { name: "other".into(), sha256: [0; 32], scopes: Scopes::all() },
            Token { name: "acd".into(), sha256, scopes },
        ]);
        assert_eq!(tokens.owner("open sesame\n"), Some(("token:acd".to_owned(), scopes)));
        assert_eq!(tokens.owner("open"), None);
        assert_eq!(Tokens::default().owner(""), None);
    }
}
