//! One DTLS handshake with a browser (RFC 5764): whose certificate it must be, and the keys that come of it. Opens no socket.

use crate::media::command::SrtpKeys;
use crate::media::handshake::{Certificates, HandshakeFault, HandshakeNews, HandshakeWish};
use crate::protocol::rtp::suite::Suite;
use crate::protocol::sdp::fingerprint::Fingerprint;
use dimpl::certificate::generate_self_signed_certificate;
use dimpl::{Config, Dtls, DtlsCertificate, Error, KeyingMaterial, Output, SrtpProfile};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A browser begins with a twentieth of a second; ours are answers, which it asks for again.
const FIRST_RETRY: Duration = Duration::from_millis(400);
/// Longer than anybody waits in silence.
const PATIENCE: Duration = Duration::from_secs(20);
/// First hellos that are answered in DTLS 1.2 alone.
const HELLOS_OF_1_2: u8 = 2;
/// How often somebody's junk may spoil a handshake before its peer has shown who it is.
const SPOILED_MAX: u8 = 8;
/// The largest record of a handshake, and then some.
const RECORD_BYTES: usize = 2_048;
const RECORD_BYTES_MAX: usize = 32_768;

/// What all handshakes of a run have in common.
pub struct Identity {
    config: Arc<Config>,
    certificates: [DtlsCertificate; 2],
}

impl Identity {
    /// Certificates that nobody has seen before and nobody will see after this run.
    pub fn draw() -> Result<Identity, String> {
        let certificate = || generate_self_signed_certificate().map_err(|error| format!("DTLS certificate: {error}"));
        let config = Config::builder().flight_start_rto(FIRST_RETRY).handshake_timeout(PATIENCE).build();
        Ok(Identity {
            config: Arc::new(config.map_err(|error| format!("DTLS: {error:?}"))?),
            certificates: [certificate()?, certificate()?],
        })
    }

    /// A peer that begins is first met in DTLS 1.2, where the library takes the protection that we prefer: in 1.3 it takes
    /// the browser's, and browsers name that first which costs us four times as much a packet. Who knows nothing but 1.3
    /// begins again, and is met so.
    fn begin(&self, wish: HandshakeWish, is_again: bool, now: Instant) -> Dtls {
        let [one, other] = &self.certificates;
        let certificate = if wish.certificate == 0 { one } else { other };
        let (config, certificate) = (Arc::clone(&self.config), certificate.clone());
        if !wish.is_client && !is_again {
            return Dtls::new_12(config, certificate, now);
        }
        let mut dtls = Dtls::new_auto(config, certificate, now);
        dtls.set_active(wish.is_client);
        dtls
    }

    pub fn certificates(&self) -> Certificates {
        let [one, other] = &self.certificates;
        Certificates([fingerprint(&one.certificate), fingerprint(&other.certificate)])
    }
}

fn fingerprint(certificate: &[u8]) -> Fingerprint {
    Fingerprint(Sha256::digest(certificate).into())
}

/// One handshake under way, or just over.
pub struct Handshake {
    identity: Arc<Identity>,
    dtls: Dtls,
    spoiled: u8,
    /// First hellos of the peer's that led to nothing, or were not understood.
    hellos: u8,
    wish: HandshakeWish,
    /// The peer's certificate was shown and is the one that its description vouches for.
    is_proven: bool,
    is_connected: bool,
    has_keys: bool,
    /// When it wants to be looked after.
    pub when: Instant,
    room: Vec<u8>,
}

impl Handshake {
    pub fn begin(identity: &Arc<Identity>, wish: HandshakeWish, now: Instant) -> Handshake {
        Handshake {
            identity: Arc::clone(identity),
            dtls: identity.begin(wish, false, now),
            spoiled: 0,
            hellos: 0,
            wish,
            is_proven: false,
            is_connected: false,
            has_keys: false,
            when: now,
            room: vec![0; RECORD_BYTES],
        }
    }

    pub fn wish(&self) -> HandshakeWish {
        self.wish
    }

    /// One datagram, or time alone. What it leads to is added to `news`; after a fault nothing more is to be expected.
    pub fn step(
        &mut self,
        now: Instant,
        datagram: Option<&[u8]>,
        news: &mut Vec<HandshakeNews>,
    ) -> Result<(), HandshakeFault> {
        self.hellos += u8::from(self.hellos <= HELLOS_OF_1_2 && datagram.is_some_and(is_first_hello));
        if !self.wish.is_client && !self.is_proven && self.hellos > HELLOS_OF_1_2 && self.spoiled == 0 {
            self.spoiled = 1;
            self.dtls = self.identity.begin(self.wish, true, now);
        }
        let clock = self.dtls.handle_timeout(now);
        let taken = clock.and_then(|()| match datagram.map(without_plain_alerts) {
            Some(datagram) if !datagram.is_empty() => self.dtls.handle_packet(&datagram),
            _ => Ok(()),
        });
        // Before the peer has shown its certificate, anybody who can write its address may have sent this.
        let is_spoiled = taken.as_ref().is_err_and(|error| fault(error) == HandshakeFault::Protocol);
        if is_spoiled && !self.wish.is_client && !self.is_proven && self.spoiled < SPOILED_MAX {
            self.spoiled += 1;
            self.dtls = self.identity.begin(self.wish, true, now);
            return self.drain(now, news);
        }
        // An alert may be waiting that tells the peer why.
        let drained = self.drain(now, news);
        taken.map_err(|error| fault(&error)).and(drained)
    }

    fn drain(&mut self, now: Instant, news: &mut Vec<HandshakeNews>) -> Result<(), HandshakeFault> {
        loop {
            match self.dtls.poll_output(&mut self.room) {
                Output::Packet(datagram) => news.push(HandshakeNews::Send(datagram.into())),
                Output::BufferTooSmall { needed } if needed <= RECORD_BYTES_MAX => self.room.resize(needed, 0),
                Output::BufferTooSmall { .. } => return Err(HandshakeFault::Protocol),
                Output::PeerCert(certificate) => {
                    self.is_proven = fingerprint(certificate) == self.wish.peer;
                    if !self.is_proven {
                        return Err(HandshakeFault::Fingerprint);
                    }
                }
                Output::KeyingMaterial(material, profile) => {
                    let keys = keys(&material, profile, self.wish.is_client).ok_or(HandshakeFault::NoProfile)?;
                    if !self.is_proven {
                        return Err(HandshakeFault::Fingerprint);
                    }
                    self.has_keys = true;
                    news.push(HandshakeNews::Keys(self.wish, Box::new(keys)));
                }
                Output::Connected => self.is_connected = true,
                Output::Timeout(when) => {
                    self.when = when.max(now);
                    let is_lame = self.is_connected && !self.has_keys;
                    return if is_lame { Err(HandshakeFault::NoProfile) } else { Ok(()) };
                }
                // Nobody speaks anything but SRTP to us; a farewell is signalling's affair.
                _ => {}
            }
        }
    }
}

/// Whether a datagram begins a handshake, not answering anything of ours: message zero of its sender, from its beginning.
fn is_first_hello(datagram: &[u8]) -> bool {
    let [22, _, _, 0, 0, ..] = datagram else { return false };
    matches!(datagram.get(13..22), Some([1, _, _, _, 0, 0, 0, 0, 0]))
}

/// The records of a datagram that are no alert which anybody could have written: such a one ends no handshake.
fn without_plain_alerts(datagram: &[u8]) -> Cow<'_, [u8]> {
    let mut kept = Vec::new();
    let mut rest = datagram;
    let mut has_alert = false;
    // Records of DTLS 1.3 that are encrypted begin otherwise, and nothing in clear follows them.
    while let Some([kind @ 20..=26, _, _, e0, e1, .., l0, l1]) = rest.first_chunk::<13>() {
        let length = 13 + usize::from(u16::from_be_bytes([*l0, *l1]));
        let (record, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        if *kind == 21 && [*e0, *e1] == [0, 0] {
            has_alert = true;
        } else {
            kept.extend_from_slice(record);
        }
        rest = after;
    }
    kept.extend_from_slice(rest);
    if has_alert { Cow::Owned(kept) } else { Cow::Borrowed(datagram) }
}

/// RFC 5764 4.2: key of the client, of the server, salt of the client, of the server.
fn keys(material: &KeyingMaterial, profile: SrtpProfile, is_client: bool) -> Option<SrtpKeys> {
    let suite = match profile {
        SrtpProfile::AEAD_AES_256_GCM => Suite::AeadAes256Gcm,
        SrtpProfile::AEAD_AES_128_GCM => Suite::AeadAes128Gcm,
        SrtpProfile::AES128_CM_SHA1_80 => Suite::AesCm128HmacSha1_80,
        _ => return None,
    };
    let (key, salt) = (suite.key_bytes(), suite.salt_bytes());
    let (client_key, rest) = material.split_at_checked(key)?;
    let (server_key, rest) = rest.split_at_checked(key)?;
    let (client_salt, rest) = rest.split_at_checked(salt)?;
    let server_salt = rest.get(..salt)?;
    let client: Box<[u8]> = [client_key, client_salt].concat().into();
    let server: Box<[u8]> = [server_key, server_salt].concat().into();
    let (ours, theirs) = if is_client { (client, server) } else { (server, client) };
    Some(SrtpKeys { suite, ours, theirs })
}

fn fault(error: &Error) -> HandshakeFault {
    match error {
        Error::Timeout(_) => HandshakeFault::TooLate,
        Error::CertificateError(_) => HandshakeFault::Certificate,
        Error::CryptoError(error) => {
            use dimpl::CryptoError::{
                CertificateParseFailed, InvalidSubjectPublicKey, UnsupportedEcCurve, UnsupportedPublicKeyAlgorithm,
                UnsupportedSignatureAlgorithm, UnsupportedSignatureVerification,
            };
            let is_of_certificate = matches!(
                error,
                CertificateParseFailed
                    | InvalidSubjectPublicKey
                    | UnsupportedEcCurve
                    | UnsupportedPublicKeyAlgorithm
                    | UnsupportedSignatureAlgorithm(_)
                    | UnsupportedSignatureVerification { .. }
            );
            if is_of_certificate { HandshakeFault::Certificate } else { HandshakeFault::Protocol }
        }
        _ => HandshakeFault::Protocol,
    }
}

#[cfg(test)]
mod tests;
