//! A telephone number as E.164, and the digits as they were received beside it.

use std::fmt;

/// Up to fifteen digits, country code first, without the plus.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct E164 {
    digits: [u8; 15],
    len: u8,
}

/// Why a text is not an E.164 number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberError {
    Empty,
    NotDigits,
    TooShort,
    TooLong,
    LeadingZero,
}

impl E164 {
    /// Reads digits without plus or separators.
    pub fn from_digits(digits: &str) -> Result<E164, NumberError> {
        if digits.is_empty() {
            return Err(NumberError::Empty);
        }
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NumberError::NotDigits);
        }
        if digits.starts_with('0') {
            return Err(NumberError::LeadingZero);
        }
        if digits.len() < 5 {
            return Err(NumberError::TooShort);
        }
        if digits.len() > 15 {
            return Err(NumberError::TooLong);
        }
        let mut number = E164 { digits: [0; 15], len: u8::try_from(digits.len()).unwrap_or(15) };
        for (slot, byte) in number.digits.iter_mut().zip(digits.bytes()) {
            *slot = byte;
        }
        Ok(number)
    }

    /// Reads the form that `Display` writes: a plus and digits.
    pub fn parse(text: &str) -> Result<E164, NumberError> {
        E164::from_digits(text.strip_prefix('+').ok_or(NumberError::NotDigits)?)
    }

    pub fn digits(&self) -> &str {
        let digits = self.digits.get(..usize::from(self.len)).unwrap_or_default();
        std::str::from_utf8(digits).unwrap_or_default()
    }
}

impl fmt::Display for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.digits())
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E164({})", super::secret::Masked(self.digits()))
    }
}
