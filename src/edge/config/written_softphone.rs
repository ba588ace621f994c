//! `[softphone]` as lines of key and text, for comparing and showing it. Secrets never leave as text.

use crate::edge::config::plan::Effect;
use crate::edge::config::written::{Line, Lines};
use crate::edge::softphone::settings::{IceServer, JwtKey, JwtSettings, QuickConnect, SoftphoneSettings};

pub fn softphone(settings: &SoftphoneSettings) -> Vec<Line> {
    let SoftphoneSettings { is_enabled, secret, login, resume, jwt, frame_ancestors, ice_servers, quick_connects } =
        settings;
    let mut lines = Lines::new(Effect::Restart);
    lines.text("softphone.enabled", is_enabled);
    if let Some(secret) = secret {
        lines.secret("softphone.secret_file", secret);
    }
    lines.time("softphone.login", *login);
    lines.time("softphone.resume", *resume);
    lines.list("softphone.frame_ancestors", frame_ancestors);
    if let Some(jwt) = jwt {
        self::jwt(&mut lines, jwt);
    }
    for (at, server) in ice_servers.iter().enumerate() {
        let IceServer { urls, secret, lifetime } = server;
        lines.list(&format!("softphone.ice_server.{at}.urls"), urls);
        if let Some(secret) = secret {
            lines.secret(&format!("softphone.ice_server.{at}.secret_file"), secret);
        }
        lines.time(&format!("softphone.ice_server.{at}.lifetime"), *lifetime);
    }
    for QuickConnect { name, to } in quick_connects {
        lines.text(&format!("softphone.quick_connect.{name}"), to);
    }
    lines.all
}

fn jwt(lines: &mut Lines, jwt: &JwtSettings) {
    let JwtSettings { key, issuer, audience, age_max, leeway } = jwt;
    lines.text("softphone.jwt.algorithm", key.algorithm());
    match key {
        JwtKey::Hs256(secret) => lines.secret("softphone.jwt.secret_file", secret),
        JwtKey::Rs256(key) | JwtKey::Es256(key) => lines.text("softphone.jwt.public_key", key.path.display()),
    }
    lines.text("softphone.jwt.issuer", issuer.as_deref().unwrap_or("any"));
    lines.text("softphone.jwt.audience", audience.as_deref().unwrap_or("any"));
    lines.time("softphone.jwt.age_max", *age_max);
    lines.time("softphone.jwt.leeway", *leeway);
}
