//! Servers that browsers are told of, with credentials that are minted for one login (TURN REST). Asks no server.

use super::settings::IceServer;
use crate::base::now::Now;
use crate::protocol::ice::write::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// As `RTCConfiguration` takes them.
pub fn servers(servers: &[IceServer], who: &str, now: Now) -> Value {
    servers.iter().map(|server| one(server, who, now)).collect()
}

fn one(server: &IceServer, who: &str, now: Now) -> Value {
    let Some(secret) = &server.secret else { return json!({ "urls": server.urls }) };
    let until = (now.unix_millis() / 1_000).saturating_add(server.lifetime.as_secs());
    let user = format!("{until}:{who}");
    let credential = STANDARD.encode(hmac(secret.reveal().as_bytes(), &[user.as_bytes()]));
    json!({ "urls": server.urls, "username": user, "credential": credential })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;
    use std::time::{Duration, Instant, UNIX_EPOCH};

    #[test]
    fn credentials_are_minted_as_turn_servers_expect_them() {
        let now = Now { instant: Instant::now(), wall: UNIX_EPOCH + Duration::from_secs(1_000) };
        let turn = IceServer {
            urls: vec!["turn:turn.example:3478".into()],
            secret: Some(Secret::new("north wind")),
            lifetime: Duration::from_secs(600),
        };
        let stun = IceServer { urls: vec!["stun:stun.example".into()], secret: None, ..turn.clone() };
        let told = servers(&[turn, stun], "alice", now);
        assert_eq!(told[0]["username"], "1600:alice");
        // printf '1600:alice' | openssl dgst -sha1 -hmac 'north wind' -binary | base64
        assert_eq!(told[0]["credential"], "NT2kyXTYS+L0k2yetFnCoiuUV78=");
        assert_eq!(told[1], json!({ "urls": ["stun:stun.example"] }));
    }
}
