//! What must hold for any text taken as a URI or a header value. Used by the fuzz target and by the replay of its seeds.

use offhook::protocol::sip::message::header::HeaderName;
use offhook::protocol::sip::message::uri::{Scheme, Uri};
use offhook::protocol::sip::message::value::{AuthValue, CSeq, NameAddr, Via};

pub fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(uri) = Uri::parse(text) {
        uri_holds(&uri);
    }
    if let Ok(address) = NameAddr::parse(text, HeaderName::To) {
        let display = address.display.map(|display| format!("{display} ")).unwrap_or_default();
        let written = format!("{display}<{}>{}", address.uri.text, address.params.0);
        let again = NameAddr::parse(&written, HeaderName::To).expect("an address, taken apart and put together");
        assert_eq!((again.display, again.uri.text), (address.display, address.uri.text));
        assert_eq!(again.tag(), address.tag());
        let _ = address.display_decoded();
        uri_holds(&address.uri);
    }
    if let Ok(via) = Via::parse(text) {
        assert!(!via.host.is_empty() && !via.host.contains([' ', '[', ']', ';']));
        let _ = (via.branch(), via.received(), via.rport());
    }
    if let Ok(cseq) = CSeq::parse(text) {
        let written = format!("{} {}", cseq.number, cseq.method_text);
        assert_eq!(CSeq::parse(&written).map(|again| (again.number, again.method)), Ok((cseq.number, cseq.method)));
    }
    if let Ok(value) = AuthValue::parse(text, HeaderName::Authorization) {
        assert!(value.iter().all(|(name, _)| !name.is_empty()));
        let _ = value.get("nonce");
    }
}

fn uri_holds(uri: &Uri<'_>) {
    assert!(!uri.text.contains([' ', '<', '>', '"', '\r', '\n', '\0']));
    assert!(uri.equals(uri) || uri.params.iter().count() > 1, "{}", uri.text);
    if matches!(uri.scheme, Scheme::Sip | Scheme::Sips) {
        assert!(!uri.host.is_empty());
        let host = if uri.host.contains(':') { format!("[{}]", uri.host) } else { uri.host.to_owned() };
        let user = uri.user.map(|user| format!("{user}@")).unwrap_or_default();
        let port = uri.port.map(|port| format!(":{port}")).unwrap_or_default();
        let headers = uri.headers.map(|headers| format!("?{headers}")).unwrap_or_default();
        let written = format!("sip:{user}{host}{port}{}{headers}", uri.params.0);
        let again = Uri::parse(&written).expect("a URI, taken apart and put together");
        assert_eq!((again.user, again.host, again.port), (uri.user, uri.host, uri.port));
        assert_eq!((again.params, again.headers), (uri.params, uri.headers));
    }
    let _ = (uri.user_decoded(), uri.transport(), uri.is_loose_router());
}
