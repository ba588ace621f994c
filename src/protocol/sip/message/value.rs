//! Header values with a structure: addresses, Via, CSeq, challenges. Read in place, never changed.

use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::message::HeaderError;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::message::params::Params;
use crate::protocol::sip::message::text::{self, Commas};
use crate::protocol::sip::message::uri::{Uri, host_port};
use std::borrow::Cow;

/// `"Name" <uri>;params`, or a bare URI whose parameters then belong to the header (RFC 3261 20.10).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct NameAddr<'a> {
    /// As written, with its quotes.
    pub display: Option<&'a str>,
    pub uri: Uri<'a>,
    pub params: Params<'a>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Via<'a> {
    /// As written: "UDP", "TLS", …
    pub transport: &'a str,
    /// Without brackets.
    pub host: &'a str,
    pub port: Option<u16>,
    pub params: Params<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CSeq<'a> {
    pub number: u32,
    pub method: Method,
    pub method_text: &'a str,
}

/// A challenge or credentials: `Digest realm="x", nonce="y"` (RFC 3261 20.7, 20.44).
#[derive(Clone, Debug)]
pub struct AuthValue<'a> {
    pub scheme: &'a str,
    list: &'a str,
}

impl<'a> NameAddr<'a> {
    pub fn parse(text: &'a str, name: HeaderName) -> Result<NameAddr<'a>, HeaderError> {
        name_addr(text::trim(text)).ok_or(HeaderError::Malformed(name))
    }

    pub fn tag(&self) -> Option<&'a str> {
        self.params.value("tag")
    }

    /// The display name without quotes and escapes.
    pub fn display_decoded(&self) -> Option<Cow<'a, str>> {
        self.display.map(|display| match display.strip_prefix('"') {
            Some(open) => text::unescaped(open.strip_suffix('"').unwrap_or(open)),
            None => Cow::Borrowed(display),
        })
    }
}

fn name_addr(text: &str) -> Option<NameAddr<'_>> {
    if text.starts_with('"') {
        let (display, rest) = text.split_at_checked(text::quoted_length(text)?)?;
        return bracketed(Some(display), text::trim(rest).strip_prefix('<')?);
    }
    match text.bytes().position(|byte| matches!(byte, b'<' | b';' | b'"')) {
        Some(at) if text.as_bytes().get(at) == Some(&b'<') => {
            let (display, rest) = text::cut(text, at)?;
            let display = text::trim(display);
            // Tokens only by the grammar; phones send more. A comma would have split the value elsewhere.
            if display.bytes().any(|byte| matches!(byte, b',' | b'>' | b'\\')) {
                return None;
            }
            bracketed(Some(display).filter(|display| !display.is_empty()), rest)
        }
        _ => bare(text),
    }
}

/// What follows the opening bracket.
fn bracketed<'a>(display: Option<&'a str>, text: &'a str) -> Option<NameAddr<'a>> {
    let (uri, rest) = text::split(text, b'>')?;
    let rest = text::trim(rest);
    let params = Params(rest);
    let uri = Uri::parse(uri).ok()?;
    ((rest.is_empty() || rest.starts_with(';')) && params.are_well_formed()).then_some(NameAddr {
        display,
        uri,
        params,
    })
}

/// Without brackets, the parameters are the header's, and the URI may hold neither comma nor question mark.
fn bare(text: &str) -> Option<NameAddr<'_>> {
    let end = text::find(text, b';').unwrap_or(text.len());
    let (uri, rest) = text.split_at_checked(end)?;
    let uri = text::trim(uri);
    let params = Params(rest);
    let allowed = !uri.bytes().any(|byte| matches!(byte, b',' | b'?'));
    (allowed && params.are_well_formed()).then_some(NameAddr { display: None, uri: Uri::parse(uri).ok()?, params })
}

impl<'a> Via<'a> {
    pub fn parse(text: &'a str) -> Result<Via<'a>, HeaderError> {
        via(text).ok_or(HeaderError::Malformed(HeaderName::Via))
    }

    pub fn branch(&self) -> Option<&'a str> {
        self.params.value("branch")
    }

    /// The address that the next hop saw; brackets off, for RFC 5118 4.5 shows both forms.
    pub fn received(&self) -> Option<&'a str> {
        let value = self.params.value("received")?;
        Some(value.strip_prefix('[').and_then(|value| value.strip_suffix(']')).unwrap_or(value))
    }

    /// `Some(None)` when asked for without a value (RFC 3581).
    pub fn rport(&self) -> Option<Option<u16>> {
        let value = self.params.get("rport")?;
        Some(value.and_then(text::number).and_then(|port| u16::try_from(port).ok()))
    }
}

fn via(value: &str) -> Option<Via<'_>> {
    let (protocol, rest) = text::split(value, b'/')?;
    let (version, rest) = text::split(rest, b'/')?;
    let ours = text::trim(protocol).eq_ignore_ascii_case("SIP") && text::trim(version) == "2.0";
    let (transport, rest) = text::split(text::trim(rest), b' ')?;
    let end = text::find(rest, b';').unwrap_or(rest.len());
    let (sent_by, params) = rest.split_at_checked(end)?;
    let (host, port) = host_port(text::trim(sent_by))?;
    let params = Params(params);
    (ours && text::is_token(transport) && params.are_well_formed()).then_some(Via { transport, host, port, params })
}

impl<'a> CSeq<'a> {
    /// The number is below 2^31 (RFC 3261 8.1.1.5).
    pub fn parse(text: &'a str) -> Result<CSeq<'a>, HeaderError> {
        let read = || {
            let (number, method) = text::split(text::trim(text), b' ')?;
            let (number, method_text) = (text::number(number)?, text::trim(method));
            let fits = number < 1 << 31 && text::is_token(method_text);
            fits.then(|| CSeq { number, method: Method::parse(method_text), method_text })
        };
        read().ok_or(HeaderError::Malformed(HeaderName::CSeq))
    }
}

impl<'a> AuthValue<'a> {
    pub fn parse(text: &'a str, name: HeaderName) -> Result<AuthValue<'a>, HeaderError> {
        let text = text::trim(text);
        let (scheme, list) = text.split_once(' ').unwrap_or((text, ""));
        if text::is_token(scheme) { Ok(AuthValue { scheme, list }) } else { Err(HeaderError::Malformed(name)) }
    }

    /// Value without quotes, still escaped; the name in any case. `None` also when it stands there twice.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let mut found = self.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let value = found.next()?;
        found.next().is_none().then_some(value)
    }

    /// `name=value` pairs in order, values without quotes, still escaped; what is no pair is passed over.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        Commas::new(self.list).filter_map(|part| {
            let (name, value) = part.split_once('=')?;
            let name = text::trim(name);
            text::is_token(name).then_some((name, text::unquoted(text::trim(value))))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> NameAddr<'_> {
        NameAddr::parse(text, HeaderName::To).unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn an_address_is_read_with_or_without_name_and_brackets() {
        let quoted = address(r#""J Rosenberg \\\""       <sip:jdrosen@example.com> ;  tag = 98asjd8"#);
        assert_eq!(quoted.display_decoded().as_deref(), Some(r#"J Rosenberg \""#));
        assert_eq!((quoted.uri.user, quoted.tag()), (Some("jdrosen"), Some("98asjd8")));
        let token = address("caller<sip:caller@example.com>;tag=323");
        assert_eq!((token.display, token.tag()), (Some("caller"), Some("323")));
        let bare = address("sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n");
        assert_eq!((bare.display, bare.uri.params.0, bare.tag()), (None, "", Some("1918181833n")));
        let inner = address("<sip:+19725552222@gw1.example.net;unknownparam>");
        assert!(inner.uri.params.has("unknownparam") && !inner.params.has("unknownparam"));
        let outer = address("sip:+19725552222@gw1.example.net;unknownparam");
        assert!(!outer.uri.params.has("unknownparam") && outer.params.has("unknownparam"));
        assert_eq!(address("<sip:a@b>;x=\"<;>\"").params.value("x"), Some("<;>"));
        assert_eq!(address("sip:a@b;x=\"<;>\"").params.value("x"), Some("<;>"));
    }

    #[test]
    fn an_address_that_could_be_read_two_ways_is_refused() {
        for text in [
            "",
            "<>",
            "*",
            "\"open <sip:a@b>",
            "\"a\" sip:a@b",
            "Bell, Alexander <sip:a@b>",
            "< sip:a@b >",
            "<sip:a@b",
            "<sip:a@b> x",
            "<sip:a@b>;;;",
            "sip:a@b?Route=x",
            "sip:a@b,c",
            "a <b> <sip:a@b>",
        ] {
            assert_eq!(NameAddr::parse(text, HeaderName::To), Err(HeaderError::Malformed(HeaderName::To)), "{text}");
        }
    }

    #[test]
    fn a_via_is_read_with_space_anywhere() {
        let via =
            Via::parse("SIP  /    2.0   / UDP  192.168.255.111 : 5062 ; branch= z9hG4bK30239;rport").expect("via");
        assert_eq!((via.transport, via.host, via.port), ("UDP", "192.168.255.111", Some(5062)));
        assert_eq!((via.branch(), via.rport(), via.received()), (Some("z9hG4bK30239"), Some(None), None));
        let v6 =
            Via::parse("SIP/2.0/TLS [2001:db8::9:1]:5061;received=[2001:db8::9:255];rport=7;branch=z9hG4bKas3-111");
        let v6 = v6.expect("via");
        assert_eq!((v6.host, v6.port), ("2001:db8::9:1", Some(5061)));
        assert_eq!((v6.received(), v6.rport()), (Some("2001:db8::9:255"), Some(Some(7))));
        assert_eq!(Via::parse("SIP/2.0/UDP h;received=2001:db8::1").map(|via| via.received()), Ok(Some("2001:db8::1")));
    }

    #[test]
    fn a_via_that_names_no_place_is_refused() {
        for text in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/2.0/UDP ;branch=x",
            "SIP/2.0/UDP 192.0.2.15;;,;,,",
            "SIP/3.0/UDP a",
            "HTTP/2.0/UDP a",
            "SIP/2.0/U@P a",
            "SIP/2.0/UDP a b",
            "SIP/2.0/UDP 2001:db8::1",
        ] {
            assert!(Via::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_cseq_is_a_number_below_two_to_the_31_and_a_method() {
        let cseq = CSeq::parse("0009    INVITE").expect("cseq");
        assert_eq!((cseq.number, cseq.method), (9, Method::Invite));
        assert_eq!(
            CSeq::parse("2147483647 NEW").map(|cseq| (cseq.method, cseq.method_text)),
            Ok((Method::Other, "NEW"))
        );
        for text in ["", "1", "INVITE 1", "-1 INVITE", "2147483648 INVITE", "1 IN VITE", "1 "] {
            assert!(CSeq::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn challenge_parameters_come_without_quotes_and_twins_are_not_trusted() {
        let text =
            r#"Digest realm="a, \"b\"" , nonce = "x=",qop="auth,auth-int", algorithm=MD5, stale=a, stale=b, junk"#;
        let value = AuthValue::parse(text, HeaderName::WwwAuthenticate).expect("challenge");
        assert_eq!(value.scheme, "Digest");
        assert_eq!((value.get("REALM"), value.get("nonce")), (Some(r#"a, \"b\""#), Some("x=")));
        assert_eq!((value.get("qop"), value.get("algorithm")), (Some("auth,auth-int"), Some("MD5")));
        assert_eq!((value.get("stale"), value.get("opaque")), (None, None));
        assert!(AuthValue::parse("", HeaderName::Authorization).is_err());
    }
}
