//! What we send under one SRTP key. Never protects two packets under one index.

use super::derive::{Purpose, SessionKeys};
use super::transform::{Position, Transform, encrypted_word};
use super::{SOURCES_MAX, SrtpFault};
use crate::protocol::rtp::packet::{Header, header_length};
use crate::protocol::rtp::suite::Suite;
use crate::protocol::rtp::window::Window;

/// Protects RTP and RTCP. The keys of RTCP, used every few seconds, are prepared when they are needed: they would
/// double what an idle call keeps.
pub struct SrtpSender {
    suite: Suite,
    rtp: Transform,
    rtcp: Box<SessionKeys>,
    sources: Vec<Sent>,
    rtcp_index: u64,
}

struct Sent {
    ssrc: u32,
    indices: Window,
}

impl std::fmt::Debug for SrtpSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SrtpSender({})", self.suite.name())
    }
}

impl SrtpSender {
    /// `master` is key and salt, one after the other.
    pub fn new(suite: Suite, master: &[u8]) -> Result<SrtpSender, SrtpFault> {
        let rtp = SessionKeys::derive(suite, master, Purpose::Rtp)?;
        Ok(SrtpSender {
            suite,
            rtp: Transform::for_rtp(suite, &rtp)?,
            rtcp: Box::new(SessionKeys::derive(suite, master, Purpose::Rtcp)?),
            sources: Vec::new(),
            rtcp_index: 0,
        })
    }

    /// From the next packet on under another key. The rollover counters go on (RFC 3711 3.3.1).
    pub fn rekey(&mut self, suite: Suite, master: &[u8]) -> Result<(), SrtpFault> {
        let fresh = SrtpSender::new(suite, master)?;
        let sources = std::mem::take(&mut self.sources);
        *self = SrtpSender { sources, ..fresh };
        Ok(())
    }

    /// Protects the RTP packet in the first `length` bytes and gives its new length. The buffer has room for the tag.
    #[inline]
    pub fn protect(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SrtpFault> {
        let packet = buffer.get(..length).ok_or(SrtpFault::TooShort)?;
        let header = Header::read(packet).ok_or(SrtpFault::TooShort)?;
        let header_bytes = header_length(packet).map_err(|_| SrtpFault::TooShort)?;
        let whole = length + self.rtp.tag_bytes();
        let room = buffer.get_mut(..whole).ok_or(SrtpFault::TooShort)?;
        let sent = sent(&mut self.sources, header.ssrc)?;
        let index = nearest(&sent.indices, header.sequence).ok_or(SrtpFault::Exhausted)?;
        if !sent.indices.is_new(index) || index >> 48 != 0 {
            return Err(SrtpFault::Exhausted);
        }
        self.rtp.seal_rtp(Position { ssrc: header.ssrc, index }, header_bytes, room)?;
        sent.indices.mark(index);
        Ok(whole)
    }

    /// The same for a compound RTCP packet. The buffer has room for tag and index.
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SrtpFault> {
        let ssrc = buffer.get(..length).and_then(|packet| packet.get(4..)?.first_chunk()).ok_or(SrtpFault::TooShort)?;
        let ssrc = u32::from_be_bytes(*ssrc);
        let transform = Transform::for_rtcp(self.suite, &self.rtcp)?;
        let whole = length + transform.tag_bytes() + 4;
        let room = buffer.get_mut(..whole).ok_or(SrtpFault::TooShort)?;
        let index = self.rtcp_index + 1;
        if encrypted_word(index) == encrypted_word(0) {
            return Err(SrtpFault::Exhausted);
        }
        transform.seal_rtcp(Position { ssrc, index }, room)?;
        self.rtcp_index = index;
        Ok(whole)
    }
}

/// Our own sources are few; an unknown one beyond the bound is refused, so that no index can be used twice.
fn sent(sources: &mut Vec<Sent>, ssrc: u32) -> Result<&mut Sent, SrtpFault> {
    let place = match sources.iter().position(|sent| sent.ssrc == ssrc) {
        Some(place) => place,
        None if sources.len() < SOURCES_MAX => {
            sources.push(Sent { ssrc, indices: Window::default() });
            sources.len() - 1
        }
        None => return Err(SrtpFault::Exhausted),
    };
    sources.get_mut(place).ok_or(SrtpFault::Exhausted)
}

/// The index with this sequence number that is nearest to the newest one (RFC 3711 3.3.1, appendix A).
/// `None` when that lies before the first of all.
#[inline]
pub(super) fn nearest(indices: &Window, sequence: u16) -> Option<u64> {
    let Some(highest) = indices.highest() else { return Some(u64::from(sequence)) };
    let [.., high, low] = highest.to_be_bytes();
    let step = sequence.wrapping_sub(u16::from_be_bytes([high, low])).cast_signed();
    highest.checked_add_signed(i64::from(step))
}
