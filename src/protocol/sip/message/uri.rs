//! SIP, SIPS and tel URIs, read without copying; other schemes are kept as text.

use crate::protocol::sip::path::Transport;

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
    /// For tel: the number as written. For sip: the user part without password, as written.
    pub user: Option<&'a str>,
    /// Without brackets for IPv6. Empty for tel and other schemes.
    pub host: &'a str,
    pub port: Option<u16>,
    pub params: Params<'a>,
    /// What follows the question mark.
    pub headers: Option<&'a str>,
    pub text: &'a str,
}

/// `;name=value;name` lists, of URIs and of header values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Params<'a>(pub &'a str);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UriError;

#[allow(unused_variables)]
impl<'a> Uri<'a> {
    pub fn parse(text: &'a str) -> Result<Uri<'a>, UriError> {
        todo!()
    }
    pub fn user_decoded(&self) -> Option<std::borrow::Cow<'a, str>> {
        todo!()
    }
    /// `transport=` parameter if it names one that we know.
    pub fn transport(&self) -> Option<Transport> {
        todo!()
    }
    pub fn is_loose_router(&self) -> bool {
        todo!()
    }
    /// Equality as RFC 3261 19.1.4 has it.
    pub fn equals(&self, other: &Uri<'_>) -> bool {
        todo!()
    }
}

#[allow(unused_variables)]
impl<'a> Params<'a> {
    /// `Some(None)` for a parameter without value. Names compare without case. Quoted values come without quotes, still escaped.
    pub fn get(&self, name: &str) -> Option<Option<&'a str>> {
        todo!()
    }
    /// The value, where there is one.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        todo!()
    }
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        std::iter::empty()
    }
}
