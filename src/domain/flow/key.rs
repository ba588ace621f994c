//! One key of a telephone, and strings of them. Knows nothing of how a key arrives.

/// `0` to `9`, `*`, `#`, `A` to `D`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(u8);

/// Keys can be a card number: they are never printed by chance.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(*)")
    }
}

impl Key {
    pub const STAR: Key = Key(b'*');
    pub const HASH: Key = Key(b'#');

    pub fn from_char(key: char) -> Option<Key> {
        let key = key.to_ascii_uppercase();
        let is_key = key.is_ascii_digit() || matches!(key, '*' | '#' | 'A'..='D');
        u8::try_from(key).ok().filter(|_| is_key).map(Key)
    }

    /// As RFC 4733 numbers its events: 0 to 9, 10 is the star, 11 the hash, 12 to 15 are A to D.
    pub fn from_event(event: u8) -> Option<Key> {
        "0123456789*#ABCD".chars().nth(usize::from(event)).and_then(Key::from_char)
    }

    pub fn as_char(self) -> char {
        char::from(self.0)
    }

    /// Every letter of a text as a key, or nothing.
    pub fn all(text: &str) -> Option<Vec<Key>> {
        text.chars().map(Key::from_char).collect()
    }
}

/// Leaves nothing of what was keyed where it stood in memory.
pub fn wipe(keys: &mut Vec<Key>) {
    keys.fill(Key(0));
    std::hint::black_box(&*keys);
    keys.clear();
}

pub fn text(keys: &[Key]) -> String {
    keys.iter().map(|key| key.as_char()).collect()
}
