//! Writes a session description in the order that RFC 8866 section 5 demands, whatever order it was read in.

use super::parse::{Description, Line, Media};
use std::fmt;

impl Description<'_> {
    pub fn print(&self, out: &mut String) {
        out.push_str("v=0\r\no=");
        out.push_str(self.origin.as_deref().unwrap_or("- 0 0 IN IP4 0.0.0.0"));
        out.push_str("\r\n");
        let mut named = false;
        let mut timed = false;
        in_order(&self.lines, session_rank, |line| {
            let rank = session_rank(line);
            if rank == NAME && line.value.is_empty() {
                return;
            }
            named = named || need(rank > NAME, "s=-\r\n", out) || rank == NAME;
            timed = timed || need(rank > TIME, "t=0 0\r\n", out) || line.letter == b't';
            print_line(line, out);
        });
        need(!named, "s=-\r\n", out);
        need(!timed, "t=0 0\r\n", out);
        self.media.iter().for_each(|media| media.print(out));
    }
}

impl Media<'_> {
    fn print(&self, out: &mut String) {
        out.push_str("m=");
        out.push_str(&self.kind);
        out.push(' ');
        push_number(self.port, out);
        if let Some(ports) = self.ports {
            out.push('/');
            push_number(ports, out);
        }
        out.push(' ');
        out.push_str(&self.protocol);
        for format in &self.formats {
            out.push(' ');
            out.push_str(format);
        }
        out.push_str("\r\n");
        in_order(&self.lines, media_rank, |line| print_line(line, out));
    }
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.print(&mut text);
        f.write_str(&text)
    }
}

const NAME: u8 = 0;
const TIME: u8 = 7;

/// What must stand before the next line and did not come.
fn need(missing: bool, line: &str, out: &mut String) -> bool {
    if missing {
        out.push_str(line);
    }
    missing
}

/// t= and r= stay together; unknown letters go before the attributes.
fn session_rank(line: &Line<'_>) -> u8 {
    match line.letter {
        b's' => NAME,
        b'i' => 1,
        b'u' => 2,
        b'e' => 3,
        b'p' => 4,
        b'c' => 5,
        b'b' => 6,
        b't' | b'r' => TIME,
        b'z' => 8,
        b'k' => 9,
        b'a' => 11,
        _ => 10,
    }
}

fn media_rank(line: &Line<'_>) -> u8 {
    match line.letter {
        b'i' => 0,
        b'c' => 1,
        b'b' => 2,
        b'k' => 3,
        b'a' => 5,
        _ => 4,
    }
}

fn in_order(lines: &[Line<'_>], rank: fn(&Line<'_>) -> u8, mut print: impl FnMut(&Line<'_>)) {
    if lines.is_sorted_by_key(rank) {
        lines.iter().for_each(print);
        return;
    }
    let mut sorted: Vec<&Line<'_>> = lines.iter().collect();
    sorted.sort_by_key(|line| rank(line));
    sorted.into_iter().for_each(&mut print);
}

fn print_line(line: &Line<'_>, out: &mut String) {
    out.push(char::from(line.letter));
    out.push('=');
    out.push_str(&line.value);
    out.push_str("\r\n");
}

fn push_number(mut number: u16, out: &mut String) {
    let mut digits = [0_u8; 5];
    let mut length = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        length += 1;
        if number == 0 {
            break;
        }
    }
    out.extend(digits.iter().skip(5 - length).map(|&digit| char::from(digit)));
}
