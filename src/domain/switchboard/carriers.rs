//! What we ask carriers by ourselves: OPTIONS for their health and REGISTER where they want one.

use crate::base::now::Now;
use crate::domain::call::interface::Place;
use crate::domain::switchboard::agenda::Errand;
use crate::domain::switchboard::board::{Pending, Question, Switchboard};
use crate::domain::switchboard::interface::{SwitchboardEvent, SwitchboardOutput as Output};
use crate::domain::switchboard::request::{Names, Side};
use crate::domain::switchboard::routing::place_of;
use crate::domain::switchboard::trunks::TrunkState;
use crate::domain::trunk::health::Change as HealthChange;
use crate::domain::trunk::registration::{Change, Registering, Step, Wish};
use crate::domain::trunk::settings::Trunk;
use crate::protocol::sip::digest::client::Challenge;
use crate::protocol::sip::message::{HeaderName, Message, Method};
use crate::protocol::sip::path::{Path, Target};
use crate::protocol::sip::stamp;
use crate::protocol::sip::transaction::set::ClientRequest;
use std::sync::Arc;
use std::time::Duration;

/// An OPTIONS that is not answered within this time has failed.
const OPTIONS_PATIENCE: Duration = Duration::from_secs(8);
/// A carrier that does not let us go within this time is left without its answer.
const LEAVING_PATIENCE: Duration = Duration::from_secs(4);

impl Switchboard {
    /// Puts every errand of every trunk on the agenda.
    pub(super) fn arm_trunks(&mut self) {
        let Switchboard { trunks, agenda, .. } = self;
        for (slot, state) in trunks.iter() {
            for (target_index, health) in (0u16..).zip(&state.health) {
                agenda.arm(Errand::Health { slot, target_index }, health.deadline());
            }
            let at = state.registering.as_ref().and_then(Registering::deadline);
            agenda.arm(Errand::Registration { slot }, at);
        }
    }

    pub(super) fn health_due(&mut self, now: Now, slot: u32, target_index: u16) {
        let index = self.index.clone();
        let Some(state) = self.trunks.get_mut(slot) else { return };
        let Some(trunk) = state.settings.clone() else { return };
        let Some(health) = state.health.get_mut(usize::from(target_index)) else { return };
        if !health.options_due(now.instant) {
            let at = health.deadline();
            return self.agenda.arm(Errand::Health { slot, target_index }, at);
        }
        let Some(target) = trunk.targets.get(usize::from(target_index)) else { return };
        match place_of(&index, target) {
            Place::At(target) => self.send_options(now, (slot, target_index), target),
            Place::Name(name) => self.ask_name(Question::Options { slot, target_index }, name),
        }
    }

    fn ask_name(&mut self, about: Question, name: crate::domain::call::interface::NameToResolve) {
        self.last_question = self.last_question.wrapping_add(1);
        self.questions.insert(self.last_question, about);
        self.outputs.push_back(Output::Resolve { question: self.last_question, name });
    }

    pub(super) fn resolved(&mut self, now: Now, question: u32, targets: Vec<Target>) {
        match self.questions.remove(&question) {
            Some(Question::Options { slot, target_index }) => match targets.into_iter().next() {
                Some(target) => self.send_options(now, (slot, target_index), target),
                None => self.options_failed(now, slot, target_index),
            },
            Some(Question::Register { slot }) => {
                self.registration_step(now, slot, |one, entropy| one.resolved(now, targets, entropy));
            }
            None => {}
        }
    }

    fn send_options(&mut self, now: Now, (slot, target_index): (u32, u16), target: Target) {
        let index = self.index.clone();
        let Some((profile, listener)) = index.listener(target.path.listener) else { return };
        let side = Side { profile, listener, transport: target.path.transport };
        let key = self.transactions.next_key();
        let uri = format!("sip:{}", target.path.remote);
        let call_id = stamp::call_id(&mut self.entropy);
        let own = format!("<sip:offhook@{}>;tag={:016x}", profile.realm, self.entropy.number());
        let to = format!("<{uri}>");
        let names = Names { from: &own, to: &to, call_id: &call_id, cseq: 1 };
        let (mut writer, branch) = side.request((Method::Options, &uri), key, &names, &mut self.entropy);
        writer.header(HeaderName::Contact, side.contact("offhook")).header(HeaderName::Accept, "application/sdp");
        self.pending.insert(key.0, Pending::Options { slot, target_index });
        let no_response = Some(OPTIONS_PATIENCE);
        let request = ClientRequest { method: Method::Options, target, branch, bytes: writer.finish(), no_response };
        self.transactions.request(now, key, request);
    }

    pub(super) fn options_answered(&mut self, now: Now, slot: u32, target_index: u16, status: u16) {
        if matches!(status, 408 | 500 | 502..=504) {
            return self.options_failed(now, slot, target_index);
        }
        self.target_spoke(slot, target_index);
        self.options_over(now, slot, target_index);
    }

    pub(super) fn options_failed(&mut self, now: Now, slot: u32, target_index: u16) {
        self.target_failed(now, slot, target_index);
        self.options_over(now, slot, target_index);
    }

    fn options_over(&mut self, now: Now, slot: u32, target_index: u16) {
        let Switchboard { trunks, agenda, entropy, .. } = self;
        let health = trunks.get_mut(slot).and_then(|state| state.health.get_mut(usize::from(target_index)));
        if let Some(health) = health {
            health.options_done(now.instant, entropy);
            agenda.arm(Errand::Health { slot, target_index }, health.deadline());
        }
    }

    pub(super) fn target_spoke(&mut self, slot: u32, target_index: u16) {
        self.tell_health(slot, target_index, |health| health.spoke());
    }

    pub(super) fn target_failed(&mut self, now: Now, slot: u32, target_index: u16) {
        self.tell_health(slot, target_index, |health| health.failed(now.instant));
    }

    fn tell_health(
        &mut self,
        slot: u32,
        target_index: u16,
        tell: impl FnOnce(&mut crate::domain::trunk::health::Health) -> Option<HealthChange>,
    ) {
        let Some(state) = self.trunks.get_mut(slot) else { return };
        let trunk = state.name.clone();
        let change = state.health.get_mut(usize::from(target_index)).and_then(tell);
        match change {
            Some(HealthChange::WentUp) => self.event(SwitchboardEvent::TrunkUp { trunk, target_index }),
            Some(HealthChange::WentDown) => self.event(SwitchboardEvent::TrunkDown { trunk, target_index }),
            None => {}
        }
    }

    pub(super) fn registration_due(&mut self, now: Now, slot: u32) {
        self.registration_step(now, slot, |one, _| one.handle_deadline(now));
    }

    /// Tells the registration of a trunk something and does what follows from it.
    fn registration_step(
        &mut self,
        now: Now,
        slot: u32,
        tell: impl FnOnce(&mut Registering, &mut crate::base::entropy::Entropy) -> Step,
    ) {
        let Switchboard { trunks, entropy, .. } = self;
        let Some(TrunkState { registering: Some(one), settings: Some(trunk), .. }) = trunks.get_mut(slot) else {
            return;
        };
        let trunk = trunk.clone();
        let step = tell(one, entropy);
        let at = one.deadline();
        self.agenda.arm(Errand::Registration { slot }, at);
        self.follow(now, (slot, false), &trunk, step);
    }

    fn follow(&mut self, now: Now, (slot, departing): (u32, bool), trunk: &Arc<Trunk>, step: Step) {
        match step.change {
            Some(Change::Registered) => self.event(SwitchboardEvent::TrunkRegistered { trunk: trunk.name.clone() }),
            Some(Change::Lost(status)) => {
                self.event(SwitchboardEvent::TrunkUnregistered { trunk: trunk.name.clone(), status });
            }
            None => {}
        }
        match step.wish {
            Some(Wish::Resolve { target_index }) => {
                let index = self.index.clone();
                let place = trunk.targets.get(usize::from(target_index)).map(|target| place_of(&index, target));
                match place {
                    Some(Place::Name(name)) => self.ask_name(Question::Register { slot }, name),
                    Some(Place::At(target)) => {
                        self.registration_step(now, slot, |one, entropy| one.resolved(now, vec![target], entropy));
                    }
                    None => self.registration_step(now, slot, |one, entropy| one.resolved(now, Vec::new(), entropy)),
                }
            }
            Some(Wish::Send { target, expires }) => {
                self.send_register(now, (slot, departing), (target, expires));
            }
            None => {}
        }
    }

    fn send_register(&mut self, now: Now, (slot, departing): (u32, bool), (target, expires): (Target, Duration)) {
        let index = self.index.clone();
        let listener = index.listener(target.path.listener);
        let Switchboard { trunks, transactions, entropy, pending, .. } = self;
        let Some(state) = trunks.get_mut(slot) else { return };
        let (one, trunk) = match departing {
            true => state.departing.as_mut().map(|(one, trunk)| (one, &*trunk)).unzip(),
            false => (state.registering.as_mut(), state.settings.as_ref()),
        };
        let (Some((profile, listener)), Some(one)) = (listener, one) else { return };
        let own = trunk.and_then(|trunk| trunk.outbound_digest.as_ref());
        let side = Side { profile, listener, transport: target.path.transport };
        let settings = one.settings().clone();
        let uri = format!("sip:{}", settings.domain);
        let record = format!("<sip:{}@{}>", settings.user, settings.domain);
        let answer = own.and_then(|own| one.credentials(own, &uri, entropy));
        let key = transactions.next_key();
        let (call_id, from_tag, cseq) = one.next_names();
        let own = format!("{record};tag={from_tag}");
        let names = Names { from: &own, to: &record, call_id, cseq };
        let (mut writer, branch) = side.request((Method::Register, &uri), key, &names, entropy);
        writer
            .header(HeaderName::Contact, side.contact(&settings.user))
            .header(HeaderName::Expires, expires.as_secs())
            .header(HeaderName::Supported, "path");
        if let Some((name, value)) = answer {
            writer.header(name, value);
        }
        pending.insert(key.0, Pending::Register { slot, departing });
        let no_response = expires.is_zero().then_some(LEAVING_PATIENCE);
        let request = ClientRequest { method: Method::Register, target, branch, bytes: writer.finish(), no_response };
        transactions.request(now, key, request);
    }

    pub(super) fn register_answered(&mut self, now: Now, slot: u32, departing: bool, message: &Message) {
        let Some(state) = self.trunks.get_mut(slot) else { return };
        let trunk = if departing { state.departing.as_ref().map(|(_, trunk)| trunk) } else { state.settings.as_ref() };
        let Some(trunk) = trunk.cloned() else { return };
        let own = trunk.outbound_digest.as_ref().filter(|_| matches!(message.status(), 401 | 407));
        let challenge = own.and_then(|own| Challenge::strongest(message, &own.realm));
        let Some(state) = self.trunks.get_mut(slot) else { return };
        let one = match departing {
            true => state.departing.as_mut().map(|(one, _)| one),
            false => state.registering.as_mut(),
        };
        let Some(one) = one else { return };
        let step = match challenge {
            Some(challenge) => {
                one.note_challenge(challenge);
                one.challenged(now, message.status(), &mut self.entropy)
            }
            None => {
                let user = one.settings().user.clone();
                one.answered(now, message, &user, &mut self.entropy)
            }
        };
        let over = departing && one.has_left();
        let at = one.deadline();
        if !departing {
            self.agenda.arm(Errand::Registration { slot }, at);
        } else if over {
            state.departing = None;
        }
        self.follow(now, (slot, departing), &trunk, step);
    }

    pub(super) fn register_silent(&mut self, now: Now, slot: u32, departing: bool) {
        if departing {
            if let Some(state) = self.trunks.get_mut(slot) {
                state.departing = None;
            }
            return;
        }
        self.registration_step(now, slot, |one, entropy| one.silent(now, entropy));
    }

    /// Ends a registration that the configuration has no more.
    pub(super) fn depart(&mut self, now: Now, slot: u32) {
        let Some(TrunkState { departing: Some((one, trunk)), .. }) = self.trunks.get_mut(slot) else { return };
        let (step, trunk) = (one.leave(), trunk.clone());
        if step.wish.is_none()
            && let Some(state) = self.trunks.get_mut(slot)
        {
            state.departing = None;
        }
        self.agenda.arm(Errand::Registration { slot }, None);
        self.follow(now, (slot, true), &trunk, step);
    }

    /// Tells every carrier that no further call can be taken here.
    pub(super) fn leave_carriers(&mut self, now: Now) {
        let slots: Vec<u32> = self.trunks.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.registration_step(now, slot, |one, _| one.leave());
        }
    }

    pub(super) fn is_leaving_carriers(&self) -> bool {
        self.pending.values().any(|pending| matches!(pending, Pending::Register { .. }))
    }

    pub(super) fn carriers_connection_closed(&mut self, now: Now, path: Path) {
        let slots: Vec<u32> = self.trunks.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.registration_step(now, slot, |one, _| {
                one.connection_closed(now, path.remote);
                Step::default()
            });
        }
    }
}
