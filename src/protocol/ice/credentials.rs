//! What both sides prove themselves by in their checks: a user name fragment and a password (RFC 8445 5.3). Checks nothing.

use crate::base::entropy::Entropy;

/// The characters of an `ice-char` (RFC 8839 5.4): sixty-four, so that each holds six bits.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// RFC 8445 5.3: at least 24 bits and 128 bits.
const FRAGMENT_CHARS: usize = 8;
const PASSWORD_CHARS: usize = 24;
/// RFC 8839 5.4 allows 256 of each.
const CHARS_MAX: usize = 256;

/// One side's fragment and password for one stream.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub fragment: Box<str>,
    pub password: Box<str>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.fragment)
    }
}

impl Credentials {
    pub fn draw(entropy: &mut Entropy) -> Credentials {
        Credentials { fragment: letters(entropy, FRAGMENT_CHARS), password: letters(entropy, PASSWORD_CHARS) }
    }

    /// A peer's, as it has described them. `None`: no such characters or lengths.
    pub fn described(fragment: &str, password: &str) -> Option<Credentials> {
        let fits = |text: &str, least: usize| {
            (least..=CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| LETTERS.contains(&byte))
        };
        (fits(fragment, 4) && fits(password, 22))
            .then(|| Credentials { fragment: fragment.into(), password: password.into() })
    }
}

fn letters(entropy: &mut Entropy, count: usize) -> Box<str> {
    let mut text = String::with_capacity(count);
    while text.len() < count {
        // Ten times six bits of each number.
        let mut number = entropy.number();
        for _ in 0..10 {
            let at = usize::try_from(number & 63).unwrap_or(0);
            text.extend(LETTERS.get(at).map(|letter| char::from(*letter)));
            number >>= 6;
        }
    }
    text.truncate(count);
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_is_what_a_peer_may_describe_and_never_the_same() {
        let mut entropy = Entropy::from_number(1);
        let (one, other) = (Credentials::draw(&mut entropy), Credentials::draw(&mut entropy));
        assert_ne!(one, other);
        assert_eq!(Credentials::described(&one.fragment, &one.password), Some(one));
    }

    #[test]
    fn odd_characters_and_lengths_are_refused() {
        let good = "a".repeat(22);
        assert!(Credentials::described("abcd", &good).is_some());
        for (fragment, password) in
            [("abc", &*good), ("ab:d", &good), ("abcd", "short"), ("abcd", &"b".repeat(257)), ("ab d", &good)]
        {
            assert_eq!(Credentials::described(fragment, password), None, "{fragment} {password}");
        }
    }

    #[test]
    fn a_password_does_not_show_in_what_is_printed() {
        let own = Credentials::draw(&mut Entropy::from_number(2));
        assert!(!format!("{own:?}").contains(&*own.password));
    }
}
