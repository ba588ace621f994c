//! What trunks and phones say of their audio, and profiles of where it goes.

use crate::domain::trunk::media::{DtmfForm, LearningPolicy, MediaRoute, MediaSettings};
use crate::edge::config::fields::{Fields, printable};
use crate::media::command::OpusWish;
use std::net::IpAddr;
use std::time::Duration;

const ROUTES: &[(&str, MediaRoute)] = &[("relay", MediaRoute::Relay), ("pass", MediaRoute::Pass)];
/// No carrier is a browser.
const ROUTES_OF_PHONES: &[(&str, MediaRoute)] =
    &[("relay", MediaRoute::Relay), ("webrtc", MediaRoute::WebRtc), ("pass", MediaRoute::Pass)];
const DTMF: &[(&str, DtmfForm)] = &[
    ("rfc4733", DtmfForm::Rfc4733),
    ("info-relay", DtmfForm::InfoRelay),
    ("info", DtmfForm::Info),
    ("in-band", DtmfForm::InBand),
];
const LEARNING: &[(&str, LearningPolicy)] =
    &[("never", LearningPolicy::Never), ("port", LearningPolicy::Port), ("anywhere", LearningPolicy::Anywhere)];

/// The keys of one trunk; `own` is what it has where nothing is written.
pub fn of_trunk(fields: &Fields<'_>, own: MediaSettings) -> MediaSettings {
    settings(fields, own, ROUTES)
}

/// The keys of one phone.
pub fn of_phone(fields: &Fields<'_>, own: MediaSettings) -> MediaSettings {
    settings(fields, own, ROUTES_OF_PHONES)
}

fn settings(fields: &Fields<'_>, own: MediaSettings, routes: &'static [(&'static str, MediaRoute)]) -> MediaSettings {
    let day = Duration::from_secs(86_400);
    let silence = fields.duration("rtp_timeout", own.silent_after.unwrap_or_default(), Duration::ZERO..=day);
    MediaSettings {
        route: fields.choice("media", routes, own.route),
        recode: fields.flag("recode", own.recode),
        dtmf: fields.choice("dtmf", DTMF, own.dtmf),
        detect_in_band: fields.flag("dtmf_in_band", own.detect_in_band),
        silent_after: Some(silence).filter(|silence| !silence.is_zero()),
        silence_ends: fields.flag("rtp_timeout_ends", own.silence_ends),
        learning: fields.choice("learning", LEARNING, own.learning),
        opus: opus(fields.table("opus"), own.opus),
    }
}

fn opus(fields: Fields<'_>, own: OpusWish) -> OpusWish {
    let wish = OpusWish {
        bits_per_second: fields.integer("bits_per_second", own.bits_per_second, 6_000..=128_000),
        complexity: fields.integer("complexity", own.complexity, 0..=10),
        forward_error_correction: fields.flag("fec", own.forward_error_correction),
        discontinuous: fields.flag("dtx", own.discontinuous),
    };
    fields.finish();
    wish
}

/// An address of a profile, which holds for those of its listeners that are of the same family.
pub fn address(fields: &Fields<'_>, key: &'static str, absent: &str) -> Option<IpAddr> {
    let item = fields.text(key, absent)?;
    let address: Option<IpAddr> = item.text.parse().ok();
    if address.is_none() {
        let problem = format!("`{}` is no address", printable(&item.text));
        fields.error(key, problem, Some("write one such as \"192.0.2.1\" or \"2001:db8::1\"".to_owned()));
    }
    address
}
