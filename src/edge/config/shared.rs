//! Readers of what trunks, phones and profiles have in common: names, hosts, credentials, number rules, codecs.

use crate::base::secret::Secret;
use crate::domain::trunk::settings::{Credentials, NumberFormat, NumberRules, SrtpPolicy};
use crate::edge::config::fields::{Fields, printable};
use crate::edge::config::reading::Item;
use crate::edge::config::suggest;

pub const SRTP: &[(&str, SrtpPolicy)] =
    &[("plain", SrtpPolicy::Plain), ("optional", SrtpPolicy::Optional), ("required", SrtpPolicy::Required)];

const FORMATS: &[(&str, NumberFormat)] = &[
    ("e164", NumberFormat::E164),
    ("digits", NumberFormat::Digits),
    ("national", NumberFormat::National),
    ("as-received", NumberFormat::AsReceived),
];

/// Encoding names as SDP writes them; another one is passed on with a warning, because new codecs appear.
const CODECS: &[&str] = &[
    "PCMU",
    "PCMA",
    "G722",
    "G729",
    "opus",
    "AMR",
    "AMR-WB",
    "EVS",
    "iLBC",
    "GSM",
    "speex",
    "L16",
    "telephone-event",
    "CN",
];

/// A name that other places refer to. Letters, digits and `._-+`, because names become labels and user parts.
pub fn name(fields: &Fields<'_>) -> Option<Item> {
    checked_name(fields, fields.required("name")?)
}

/// A name that may be left out where the file has one; `absent` says so.
pub fn name_or(fields: &Fields<'_>, stem: &str, absent: &str) -> Option<Item> {
    let of_file = || Item { text: stem.to_owned(), at: fields.at, path: fields.path("name") };
    checked_name(fields, fields.text("name", absent).unwrap_or_else(of_file))
}

pub fn checked_name(fields: &Fields<'_>, item: Item) -> Option<Item> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    if item.text.is_empty() || item.text.len() > 64 || !item.text.chars().all(fits) {
        let problem = format!("`{}` is no name: 1 to 64 letters, digits and . _ - +", printable(&item.text));
        fields.error("name", problem, None);
        return None;
    }
    Some(item)
}

/// A host name or an address; IPv6 without brackets.
pub fn is_host(text: &str) -> bool {
    if text.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let looks_like_address = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    !looks_like_address && text.len() <= 253 && text.trim_end_matches('.').split('.').all(label)
}

/// A host as it is shown that is no address, with or without brackets.
pub fn is_name(host: &str) -> bool {
    host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>().is_err()
}

pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(c))
}

/// `password`, `password_file` or `password_env`: exactly one of them.
pub fn password(fields: &Fields<'_>) -> Option<Secret> {
    let inline = fields.text("password", "one of the three is required");
    let file = fields.text("password_file", "none");
    let variable = fields.text("password_env", "none");
    let given: Vec<&str> =
        ["password", "password_file", "password_env"].into_iter().filter(|key| fields.has(key)).collect();
    match given.as_slice() {
        [] => {
            let meant = Some("add it, `password_file` or `password_env`".to_owned());
            fields.reading.error(fields.at, &fields.path("password"), "missing key `password`", meant);
            return None;
        }
        [_] => {}
        [_, second, ..] => {
            let problem = format!(
                "only one of `password`, `password_file`, `password_env` may stand here, found {}",
                given.len()
            );
            fields.error(second, problem, None);
            return None;
        }
    }
    if let Some(inline) = inline {
        fields.reading.note_secret(inline.at.source);
        return checked(fields, "password", &inline.text);
    }
    if fields.reading.is_dormant() {
        return Some(Secret::new(""));
    }
    if let Some(file) = file {
        let path = fields.reading.path(&file.text);
        let bytes = match fields.reading.file(&path) {
            Ok(bytes) => bytes,
            Err(reason) => {
                fields.error("password_file", format!("cannot read `{}`: {reason}", printable(&file.text)), None);
                return None;
            }
        };
        let text = String::from_utf8_lossy(&bytes);
        return checked(fields, "password_file", text.trim_end_matches(['\r', '\n']));
    }
    let variable = variable?;
    match fields.reading.environment.get(&variable.text) {
        Some(text) => checked(fields, "password_env", text),
        None => {
            let problem = format!("environment variable `{}` is not set", printable(&variable.text));
            fields.error("password_env", problem, None);
            None
        }
    }
}

fn checked(fields: &Fields<'_>, key: &str, text: &str) -> Option<Secret> {
    if text.is_empty() {
        fields.error(key, "the password is empty", None);
        return None;
    }
    if text.chars().any(char::is_control) {
        fields.error(key, "the password holds control characters", None);
        return None;
    }
    Some(Secret::new(text))
}

/// A table with `user`, a password and `realm`.
pub fn credentials(fields: Fields<'_>) -> Option<Credentials> {
    let user = fields.required("user");
    let password = password(&fields);
    let realm = fields.text_or("realm", "");
    fields.finish();
    Some(Credentials { user: user?.text.into(), password: password?, realm: realm.into() })
}

/// How a peer writes numbers.
pub fn numbers(fields: Fields<'_>) -> NumberRules {
    let rules = NumberRules {
        country: digits(&fields, "country"),
        national_prefix: digits(&fields, "national_prefix"),
        international_prefix: digits(&fields, "international_prefix"),
        tech_prefix_in: digits(&fields, "tech_prefix_in"),
        tech_prefix_out: digits(&fields, "tech_prefix_out"),
        format_out: fields.choice("format_out", FORMATS, NumberFormat::E164),
    };
    if rules.country.len() > 3 || rules.country.starts_with('0') {
        fields.error("country", format!("`{}` is no country code: 1 to 3 digits, not 0 first", rules.country), None);
    }
    if rules.format_out == NumberFormat::National && rules.country.is_empty() {
        let meant = Some("add `country`, such as \"81\"".to_owned());
        fields.error("format_out", "\"national\" needs to know the own country", meant);
    }
    fields.finish();
    rules
}

fn digits(fields: &Fields<'_>, key: &'static str) -> Box<str> {
    let text = fields.text_or(key, "");
    if text.chars().all(|c| c.is_ascii_digit() || c == '*' || c == '#') {
        return text.into();
    }
    let meant = text.strip_prefix('+').map(|rest| format!("write \"{}\"", printable(rest)));
    fields.error(key, format!("`{}` may hold only digits, * and #", printable(&text)), meant);
    "".into()
}

/// Codec names in order of preference.
pub fn codecs(fields: &Fields<'_>) -> Vec<Box<str>> {
    let mut names: Vec<Box<str>> = Vec::new();
    for item in fields.texts("codecs", "empty: all pass") {
        if let Some(known) = CODECS.iter().find(|known| known.eq_ignore_ascii_case(&item.text)) {
            if names.iter().any(|name| name.as_ref() == *known) {
                fields.reading.error(item.at, &item.path, format!("`{known}` stands in the list twice"), None);
            }
            names.push((*known).into());
            continue;
        }
        let meant = suggest::did_you_mean(&item.text, CODECS.iter().copied(), "known codecs");
        if is_token(&item.text) {
            let problem = format!("`{}` is no codec that we know; it is passed on by name", printable(&item.text));
            fields.reading.warning(item.at, &item.path, problem, meant);
            names.push(item.text.into());
        } else {
            let problem = format!("`{}` cannot be a codec name", printable(&item.text));
            fields.reading.error(item.at, &item.path, problem, meant);
        }
    }
    names
}
