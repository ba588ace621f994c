//! What steps say: prompts, texts, values read out, tones and silence. Plays nothing.

use crate::domain::flow::act::{SoundSpec, Spoken, Tone};
use crate::edge::config::fields::{Fields, Piece};
use crate::edge::config::flow::text;
use std::time::Duration;

/// Sounds of one step; more is a programme.
const SOUNDS_MAX: usize = 64;
const SILENCE_MAX: Duration = Duration::from_secs(60);

const TONES: &[(&str, Tone)] =
    &[("beep", Tone::Beep), ("ringing", Tone::Ringing), ("busy", Tone::Busy), ("reorder", Tone::Reorder)];

/// `prompt`, `say`, `ssml` or `sounds`: one of them. The check tells where nothing stands that has to.
pub fn spoken(fields: &Fields<'_>) -> Vec<SoundSpec> {
    let single = [
        text::text(fields, "prompt", "none").map(SoundSpec::Prompt),
        text::text(fields, "say", "none").map(SoundSpec::Text),
        text::text(fields, "ssml", "none").map(SoundSpec::Ssml),
    ];
    let several = list(fields, "sounds");
    let given: Vec<&str> = ["prompt", "say", "ssml", "sounds"].into_iter().filter(|key| fields.has(key)).collect();
    match given.as_slice() {
        [] | [_] => {}
        [_, second, ..] => {
            let problem = "only one of `prompt`, `say`, `ssml` and `sounds` may stand here";
            fields.error(second, problem, Some("put them into `sounds` in their order".to_owned()));
        }
    }
    single.into_iter().flatten().chain(several).collect()
}

/// A list of sounds: a text is the name of a prompt.
pub fn list(fields: &Fields<'_>, key: &'static str) -> Vec<SoundSpec> {
    let pieces = fields.pieces(key, "none");
    if pieces.len() > SOUNDS_MAX {
        fields.error(key, format!("at most {SOUNDS_MAX} sounds in one step"), None);
    }
    let sounds = pieces.into_iter().filter_map(|piece| match piece {
        Piece::Text(item) => text::template(fields.reading, &item).map(SoundSpec::Prompt),
        Piece::Table(fields) => sound(fields),
    });
    sounds.collect()
}

fn sound(fields: Fields<'_>) -> Option<SoundSpec> {
    let said = |key: &'static str| text::text(&fields, key, "none");
    let value = |how: Spoken, key: &'static str| said(key).map(|value| SoundSpec::Say(how, value));
    let currency = fields.text("currency", "none");
    let tone = fields.choice_opt("tone", TONES, "none").map(SoundSpec::Tone);
    let silence = fields.duration_opt("silence", "none", Duration::ZERO..=SILENCE_MAX).map(SoundSpec::Silence);
    let money = said("money").and_then(|amount| {
        let Some(currency) = &currency else {
            fields.missing("currency");
            return None;
        };
        let is_code = currency.text.len() == 3 && currency.text.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_code {
            fields.error("currency", "is no currency code", Some("write one of ISO 4217, such as \"JPY\"".to_owned()));
        }
        Some(SoundSpec::Say(Spoken::Money(currency.text.as_str().into()), amount))
    });
    let found = [
        said("prompt").map(SoundSpec::Prompt),
        said("say").map(SoundSpec::Text),
        said("ssml").map(SoundSpec::Ssml),
        value(Spoken::Number, "number"),
        value(Spoken::Digits, "digits"),
        value(Spoken::Telephone, "telephone"),
        value(Spoken::Date, "date"),
        value(Spoken::Time, "time"),
        money,
        tone,
        silence,
    ];
    let kinds = fields.written().entries.iter().filter(|entry| entry.key != "currency").count();
    if kinds != 1 {
        let meant = Some("write each as a table of its own, such as { say = \"Hello\" }".to_owned());
        fields.reading.error(fields.at, &fields.path(""), "a sound is one thing", meant);
    }
    fields.finish();
    found.into_iter().flatten().next()
}
