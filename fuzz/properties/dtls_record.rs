//! What must hold for any datagrams that come to a handshake. Used by the fuzz target and by the replay of its seeds.

use offhook::edge::media::dtls::handshake::{Handshake, Identity};
use offhook::media::handshake::{HandshakeNews, HandshakeWish};
use offhook::protocol::sdp::fingerprint::Fingerprint;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The bytes are datagrams, each with two bytes of length and one of time (in units of 20 ms) before it.
#[allow(clippy::disallowed_methods)]
pub fn hold(bytes: &[u8]) {
    let identity = Arc::new(Identity::draw().expect("certificates"));
    for is_client in [false, true] {
        let mut now = Instant::now();
        let wish = HandshakeWish { peer: Fingerprint([7; 32]), is_client, certificate: 0 };
        let mut handshake = Handshake::begin(&identity, wish, now);
        let mut rest = bytes;
        while let Some((&[high, low, wait], after)) = rest.split_first_chunk::<3>() {
            let (datagram, after) = after.split_at(usize::from(u16::from_be_bytes([high, low])).min(after.len()));
            now += Duration::from_millis(u64::from(wait) * 20);
            let mut news = Vec::new();
            let stepped = handshake.step(now, Some(datagram), &mut news);
            assert!(news.len() <= 64, "{} things to do after one datagram", news.len());
            for one in news {
                match one {
                    HandshakeNews::Send(sent) => assert!(!sent.is_empty() && sent.len() <= 1_500, "{}", sent.len()),
                    HandshakeNews::Keys(..) | HandshakeNews::Failed(_) => panic!("nobody has shown that certificate"),
                }
            }
            assert!(handshake.when >= now);
            if stepped.is_err() {
                break;
            }
            rest = after;
        }
    }
}
