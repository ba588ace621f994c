//! `[softphone]` of `offhook.toml`: logins, single sign-on, servers for browsers that cannot reach us. Opens nothing.

use crate::base::secret::Secret;
use crate::edge::config::fields::{Fields, printable};
use crate::edge::config::reading::Item;
use crate::edge::softphone::settings::{IceServer, JwtKey, JwtSettings, PublicKey, QuickConnect, SoftphoneSettings};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use std::time::Duration;

/// Shorter secrets are guessed.
const SECRET_BYTES_MIN: usize = 16;

pub fn softphone(fields: Fields<'_>) -> SoftphoneSettings {
    let own = SoftphoneSettings::default();
    let seconds = |low: u64, high: u64| Duration::from_secs(low)..=Duration::from_secs(high);
    let settings = SoftphoneSettings {
        is_enabled: fields.flag("enabled", true),
        secret: secret_file(&fields, "secret_file", "drawn at start"),
        login: fields.duration("login", own.login, seconds(60, 604_800)),
        resume: fields.duration("resume", own.resume, seconds(2, 3_600)),
        frame_ancestors: fields
            .texts("frame_ancestors", "none: no other site may show our pages")
            .into_iter()
            .filter_map(|item| site(&fields, &item))
            .collect(),
        jwt: fields.table_opt("jwt").and_then(jwt),
        ice_servers: fields.tables("ice_server").into_iter().filter_map(ice_server).collect(),
        quick_connects: fields.tables("quick_connect").into_iter().filter_map(quick_connect).collect(),
    };
    fields.finish();
    settings
}

fn secret_file(fields: &Fields<'_>, key: &'static str, absent: &str) -> Option<Secret> {
    let item = fields.text(key, absent)?;
    let text = read(fields, &item)?;
    let text = text.trim();
    if text.len() < SECRET_BYTES_MIN {
        let meant = Some("make one: `openssl rand -base64 32`".to_owned());
        fields.error(key, format!("the secret has less than {SECRET_BYTES_MIN} bytes"), meant);
        return None;
    }
    Some(Secret::new(text))
}

fn read(fields: &Fields<'_>, item: &Item) -> Option<String> {
    let path = fields.reading.path(&item.text);
    let bytes = fields.reading.file(&path).map_err(|reason| reason.to_string());
    match bytes.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not text".to_owned())) {
        Ok(text) => Some(text),
        Err(reason) => {
            let problem = format!("cannot read `{}`: {reason}", printable(&item.text));
            fields.reading.error(item.at, &item.path, problem, None);
            None
        }
    }
}

/// As it stands in a `Content-Security-Policy`: nothing in it may end the directive.
fn site(fields: &Fields<'_>, item: &Item) -> Option<Box<str>> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/*[]".contains(&byte);
    let text = item.text.as_str();
    if !(text.starts_with("https://") || text.starts_with("http://")) || !text.bytes().all(fits) {
        let meant = Some("write one such as \"https://crm.example\"".to_owned());
        fields.reading.error(item.at, &item.path, format!("`{}` is no site", printable(text)), meant);
        return None;
    }
    Some(text.into())
}

#[derive(Clone, Copy, PartialEq)]
enum Algorithm {
    Hs256,
    Rs256,
    Es256,
}

const ALGORITHMS: &[(&str, Algorithm)] =
    &[("HS256", Algorithm::Hs256), ("RS256", Algorithm::Rs256), ("ES256", Algorithm::Es256)];

fn jwt(fields: Fields<'_>) -> Option<JwtSettings> {
    let algorithm = fields.choice_opt("algorithm", ALGORITHMS, "required");
    if algorithm.is_none() && !fields.has("algorithm") {
        fields.missing("algorithm");
    }
    let secret = secret_file(&fields, "secret_file", "required with HS256");
    let public = public_key(&fields);
    let key = match algorithm {
        None => None,
        Some(Algorithm::Hs256) => needed(&fields, "secret_file", secret).map(JwtKey::Hs256),
        Some(Algorithm::Rs256) => needed(&fields, "public_key", public).map(JwtKey::Rs256),
        Some(Algorithm::Es256) => needed(&fields, "public_key", public).map(JwtKey::Es256),
    };
    let text = |key, absent| fields.text(key, absent).map(|item| item.text.into());
    let seconds = |low: u64, high: u64| Duration::from_secs(low)..=Duration::from_secs(high);
    let (issuer, audience) = (text("issuer", "whoever has the key"), text("audience", "whomever it was made for"));
    let age_max = fields.duration("age_max", Duration::from_secs(300), seconds(10, 86_400));
    let leeway = fields.duration("leeway", Duration::from_secs(30), seconds(0, 600));
    fields.finish();
    Some(JwtSettings { key: key?, issuer, audience, age_max, leeway })
}

fn needed<T>(fields: &Fields<'_>, key: &'static str, value: Option<T>) -> Option<T> {
    if value.is_none() && !fields.has(key) {
        fields.missing(key);
    }
    value
}

fn public_key(fields: &Fields<'_>) -> Option<PublicKey> {
    let item = fields.text("public_key", "required with RS256 and ES256")?;
    let text = read(fields, &item)?;
    match SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes()) {
        Ok(key) => Some(PublicKey { path: fields.reading.path(&item.text), der: key.to_vec() }),
        Err(_) => {
            let problem = format!("`{}` holds no public key", printable(&item.text));
            let meant = "it begins with -----BEGIN PUBLIC KEY-----".to_owned();
            fields.reading.error(item.at, &item.path, problem, Some(meant));
            None
        }
    }
}

fn ice_server(fields: Fields<'_>) -> Option<IceServer> {
    let written = fields.texts("urls", "required");
    if written.is_empty() {
        fields.missing("urls");
    }
    let is_turn = written.iter().any(|item| item.text.starts_with("turn"));
    for item in &written {
        let schemes = ["stun:", "stuns:", "turn:", "turns:"];
        if !schemes.iter().any(|scheme| item.text.starts_with(scheme)) {
            let meant = Some("write one such as \"turn:turn.example:3478?transport=udp\"".to_owned());
            fields.reading.error(item.at, &item.path, format!("`{}` is no such server", printable(&item.text)), meant);
        }
    }
    let secret = secret_file(&fields, "secret_file", "none: no credentials are needed");
    if is_turn && secret.is_none() && !fields.has("secret_file") {
        fields.missing("secret_file");
    }
    let lifetime = Duration::from_secs(60)..=Duration::from_secs(604_800);
    let lifetime = fields.duration("lifetime", Duration::from_secs(43_200), lifetime);
    fields.finish();
    let urls = written.into_iter().map(|item| item.text.into()).collect();
    Some(IceServer { urls, secret, lifetime })
}

fn quick_connect(fields: Fields<'_>) -> Option<QuickConnect> {
    let (name, to) = (fields.required("name"), fields.required("to"));
    fields.finish();
    let (name, to) = (name?, to?);
    Some(QuickConnect { name: name.text.into(), to: to.text.into() })
}
