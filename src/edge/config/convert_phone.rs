//! `[[phone]]` of a file in `sip-profiles/`.

use crate::domain::phone::settings::Phone;
use crate::domain::trunk::media::MediaSettings;
use crate::domain::trunk::settings::{Credentials, SrtpPolicy};
use crate::edge::config::convert_media;
use crate::edge::config::fields::Fields;
use crate::edge::config::reading::Item;
use crate::edge::config::shared;
use std::time::Duration;

/// A phone and what it is called.
pub struct NamedPhone {
    pub name: Item,
    pub phone: Option<Phone>,
}

pub fn phone(fields: Fields<'_>, profile: &str, realm: &str) -> Option<NamedPhone> {
    let name = shared::name(&fields);
    let password = shared::password(&fields);
    let user = fields.text("user", "its `name`").map(|item| item.text);
    let seconds = |low: u64, high: u64| Duration::from_secs(low)..=Duration::from_secs(high);
    let display = fields.text_or("display", "");
    let caller_number = fields.text_or("caller_number", "");
    if !caller_number.chars().enumerate().all(|(at, c)| c.is_ascii_digit() || (at == 0 && c == '+')) {
        fields.error("caller_number", "may hold only digits, with or without + first", None);
    }
    let numbers = shared::numbers(fields.table("numbers"));
    let contacts_max = fields.integer("contacts_max", 5, 1..=32);
    let expires_min = fields.duration("expires_min", Duration::from_secs(60), seconds(10, 86_400));
    let expires_max = fields.duration("expires_max", Duration::from_secs(3_600), seconds(10, 604_800));
    if expires_max < expires_min {
        fields.error("expires_max", "`expires_max` must not be shorter than `expires_min`", None);
    }
    let codecs = shared::codecs(&fields);
    let srtp = fields.choice("srtp", shared::SRTP, SrtpPolicy::Plain);
    let media = convert_media::of_phone(&fields, MediaSettings::of_phone());
    let calls_max = fields.integer("calls_max", 4, 0..=10_000);
    let max_duration = fields.duration("max_duration", Duration::from_secs(14_400), seconds(1, 604_800));
    fields.finish();
    let name = name?;
    let phone = password.map(|password| Phone {
        name: name.text.as_str().into(),
        profile: profile.into(),
        digest: Credentials { user: user.unwrap_or_else(|| name.text.clone()).into(), password, realm: realm.into() },
        display: display.into(),
        caller_number: caller_number.into(),
        numbers,
        contacts_max,
        expires_min,
        expires_max,
        codecs,
        srtp,
        media,
        calls_max,
        max_duration,
    });
    Some(NamedPhone { name, phone })
}
