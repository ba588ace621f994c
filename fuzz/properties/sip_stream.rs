//! What must hold for any byte stream, however it is cut. Used by the fuzz target and by the replay of its seeds.

use offhook::protocol::sip::message::ParseError;
use offhook::protocol::sip::message::framer::{Frame, Framer};

/// The first eight bytes seed the cutting, the rest is the stream.
pub fn hold(bytes: &[u8]) {
    let Some((seed, stream)) = bytes.split_first_chunk::<8>() else { return };
    let mut state = u64::from_le_bytes(*seed) | 1;
    let whole = frames(stream, &mut || stream.len().max(1));
    let cut = frames(stream, &mut || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Mostly small pieces, at times a large one.
        let widest = if state & 0x700 == 0 { 4_096 } else { 24 };
        usize::try_from(state >> 32).unwrap_or(0) % widest + 1
    });
    assert_eq!(whole, cut);
}

/// Messages and pings that come out (a lone CRLF depends on the cutting), and the error that ended it.
fn frames(stream: &[u8], piece: &mut dyn FnMut() -> usize) -> (Vec<Frame>, Option<ParseError>) {
    let mut framer = Framer::default();
    let mut out = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        let (bytes, tail) = rest.split_at(piece().min(rest.len()));
        rest = tail;
        framer.push(bytes);
        loop {
            match framer.poll() {
                Ok(None) => break,
                Ok(Some(Frame::Pong)) => {}
                Ok(Some(frame)) => out.push(frame),
                Err(error) => {
                    assert_eq!(framer.poll(), Err(error));
                    return (out, Some(error));
                }
            }
        }
    }
    (out, None)
}
