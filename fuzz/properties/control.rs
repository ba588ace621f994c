//! What must hold for any bytes that a client of the control protocol sends. Used by the fuzz target and by the replay of its seeds.

use offhook::edge::control::frame::{LINE_BYTES_MAX, LineReader};
use offhook::edge::control::wire;

/// However it is cut, the same lines come, in bounds; each is a command or has a fault, and an answer that is one line.
pub fn hold(bytes: &[u8]) {
    let whole = lines(bytes, usize::MAX);
    for piece in [1, 7, 4_096] {
        assert_eq!(lines(bytes, piece), whole);
    }
    for line in whole.into_iter().flatten() {
        assert!(line.len() <= LINE_BYTES_MAX && !line.contains(&b'\n'));
        let (id, command) = wire::read(&line);
        assert!(id.is_null() || id.is_string() || id.is_number());
        let answer = match command {
            Ok(command) => {
                assert!(command.scope().is_none() || !command.changes() || !id.is_object());
                wire::write(&id, Ok(id.clone()))
            }
            Err(fault) => {
                assert!(!fault.code.is_empty() && !fault.message.is_empty());
                assert!(fault.path.as_ref().is_none_or(|path| path.is_empty() || path.starts_with('/')));
                wire::write(&id, Err(fault))
            }
        };
        assert_eq!(answer.iter().filter(|byte| **byte == b'\n').count(), 1, "an answer is one line");
        assert!(answer.iter().all(|byte| *byte >= b' ' || *byte == b'\n'), "nothing of the client controls a terminal");
    }
}

/// What comes, `None` for a line that is refused.
fn lines(bytes: &[u8], piece: usize) -> Vec<Option<Vec<u8>>> {
    let mut reader = LineReader::default();
    let mut lines = Vec::new();
    for piece in bytes.chunks(piece) {
        reader.feed(piece);
        while let Some(line) = reader.next_line() {
            lines.push(line.ok());
        }
    }
    lines
}
