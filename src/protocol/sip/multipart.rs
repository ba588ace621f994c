//! Parts of a multipart body (RFC 2046), found without copying. Bounded; decodes no transfer encoding.

use crate::base::limits::MULTIPART_PARTS_MAX;

/// One part of a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part<'a> {
    /// As written; empty where the part names none (RFC 2046 5.1: plain text).
    pub content_type: &'a str,
    pub body: &'a [u8],
}

/// The body of this type: all of it, or the first such part of a multipart body.
pub fn find<'a>(content_type: &'a str, body: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    if is_type(content_type, wanted) {
        return Some(body);
    }
    parts(content_type, body).find(|part| is_type(part.content_type, wanted)).map(|part| part.body)
}

/// Whether a Content-Type value is of this type, whatever its case and parameters.
pub fn is_type(content_type: &str, wanted: &str) -> bool {
    content_type.split(';').next().is_some_and(|own| own.trim().eq_ignore_ascii_case(wanted))
}

/// The parts of a multipart body; none if it is no multipart body.
pub fn parts<'a>(content_type: &'a str, body: &'a [u8]) -> impl Iterator<Item = Part<'a>> {
    let mut rest = boundary(content_type).map(|boundary| (boundary, body));
    // What stands before the first delimiter is no part.
    if let Some((boundary, body)) = rest {
        rest = delimiter(body, boundary).and_then(|(_, after)| after).map(|after| (boundary, after));
    }
    std::iter::from_fn(move || {
        let (boundary, body) = rest.take()?;
        let (part, after) = match delimiter(body, boundary) {
            Some((part, after)) => (part, after),
            // Cut off: the last part ends with the body.
            None => (body, None),
        };
        rest = after.map(|after| (boundary, after));
        Some(Part::read(part))
    })
    .take(MULTIPART_PARTS_MAX)
}

fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim_start().get(..10)?.eq_ignore_ascii_case("multipart/") {
        return None;
    }
    // A boundary may hold a semicolon only in quotes, and nobody does so; the split is good enough for the others.
    let value = parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))?
        .1;
    let value = value.trim().trim_matches('"');
    (!value.is_empty() && value.len() <= 70).then_some(value)
}

/// What stands before the next delimiter line, and what after it; nothing after the closing one.
fn delimiter<'a>(body: &'a [u8], boundary: &str) -> Option<(&'a [u8], Option<&'a [u8]>)> {
    let mut start = 0;
    while let Some(line) = body.get(start..).filter(|line| !line.is_empty()) {
        let end = memchr::memchr(b'\n', line).map_or(line.len(), |end| end + 1);
        let text = line.get(..end).unwrap_or_default().trim_ascii_end();
        if let Some(tail) = text.strip_prefix(b"--").and_then(|text| text.strip_prefix(boundary.as_bytes())) {
            let after = body.get(start + end..).unwrap_or_default();
            match tail {
                b"" => return Some((without_break(body.get(..start).unwrap_or_default()), Some(after))),
                b"--" => return Some((without_break(body.get(..start).unwrap_or_default()), None)),
                _ => {}
            }
        }
        start += end;
    }
    None
}

/// The line break before a delimiter belongs to the delimiter.
fn without_break(body: &[u8]) -> &[u8] {
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    body.strip_suffix(b"\r").unwrap_or(body)
}

impl<'a> Part<'a> {
    fn read(part: &'a [u8]) -> Part<'a> {
        let mut rest = part;
        let mut content_type = "";
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            rest = after;
            let line = line.trim_ascii();
            if line.is_empty() {
                break;
            }
            let (name, value) =
                std::str::from_utf8(line).ok().and_then(|line| line.split_once(':')).unwrap_or_default();
            let name = name.trim();
            if name.eq_ignore_ascii_case("Content-Type") || name.eq_ignore_ascii_case("c") {
                content_type = value.trim();
            }
        }
        Part { content_type, body: rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/mixed;boundary=\"unique-1\"";
    const BODY: &[u8] = b"preamble\r\n--unique-1\r\nContent-Type: application/sdp\r\nContent-Disposition: session\r\n\r\nv=0\r\ns=-\r\n\
        --unique-1\r\nc: application/isup;version=itu-t92+\r\n\r\n\x01\x02\r\n\x00\r\n--unique-1--\r\nepilogue";

    #[test]
    fn the_session_description_is_found_in_a_body_of_several_parts() {
        assert_eq!(find(TYPE, BODY, "application/sdp"), Some(&b"v=0\r\ns=-"[..]));
        assert_eq!(find(TYPE, BODY, "application/isup"), Some(&b"\x01\x02\r\n\x00"[..]));
        assert_eq!(find(TYPE, BODY, "text/plain"), None);
        assert_eq!(parts(TYPE, BODY).count(), 2);
        assert_eq!(find("Application/SDP ; charset=utf-8", b"v=0", "application/sdp"), Some(&b"v=0"[..]));
    }

    #[test]
    fn a_cut_or_strange_body_gives_what_can_be_had() {
        assert_eq!(
            find(TYPE, b"--unique-1\r\nContent-Type: application/sdp\r\n\r\nv=0", "application/sdp"),
            Some(&b"v=0"[..])
        );
        assert_eq!(find(TYPE, b"--unique-12\r\n\r\nv=0", "application/sdp"), None);
        assert_eq!(find("multipart/mixed", BODY, "application/sdp"), None);
        assert_eq!(find("multipart/mixed;boundary=", BODY, "application/sdp"), None);
        assert_eq!(parts(TYPE, b"").count(), 0);
        let many = b"--unique-1\r\n\r\nx\r\n".repeat(1_000);
        assert_eq!(parts(TYPE, &many).count(), MULTIPART_PARTS_MAX);
    }
}
