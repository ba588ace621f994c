//! What a number of ours is filed under: E.164 with its plus, or the digits of a short code or extension. Looks nothing up.

use crate::base::e164::{E164, NumberError};
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// The one way of writing a number in the inventory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

/// Digits of a short code or extension at most: longer ones are whole numbers and are written with a plus.
const SHORT_DIGITS_MAX: usize = 8;

impl Key {
    /// Reads `+815012345678`, with separators or without, or the bare digits of a short code or extension.
    pub fn parse(text: &str) -> Result<Key, NumberError> {
        let bare: String = text.trim().chars().filter(|c| !" -.()".contains(*c)).collect();
        if bare.starts_with('+') {
            return E164::parse(&bare).map(Key::of);
        }
        if bare.is_empty() {
            return Err(NumberError::Empty);
        }
        if !bare.bytes().all(|byte| byte.is_ascii_digit() || byte == b'*' || byte == b'#') {
            return Err(NumberError::NotDigits);
        }
        if bare.len() > SHORT_DIGITS_MAX {
            return Err(NumberError::TooLong);
        }
        Ok(Key(bare.into()))
    }

    pub fn of(number: E164) -> Key {
        Key(number.to_string().into())
    }

    /// None for short codes and extensions.
    pub fn e164(&self) -> Option<E164> {
        E164::parse(&self.0).ok()
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", crate::base::secret::Masked(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_key_however_it_is_written() {
        for written in ["+81 50-1234-5678", "+815012345678", " +81(50)1234.5678 "] {
            assert_eq!(Key::parse(written).map(|key| key.to_string()), Ok("+815012345678".to_owned()));
        }
        assert_eq!(Key::parse("1001").map(|key| key.e164().is_none()), Ok(true));
        assert_eq!(Key::parse("0312345678"), Err(NumberError::TooLong), "a whole number has a plus");
        assert_eq!(Key::parse("alice"), Err(NumberError::NotDigits));
        assert_eq!(Key::parse("  "), Err(NumberError::Empty));
    }
}
