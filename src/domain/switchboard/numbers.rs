//! What a party dialled and who it says it is, by the rules of that party. Decides nothing.

use crate::domain::call::interface::Party;
use crate::domain::dialplan::lookup::{Asker, Wanted};
use crate::domain::number::plan::Class;
use crate::domain::phone;
use crate::domain::trunk::attributes::{self, Attributes};
use crate::domain::trunk::identity::{Dialled, Identity, Peer};
use crate::domain::trunk::settings::NumberRules;
use crate::protocol::sip::message::Message;
use std::fmt::Write;

pub(super) fn rules_of(party: &Party) -> &NumberRules {
    party.number_rules()
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
    Dialled::of(&uri, rules_of(caller))
}

/// Both forms as the dialplan compares them; `buffer` holds the text of the number, `class` is what it is where that matters.
pub(super) fn wanted<'a>(dialled: &'a Dialled, class: Option<Class>, buffer: &'a mut String) -> Wanted<'a> {
    buffer.clear();
    let e164 = dialled.e164.map(|number| {
        let _ = write!(buffer, "{number}");
    });
    Wanted { e164: e164.map(|()| buffer.as_str()), digits: &dialled.digits, class, at: None }
}

/// Who calls, and the attributes that it brought. A phone is who it proved to be, whatever it writes into From.
pub(super) fn caller_of(message: &Message, caller: &Party, host: &str) -> (Identity, Attributes) {
    match caller {
        Party::Trunk(trunk) => {
            let identity = Identity::of_caller(message, &Peer::of_trunk(trunk, host));
            (identity, attributes::of_invite(message, trunk.trusted))
        }
        Party::Phone(phone) => (phone::identity::caller(phone, message), attributes::of_invite(message, false)),
    }
}
