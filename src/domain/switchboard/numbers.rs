//! What a party dialled and who it says it is, by the rules of that party. Decides nothing.

use crate::base::e164::E164;
use crate::domain::call::interface::Party;
use crate::domain::dialplan::lookup::{Asker, Wanted};
use crate::domain::trunk::identity::{Dialled, Identity};
use crate::domain::trunk::number_rules::{Letters, UserPart, to_e164};
use crate::domain::trunk::settings::NumberRules;
use crate::protocol::sip::message::Message;
use crate::protocol::sip::message::uri::Uri;
use std::collections::BTreeMap;
use std::fmt::Write;

pub(super) fn rules_of(party: &Party) -> &NumberRules {
    match party {
        Party::Trunk(trunk) => &trunk.numbers,
        Party::Phone(phone) => &phone.numbers,
    }
}

pub(super) fn asker(party: &Party) -> Asker<'_> {
    match party {
        Party::Trunk(trunk) => Asker::Trunk(&trunk.name),
        Party::Phone(phone) => Asker::Phone(&phone.name),
    }
}

/// The dialled user part in both forms. A carrier that calls the contact that we registered names the number in To.
pub(super) fn dialled(message: &Message, caller: &Party) -> Dialled {
    let Ok(mut uri) = message.uri() else { return Dialled { digits: "".into(), e164: None } };
    if let Party::Trunk(trunk) = caller
        && let Some(registration) = &trunk.registration
        && uri.user == Some(&*registration.user)
        && let Ok(to) = message.to()
        && to.uri.user.is_some()
    {
        uri = to.uri;
    }
    dialled_in(&uri, rules_of(caller))
}

pub(super) fn dialled_in(uri: &Uri<'_>, rules: &NumberRules) -> Dialled {
    let part = UserPart::of(uri);
    let e164 = part.to_e164(rules, Letters::AreKeys).ok();
    let digits = match uri.user_decoded() {
        // Parameters of the number are no digits of it.
        Some(decoded) => decoded.split(';').next().unwrap_or_default().into(),
        None => part.digits.into(),
    };
    Dialled { digits, e164 }
}

/// Both forms as the dialplan compares them; `buffer` holds the text of the number.
pub(super) fn wanted<'a>(dialled: &'a Dialled, buffer: &'a mut String) -> Wanted<'a> {
    buffer.clear();
    let e164 = dialled.e164.map(|number| {
        let _ = write!(buffer, "{number}");
    });
    Wanted { e164: e164.map(|()| buffer.as_str()), digits: &dialled.digits }
}

/// Who calls. A phone is who it proved to be, whatever it writes into From.
pub(super) fn caller_of(message: &Message, caller: &Party) -> (Identity, BTreeMap<&'static str, Box<str>>) {
    match caller {
        Party::Trunk(trunk) => {
            let from = message.from().ok();
            let number = from.and_then(|from| from.uri.user).unwrap_or_default();
            let e164 = to_e164(number, &trunk.numbers, Letters::AreNames).ok();
            let identity = Identity { number: number.into(), e164, display: "".into(), private: false };
            (identity, BTreeMap::new())
        }
        Party::Phone(phone) => {
            let shown = if phone.caller_number.is_empty() { &*phone.name } else { &*phone.caller_number };
            let e164: Option<E164> = to_e164(shown, &phone.numbers, Letters::AreNames).ok();
            let private = message
                .get(crate::protocol::sip::message::HeaderName::Privacy)
                .is_some_and(|value| value.split(';').any(|token| token.trim().eq_ignore_ascii_case("id")));
            let identity = Identity { number: shown.into(), e164, display: phone.display.clone(), private };
            (identity, BTreeMap::new())
        }
    }
}
