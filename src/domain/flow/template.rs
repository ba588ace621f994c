//! Texts with references to attributes in them, read once when a flow is loaded. Looks nothing up itself.

/// A text in which `$.Attributes.name` or `$['Attributes']['name']` stands for a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Text(Box<str>),
    Reference(Reference),
}

/// A path into what a call knows, its namespace first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub path: Vec<Box<str>>,
}

/// Why a text is no template, and at which octet of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TemplateFault {
    pub at: usize,
    pub kind: TemplateFaultKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateFaultKind {
    /// `$['name` without its end.
    OpenBracket,
    /// `$[name]`: names in brackets stand in quotes.
    NoQuotes,
    EmptyName,
    /// More parts than any attribute has.
    TooDeep,
}

/// Parts of one reference: the deepest of ours has five.
const DEPTH_MAX: usize = 16;

impl Template {
    /// `$$` is a dollar sign, and so is one that no name follows.
    pub fn parse(text: &str) -> Result<Template, TemplateFault> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            if rest.starts_with("$$") {
                plain.push('$');
                at += 2;
            } else if let Some((reference, length)) = reference(rest, at)? {
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain).into()));
                }
                parts.push(Part::Reference(reference));
                at += length;
            } else {
                let next = rest.chars().next().unwrap_or(' ');
                plain.push(next);
                at += next.len_utf8();
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain.into()));
        }
        Ok(Template { parts })
    }

    pub fn plain(text: &str) -> Template {
        let parts = if text.is_empty() { Vec::new() } else { vec![Part::Text(text.into())] };
        Template { parts }
    }

    /// The text, where nothing in it is a reference.
    pub fn fixed(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The reference, where the text is nothing else: then the value is taken as it is, with its type.
    pub fn sole(&self) -> Option<&Reference> {
        match self.parts.as_slice() {
            [Part::Reference(reference)] => Some(reference),
            _ => None,
        }
    }

    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.parts.iter().filter_map(|part| match part {
            Part::Reference(reference) => Some(reference),
            Part::Text(_) => None,
        })
    }
}

impl Reference {
    /// Reads exactly one reference.
    pub fn parse(text: &str) -> Option<Reference> {
        Template::parse(text).ok()?.sole().cloned()
    }

    pub fn namespace(&self) -> &str {
        self.path.first().map_or("", |name| name)
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("$")?;
        for name in &self.path {
            if name.chars().all(is_name) { write!(f, ".{name}")? } else { write!(f, "['{name}']")? }
        }
        Ok(())
    }
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '-'
}

/// The reference that a text begins with, and its octets. A full stop after a name ends a sentence, not a path.
fn reference(text: &str, at: usize) -> Result<Option<(Reference, usize)>, TemplateFault> {
    let fault = |offset: usize, kind| TemplateFault { at: at + offset, kind };
    let mut path: Vec<Box<str>> = Vec::new();
    let mut length = 1;
    if !text.starts_with('$') {
        return Ok(None);
    }
    while let Some(rest) = text.get(length..) {
        // `$.Attributes['name']` and `$.Attributes.['name']` are both in use.
        let bracket = rest.strip_prefix('[').or_else(|| rest.strip_prefix(".["));
        if let Some(inner) = bracket.filter(|inner| !path.is_empty() || inner.starts_with(['\'', '"'])) {
            let Some(quote) = inner.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
                return Err(fault(length, TemplateFaultKind::NoQuotes));
            };
            let name = inner.get(1..).unwrap_or_default();
            let Some(end) = name.find(&format!("{quote}]")) else {
                return Err(fault(length, TemplateFaultKind::OpenBracket));
            };
            if end == 0 {
                return Err(fault(length, TemplateFaultKind::EmptyName));
            }
            path.push(name.get(..end).unwrap_or_default().into());
            length += rest.len() - inner.len() + 1 + end + 2;
        } else if let Some(inner) = rest.strip_prefix('.').filter(|inner| inner.starts_with(is_name)) {
            let end = inner.find(|letter| !is_name(letter)).unwrap_or(inner.len());
            path.push(inner.get(..end).unwrap_or_default().into());
            length += 1 + end;
        } else {
            break;
        }
        if path.len() > DEPTH_MAX {
            return Err(fault(length, TemplateFaultKind::TooDeep));
        }
    }
    Ok((!path.is_empty()).then_some((Reference { path }, length)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(text: &str) -> Vec<String> {
        let parts = Template::parse(text).unwrap().parts;
        parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => format!("\"{text}\""),
                Part::Reference(reference) => reference.path.join("/"),
            })
            .collect()
    }

    #[test]
    fn references_in_all_their_forms() {
        for (text, expected) in [
            ("", &[][..]),
            ("plain", &["\"plain\""]),
            ("$.Attributes.name", &["Attributes/name"]),
            ("$['Attributes']['Language']", &["Attributes/Language"]),
            ("$[\"Attributes\"].x", &["Attributes/x"]),
            ("$.Attributes['two words']!", &["Attributes/two words", "\"!\""]),
            ("$.Attributes.['two words']", &["Attributes/two words"]),
            ("Hello $.Attributes.name.", &["\"Hello \"", "Attributes/name", "\".\""]),
            ("$.A.b$.C.d", &["A/b", "C/d"]),
            ("5 $ or $$.A.b", &["\"5 $ or $.A.b\""]),
            ("$", &["\"$\""]),
            ("$.", &["\"$.\""]),
            ("$[1]", &["\"$[1]\""]),
            ("$.A.b[later]", &["fault"]),
        ] {
            if expected == ["fault"] {
                assert!(Template::parse(text).is_err(), "{text}");
            } else {
                assert_eq!(parts(text), expected, "{text}");
            }
        }
    }

    #[test]
    fn faults_name_their_place() {
        let fault = |at, kind| Err(TemplateFault { at, kind });
        assert_eq!(Template::parse("ab$['c"), fault(3, TemplateFaultKind::OpenBracket));
        assert_eq!(Template::parse("$['']"), fault(1, TemplateFaultKind::EmptyName));
        assert_eq!(Template::parse("$.A[b]"), fault(3, TemplateFaultKind::NoQuotes));
        let deep = format!("${}", ".a".repeat(17));
        assert!(matches!(Template::parse(&deep), Err(TemplateFault { kind: TemplateFaultKind::TooDeep, .. })));
    }

    #[test]
    fn a_text_of_one_reference_is_told_from_others() {
        assert!(Template::parse("$.A.b").unwrap().sole().is_some());
        assert!(Template::parse("$.A.b ").unwrap().sole().is_none());
        assert_eq!(Template::parse("a$$b").unwrap().fixed(), Some("a$b"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[$.\\[\\]'\"a-c \u{3042}]{0,40}") {
            let _ = Template::parse(&text);
        }

        #[test]
        fn a_reference_reads_back_as_it_is_written(path in prop::collection::vec("[a-zA-Z_][a-z A-Z0-9_-]{0,8}", 1..5)) {
            let reference = Reference { path: path.into_iter().map(Into::into).collect() };
            prop_assert_eq!(Reference::parse(&reference.to_string()), Some(reference));
        }
    }
}
