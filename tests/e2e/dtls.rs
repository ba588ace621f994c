//! Handshakes with OpenSSL instead of a browser: keys with an ECDSA certificate, a clear refusal of an RSA one.

use crate::daemon::Scratch;
use offhook::edge::media::dtls::handshake::{Handshake, Identity};
use offhook::media::handshake::{HandshakeFault, HandshakeNews, HandshakeWish};
use offhook::protocol::rtp::suite::Suite;
use offhook::protocol::sdp::fingerprint::Fingerprint;
use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A certificate of this kind and its fingerprint.
fn certificate(here: &Scratch, kind: &[&str]) -> Fingerprint {
    let (key, certificate) = (here.0.join("key.pem"), here.0.join("certificate.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=peer"])
        .args(kind)
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let shown = Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
        .arg(&certificate)
        .output()
        .expect("openssl runs");
    let shown = String::from_utf8_lossy(&shown.stdout).trim().to_owned();
    let value = shown.split_once('=').map(|(_, value)| value).unwrap_or_default();
    Fingerprint::parse(&format!("sha-256 {value}")).unwrap_or_else(|| panic!("{shown}"))
}

/// What comes of a handshake that OpenSSL begins with us.
fn meet(kind: &[&str]) -> Result<Suite, HandshakeFault> {
    let here = Scratch::new();
    let peer = certificate(&here, kind);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a deadline");
    let to = socket.local_addr().expect("an address").to_string();
    let mut openssl = Command::new("openssl")
        .args(["s_client", "-dtls1_2", "-connect", &to])
        .args(["-use_srtp", "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM", "-cert"])
        .arg(here.0.join("certificate.pem"))
        .arg("-key")
        .arg(here.0.join("key.pem"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl runs");
    let identity = Arc::new(Identity::draw().expect("certificates"));
    let wish = HandshakeWish { peer, is_client: false, certificate: 0 };
    let mut handshake = Handshake::begin(&identity, wish, Instant::now());
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut buffer = [0; 2_048];
    let outcome = loop {
        assert!(Instant::now() < deadline, "nothing came of it");
        let came = socket.recv_from(&mut buffer).ok();
        let mut news = Vec::new();
        let datagram = came.and_then(|(length, _)| buffer.get(..length));
        let stepped = handshake.step(Instant::now(), datagram, &mut news);
        let mut suite = None;
        for one in news {
            match (one, came) {
                (HandshakeNews::Keys(_, keys), _) => suite = Some(keys.suite),
                (HandshakeNews::Send(datagram), Some((_, from))) => {
                    socket.send_to(&datagram, from).expect("sent");
                }
                _ => {}
            }
        }
        match (suite, stepped) {
            (_, Err(fault)) => break Err(fault),
            (Some(suite), Ok(())) => break Ok(suite),
            (None, Ok(())) => {}
        }
    };
    let _ = openssl.kill();
    let _ = openssl.wait();
    outcome
}

#[test]
fn openssl_with_an_ecdsa_certificate_comes_to_keys_of_gcm() {
    assert_eq!(meet(&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]), Ok(Suite::AeadAes128Gcm));
}

#[test]
fn openssl_with_an_rsa_certificate_is_told_apart_and_refused() {
    assert_eq!(meet(&["-newkey", "rsa:2048"]), Err(HandshakeFault::Certificate));
}
