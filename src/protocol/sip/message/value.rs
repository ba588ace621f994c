//! Header values with a structure: addresses, Via, CSeq, challenges.

use super::header::HeaderName;
use super::message::HeaderError;
use super::method::Method;
use super::uri::{Params, Uri};

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

#[allow(unused_variables)]
impl<'a> NameAddr<'a> {
    pub fn parse(text: &'a str, name: HeaderName) -> Result<NameAddr<'a>, HeaderError> {
        todo!()
    }
    pub fn tag(&self) -> Option<&'a str> {
        self.params.value("tag")
    }
    /// The display name without quotes and escapes.
    pub fn display_decoded(&self) -> Option<std::borrow::Cow<'a, str>> {
        todo!()
    }
}

#[allow(unused_variables)]
impl<'a> Via<'a> {
    pub fn parse(text: &'a str) -> Result<Via<'a>, HeaderError> {
        todo!()
    }
    pub fn branch(&self) -> Option<&'a str> {
        self.params.value("branch")
    }
}

#[allow(unused_variables)]
impl<'a> CSeq<'a> {
    pub fn parse(text: &'a str) -> Result<CSeq<'a>, HeaderError> {
        todo!()
    }
}
