//! `[webhooks]`, `[speech]`, `[recordings]`, `[flow_log]` and `[keys]` of `offhook.toml`. Asks, speaks and records nothing.

use crate::edge::config::fields::{Fields, printable};
use crate::edge::config::reading::Item;
use crate::edge::journal::JournalSettings;
use crate::edge::outside::envelope;
use crate::edge::outside::settings::{
    KeySettings, OutsideSettings, RecordingSettings, SpeechEngine, SpeechSettings, WebhookSettings,
};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;
use std::time::Duration;

/// Keys that callers' digits may be written under at the same time: one, and the one that takes its place.
const KEYS_MAX: usize = 2;

pub fn outside(fields: &Fields<'_>, state: &Path) -> OutsideSettings {
    OutsideSettings {
        webhooks: webhooks(fields.table("webhooks")),
        speech: speech(fields.table("speech"), state),
        recordings: recordings(fields.table("recordings"), state),
        log: flow_log(fields.table("flow_log"), state),
        keys: keys(fields),
    }
}

fn webhooks(fields: Fields<'_>) -> WebhookSettings {
    let allow = fields.texts("allow", "empty: flows may ask nobody");
    for item in &allow {
        if !is_web_address(&item.text) {
            let problem = format!("`{}` is no beginning of a web address", printable(&item.text));
            let meant = "write one such as \"https://orders.example.com/\"".to_owned();
            fields.reading.error(item.at, &item.path, problem, Some(meant));
        }
    }
    let settings = WebhookSettings {
        allow: allow.into_iter().map(|item| item.text.into()).collect(),
        at_once: fields.integer("at_once", 256, 1..=65_536),
    };
    fields.finish();
    settings
}

fn is_web_address(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_named = host.is_some_and(|host| !host.is_empty() && !host.starts_with('/'));
    is_named && !text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '@' | '?' | '#'))
}

fn speech(fields: Fields<'_>, state: &Path) -> SpeechSettings {
    let command = fields.texts("command", "empty: none");
    let url = fields.text("url", "none").map(|item| item.text);
    if !command.is_empty() && url.is_some() {
        fields.error("url", "texts are spoken by a command or by a server, not by both", None);
    }
    if let Some(url) = url.as_ref().filter(|url| !is_web_address(url)) {
        fields.error("url", format!("`{}` is no web address", printable(url)), None);
    }
    let engine = match (command.is_empty(), url) {
        (false, _) => SpeechEngine::Command(command.into_iter().map(|item| item.text.into()).collect()),
        (true, Some(url)) => SpeechEngine::Url(url.into()),
        (true, None) => SpeechEngine::None,
    };
    let seconds = |low: u64, high: u64| Duration::from_secs(low)..=Duration::from_secs(high);
    let settings = SpeechSettings {
        engine,
        reads_ssml: fields.flag("reads_ssml", false),
        folder: state.join(fields.text_or("folder", "speech")),
        folder_bytes_max: fields.integer("folder_bytes_max", 1_073_741_824, 1_048_576..=1_099_511_627_776),
        timeout: fields.duration("timeout", Duration::from_secs(8), seconds(1, 10)),
        at_once: fields.integer("at_once", 4, 1..=256),
    };
    fields.finish();
    settings
}

fn recordings(fields: Fields<'_>, state: &Path) -> RecordingSettings {
    let folder = state.join(fields.text_or("folder", "recordings"));
    fields.finish();
    RecordingSettings { folder }
}

fn flow_log(fields: Fields<'_>, state: &Path) -> JournalSettings {
    let settings = JournalSettings {
        path: state.join(fields.text_or("path", "flows.jsonl")),
        rotate_bytes: fields.integer("rotate_bytes", 268_435_456, 0..=1_099_511_627_776),
        rotate_daily: fields.flag("rotate_daily", true),
    };
    fields.finish();
    settings
}

fn keys(fields: &Fields<'_>) -> Vec<KeySettings> {
    let pairs = fields.pairs("keys");
    if pairs.len() > KEYS_MAX {
        let problem = format!("{KEYS_MAX} keys may be in use: one, and the one that takes its place");
        fields.error("keys", problem, None);
    }
    pairs.iter().filter_map(|(name, file)| key(fields, name, file)).collect()
}

fn key(fields: &Fields<'_>, name: &Item, file: &Item) -> Option<KeySettings> {
    let refuse = |problem: String| fields.reading.error(file.at, &file.path, problem, None);
    let bytes = match fields.reading.file(&fields.reading.path(&file.text)) {
        Ok(bytes) => bytes,
        Err(reason) => {
            refuse(format!("cannot read `{}`: {reason}", printable(&file.text)));
            return None;
        }
    };
    let der = SubjectPublicKeyInfoDer::from_pem_slice(&bytes).ok();
    match der.filter(|der| envelope::is_usable(der)) {
        Some(der) => Some(KeySettings { name: name.text.as_str().into(), public: (*der).into() }),
        None => {
            refuse(format!("`{}` holds no public RSA key of 2048 bits or more in PEM", printable(&file.text)));
            None
        }
    }
}
