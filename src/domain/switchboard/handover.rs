//! Carries what one call says to another, and moves the place on a trunk with a leg that goes over. Keeps no leg.

use crate::base::id::{CallId, LegId};
use crate::domain::call::handover::Handover;
use crate::domain::call::interface::CallInput;
use crate::domain::leg::party::Party;
use crate::domain::switchboard::board::Switchboard;
use crate::domain::switchboard::interface::SwitchboardOutput;
use crate::protocol::sip::message::{HeaderName, Message};
use crate::protocol::sip::replaces::Replaces;
use crate::protocol::sip::stamp;

impl Switchboard {
    /// A word for a call that is no more comes back: a leg to the one who gave it, all else as a refusal.
    pub(super) fn hand_over(&mut self, from: CallId, to: CallId, word: Handover) {
        if self.calls.contains(to) {
            if let Handover::Leg(handed) = &word {
                self.move_place(from, to, handed);
                if let Some((origin, _)) = handed.leg.tag().and_then(stamp::tag_owner) {
                    self.outputs.push_back(SwitchboardOutput::Inherit { origin, heir: to });
                }
            }
            return self.tell_call(to, CallInput::Handover { from, word });
        }
        match word {
            Handover::Leg(handed) => {
                self.tell_call(from, CallInput::Handover { from: to, word: Handover::Leg(handed) });
            }
            Handover::Claim(_) | Handover::Pledge(_) | Handover::Settle(_) => {
                self.tell_call(from, CallInput::Handover { from: to, word: Handover::Refuse(481) });
            }
            Handover::Refuse(_) | Handover::Withdraw => {}
        }
    }

    fn move_place(&mut self, from: CallId, to: CallId, handed: &crate::domain::call::handover::Handed) {
        let Party::Trunk(trunk) = &handed.leg.line.party else { return };
        let Some(slot) = self.trunks.slot(&trunk.name) else { return };
        let was_held = match handed.leg.id() {
            LegId::CALLER => self.calls.disown(from) == Some(slot),
            _ => self.calls.release(from, slot),
        };
        if was_held {
            self.calls.hold(to, slot);
            if handed.leg.id() != LegId::CALLER {
                self.calls.move_spends(from, to, &trunk.name);
            }
        }
    }

    /// Whether an INVITE takes the place of a dialog that we issued the tag of: then its number does not matter.
    pub(super) fn replaces_ours(message: &Message) -> bool {
        let replaces = message.get(HeaderName::Replaces).and_then(Replaces::parse);
        replaces.is_some_and(|replaces| stamp::tag_owner(&replaces.to_tag).is_some())
    }
}
