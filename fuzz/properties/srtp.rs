//! What must hold for any bytes taken as SRTP, its keys included. Used by the fuzz target and by the replay of its seeds.

use offhook::protocol::rtp::packet::Packet;
use offhook::protocol::rtp::srtp::inline::{InlineKey, print};
use offhook::protocol::rtp::srtp::{SrtpReceiver, SrtpSender, TRAILER_BYTES_MAX};
use offhook::protocol::rtp::suite::Suite;

/// The first byte chooses the suite; the rest is a packet, protected and not, and the text of a key.
pub fn hold(bytes: &[u8]) {
    let Some((&first, packet)) = bytes.split_first() else { return };
    let Some(&suite) = Suite::ALL.get(usize::from(first & 3)) else { return };
    let master = vec![first; suite.key_bytes() + suite.salt_bytes()];
    let (Ok(mut sender), Ok(mut receiver)) = (SrtpSender::new(suite, &master), SrtpReceiver::new(suite, &master))
    else {
        panic!("a key of the right length");
    };
    let mut forged = packet.to_vec();
    assert!(receiver.unprotect(&mut forged).is_err());
    forged.copy_from_slice(packet);
    assert!(receiver.unprotect_rtcp(&mut forged).is_err());
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + TRAILER_BYTES_MAX, 0);
    let protected = sender.protect(&mut buffer, packet.len());
    if Packet::parse(packet).is_ok() {
        assert!(protected.is_ok(), "{protected:?}");
    }
    if let Ok(length) = protected {
        assert_eq!(receiver.unprotect(&mut buffer[..length]), Ok(packet.len()));
        assert_eq!(&buffer[..packet.len()], packet);
    }
    buffer[..packet.len()].copy_from_slice(packet);
    if let Ok(length) = sender.protect_rtcp(&mut buffer, packet.len()) {
        assert_eq!(receiver.unprotect_rtcp(&mut buffer[..length]), Ok(packet.len()));
        assert_eq!(&buffer[..packet.len()], packet);
    }
    if let Ok(text) = std::str::from_utf8(packet)
        && let Ok(key) = InlineKey::parse(suite, text)
    {
        assert_eq!(InlineKey::parse(suite, &print(&key.master)).map(|key| key.master), Ok(key.master));
    }
}
