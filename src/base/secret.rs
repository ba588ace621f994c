//! Values that cannot be printed, and values that are printed masked.

use std::fmt;

/// A password or key. Its only way out is `reveal`, which is easy to search for.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    pub fn new(value: impl Into<Box<str>>) -> Secret {
        Secret(value.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Leaves nothing of a text where it stood in memory. The compiler is told that somebody looks, so that it does it.
pub fn wipe(text: &mut Box<str>) {
    let mut bytes = std::mem::take(text).into_boxed_bytes();
    bytes.fill(0);
    std::hint::black_box(&bytes);
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// A number or address as it may stand in a log above debug: the last two characters are hidden.
pub struct Masked<'a>(pub &'a str);

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.chars().count().saturating_sub(2);
        for c in self.0.chars().take(shown) {
            write!(f, "{}", if c.is_control() { '?' } else { c })?;
        }
        f.write_str("**")
    }
}
