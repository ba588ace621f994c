//! Callbacks whose time has come: the call that begins with nobody's INVITE, and what is written down of promises. Dials nobody.

use crate::base::cause::Cause;
use crate::base::id::CallId;
use crate::base::machine::Machine;
use crate::base::now::Now;
use crate::domain::call::interface::{Beginning, CallInput, CallStart, Party, QueueWord, Refused, Stage};
use crate::domain::call::serving::Script;
use crate::domain::dialplan::lookup::Asker;
use crate::domain::flow::interface::CallerId;
use crate::domain::flow::luggage;
use crate::domain::flow::memory::QueueName;
use crate::domain::phone;
use crate::domain::queue::callback::{Callback, CallbackId};
use crate::domain::queue::interface::{Offer, OfferAnswer, OfferId, Place, QueueInput, QueueOutput, QueueRefusal};
use crate::domain::queue::settings::{QueueFlows, QueueSettings, Reach};
use crate::domain::switchboard::board::Switchboard;
use crate::domain::switchboard::interface::{SwitchboardEvent, SwitchboardOutput};
use crate::domain::switchboard::queues::{LONGER, straight_to};
use crate::domain::switchboard::routing::Ask;
use crate::domain::switchboard::routing::scripted;
use crate::domain::trunk::attributes::Attributes;
use crate::domain::trunk::identity::{Dialled, Identity};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Callbacks between the queues, the calls that keep them and the table where they are written down.
#[derive(Debug, Default)]
pub(super) struct Promises {
    /// Which call keeps which callback just now.
    running: BTreeMap<CallbackId, Running>,
    /// Given, and not on disk yet: who waits to hear of it.
    unwritten: BTreeMap<CallbackId, CallId>,
}

#[derive(Clone, Debug)]
struct Running {
    call: CallId,
    /// By whose rights the customer is called.
    phone: Arc<str>,
}

/// What becomes of the table of callbacks.
#[derive(Clone, PartialEq, Debug)]
pub enum CallbackNote {
    /// To be written down, in place of what stands there. Answered with `SwitchboardInput::CallbackKept`.
    Keep(Box<Callback>),
    /// To be struck out.
    Forget { callback: CallbackId, why: &'static str },
}

impl Switchboard {
    /// The call that keeps a callback.
    pub fn keeper(&self, callback: CallbackId) -> Option<CallId> {
        self.promises.running.get(&callback).map(|running| running.call)
    }

    /// What the queues say of callbacks as such.
    pub(super) fn note_callback(&mut self, now: Now, said: QueueOutput) {
        match said {
            QueueOutput::Keep(callback) => {
                self.outputs.push_back(SwitchboardOutput::Callback(CallbackNote::Keep(callback)));
            }
            QueueOutput::Forget { callback, why } => {
                self.event(SwitchboardEvent::CallbackOver { callback, why });
                let note = CallbackNote::Forget { callback, why: why.name() };
                self.outputs.push_back(SwitchboardOutput::Callback(note));
            }
            // Nothing is promised before it is on disk.
            QueueOutput::Scheduled { call, callback } => drop(self.promises.unwritten.insert(callback, call)),
            QueueOutput::Dial { offer, callback } => self.call_customer(now, offer, callback),
            _ => {}
        }
    }

    /// The disk has it, or does not take it.
    pub(super) fn callback_kept(&mut self, now: Now, callback: CallbackId, is_kept: bool) {
        let Some(call) = self.promises.unwritten.remove(&callback) else { return };
        let said = match is_kept {
            true => QueueOutput::Scheduled { call, callback },
            false => {
                let _ = self.queues.handle_cancel(now, callback);
                self.tell_queued(now);
                QueueOutput::NotScheduled { call, why: QueueRefusal::NotKept }
            }
        };
        if self.calls.contains(call) {
            self.tell_call(call, CallInput::Queue(Box::new(word(said))));
        }
    }

    /// An operator takes a promise back.
    pub fn handle_cancel_callback(&mut self, now: Now, callback: CallbackId) -> Result<(), QueueRefusal> {
        let outcome = self.queues.handle_cancel(now, callback);
        self.tell_queued(now);
        outcome
    }

    /// A call begins, to the agent first. Admission is asked as for any other call; a refusal is not the agent's fault.
    pub(super) fn ring_for_callback(&mut self, now: Now, id: CallbackId, offer: Offer) {
        let Some(due) = self.queues.callback(id).cloned() else { return };
        let admitted = self.admission.glance(self.calls.len(), &mut self.entropy);
        if admitted.and_then(|()| self.admission.take(now.instant)).is_err() {
            let answer = QueueInput::Answer { offer: offer.id, answer: OfferAnswer::NotNow };
            return self.queues.handle_input(now, answer);
        }
        let call = self.new_call_id();
        let number = due.number.to_string();
        self.calls.begin_ours(call, (id, offer.id), &number);
        let rings = offer.patience + LONGER;
        let phone = match &offer.reach {
            Reach::Phone(phone) => phone.clone(),
            Reach::Number(_) => offer.agent.clone(),
        };
        let stages = match &offer.reach {
            Reach::Phone(phone) => self.phone_stages(phone, rings),
            Reach::Number(number) => self.number_stages(now, (call, &offer.agent), number, rings),
        };
        let first = stages.first().and_then(|stage| stage.dials.first());
        let (Some(party), Some(script)) = (first.map(|dial| dial.party.clone()), self.script_of(&offer.place)) else {
            self.calls.end(call);
            return self
                .queues
                .handle_input(now, QueueInput::Answer { offer: offer.id, answer: OfferAnswer::Unreachable });
        };
        self.promises.running.insert(id, Running { call, phone });
        self.start_callback(now, (call, due, offer), (party, script, stages));
    }

    fn start_callback(
        &mut self,
        now: Now,
        (id, due, offer): (CallId, Callback, Offer),
        (caller, script, stages): (Party, Script, Vec<Stage>),
    ) {
        let flows = self.flows_of(&offer.place);
        let max_duration = caller.max_duration();
        let digits: Box<str> = due.number.to_string().into();
        let trail = vec![format!("offered to {} for {}", offer.agent, due.id).into()];
        let dialled = Dialled { digits, e164: Some(due.number) };
        let identity = self.shown_for(&due, &caller);
        let word = Box::new(QueueWord { flows, stages, ..word(QueueOutput::Offer(Box::new(offer))) });
        let entropy = self.entropy.split();
        let profiles = self.index.profiles().clone();
        self.start_call(CallStart {
            id,
            entropy,
            now,
            beginning: Beginning::Callback { due: Box::new(due), word },
            caller,
            profiles,
            dialled,
            identity,
            attributes: Attributes::default(),
            route: Vec::new(),
            script: Some(Box::new(script)),
            refusal: None,
            emergency: false,
            max_duration,
            trail,
        });
    }

    /// Whom the customer sees where no gate says otherwise: the queue, or else the agent.
    fn shown_for(&self, due: &Callback, agent: &Party) -> Identity {
        let wish = self.caller_id_of(due);
        let number = wish.number.as_deref().and_then(|text| crate::base::e164::E164::parse(text).ok());
        match (number, agent) {
            (Some(number), _) => Identity {
                number: number.to_string().into(),
                e164: Some(number),
                display: wish.name.unwrap_or_default(),
                private: false,
            },
            (None, Party::Phone(phone)) => phone::identity::own(phone),
            (None, Party::Trunk(_)) => Identity::default(),
        }
    }

    /// What the flow said that promised it, else what its queue shows.
    fn caller_id_of(&self, due: &Callback) -> CallerId {
        let chosen = luggage::caller(&due.luggage);
        let of_queue = self.queue_at(&due.place).and_then(|queue| queue.caller_id);
        CallerId { number: chosen.number.or(of_queue.map(|number| number.to_string().into())), name: chosen.name }
    }

    fn queue_at(&self, place: &Place) -> Option<&QueueSettings> {
        match place {
            Place::Queue(name) => self.index.exchange.queues.queue(name),
            Place::Agent(_) => None,
        }
    }

    /// The agent is on the line: the customer is called through the dialplan and the gate, as everybody is.
    fn call_customer(&mut self, now: Now, offer: OfferId, due: Box<Callback>) {
        let Some(Running { call, phone, .. }) = self.promises.running.get(&due.id).cloned() else { return };
        let dialled = Dialled { digits: due.number.to_string().into(), e164: Some(due.number) };
        let wish = self.caller_id_of(&due);
        let own = self.index.phone(&phone).map(|phone| phone::identity::own(phone));
        let who = Asker::Phone(&phone);
        let wish = Some(&wish).filter(|wish| wish.number.is_some());
        let ask = Ask { call, who, dialled: &dialled, identity: own.as_ref(), wish, via: None };
        let mut trail = Vec::new();
        let (stages, refusal) = match self.route(now, ask, &mut trail) {
            Ok(way) if way.stages.is_empty() => {
                let words = "the number leads to a flow of ours".into();
                (Vec::new(), Some(Refused { cause: Cause::Unreachable, retry_after: None, words }))
            }
            Ok(way) => (way.stages, None),
            Err((refused, _)) => (Vec::new(), Some(refused)),
        };
        let said = QueueOutput::Dial { offer, callback: due };
        self.tell_call(call, CallInput::Queue(Box::new(QueueWord { stages, refusal, ..word(said) })));
    }

    fn script_of(&self, place: &Place) -> Option<Script> {
        let (Place::Queue(name) | Place::Agent(name)) = place;
        let flow = Arc::new(straight_to(&QueueName::Queue(name.as_ref().into()))?);
        Some(*scripted(&self.index, flow))
    }

    /// Whatever the call did not say itself: the agent is free again, and the callback is not lost.
    pub(super) fn leave_callback(&mut self, now: Now, call: CallId, (id, offer): (CallbackId, OfferId)) {
        if self.promises.running.get(&id).is_some_and(|running| running.call == call) {
            self.promises.running.remove(&id);
        }
        self.queue_input(now, QueueInput::AgentGone { offer });
    }
}

/// What the queues say, with nothing beside it.
pub(super) fn word(said: QueueOutput) -> QueueWord {
    QueueWord { said, flows: QueueFlows::default(), stages: Vec::new(), refusal: None }
}
