//! What a peer sends under one SRTP key. Never accepts a packet twice, and believes none before its tag is verified.

use super::derive::{Purpose, SessionKeys};
use super::sender::nearest;
use super::transform::{Position, Transform};
use super::{SOURCES_MAX, SrtpFault};
use crate::protocol::rtp::packet::{Header, header_length};
use crate::protocol::rtp::suite::Suite;
use crate::protocol::rtp::window::Window;

/// Packets under a new key after which the old one is forgotten: more than can be under way (five seconds).
const OLD_KEY_PACKETS: u16 = 250;
/// The largest packet of which a second guess is made.
const SCRATCH_BYTES: usize = 2_048;

/// Verifies and decrypts RTP and RTCP.
pub struct SrtpReceiver {
    keys: Keys,
    /// Valid for late packets for a while after a new key.
    old: Option<Box<Keys>>,
    old_for: u16,
    pub(super) sources: Vec<Received>,
    heard: u64,
}

struct Keys {
    suite: Suite,
    rtp: Transform,
    rtcp: Box<SessionKeys>,
}

#[derive(Default)]
pub(super) struct Received {
    ssrc: u32,
    /// Empty until a packet has been verified under the present key: its rollover counter is a guess until then.
    rtp: Window,
    /// The same under the key before.
    before: Window,
    rtcp: Window,
    heard: u64,
}

impl std::fmt::Debug for SrtpReceiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SrtpReceiver({})", self.keys.suite.name())
    }
}

impl Keys {
    fn new(suite: Suite, master: &[u8]) -> Result<Keys, SrtpFault> {
        let rtp = SessionKeys::derive(suite, master, Purpose::Rtp)?;
        let rtcp = Box::new(SessionKeys::derive(suite, master, Purpose::Rtcp)?);
        Ok(Keys { suite, rtp: Transform::for_rtp(suite, &rtp)?, rtcp })
    }
}

impl SrtpReceiver {
    /// `master` is key and salt, one after the other.
    pub fn new(suite: Suite, master: &[u8]) -> Result<SrtpReceiver, SrtpFault> {
        Ok(SrtpReceiver { keys: Keys::new(suite, master)?, old: None, old_for: 0, sources: Vec::new(), heard: 0 })
    }

    /// The peer has announced another key. What is under way under the old one is still accepted for a while.
    pub fn rekey(&mut self, suite: Suite, master: &[u8]) -> Result<(), SrtpFault> {
        let fresh = Keys::new(suite, master)?;
        self.old = Some(Box::new(std::mem::replace(&mut self.keys, fresh)));
        self.old_for = OLD_KEY_PACKETS;
        for source in &mut self.sources {
            if source.rtp.highest().is_some() {
                source.before = std::mem::take(&mut source.rtp);
            }
            source.rtcp = Window::default();
        }
        Ok(())
    }

    /// Verifies and decrypts an RTP packet in place and gives its new length. After a fault the bytes are worthless.
    #[inline]
    pub fn unprotect(&mut self, packet: &mut [u8]) -> Result<usize, SrtpFault> {
        let header = Header::read(packet).ok_or(SrtpFault::TooShort)?;
        let header_bytes = header_length(packet).map_err(|_| SrtpFault::TooShort)?;
        if self.old.is_some() {
            return self.unprotect_by_guess(header, header_bytes, packet);
        }
        let known = self.sources.iter_mut().find(|source| source.ssrc == header.ssrc);
        let Some(source) = known.filter(|source| source.rtp.highest().is_some()) else {
            return self.unprotect_by_guess(header, header_bytes, packet);
        };
        let index = nearest(&source.rtp, header.sequence).ok_or(SrtpFault::NotAuthentic)?;
        if !source.rtp.is_new(index) {
            return Err(SrtpFault::Replayed);
        }
        let length = self.keys.rtp.open_rtp(Position { ssrc: header.ssrc, index }, header_bytes, packet)?;
        source.rtp.mark(index);
        self.heard += 1;
        source.heard = self.heard;
        Ok(length)
    }

    /// A source without proof under the present key, or two keys at a time: several rollover counters may be right.
    #[cold]
    fn unprotect_by_guess(
        &mut self,
        header: Header,
        header_bytes: usize,
        packet: &mut [u8],
    ) -> Result<usize, SrtpFault> {
        let known = self.sources.iter().find(|source| source.ssrc == header.ssrc);
        let (window, before) = known.map(|source| (source.rtp, source.before)).unwrap_or_default();
        let going_on = nearest(&before, header.sequence);
        let zero = Some(u64::from(header.sequence));
        // The sender may have wrapped before the first packet that reached us (RFC 3711 3.3.1), may go on counting with
        // a new key as it must, or may have begun again at zero.
        let one = zero.filter(|index| *index < 1 << 15).map(|index| index + (1 << 16));
        let proven = window.highest().is_some();
        let guesses = if proven { [nearest(&window, header.sequence), None, None] } else { [going_on, zero, one] };
        let mut fault = SrtpFault::NotAuthentic;
        for (at, index) in guesses.iter().enumerate() {
            let Some(index) = index.filter(|index| !guesses.iter().take(at).any(|earlier| *earlier == Some(*index)))
            else {
                continue;
            };
            if !window.is_new(index) {
                fault = SrtpFault::Replayed;
                continue;
            }
            let position = Position { ssrc: header.ssrc, index };
            if let Ok(length) = tentatively(&self.keys.rtp, position, header_bytes, packet) {
                self.source(header.ssrc).rtp.mark(index);
                self.old_for = self.old_for.saturating_sub(1);
                if self.old_for == 0 {
                    self.old = None;
                }
                return Ok(length);
            }
        }
        let (Some(old), Some(index)) = (&self.old, going_on.filter(|index| before.is_new(*index))) else {
            return Err(fault);
        };
        let length = tentatively(&old.rtp, Position { ssrc: header.ssrc, index }, header_bytes, packet)?;
        self.source(header.ssrc).before.mark(index);
        Ok(length)
    }

    /// The same as `unprotect` for a compound RTCP packet. After a new key, reports under the old one are refused.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpFault> {
        let ssrc = packet.get(4..).and_then(|rest| rest.first_chunk()).ok_or(SrtpFault::TooShort)?;
        let ssrc = u32::from_be_bytes(*ssrc);
        let transform = Transform::for_rtcp(self.keys.suite, &self.keys.rtcp)?;
        let word = transform.rtcp_word(packet).ok_or(SrtpFault::TooShort)?;
        let index = u64::from(word & 0x7fff_ffff);
        let known = self.sources.iter().find(|source| source.ssrc == ssrc);
        if known.is_some_and(|source| !source.rtcp.is_new(index)) {
            return Err(SrtpFault::Replayed);
        }
        let length = transform.open_rtcp(Position { ssrc, index }, word >> 31 == 1, packet)?;
        self.source(ssrc).rtcp.mark(index);
        Ok(length)
    }

    /// The state of a source that has proven itself; a new one takes the place of the one unheard for longest.
    fn source(&mut self, ssrc: u32) -> &mut Received {
        self.heard += 1;
        let heard = self.heard;
        let place = match self.sources.iter().position(|source| source.ssrc == ssrc) {
            Some(place) => place,
            None => {
                let fresh = Received { ssrc, heard, ..Received::default() };
                if self.sources.len() >= SOURCES_MAX {
                    let oldest = self.sources.iter().enumerate().min_by_key(|(_, source)| source.heard);
                    let place = oldest.map_or(0, |(place, _)| place);
                    self.sources.swap_remove(place);
                }
                self.sources.push(fresh);
                self.sources.len() - 1
            }
        };
        let source = &mut self.sources[place];
        source.heard = heard;
        source
    }
}

/// Decrypts on success and leaves the packet as it was on failure, one that no scratch holds excepted.
fn tentatively(keys: &Transform, at: Position, header: usize, packet: &mut [u8]) -> Result<usize, SrtpFault> {
    let mut scratch = [0; SCRATCH_BYTES];
    let copy = scratch.get_mut(..packet.len());
    let copy = copy.map(|copy| {
        copy.copy_from_slice(packet);
        &*copy
    });
    let opened = keys.open_rtp(at, header, packet);
    if let (Err(_), Some(copy)) = (opened, copy) {
        packet.copy_from_slice(copy);
    }
    opened
}
