//! The pages that the program carries, and how they are answered for. Reads no file.

use crate::edge::transport::front::Page;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// One file of a page.
pub struct Asset {
    /// Where it is asked for.
    pub path: &'static str,
    pub kind: &'static str,
    pub body: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

macro_rules! asset {
    ($path:literal, $kind:expr, $file:literal) => {
        Asset { path: $path, kind: $kind, body: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/", $file)) }
    };
}

/// All of them: a new file of `web/` that pages ask for stands here.
pub const ASSETS: &[Asset] = &[
    asset!("/", HTML, "index.html"),
    asset!("/check", HTML, "check.html"),
    asset!("/check.js", SCRIPT, "check.js"),
    asset!("/dom.js", SCRIPT, "dom.js"),
    asset!("/icon.svg", IMAGE, "icon.svg"),
    asset!("/offhook.js", SCRIPT, "offhook.js"),
    asset!("/settings.js", SCRIPT, "settings.js"),
    asset!("/side.js", SCRIPT, "side.js"),
    asset!("/softphone.css", STYLE, "softphone.css"),
    asset!("/softphone.js", SCRIPT, "softphone.js"),
    asset!("/stage.js", SCRIPT, "stage.js"),
    asset!("/texts.js", SCRIPT, "texts.js"),
];

/// Pages with what stands in every answer.
pub struct Shelf {
    tags: BTreeMap<&'static str, (String, &'static Asset)>,
    common: String,
}

impl Shelf {
    pub fn new(frame_ancestors: &[Box<str>]) -> Shelf {
        let tags = ASSETS.iter().map(|asset| (asset.path, (tag(asset.body), asset))).collect();
        let (ancestors, frames) = match frame_ancestors {
            [] => ("'none'".to_owned(), "X-Frame-Options: DENY\r\n"),
            sites => (sites.join(" "), ""),
        };
        let common = format!(
            "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             font-src 'self'; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}\r\n{frames}\
             X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\
             Permissions-Policy: microphone=(self), speaker-selection=(self), autoplay=(self), camera=(), geolocation=()\r\n\
             Cross-Origin-Opener-Policy: same-origin\r\nCache-Control: no-cache\r\nConnection: close\r\n"
        );
        Shelf { tags, common }
    }

    /// What a peer gets that has kept a file under `known`.
    pub fn page(&self, path: &str, known: Option<&str>) -> Page {
        let common = &self.common;
        let Some((tag, asset)) = self.tags.get(path) else {
            const WORDS: &[u8] = b"there is no such page\n";
            let length = WORDS.len();
            let head = format!(
                "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n{common}\r\n"
            );
            return Page { head, body: WORDS };
        };
        if known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)) {
            return Page { head: format!("HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n{common}\r\n"), body: b"" };
        }
        let (kind, length) = (asset.kind, asset.body.len());
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nETag: {tag}\r\n{common}\r\n"
        );
        Page { head, body: asset.body }
    }
}

fn tag(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let hex: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_given_once_and_then_named_until_it_changes() {
        let shelf = Shelf::new(&[]);
        let first = shelf.page("/", None);
        assert!(first.head.starts_with("HTTP/1.1 200 OK\r\n") && first.head.ends_with("\r\n\r\n"), "{}", first.head);
        assert_eq!(first.body, ASSETS[0].body);
        let tag = first.head.split("ETag: ").nth(1).and_then(|rest| rest.split("\r\n").next()).expect("a tag");
        let again = shelf.page("/", Some(&format!("\"old\", W/{tag}")));
        assert!(again.head.starts_with("HTTP/1.1 304 ") && again.body.is_empty(), "{}", again.head);
        assert!(shelf.page("/", Some("\"old\"")).head.starts_with("HTTP/1.1 200 "));
    }

    #[test]
    fn every_answer_says_what_may_be_done_with_it() {
        let closed = Shelf::new(&[]);
        for path in ["/", "/nothing", "", "/../offhook.toml", "/%2e%2e/"] {
            let head = closed.page(path, None).head;
            for part in ["default-src 'none'", "frame-ancestors 'none'", "X-Frame-Options: DENY", "nosniff"] {
                assert!(head.contains(part), "{part}: {head}");
            }
            assert_eq!(head.starts_with("HTTP/1.1 200"), path == "/", "{path}");
        }
        let open = Shelf::new(&["https://crm.example".into()]).page("/", None).head;
        assert!(
            open.contains("frame-ancestors https://crm.example\r\n") && !open.contains("X-Frame-Options"),
            "{open}"
        );
    }

    #[test]
    fn every_file_that_pages_ask_for_is_carried() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let name = entry.expect("an entry").file_name().into_string().expect("a name");
            let is_asked_for = [".html", ".js", ".css", ".svg"].iter().any(|end| name.ends_with(end));
            let is_carried = || ASSETS.iter().any(|asset| asset.path == format!("/{name}"));
            let is_page =
                || ASSETS.iter().any(|asset| Some(asset.path.trim_start_matches('/')) == name.strip_suffix(".html"));
            assert!(!is_asked_for || name == "index.html" || is_carried() || is_page(), "{name}");
        }
    }

    #[test]
    fn no_two_files_have_the_same_place() {
        let places: std::collections::BTreeSet<&str> = ASSETS.iter().map(|asset| asset.path).collect();
        assert_eq!(places.len(), ASSETS.len());
    }
}
