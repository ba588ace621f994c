//! SIP, SIPS and tel URIs, read without copying; other schemes are kept as text. Never resolves anything.

pub use crate::protocol::sip::message::params::Params;
use crate::protocol::sip::message::text;
use crate::protocol::sip::path::Transport;
use memchr::memchr;
use std::borrow::Cow;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    Sip,
    Sips,
    Tel,
    Other,
}

/// A URI taken apart. Escapes are kept as written; `user_decoded` undoes them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Uri<'a> {
    pub scheme: Scheme,
    /// For tel: the number as written. For sip: the user part without password, as written; `None` when empty.
    pub user: Option<&'a str>,
    /// Without brackets for IPv6. Empty for tel and other schemes.
    pub host: &'a str,
    pub port: Option<u16>,
    pub params: Params<'a>,
    /// What follows the question mark.
    pub headers: Option<&'a str>,
    pub text: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UriError;

impl<'a> Uri<'a> {
    pub fn parse(text: &'a str) -> Result<Uri<'a>, UriError> {
        let (name, rest) = text::split(text, b':').ok_or(UriError)?;
        let scheme = scheme(name).ok_or(UriError)?;
        if rest.is_empty() || !text.bytes().all(text::is_uri_byte) {
            return Err(UriError);
        }
        match scheme {
            Scheme::Sip | Scheme::Sips => parse_sip(scheme, rest, text),
            Scheme::Tel => parse_tel(rest, text),
            Scheme::Other => {
                let params = Params("");
                Ok(Uri { scheme, user: None, host: "", port: None, params, headers: None, text })
            }
        }
    }

    /// The user part with its escapes undone; bytes that are not UTF-8 become U+FFFD.
    pub fn user_decoded(&self) -> Option<Cow<'a, str>> {
        self.user.map(text::percent_decoded)
    }

    /// `transport=` parameter if it names one that we know.
    pub fn transport(&self) -> Option<Transport> {
        self.params.value("transport").and_then(Transport::parse)
    }

    pub fn is_loose_router(&self) -> bool {
        self.params.has("lr")
    }

    /// Equality as RFC 3261 19.1.4 has it.
    pub fn equals(&self, other: &Uri<'_>) -> bool {
        if self.scheme != other.scheme {
            return false;
        }
        match self.scheme {
            Scheme::Other => self.text == other.text,
            Scheme::Tel => self.equals_tel(other),
            Scheme::Sip | Scheme::Sips => self.equals_sip(other),
        }
    }

    /// RFC 3966 5: visual separators do not count.
    fn equals_tel(&self, other: &Uri<'_>) -> bool {
        let digits = |uri: &Uri<'_>| -> Vec<u8> {
            let number = uri.user.unwrap_or("").bytes();
            number.filter(|byte| !b"-.()".contains(byte)).map(|byte| byte.to_ascii_lowercase()).collect()
        };
        digits(self) == digits(other) && params_equal(self, other, |_| true)
    }

    fn equals_sip(&self, other: &Uri<'_>) -> bool {
        let user = |uri: &Uri<'a>| uri.userinfo().map(text::percent_decoded);
        let other_user = other.userinfo().map(text::percent_decoded);
        user(self) == other_user
            && self.host.eq_ignore_ascii_case(other.host)
            && self.port == other.port
            && params_equal(self, other, |name| {
                ["user", "ttl", "method", "maddr", "transport"].iter().any(|key| name.eq_ignore_ascii_case(key))
            })
            && headers_equal(self.headers, other.headers)
    }

    /// User and password as written.
    pub fn userinfo(&self) -> Option<&'a str> {
        let after = self.text.get(memchr(b':', self.text.as_bytes())? + 1..)?;
        after.get(..memchr(b'@', after.as_bytes())?).filter(|userinfo| !userinfo.is_empty())
    }
}

fn scheme(name: &str) -> Option<Scheme> {
    if name.eq_ignore_ascii_case("sip") {
        return Some(Scheme::Sip);
    }
    if name.eq_ignore_ascii_case("sips") {
        return Some(Scheme::Sips);
    }
    if name.eq_ignore_ascii_case("tel") {
        return Some(Scheme::Tel);
    }
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let goes_on = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    (starts && goes_on).then_some(Scheme::Other)
}

fn parse_sip<'a>(scheme: Scheme, rest: &'a str, text: &'a str) -> Result<Uri<'a>, UriError> {
    let (user, place) = match text::find(rest, b'@') {
        None => (None, rest),
        Some(at) => {
            let (userinfo, place) = text::cut(rest, at).ok_or(UriError)?;
            let user = text::split(userinfo, b':').map_or(userinfo, |(user, _)| user);
            if user.is_empty() && !userinfo.is_empty() {
                return Err(UriError);
            }
            (Some(user).filter(|user| !user.is_empty()), place)
        }
    };
    let end = place.bytes().position(|byte| matches!(byte, b';' | b'?')).unwrap_or(place.len());
    let (hostport, tail) = place.split_at_checked(end).ok_or(UriError)?;
    let (host, port) = host_port(hostport).ok_or(UriError)?;
    let (params, headers) = match text::find(tail, b'?') {
        None => (tail, None),
        Some(at) => text::cut(tail, at).map(|(params, headers)| (params, Some(headers))).ok_or(UriError)?,
    };
    // A second `@` would let two readers see two hosts; peers do leave it unescaped in a Replaces after the question mark.
    let second = if user.is_some() { params } else { tail };
    let params = Params(params);
    if text::find(second, b'@').is_some() || !params.are_well_formed() {
        return Err(UriError);
    }
    Ok(Uri { scheme, user, host, port, params, headers, text })
}

fn parse_tel<'a>(rest: &'a str, text: &'a str) -> Result<Uri<'a>, UriError> {
    let end = memchr(b';', rest.as_bytes()).unwrap_or(rest.len());
    let (number, params) = rest.split_at_checked(end).ok_or(UriError)?;
    let params = Params(params);
    let known = |byte: u8| byte.is_ascii_hexdigit() || b"+*#-.()%".contains(&byte);
    if number.is_empty() || !number.bytes().all(known) || !params.are_well_formed() {
        return Err(UriError);
    }
    Ok(Uri { scheme: Scheme::Tel, user: Some(number), host: "", port: None, params, headers: None, text })
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`; the brackets are taken off.
pub fn host_port(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(inner) = text.strip_prefix('[') {
        let (host, rest) = inner.split_once(']')?;
        // The letters only: RFC 5118 4.10 wants `2001:db8:::192.0.2.1`, once allowed by a slip of the grammar, to be read.
        let known = host.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
        let port = match rest.trim_start() {
            "" => None,
            rest => Some(port(rest.strip_prefix(':')?.trim_start())?),
        };
        return (known && memchr(b':', host.as_bytes()).is_some()).then_some((host, port));
    }
    let (host, port) = match text.bytes().position(|byte| matches!(byte, b':' | b' ')) {
        None => (text, None),
        Some(at) => {
            let (host, rest) = text.split_at_checked(at)?;
            (host, Some(port(rest.trim_start().strip_prefix(':')?.trim_start())?))
        }
    };
    // The underscore is no part of a host name but of many an internal one.
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (!host.is_empty() && host.bytes().all(known)).then_some((host, port))
}

fn port(text: &str) -> Option<u16> {
    text::number(text).and_then(|number| u16::try_from(number).ok())
}

/// Parameters present in both must match; those for which `must_appear` holds must stand in both or in none.
fn params_equal(one: &Uri<'_>, other: &Uri<'_>, must_appear: impl Fn(&str) -> bool) -> bool {
    let covers = |left: &Params<'_>, right: &Params<'_>| {
        left.iter().all(|(name, value)| match right.get(name) {
            None => !must_appear(name),
            Some(found) => match (value, found) {
                (None, None) => true,
                (Some(value), Some(found)) => {
                    text::percent_decoded(value).eq_ignore_ascii_case(&text::percent_decoded(found))
                }
                _ => false,
            },
        })
    };
    covers(&one.params, &other.params) && covers(&other.params, &one.params)
}

/// Header components are never ignored; their order does not count.
fn headers_equal(one: Option<&str>, other: Option<&str>) -> bool {
    let sorted = |headers: Option<&str>| -> Vec<(String, String)> {
        let mut pairs: Vec<_> = headers
            .unwrap_or("")
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (name.to_ascii_lowercase(), text::percent_decoded(value).into_owned()))
            .collect();
        pairs.sort();
        pairs
    };
    match (one, other) {
        (None, None) => true,
        (one, other) => sorted(one) == sorted(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri<'_> {
        Uri::parse(text).unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn a_full_sip_uri_is_taken_apart() {
        let uri = uri("sip:+15551234;npdi=yes:secret@[2001:db8::1]:5070;transport=tcp;lr?Subject=a&b=c");
        assert_eq!(uri.scheme, Scheme::Sip);
        assert_eq!(uri.user, Some("+15551234;npdi=yes"));
        assert_eq!((uri.host, uri.port), ("2001:db8::1", Some(5070)));
        assert_eq!(uri.transport(), Some(Transport::Tcp));
        assert!(uri.is_loose_router());
        assert_eq!(uri.headers, Some("Subject=a&b=c"));
    }

    #[test]
    fn a_tel_number_is_the_user() {
        let uri = uri("TEL:+1-201-555-0123;phone-context=example.com");
        assert_eq!((uri.scheme, uri.user, uri.host), (Scheme::Tel, Some("+1-201-555-0123"), ""));
        assert_eq!(uri.params.value("phone-context"), Some("example.com"));
    }

    #[test]
    fn other_schemes_are_kept_as_text() {
        let uri = uri("soap.beep://192.0.2.103:3002");
        assert_eq!((uri.scheme, uri.text), (Scheme::Other, "soap.beep://192.0.2.103:3002"));
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for text in [
            "",
            "sip",
            "sip:",
            "sip:a@",
            "1sip:a@b",
            "<sip:a@b>",
            "sip:a@b;;x",
            "sip:a@b:",
            "sip:a@b:99999",
            "sip:a@b:5x",
            "sip:a b@c",
            "sip: a@b",
            "sip:a@b; lr",
            "sip:2001:db8::10",
            "sip:[2001:db8::10",
            "sip:[example]",
            "sip:a@b\r\nX: y",
            "sip:a@b@c",
            "sip:a@b;c@d",
            "sip:@a?b@c",
            "sip::pw@h",
            "tel:",
            "tel:one two",
            "tel:hello",
        ] {
            assert_eq!(Uri::parse(text), Err(UriError), "{text}");
        }
    }

    #[test]
    fn an_empty_user_is_no_user() {
        assert_eq!(uri("sip:a@h?Replaces=b@c").headers, Some("Replaces=b@c"));
        assert_eq!((uri("sip:@192.0.2.1").user, uri("sip:@192.0.2.1").host), (None, "192.0.2.1"));
    }

    #[test]
    fn escapes_of_the_user_are_undone_on_request() {
        assert_eq!(
            uri("sip:sips%3Auser%40example.com@example.net").user_decoded().as_deref(),
            Some("sips:user@example.com")
        );
        assert_eq!(uri("sip:100%@h").user_decoded().as_deref(), Some("100%"));
        assert_eq!(uri("sip:%ff@h").user_decoded().as_deref(), Some("\u{fffd}"));
    }

    #[test]
    fn the_examples_of_rfc_3261_19_1_4_compare_as_written_there() {
        let equal = [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
            ("tel:+1-201-555-0123", "tel:+12015550123"),
        ];
        let different = [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com:6000;transport=tcp", "sip:bob@biloxi.com"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;newparam=6"),
            ("sip:bob:x@biloxi.com", "sip:bob@biloxi.com"),
            ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
        ];
        for (one, other) in equal {
            assert!(uri(one).equals(&uri(other)) && uri(other).equals(&uri(one)), "{one} {other}");
        }
        for (one, other) in different {
            assert!(!uri(one).equals(&uri(other)) && !uri(other).equals(&uri(one)), "{one} {other}");
        }
    }
}
