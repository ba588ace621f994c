//! What our end says to a browser and reads from it: ICE, DTLS and their lines (RFC 8839, 8842, 9143). Performs neither.

use crate::base::entropy::Entropy;
use crate::domain::leg::media_plan::agreement::View;
use crate::media::handshake::{Certificates, HandshakeWish, WebRtc};
use crate::protocol::ice::credentials::Credentials;
use crate::protocol::ice::responder::Terms;
use crate::protocol::sdp::attribute;
use crate::protocol::sdp::fingerprint::Fingerprint;
use crate::protocol::sdp::parse::{Description, Line, Media};
use std::net::SocketAddr;

/// As every browser writes it, and wants it written.
pub const PROTOCOL: &str = "UDP/TLS/RTP/SAVPF";
/// RFC 8445 5.1.2.1 for the first component of the only candidate of kind host.
const PRIORITY: u32 = (126 << 24) + (65_535 << 8) + 255;
/// The name of our stream where the peer has given it none.
const MID: &str = "0";

/// Our half of what a browser and we have said to each other.
#[derive(Debug)]
pub struct WebEnd {
    entropy: Entropy,
    own: Credentials,
    /// Those of the peer with which ours are in use.
    peer: Option<Credentials>,
    certificates: Certificates,
    certificate: u8,
    /// With whom a handshake was agreed, and whether we begin it: kept as long as nothing new is wanted.
    agreed: Option<(Fingerprint, bool)>,
}

/// What a browser's description says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Described {
    credentials: Credentials,
    fingerprint: Fingerprint,
    setup: Setup,
}

/// RFC 4145, as far as RFC 8842 leaves it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Setup {
    Active,
    Passive,
    Either,
}

impl Setup {
    fn name(self) -> &'static str {
        match self {
            Setup::Active => "active",
            Setup::Passive => "passive",
            Setup::Either => "actpass",
        }
    }
}

/// Whether a stream is protected by DTLS, whoever can read its terms.
pub fn is_dtls(media: &Media<'_>) -> bool {
    media.is_rtp() && media.protocol.split('/').any(|word| word.eq_ignore_ascii_case("TLS"))
}

/// `None`: it lacks what we need, or has it in a form that we do not take.
pub fn read(view: View<'_>) -> Option<Described> {
    let View { description, media } = view;
    if !is_dtls(media) || !media.rtcp_mux() {
        return None;
    }
    let (fragment, password) = description.ice(media)?;
    let setup = match description.setup(media) {
        Some("active") => Setup::Active,
        Some("passive") => Setup::Passive,
        Some("actpass") | None => Setup::Either,
        Some(_) => return None,
    };
    Some(Described {
        credentials: Credentials::described(fragment, password)?,
        fingerprint: description.sha_256_fingerprint(media)?,
        setup,
    })
}

impl WebEnd {
    pub fn new(entropy: &mut Entropy) -> WebEnd {
        let mut entropy = entropy.split();
        let own = Credentials::draw(&mut entropy);
        entropy.rest();
        WebEnd { entropy, own, peer: None, certificates: Certificates::default(), certificate: 0, agreed: None }
    }

    pub fn present(&mut self, certificates: Certificates) {
        self.certificates = certificates;
    }

    /// The stream has another port from now on, where nothing of before is known: a new proof of everything is wanted.
    pub fn moves(&mut self) {
        self.renew();
        self.certificate = (self.certificate + 1) % 2;
        self.agreed = None;
        self.peer = None;
    }

    fn renew(&mut self) {
        self.own = Credentials::draw(&mut self.entropy);
        self.entropy.rest();
    }

    /// What the peer's offer makes of both sides; the same offer again changes nothing.
    pub fn answer(&mut self, peer: &Described) -> (WebRtc, Vec<Line<'static>>) {
        // Other credentials are an ICE restart, which is answered by others (RFC 8445 9).
        if self.peer.as_ref().is_some_and(|known| *known != peer.credentials) {
            self.renew();
        }
        let kept = self.agreed.filter(|(fingerprint, _)| *fingerprint == peer.fingerprint);
        let is_client = match (peer.setup, kept) {
            (Setup::Passive, _) => true,
            (Setup::Active, _) | (Setup::Either, None) => false,
            (Setup::Either, Some((_, is_client))) => is_client,
        };
        let agreed = self.agree(peer, is_client);
        (agreed, self.lines(if is_client { Setup::Active } else { Setup::Passive }))
    }

    /// What the peer has answered to what we offered.
    pub fn answered(&mut self, peer: &Described) -> WebRtc {
        self.agree(peer, peer.setup != Setup::Active)
    }

    fn agree(&mut self, peer: &Described, is_client: bool) -> WebRtc {
        self.peer = Some(peer.credentials.clone());
        self.agreed = Some((peer.fingerprint, is_client));
        WebRtc {
            terms: Terms { own: self.own.clone(), peer: peer.credentials.fragment.clone() },
            wish: HandshakeWish { peer: peer.fingerprint, is_client, certificate: self.certificate },
        }
    }

    /// For an offer of ours.
    pub fn offer(&self) -> Vec<Line<'static>> {
        self.lines(Setup::Either)
    }

    fn lines(&self, setup: Setup) -> Vec<Line<'static>> {
        let shown = self.certificates.0.get(usize::from(self.certificate)).copied().unwrap_or_default();
        [
            format!("ice-ufrag:{}", self.own.fragment),
            format!("ice-pwd:{}", self.own.password),
            format!("fingerprint:{shown}"),
            format!("setup:{}", setup.name()),
            "rtcp-mux".to_owned(),
        ]
        .map(|text| Line::new(b'a', text))
        .into()
    }

    /// Takes out of a stream of ours what `offer` says anew.
    pub fn is_own(line: &Line<'_>) -> bool {
        let names = ["ice-ufrag", "ice-pwd", "fingerprint", "setup", "rtcp-mux", "candidate", "end-of-candidates"];
        line.attribute().is_some_and(|(name, _)| names.contains(&name))
    }
}

/// Where we are, and that this is all.
pub fn candidate(address: SocketAddr) -> [Line<'static>; 2] {
    let (ip, port) = (address.ip(), address.port());
    let candidate = format!("candidate:1 1 udp {PRIORITY} {ip} {port} typ host");
    [Line::new(b'a', candidate), Line::new(b'a', "end-of-candidates")]
}

/// The name of a stream in its bundle: the peer's or the one that it had, else our own.
pub fn mid(known: Option<&Media<'_>>) -> Line<'static> {
    Line::new(b'a', format!("mid:{}", known.and_then(Media::mid).unwrap_or(MID)))
}

/// A name for what we say, without which some pages show no stream.
pub fn source() -> Line<'static> {
    Line::new(b'a', "msid:offhook offhook-audio")
}

/// The session's lines for the streams of ours in it. `offer`: what is answered by them; its bundle is no larger (RFC 9143 7.3).
pub fn session(media: &[Media<'_>], offer: Option<&Description<'_>>) -> Vec<Line<'static>> {
    let live: Vec<&Media<'_>> = media.iter().filter(|media| media.port != 0 && is_dtls(media)).collect();
    if live.is_empty() {
        return Vec::new();
    }
    let may = |mid: &&str| offer.is_none_or(|offer| offer.bundle().any(|offered| offered == *mid));
    let mids: Vec<&str> = live.iter().filter_map(|media| media.mid()).filter(may).collect();
    let mut lines = vec![Line::new(b'a', "ice-lite")];
    if !mids.is_empty() {
        lines.push(Line::new(b'a', format!("group:BUNDLE {}", mids.join(" "))));
    }
    lines
}

/// Whether a description of ours was for a browser.
pub fn is_for_browser(description: &Description<'_>) -> bool {
    attribute::value(&description.lines, "ice-lite").is_some()
}

#[cfg(test)]
mod tests;
