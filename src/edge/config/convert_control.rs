//! `[control]` of `offhook.toml`: the socket, and the port for those who come over the network with a token.

use crate::domain::profile::TlsFiles;
use crate::edge::config::ControlSettings;
use crate::edge::config::certificates;
use crate::edge::config::fields::{Fields, printable};
use crate::edge::config::reading::Item;
use crate::edge::control::scope::{Scope, Scopes};
use crate::edge::control::token::{Token, Tokens};
use crate::edge::control::websocket::WebSettings;

pub fn control(fields: Fields<'_>, state: &std::path::Path) -> ControlSettings {
    let socket = state.join(fields.text_or("socket", "control.sock"));
    if socket.as_os_str().len() > 107 {
        fields.error("socket", "a socket path may hold 107 bytes", None);
    }
    let written = fields.text_or("mode", "0660");
    let mode = u32::from_str_radix(&written, 8).ok().filter(|mode| *mode <= 0o777);
    if mode.is_none() {
        let problem = format!("`{}` is no file mode", printable(&written));
        fields.error("mode", problem, Some("write octal digits such as \"0660\"".to_owned()));
    }
    let web = web(&fields);
    let tokens = fields.pairs("tokens").iter().filter_map(|(name, given)| token(&fields, name, given)).collect();
    fields.finish();
    ControlSettings { socket, mode: mode.unwrap_or(0o660), web, tokens: Tokens(tokens) }
}

fn web(fields: &Fields<'_>) -> Option<WebSettings> {
    let listen = fields.text("listen", "none: the socket alone");
    let certificate = fields.text("certificate", "required with `listen`");
    let key = fields.text("key", "required with `listen`");
    let listen = listen?;
    let address = listen.text.parse();
    if address.is_err() {
        let problem = format!("`{}` is no address and port", printable(&listen.text));
        fields.error("listen", problem, Some("write one such as \"0.0.0.0:8444\"".to_owned()));
    }
    for (name, given) in [("certificate", &certificate), ("key", &key)] {
        if given.is_none() && !fields.has(name) {
            fields.missing(name);
        }
    }
    let (certificate, key) = (certificate?, key?);
    certificates::check_pair(fields.reading, &certificate, &key);
    let (certificate, key) = (fields.reading.path(&certificate.text), fields.reading.path(&key.text));
    let files = TlsFiles { certificate, key, client_authorities: None };
    Some(WebSettings { listen: address.ok()?, files })
}

/// `observe route sha256:6a09...`
fn token(fields: &Fields<'_>, name: &Item, given: &Item) -> Option<Token> {
    let mut scopes = Vec::new();
    let mut sha256 = None;
    for word in given.text.split_whitespace() {
        let scope = Scope::ALL.into_iter().find(|scope| scope.name() == word);
        let digest = word.strip_prefix("sha256:").and_then(digest);
        if scope.is_none() && digest.is_none() {
            let problem = format!("`{}` is neither a scope nor a digest", printable(word));
            let meant = "write observe, route, command, administer, and sha256: with 64 hexadecimal digits".to_owned();
            fields.reading.error(given.at, &given.path, problem, Some(meant));
            return None;
        }
        scopes.extend(scope);
        sha256 = digest.or(sha256);
    }
    let Some(sha256) = sha256 else {
        let problem = "the digest of the token is missing".to_owned();
        let meant = "add sha256: and what `sha256sum` says of the token".to_owned();
        fields.reading.error(given.at, &given.path, problem, Some(meant));
        return None;
    };
    Some(Token { name: name.text.as_str().into(), sha256, scopes: scopes.into_iter().collect::<Scopes>() })
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let bytes: Option<Vec<u8>> = text
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    bytes.filter(|_| text.len() == 64).and_then(|bytes| bytes.try_into().ok())
}
