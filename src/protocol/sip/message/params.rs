//! `;name=value;name` lists of URIs and header values, read in place. Never looks inside a value.

use crate::protocol::sip::message::text;

/// `;name=value;name` lists, of URIs and of header values, with or without the leading semicolon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Params<'a>(pub &'a str);

impl<'a> Params<'a> {
    /// `Some(None)` for a parameter without value. Names compare without case. Quoted values come without quotes, still escaped.
    pub fn get(&self, name: &str) -> Option<Option<&'a str>> {
        let begins = |part: &&str| {
            part.as_bytes().get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
        };
        self.raw().filter(begins).map(pair).find(|(known, _)| known.len() == name.len()).map(|(_, value)| value)
    }

    /// The value, where there is one.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.get(name).flatten()
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Names and values in order; empty places are passed over.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        self.raw().filter(|part| !part.is_empty()).map(pair)
    }

    /// Each parameter as written, without its semicolon, trimmed.
    pub fn raw(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let trimmed = text::trim(self.0);
        let mut rest = Some(trimmed.strip_prefix(';').unwrap_or(trimmed));
        std::iter::from_fn(move || {
            let text = rest?;
            let (part, tail) = match text::find_unquoted(text, b';') {
                Some(at) => (text.get(..at)?, text.get(at + 1..)),
                None => (text, None),
            };
            rest = tail;
            Some(text::trim(part))
        })
    }

    /// Whether each parameter has a name that is a token and its value, if any, holds no stray quote or space.
    /// One semicolon too many is forgiven at the very end only.
    pub fn are_well_formed(&self) -> bool {
        if text::trim(self.0).is_empty() || self.are_plain() {
            return true;
        }
        let mut parts = self.raw().peekable();
        while let Some(part) = parts.next() {
            if part.is_empty() {
                return parts.peek().is_none();
            }
            let (name, value) = split(part);
            if !name.bytes().all(text::is_param_name_byte) || name.is_empty() || !value.is_none_or(is_value) {
                return false;
            }
        }
        true
    }

    /// Whether they are well formed and hold neither quote nor space, which nearly all are: seen in one pass.
    fn are_plain(&self) -> bool {
        let text = self.0.strip_prefix(';').unwrap_or(self.0);
        let (mut is_empty, mut is_name) = (true, true);
        for byte in text.bytes() {
            match byte {
                b';' if !is_empty => (is_empty, is_name) = (true, true),
                b'=' if is_name && !is_empty => (is_empty, is_name) = (true, false),
                b',' => return false,
                _ if is_name && text::is_param_name_byte(byte) => is_empty = false,
                _ if !is_name && byte != b';' && text::is_uri_byte(byte) => is_empty = false,
                _ => return false,
            }
        }
        !is_empty
    }
}

fn is_value(value: &str) -> bool {
    if value.starts_with('"') {
        return text::quoted_length(value) == Some(value.len());
    }
    !value.is_empty() && value.bytes().all(|byte| text::is_uri_byte(byte) && byte != b',')
}

fn split(part: &str) -> (&str, Option<&str>) {
    match text::split(part, b'=') {
        Some((name, value)) => (text::trim(name), Some(text::trim(value))),
        None => (part, None),
    }
}

fn pair(part: &str) -> (&str, Option<&str>) {
    let (name, value) = split(part);
    (name, value.map(text::unquoted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_in_any_case_with_space_around_them() {
        let params = Params(r#" ; tag = 98asjd8;q="a;b\"" ; lr"#);
        assert_eq!(params.value("TAG"), Some("98asjd8"));
        assert_eq!(params.value("q"), Some(r#"a;b\""#));
        assert_eq!(params.get("lr"), Some(None));
        assert_eq!((params.get("l"), params.has("lr"), params.iter().count()), (None, true, 3));
    }

    #[test]
    fn a_longer_name_is_another_one() {
        let params = Params(";branches=1;branch=2;branch-x");
        assert_eq!((params.value("branch"), params.get("branch-x")), (Some("2"), Some(None)));
        assert_eq!((params.get("b"), params.get("tag")), (None, None));
    }

    #[test]
    fn stray_separators_are_seen() {
        for good in ["", " ", ";a", "a;b=c", ";a;", ";received=[2001:db8::1];x=\"\"", ";n%61me=v%61lue%25%34%31"] {
            assert!(Params(good).are_well_formed(), "{good}");
        }
        for bad in [";;", ";;,;,,", ";a;;b", ";=b", ";a b", ";a=b c", ";a=\"b", ";a=\"b\"c", ";a=b,c", ";,", ";a="] {
            assert!(!Params(bad).are_well_formed(), "{bad}");
        }
    }
}
