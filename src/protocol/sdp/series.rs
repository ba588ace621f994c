//! The one series of descriptions that a dialog's peer receives from us: a fixed identity, a version that rises exactly with the content.

use super::parse::Description;
use bytes::Bytes;

/// RFC 3264 8: an unchanged description keeps its version, a changed one raises it by one.
#[derive(Clone, Debug)]
pub struct Series {
    id: u32,
    version: u32,
    last: Bytes,
}

impl Series {
    /// `id` fits 31 bits, because some devices keep it in a signed number.
    pub fn new(id: u32) -> Series {
        Series { id: id & 0x7fff_ffff, version: 0, last: Bytes::new() }
    }

    /// Prints the next description of the series under our own o= line.
    pub fn next(&mut self, description: &mut Description<'_>, host: &str) -> Bytes {
        let raised = self.version.wrapping_add(1);
        description.origin = Some(self.origin(raised, host).into());
        let mut text = String::with_capacity(self.last.len().max(512));
        description.print(&mut text);
        if content(text.as_bytes()) == content(&self.last) && !self.last.is_empty() {
            return self.last.clone();
        }
        self.version = raised;
        text.shrink_to_fit();
        self.last = Bytes::from(text);
        self.last.clone()
    }

    /// What was printed last; empty before the first.
    pub fn last(&self) -> &Bytes {
        &self.last
    }

    fn origin(&self, version: u32, host: &str) -> String {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let family = if host.contains(':') { "IP6" } else { "IP4" };
        ["- ", &self.id.to_string(), " ", &version.to_string(), " IN ", family, " ", host].concat()
    }
}

/// What follows the o= line, which is the second one of what we print; the host is compared apart from the version.
fn content(text: &[u8]) -> (&[u8], &[u8]) {
    let origin = text.iter().position(|&byte| byte == b'\n').map_or(text.len(), |end| end + 1);
    let rest = text.get(origin..).unwrap_or_default();
    let end = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |end| end + 1);
    let (origin, body) = rest.split_at_checked(end).unwrap_or_default();
    (origin.rsplitn(4, |&byte| byte == b' ').next().unwrap_or_default(), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"v=0\r\no=x 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n";

    fn print(series: &mut Series, body: &[u8], host: &str) -> String {
        let mut description = Description::parse(body).expect("a description");
        String::from_utf8(series.next(&mut description, host).to_vec()).expect("text")
    }

    #[test]
    fn an_unchanged_description_keeps_its_version_and_a_changed_one_raises_it_by_one() {
        let mut series = Series::new(77);
        let first = print(&mut series, BODY, "198.51.100.1");
        assert!(first.contains("\r\no=- 77 1 IN IP4 198.51.100.1\r\n"), "{first}");
        assert_eq!(print(&mut series, BODY, "198.51.100.1"), first);
        let held = [BODY, b"a=sendonly\r\n"].concat();
        assert!(print(&mut series, &held, "198.51.100.1").contains("o=- 77 2 IN"));
        assert!(print(&mut series, BODY, "198.51.100.1").contains("o=- 77 3 IN"));
        assert!(print(&mut series, BODY, "[2001:db8::1]").contains("o=- 77 4 IN IP6 2001:db8::1\r\n"));
    }

    #[test]
    fn the_identity_fits_31_bits() {
        assert!(print(&mut Series::new(u32::MAX), BODY, "h").contains("o=- 2147483647 1 IN IP4 h"));
    }
}
