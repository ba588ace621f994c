//! Writes a session description in the order that RFC 8866 section 5 demands, whatever order it was read in.

use super::parse::{Description, Line, Media};
use std::fmt::{self, Write};

/// Session level order: t= and r= stay together, unknown letters go before the attributes.
const SESSION_ORDER: &[u8] = b"siuepcbtzk";
const MEDIA_ORDER: &[u8] = b"icbk";

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=0\r\no=")?;
        f.write_str(self.origin.as_deref().unwrap_or("- 0 0 IN IP4 0.0.0.0"))?;
        f.write_str("\r\n")?;
        if !self.lines.iter().any(|line| line.letter == b's' && !line.value.is_empty()) {
            f.write_str("s=-\r\n")?;
        }
        for &letter in SESSION_ORDER {
            self.lines
                .iter()
                .filter(|line| session_rank(line.letter) == letter)
                .try_for_each(|line| print_line(line, f))?;
            if letter == b't' && !self.lines.iter().any(|line| line.letter == b't') {
                f.write_str("t=0 0\r\n")?;
            }
        }
        print_rest(&self.lines, SESSION_ORDER, f)?;
        self.media.iter().try_for_each(|media| media.fmt(f))
    }
}

impl fmt::Display for Media<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={} {}", self.kind, self.port)?;
        if let Some(ports) = self.ports {
            write!(f, "/{ports}")?;
        }
        write!(f, " {}", self.protocol)?;
        for format in &self.formats {
            f.write_char(' ')?;
            f.write_str(format)?;
        }
        f.write_str("\r\n")?;
        for &letter in MEDIA_ORDER {
            self.lines.iter().filter(|line| line.letter == letter).try_for_each(|line| print_line(line, f))?;
        }
        print_rest(&self.lines, MEDIA_ORDER, f)
    }
}

fn session_rank(letter: u8) -> u8 {
    if letter == b'r' { b't' } else { letter }
}

/// Unknown letters, then attributes.
fn print_rest(lines: &[Line<'_>], ordered: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let unknown = |line: &&Line<'_>| line.letter != b'a' && !ordered.contains(&session_rank_in(ordered, line.letter));
    lines.iter().filter(unknown).try_for_each(|line| print_line(line, f))?;
    lines.iter().filter(|line| line.letter == b'a').try_for_each(|line| print_line(line, f))
}

fn session_rank_in(ordered: &[u8], letter: u8) -> u8 {
    if ordered.contains(&b't') { session_rank(letter) } else { letter }
}

fn print_line(line: &Line<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if line.letter == b's' && line.value.is_empty() {
        return Ok(());
    }
    f.write_char(char::from(line.letter))?;
    f.write_char('=')?;
    f.write_str(&line.value)?;
    f.write_str("\r\n")
}
