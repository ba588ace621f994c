//! Header names that we know, with their compact forms. All others are `Other` and keep their text in the message.

macro_rules! header_names {
    ($($variant:ident $text:literal $compact:expr;)*) => {
        /// A header field name, compared without regard to case and compact form.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum HeaderName { $($variant,)* Other }

        impl HeaderName {
            pub const KNOWN: &[HeaderName] = &[$(HeaderName::$variant,)*];

            /// The long form, as we write it.
            pub const fn text(self) -> &'static str {
                match self { $(HeaderName::$variant => $text,)* HeaderName::Other => "" }
            }

            /// The one-letter form, where there is one.
            pub const fn compact(self) -> Option<u8> {
                match self { $(HeaderName::$variant => $compact,)* HeaderName::Other => None }
            }
        }
    };
}

header_names! {
    Via "Via" Some(b'v');
    From "From" Some(b'f');
    To "To" Some(b't');
    CallId "Call-ID" Some(b'i');
    CSeq "CSeq" None;
    MaxForwards "Max-Forwards" None;
    Contact "Contact" Some(b'm');
    ContentLength "Content-Length" Some(b'l');
    ContentType "Content-Type" Some(b'c');
    ContentEncoding "Content-Encoding" Some(b'e');
    ContentDisposition "Content-Disposition" None;
    ContentLanguage "Content-Language" None;
    RecordRoute "Record-Route" None;
    Route "Route" None;
    Path "Path" None;
    ServiceRoute "Service-Route" None;
    Expires "Expires" None;
    MinExpires "Min-Expires" None;
    Allow "Allow" None;
    AllowEvents "Allow-Events" Some(b'u');
    Supported "Supported" Some(b'k');
    Require "Require" None;
    ProxyRequire "Proxy-Require" None;
    Unsupported "Unsupported" None;
    Accept "Accept" None;
    AcceptEncoding "Accept-Encoding" None;
    AcceptLanguage "Accept-Language" None;
    Authorization "Authorization" None;
    ProxyAuthorization "Proxy-Authorization" None;
    WwwAuthenticate "WWW-Authenticate" None;
    ProxyAuthenticate "Proxy-Authenticate" None;
    AuthenticationInfo "Authentication-Info" None;
    Reason "Reason" None;
    RetryAfter "Retry-After" None;
    Warning "Warning" None;
    Server "Server" None;
    UserAgent "User-Agent" None;
    Date "Date" None;
    Timestamp "Timestamp" None;
    Subject "Subject" Some(b's');
    Organization "Organization" None;
    Priority "Priority" None;
    AlertInfo "Alert-Info" None;
    CallInfo "Call-Info" None;
    InReplyTo "In-Reply-To" None;
    ErrorInfo "Error-Info" None;
    MimeVersion "MIME-Version" None;
    ReplyTo "Reply-To" None;
    Event "Event" Some(b'o');
    SubscriptionState "Subscription-State" None;
    ReferTo "Refer-To" Some(b'r');
    ReferredBy "Referred-By" Some(b'b');
    ReferSub "Refer-Sub" None;
    Replaces "Replaces" None;
    TargetDialog "Target-Dialog" None;
    SessionExpires "Session-Expires" Some(b'x');
    MinSe "Min-SE" None;
    RSeq "RSeq" None;
    RAck "RAck" None;
    PAssertedIdentity "P-Asserted-Identity" None;
    PPreferredIdentity "P-Preferred-Identity" None;
    RemotePartyId "Remote-Party-ID" None;
    Privacy "Privacy" None;
    Diversion "Diversion" None;
    HistoryInfo "History-Info" None;
    UserToUser "User-to-User" None;
    PChargeInfo "P-Charge-Info" None;
    PEarlyMedia "P-Early-Media" None;
    PChargingVector "P-Charging-Vector" None;
    IsupOli "ISUP-OLI" None;
    Jip "JIP" None;
    HopCounter "Hop-Counter" None;
    OriginatingSwitch "Originating-Switch" None;
    OriginatingTrunk "Originating-Trunk" None;
    CallForwardingIndicator "Call-Forwarding-Indicator" None;
    CallingPartyAddress "Calling-Party-Address" None;
    CalledPartyAddress "Called-Party-Address" None;
    Identity "Identity" Some(b'y');
    SipEtag "SIP-ETag" None;
    SipIfMatch "SIP-If-Match" None;
    InfoPackage "Info-Package" None;
    RecvInfo "Recv-Info" None;
    RequestDisposition "Request-Disposition" Some(b'd');
    AcceptContact "Accept-Contact" Some(b'a');
    RejectContact "Reject-Contact" Some(b'j');
    FlowTimer "Flow-Timer" None;
}

/// Where a name may stand in `INDEX`: length, first and last letter tell nearly all known names apart.
const fn place(text: &[u8]) -> usize {
    match text {
        [] => 0,
        [first, .., last] => {
            (text.len() * 7 + first.to_ascii_lowercase() as usize * 13 + last.to_ascii_lowercase() as usize * 59) % 512
        }
        [letter] => letter.to_ascii_lowercase() as usize,
    }
}

/// Known names by `place`, collisions in the next free slot; built at compile time.
const INDEX: [HeaderName; 512] = {
    let mut index = [HeaderName::Other; 512];
    let mut i = 0;
    while i < HeaderName::KNOWN.len() {
        let name = HeaderName::KNOWN[i];
        let mut at = place(name.text().as_bytes());
        while !matches!(index[at], HeaderName::Other) {
            at = (at + 1) % 512;
        }
        index[at] = name;
        i += 1;
    }
    index
};

/// Compact forms by letter.
const LETTERS: [HeaderName; 26] = {
    let mut letters = [HeaderName::Other; 26];
    let mut i = 0;
    while i < HeaderName::KNOWN.len() {
        if let Some(letter) = HeaderName::KNOWN[i].compact() {
            letters[(letter - b'a') as usize] = HeaderName::KNOWN[i];
        }
        i += 1;
    }
    letters
};

impl HeaderName {
    /// Reads a name in either form, without regard to case.
    pub fn parse(text: &str) -> HeaderName {
        if let [letter] = text.as_bytes() {
            let at = usize::from(letter.to_ascii_lowercase().wrapping_sub(b'a'));
            return LETTERS.get(at).copied().unwrap_or(HeaderName::Other);
        }
        let start = place(text.as_bytes());
        for step in 0..512 {
            match INDEX.get((start + step) % 512) {
                None | Some(HeaderName::Other) => break,
                Some(name) if name.text() == text || name.text().eq_ignore_ascii_case(text) => return *name,
                Some(_) => {}
            }
        }
        HeaderName::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_found_in_any_case_and_form() {
        for name in HeaderName::KNOWN {
            assert_eq!(HeaderName::parse(name.text()), *name);
            assert_eq!(HeaderName::parse(&name.text().to_ascii_uppercase()), *name);
            assert_eq!(HeaderName::parse(&name.text().to_ascii_lowercase()), *name);
            if let Some(letter) = name.compact() {
                assert_eq!(HeaderName::parse(&char::from(letter).to_string()), *name);
                assert_eq!(HeaderName::parse(&char::from(letter).to_ascii_uppercase().to_string()), *name);
            }
        }
    }

    #[test]
    fn no_two_known_names_share_a_text_or_a_letter() {
        let mut texts: Vec<_> = HeaderName::KNOWN.iter().map(|name| name.text().to_ascii_lowercase()).collect();
        let mut letters: Vec<_> = HeaderName::KNOWN.iter().filter_map(|name| name.compact()).collect();
        let (all_texts, all_letters) = (texts.len(), letters.len());
        texts.sort();
        texts.dedup();
        letters.sort();
        letters.dedup();
        assert_eq!((texts.len(), letters.len()), (all_texts, all_letters));
    }

    #[test]
    fn a_name_that_we_do_not_know_is_other() {
        for text in ["", "z", "1", "{", "X-Vendor", "Vias", "Vi", "C%6Fntact", "ÄÖ"] {
            assert_eq!(HeaderName::parse(text), HeaderName::Other, "{text}");
        }
    }

    #[test]
    fn a_look_up_probes_few_slots() {
        let longest = HeaderName::KNOWN
            .iter()
            .map(|name| {
                let start = place(name.text().as_bytes());
                (0..512).find(|step| INDEX[(start + step) % 512] == *name).unwrap_or(512)
            })
            .max();
        assert!(longest <= Some(4), "{longest:?}");
    }
}
