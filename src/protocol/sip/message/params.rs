//! `;name=value;name` lists of URIs and header values, read in place. Never looks inside a value.

use crate::protocol::sip::message::text;

/// `;name=value;name` lists, of URIs and of header values, with or without the leading semicolon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Params<'a>(pub &'a str);

impl<'a> Params<'a> {
    /// `Some(None)` for a parameter without value. Names compare without case. Quoted values come without quotes, still escaped.
    pub fn get(&self, name: &str) -> Option<Option<&'a str>> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
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
        if text::trim(self.0).is_empty() {
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
    fn stray_separators_are_seen() {
        for good in ["", " ", ";a", "a;b=c", ";a;", ";received=[2001:db8::1];x=\"\"", ";n%61me=v%61lue%25%34%31"] {
            assert!(Params(good).are_well_formed(), "{good}");
        }
        for bad in [";;", ";;,;,,", ";a;;b", ";=b", ";a b", ";a=b c", ";a=\"b", ";a=\"b\"c", ";a=b,c", ";,", ";a="] {
            assert!(!Params(bad).are_well_formed(), "{bad}");
        }
    }
}
