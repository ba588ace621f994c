//! Cuts a stream of bytes into the protocol's lines, in bounds of length and depth. Reads no socket and knows no command.

use super::wire::Fault;

/// Longest line that a client may send.
pub const LINE_BYTES_MAX: usize = 64 * 1_024;
/// Objects and arrays within each other; the protocol itself needs eight.
pub const DEPTH_MAX: usize = 32;

/// Why a line is not read any further.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameFault {
    /// It has no end within the bound: where the next one begins is not known, so this one is the last.
    TooLong,
    TooDeep,
}

impl FrameFault {
    pub fn is_last(self) -> bool {
        self == FrameFault::TooLong
    }

    pub fn fault(self) -> Fault {
        match self {
            FrameFault::TooLong => Fault::new("too_long", format!("a line has at most {LINE_BYTES_MAX} bytes")),
            FrameFault::TooDeep => {
                Fault::new("too_deep", format!("values stand in each other at most {DEPTH_MAX} deep"))
            }
        }
    }
}

/// What has come of the lines that are not complete.
#[derive(Default)]
pub struct LineReader {
    buffer: Vec<u8>,
    /// How much of it is known to hold no line end.
    searched: usize,
    is_lost: bool,
}

impl LineReader {
    pub fn feed(&mut self, bytes: &[u8]) {
        if !self.is_lost {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next line that is not empty, without its end; `None` when more has to come.
    pub fn next_line(&mut self) -> Option<Result<Vec<u8>, FrameFault>> {
        loop {
            if self.is_lost {
                return None;
            }
            let fresh = self.buffer.get(self.searched..).unwrap_or_default();
            let Some(at) = memchr::memchr(b'\n', fresh) else {
                self.searched = self.buffer.len();
                return (self.searched > LINE_BYTES_MAX).then(|| self.lose());
            };
            let end = self.searched + at;
            if end > LINE_BYTES_MAX {
                return Some(self.lose());
            }
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            self.searched = 0;
            let line = line.trim_ascii();
            if !line.is_empty() {
                return Some(checked(line));
            }
        }
    }

    fn lose(&mut self) -> Result<Vec<u8>, FrameFault> {
        self.is_lost = true;
        self.buffer = Vec::new();
        Err(FrameFault::TooLong)
    }
}

/// One message that came whole, such as a frame of a WebSocket.
pub fn checked(line: &[u8]) -> Result<Vec<u8>, FrameFault> {
    match line.len() > LINE_BYTES_MAX {
        true => Err(FrameFault::TooLong),
        false if depth(line) > DEPTH_MAX => Err(FrameFault::TooDeep),
        false => Ok(line.to_vec()),
    }
}

/// The deepest bracket outside of texts, before anything is built of it.
fn depth(line: &[u8]) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in line {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b'[' | b'{') => {
                now += 1;
                most = most.max(now);
            }
            (false, b']' | b'}') => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8], piece: usize) -> Vec<Result<Vec<u8>, FrameFault>> {
        let mut reader = LineReader::default();
        let mut lines = Vec::new();
        for piece in bytes.chunks(piece) {
            reader.feed(piece);
            while let Some(line) = reader.next_line() {
                lines.push(line);
            }
        }
        lines
    }

    #[test]
    fn however_it_is_cut_the_same_lines_come() {
        let bytes = b"{\"id\":1}\r\n\n  {\"id\":2}\n{\"id\"";
        let whole = lines(bytes, bytes.len());
        assert_eq!(whole, [Ok(b"{\"id\":1}".to_vec()), Ok(b"{\"id\":2}".to_vec())]);
        for piece in 1..9 {
            assert_eq!(lines(bytes, piece), whole);
        }
    }

    #[test]
    fn a_line_without_end_is_the_last_one() {
        let mut bytes = vec![b'x'; LINE_BYTES_MAX + 2];
        bytes.extend(b"\n{}\n");
        assert_eq!(lines(&bytes, 1_000), [Err(FrameFault::TooLong)]);
        assert_eq!(lines(&bytes, usize::MAX), [Err(FrameFault::TooLong)]);
        let longest = [vec![b'x'; LINE_BYTES_MAX], b"\n{}\n".to_vec()].concat();
        assert_eq!(lines(&longest, 1_000).len(), 2);
    }

    #[test]
    fn depth_counts_outside_of_texts_alone() {
        let deep = |count: usize| format!("{}{}\n", "[".repeat(count), "]".repeat(count));
        assert!(lines(deep(DEPTH_MAX).as_bytes(), 7)[0].is_ok());
        let told = lines(format!("{}{{}}\n", deep(DEPTH_MAX + 1)).as_bytes(), 7);
        assert_eq!(told, [Err(FrameFault::TooDeep), Ok(b"{}".to_vec())], "the next line is read all the same");
        assert!(lines(format!("\"\\\"{}\"\n", "[".repeat(99)).as_bytes(), 7)[0].is_ok());
    }
}
