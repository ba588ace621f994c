//! A party of a talk is sent on: what becomes of the one who stays, and of the agent who goes. Dials nobody.

use crate::base::id::{CallId, LegId};
use crate::domain::call::interface::{CallOutput, Party, Script};
use crate::domain::call::joined::{Exchange, Joined};
use crate::domain::call::parts::Parts;
use crate::domain::call::phase::Phase;
use crate::domain::call::serving::Serving;
use crate::domain::call::transfer::{Transfer, TransferStep};
use crate::domain::queue::interface::{ContactId, QueueInput};

impl Joined {
    /// The target of a transfer is a flow or a queue: whoever stays is served by it.
    pub(super) fn serve(
        mut self: Box<Self>,
        parts: &mut Parts,
        mut transfer: Box<Transfer>,
        script: Box<Script>,
    ) -> Phase {
        let (referrer, remaining) = transfer.legs();
        let is_free = self.exchange == Exchange::Idle && parts.streams.is_relayed;
        // Whom a flow serves already is the caller, or the customer who was called back; nobody serves their agents.
        if !is_free || self.behind.is_some() && remaining != parts.served {
            parts.say("this party cannot be served by a flow");
            return match transfer.failed(&mut self, parts, (488, "Not Acceptable Here")) {
                TransferStep::Over(cause, fault) => self.end(parts, cause, fault),
                TransferStep::Taken | TransferStep::NotMine(_) => Phase::Joined(self),
            };
        }
        let was_held = parts.leg(referrer).is_some_and(|leg| leg.line.is_held);
        self.let_go(parts, referrer, false);
        self.clear_floor(parts);
        self.tell_holder(parts, "transferred", None);
        transfer.part(parts);
        Serving::take_over(parts, (self.behind.take(), self.when_too_long), (remaining, was_held), script)
    }

    /// Whoever sends the call on has nothing to do with it any more: an agent's work after the contact begins, unless the
    /// queues know already who took the place.
    pub(super) fn let_go(&mut self, parts: &mut Parts, referrer: LegId, is_replaced: bool) {
        match &mut self.behind {
            Some(serving) if referrer != parts.served => serving.agent_goes(parts, is_replaced),
            None if referrer == LegId::CALLER && matches!(parts.story.caller, Party::Phone(_)) => {
                tell(parts, QueueInput::Gone { contact: ContactId::Call(parts.wire.call) });
            }
            _ => {}
        }
    }

    /// An agent whom the queues gave to this call goes to another one. Whether the leg is such an agent's.
    pub(super) fn agent_goes(&mut self, parts: &mut Parts, leg: LegId, to: CallId) -> bool {
        let Some(serving) = self.behind.as_mut().filter(|_| leg != parts.served) else { return false };
        let Some(contact) = serving.contact_with_agent(parts) else { return false };
        tell(parts, QueueInput::GoOn { contact, heir: ContactId::Call(to) });
        serving.give_agent();
        true
    }
}

fn tell(parts: &mut Parts, input: QueueInput) {
    parts.outputs.push_back(CallOutput::Queue(Box::new(input)));
}
