//! Small readings of validated text: tokens, numbers, quoted strings, escapes. Never allocates unless something is to be undone.

use std::borrow::Cow;

const TOKEN: u8 = 1;
const URI: u8 = 2;
const PARAM_NAME: u8 = 4;

/// What each byte may be part of.
const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut at = 0_usize;
    while at < 256 {
        let byte = at.to_le_bytes()[0];
        if byte.is_ascii_alphanumeric() {
            kinds[at] |= TOKEN | PARAM_NAME;
        }
        if byte > b' ' && byte != 0x7f && byte != b'<' && byte != b'>' && byte != b'"' {
            kinds[at] |= URI;
        }
        at += 1;
    }
    let marks = *b"-.!%*_+`'~[]/:&$()";
    let mut index = 0;
    while index < marks.len() {
        kinds[marks[index] as usize] |= if index < 10 { TOKEN | PARAM_NAME } else { PARAM_NAME };
        index += 1;
    }
    kinds
};

fn is_kind(byte: u8, kind: u8) -> bool {
    KINDS.get(usize::from(byte)).is_some_and(|kinds| kinds & kind != 0)
}

/// RFC 3261 25.1 `token`.
pub fn is_token_byte(byte: u8) -> bool {
    is_kind(byte, TOKEN)
}

pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// A token, or one of the marks that a URI parameter may hold besides (RFC 3261 25.1 `param-unreserved`).
pub fn is_param_name_byte(byte: u8) -> bool {
    is_kind(byte, PARAM_NAME)
}

/// What may stand in a URI as we read it: more than RFC 3261 lets one write, but nothing that ends a URI or a line.
pub fn is_uri_byte(byte: u8) -> bool {
    is_kind(byte, URI)
}

/// Text before and after the one byte at `at`.
pub fn cut(text: &str, at: usize) -> Option<(&str, &str)> {
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Spaces off both ends: folding and tabs have become spaces when the message was parsed. Most values have none.
#[inline]
pub fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [b' ', ..] | [.., b' '] => text.trim_matches(' '),
        _ => text,
    }
}

/// The first such byte. A plain loop: values are short, and a search by vectors would cost more to begin than to do.
#[inline]
pub fn find(text: &str, mark: u8) -> Option<usize> {
    text.bytes().position(|byte| byte == mark)
}

/// Text before and after the first such byte.
#[inline]
pub fn split(text: &str, mark: u8) -> Option<(&str, &str)> {
    cut(text, find(text, mark)?)
}

/// Where a part of a text stands in it, as offsets that fit a message.
pub fn place(whole: &str, part: &str) -> Option<(u16, u16)> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let end = start.checked_add(part.len()).filter(|end| *end <= whole.len())?;
    Some((u16::try_from(start).ok()?, u16::try_from(end).ok()?))
}

/// Decimal digits only, no sign, and it must fit.
pub fn number(text: &str) -> Option<u32> {
    let digit = |number: u32, byte: u8| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    };
    if text.is_empty() { None } else { text.bytes().try_fold(0, digit) }
}

/// Length of the quoted string at the start of `text`, quotes included; `None` if it does not end.
pub fn quoted_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The first place of `wanted` outside quoted strings; an unterminated quote hides the rest.
pub fn find_unquoted(text: &str, wanted: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        let found = at + text.as_bytes().get(at..)?.iter().position(|byte| *byte == wanted || *byte == b'"')?;
        if text.as_bytes().get(found) == Some(&wanted) {
            return Some(found);
        }
        at = found + quoted_length(text.get(found..)?)?;
    }
}

/// Takes the quotes off, if there are any; escapes stay.
pub fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

/// Undoes `\x` of a quoted string that has lost its quotes.
pub fn unescaped(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        out.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    Cow::Owned(out)
}

/// Undoes `%xx`. A percent sign that begins no escape stays; what is then not UTF-8 becomes U+FFFD.
pub fn percent_decoded(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'%', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        let decoded = match tail {
            [high, low, after @ ..] if *byte == b'%' => hex(*high).zip(hex(*low)).map(|(high, low)| {
                rest = after;
                high * 16 + low
            }),
            _ => None,
        };
        out.push(decoded.unwrap_or(*byte));
    }
    Cow::Owned(match String::from_utf8(out) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Splits at commas outside quoted strings and angle brackets, trims, and leaves out what is empty.
#[derive(Clone, Debug)]
pub struct Commas<'a> {
    rest: &'a str,
}

impl<'a> Commas<'a> {
    pub fn new(text: &'a str) -> Commas<'a> {
        Commas { rest: text }
    }

    /// What has not been handed out yet.
    pub fn rest(&self) -> &'a str {
        self.rest
    }
}

impl<'a> Iterator for Commas<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let begin = self.rest.bytes().position(|byte| byte != b',' && byte != b' ')?;
            self.rest = self.rest.get(begin..)?;
            let end = comma(self.rest).unwrap_or(self.rest.len());
            let value = trim(self.rest.get(..end).unwrap_or(""));
            self.rest = self.rest.get(end + 1..).unwrap_or("");
            if !value.is_empty() {
                return Some(value);
            }
        }
    }
}

/// The first comma that splits.
fn comma(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = text.as_bytes().get(at..)?;
        let found = rest.iter().position(|byte| matches!(byte, b',' | b'"' | b'<'))?;
        at += found;
        at += match rest.get(found)? {
            b',' => return Some(at),
            b'"' => quoted_length(text.get(at..)?)?,
            _ => rest.get(found..)?.iter().position(|byte| *byte == b'>')?,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        Commas::new(text).collect()
    }

    #[test]
    fn commas_in_quotes_and_brackets_do_not_split() {
        assert_eq!(
            split(r#""a, \", b" <sip:x,y@z>;p="q,r" , <sip:s> "#),
            [r#""a, \", b" <sip:x,y@z>;p="q,r""#, "<sip:s>"]
        );
        assert_eq!(split("a,,b ,"), ["a", "b"]);
        assert_eq!(split(" , "), [""; 0]);
    }

    #[test]
    fn what_is_not_closed_runs_to_the_end() {
        assert_eq!(split(r#"a, "b, c"#), ["a", r#""b, c"#]);
        assert_eq!(split("a, <b, c"), ["a", "<b, c"]);
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(unescaped(r#"J Rosenberg \\\""#), r#"J Rosenberg \""#);
        assert_eq!(unescaped("plain"), "plain");
        assert_eq!(unescaped("open\\"), "open");
        assert_eq!(percent_decoded("%41%4g%"), "A%4g%");
    }

    #[test]
    fn a_number_is_digits_that_fit() {
        assert_eq!(number("0068"), Some(68));
        for text in ["", "-1", "+1", " 1", "1 ", "4294967296", "1e3", "١"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
