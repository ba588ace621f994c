//! The value of a Replaces header (RFC 3891 6.1): the dialog whose place an INVITE takes. Looks no dialog up.

use crate::protocol::sip::message::params::Params;
use crate::protocol::sip::message::text;
use crate::protocol::sip::message::uri::Uri;
use std::fmt;

/// Longer ones are no Call-ID that anybody has issued.
const CALL_ID_BYTES_MAX: usize = 256;

/// A dialog as the one who receives the INVITE sees it: `to_tag` is its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replaces {
    pub call_id: Box<str>,
    pub to_tag: Box<str>,
    pub from_tag: Box<str>,
    /// Only while the dialog is early.
    pub early_only: bool,
}

impl Replaces {
    pub fn parse(value: &str) -> Option<Replaces> {
        let (call_id, params) = value.split_once(';')?;
        let (call_id, params) = (text::trim(call_id), Params(params));
        let is_call_id = (1..=CALL_ID_BYTES_MAX).contains(&call_id.len()) && call_id.bytes().all(is_call_id_byte);
        let tag = |name| params.value(name).filter(|tag| text::is_token(tag)).map(Box::from);
        let early_only = params.get("early-only").is_some();
        let (to_tag, from_tag) = (tag("to-tag")?, tag("from-tag")?);
        is_call_id.then(|| Replaces { call_id: call_id.into(), to_tag, from_tag, early_only })
    }

    /// What a Refer-To asks to put into the INVITE (RFC 3891 5). `Some(None)`: it is there and cannot be read.
    pub fn asked_by(uri: &Uri<'_>) -> Option<Option<Replaces>> {
        let mut pairs = uri.headers?.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("Replaces"))?;
        Some(Replaces::parse(&text::percent_decoded(value)))
    }
}

/// RFC 3261 25.1, `word` and `@`, without what could end a header value.
fn is_call_id_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b';' | b',')
}

impl fmt::Display for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};to-tag={};from-tag={}", self.call_id, self.to_tag, self.from_tag)?;
        if self.early_only { f.write_str(";early-only") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &str) -> Option<String> {
        Replaces::parse(value).map(|replaces| replaces.to_string())
    }

    #[test]
    fn what_is_read_is_written_again() {
        let value = "98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff;early-only";
        assert_eq!(parsed(value).as_deref(), Some("98732@sip.example.com;to-tag=ff87ff;from-tag=r33th4x0r;early-only"));
        assert_eq!(parsed("x ; to-tag=a ; from-tag=b").as_deref(), Some("x;to-tag=a;from-tag=b"));
    }

    #[test]
    fn both_tags_and_a_plain_call_id_are_needed() {
        for bad in ["", "x", "x;to-tag=a", "x;from-tag=b", ";to-tag=a;from-tag=b", "x y;to-tag=a;from-tag=b"] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
        assert_eq!(parsed(&format!("{};to-tag=a;from-tag=b", "x".repeat(CALL_ID_BYTES_MAX + 1))), None);
        assert_eq!(parsed("x\r\ny;to-tag=a;from-tag=b"), None);
        assert_eq!(parsed("x;to-tag=a\r\nEvil: yes;from-tag=b"), None);
    }

    #[test]
    fn a_refer_to_holds_it_escaped() {
        let uri = Uri::parse("sip:bob@host?Subject=x&Replaces=1%402%3Bto-tag%3Da%3Bfrom-tag%3Db").expect("a URI");
        let asked = Replaces::asked_by(&uri).expect("a Replaces");
        assert_eq!(asked.map(|replaces| replaces.to_string()).as_deref(), Some("1@2;to-tag=a;from-tag=b"));
        let evil = Uri::parse("sip:bob@host?Replaces=1%0d%0aEvil:%20yes%3Bto-tag%3Da%3Bfrom-tag%3Db").expect("a URI");
        assert_eq!(Replaces::asked_by(&evil), Some(None));
        assert_eq!(Replaces::asked_by(&Uri::parse("sip:bob@host?Subject=x").expect("a URI")), None);
    }
}
