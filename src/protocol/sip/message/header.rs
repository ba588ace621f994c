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
            pub fn text(self) -> &'static str {
                match self { $(HeaderName::$variant => $text,)* HeaderName::Other => "" }
            }

            /// The one-letter form, where there is one.
            pub fn compact(self) -> Option<u8> {
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

impl HeaderName {
    /// Reads a name in either form, without regard to case.
    pub fn parse(text: &str) -> HeaderName {
        if let [letter] = text.as_bytes() {
            let letter = letter.to_ascii_lowercase();
            return HeaderName::KNOWN
                .iter()
                .copied()
                .find(|name| name.compact() == Some(letter))
                .unwrap_or(HeaderName::Other);
        }
        HeaderName::KNOWN
            .iter()
            .copied()
            .find(|name| name.text().eq_ignore_ascii_case(text))
            .unwrap_or(HeaderName::Other)
    }
}
