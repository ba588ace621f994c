//! The product in the simulator: switchboard and calls driven as the edge drives them, without any of its sockets.

use super::wire::Datagram;
use crate::plane::Plane;
use offhook::base::entropy::Entropy;
use offhook::base::id::CallId;
use offhook::base::machine::Machine;
use offhook::base::now::{Now, earliest};
use offhook::domain::call::Call;
use offhook::domain::call::interface::{CallInput, CallOutput, CallStart};
use offhook::domain::contact::Record;
use offhook::domain::queue::callback::{Callback, CallbackId};
use offhook::domain::switchboard::Switchboard;
use offhook::domain::switchboard::interface::{CallbackNote, Exchange, SwitchboardInput, SwitchboardOutput};
use offhook::domain::switchboard::owner::{self, InviteKey, Owner};
use offhook::protocol::sip::message::{Message, Method};
use offhook::protocol::sip::path::{ListenerId, Path, Transport};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

pub struct Running {
    pub switchboard: Switchboard,
    calls: BTreeMap<CallId, (Call, Option<InviteKey>)>,
    /// What is written down of promises to call back, as the daemon's store has it.
    pub owed: BTreeMap<CallbackId, Callback>,
    pub callbacks_over: Vec<(CallbackId, &'static str)>,
    invites: BTreeMap<InviteKey, CallId>,
    heirs: BTreeMap<CallId, CallId>,
    pub records: Vec<Record>,
    pub started: usize,
    pub out: Vec<Datagram>,
    /// Messages that could not be parsed: the product wrote or was sent rubbish.
    pub unreadable: usize,
    pub media: Plane,
    /// What calls say to engines, for whoever plays those.
    pub words: Vec<(CallId, CallOutput)>,
}

impl Running {
    pub fn new(exchange: Exchange, seed: u64, now: Now) -> Running {
        Running {
            switchboard: Switchboard::new(Arc::new(exchange), Entropy::from_number(seed), now),
            calls: BTreeMap::new(),
            owed: BTreeMap::new(),
            callbacks_over: Vec::new(),
            invites: BTreeMap::new(),
            heirs: BTreeMap::new(),
            records: Vec::new(),
            started: 0,
            out: Vec::new(),
            unreadable: 0,
            media: Plane::default(),
            words: Vec::new(),
        }
    }

    pub fn receive(&mut self, now: Now, from: SocketAddr, bytes: &[u8]) {
        let Ok(message) = Message::parse(bytes) else {
            self.unreadable += 1;
            return;
        };
        let message = Box::new(message);
        let from = Path { transport: Transport::Udp, listener: ListenerId(0), remote: from, connection: None };
        let call = match owner::owner(&message) {
            Owner::Call(call) => Some(call),
            Owner::InviteKey(key) => self.invites.get(&key).copied(),
            Owner::Switchboard => None,
        };
        let call = call.map(|call| self.heir(call));
        match call {
            Some(call) if self.calls.contains_key(&call) => self.tell(now, call, CallInput::Sip { from, message }),
            Some(_) if !message.is_request() || message.method() == Method::Ack => {}
            _ => {
                let input = SwitchboardInput::Sip { from, tls_names: Arc::from([]), message };
                self.switchboard.handle_input(now, input);
                self.drain(now);
            }
        }
    }

    fn heir(&self, call: CallId) -> CallId {
        match self.heirs.get(&call) {
            Some(heir) if !self.calls.contains_key(&call) => *heir,
            _ => call,
        }
    }

    pub fn tell(&mut self, now: Now, id: CallId, input: CallInput) {
        if let Some((call, _)) = self.calls.get_mut(&id) {
            call.handle_input(now, input);
        }
        self.drain_call(now, id);
        self.drain(now);
    }

    /// What a flow plays once is over; what goes on for ever goes on.
    pub fn play_to_its_end(&mut self, now: Now) {
        if let Some(event) = self.media.play_once_to_its_end() {
            self.tell(now, event.call(), CallInput::Media(Box::new(event)));
        }
    }

    pub fn wake(&mut self, now: Now) {
        let due: Vec<CallId> = self
            .calls
            .iter()
            .filter(|(_, (call, _))| call.deadline().is_some_and(|at| at <= now.instant))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            if let Some((call, _)) = self.calls.get_mut(&id) {
                call.handle_deadline(now);
            }
            self.drain_call(now, id);
        }
        self.switchboard.handle_deadline(now);
        self.drain(now);
    }

    pub fn deadline(&self) -> Option<Instant> {
        let calls = self.calls.values().filter_map(|(call, _)| call.deadline()).min();
        earliest(calls, self.switchboard.deadline())
    }

    /// Waits for nothing: no call, no transaction, no deadline.
    pub fn leftovers(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (id, (call, _)) in &self.calls {
            found.push(format!("call {id} is left with {} transactions", call.transaction_count()));
        }
        if self.switchboard.calls() > 0 {
            found.push(format!("the switchboard counts {} calls", self.switchboard.calls()));
        }
        if self.switchboard.transaction_count() > 0 {
            found.push(format!("the switchboard keeps {} transactions", self.switchboard.transaction_count()));
        }
        if self.switchboard.deadline().is_some() {
            found.push("the switchboard waits for something".to_owned());
        }
        if !self.invites.is_empty() {
            found.push(format!("{} INVITE keys are left", self.invites.len()));
        }
        found.extend(self.media.leftovers());
        let busy = self.switchboard.trunk_states().into_iter().filter(|trunk| trunk.calls > 0);
        found.extend(busy.map(|trunk| format!("trunk {} still counts {} calls", trunk.name, trunk.calls)));
        found
    }

    fn drain(&mut self, now: Now) {
        while let Some(output) = self.switchboard.poll_output() {
            match output {
                SwitchboardOutput::Send(outgoing) => {
                    self.out.push(Datagram { to: outgoing.target.path.remote, bytes: outgoing.bytes.to_vec() });
                }
                SwitchboardOutput::StartCall(start) => self.start(now, *start),
                SwitchboardOutput::ToCall { call, input } => self.tell(now, call, *input),
                SwitchboardOutput::Inherit { origin, heir } => drop(self.heirs.insert(origin, heir)),
                SwitchboardOutput::Resolve { .. } => panic!("the simulated trunks have addresses, not names"),
                SwitchboardOutput::Callback(note) => self.note(now, note),
                SwitchboardOutput::Ban { .. } | SwitchboardOutput::Event(_) | SwitchboardOutput::Drained => {}
            }
        }
    }

    fn note(&mut self, now: Now, note: CallbackNote) {
        match note {
            CallbackNote::Keep(callback) => {
                let id = callback.id;
                self.owed.insert(id, *callback);
                self.switchboard.handle_input(now, SwitchboardInput::CallbackKept { callback: id, is_kept: true });
            }
            CallbackNote::Forget { callback, why } => {
                self.owed.remove(&callback);
                self.callbacks_over.push((callback, why));
            }
        }
    }

    fn start(&mut self, now: Now, start: CallStart) {
        let (id, key) = (start.id, start.beginning.invite().map(owner::invite_key));
        self.started += 1;
        if let Some(key) = key {
            self.invites.insert(key, id);
        }
        self.calls.insert(id, (Call::new(start), key));
        self.drain_call(now, id);
    }

    fn drain_call(&mut self, now: Now, id: CallId) {
        let (mut recorded, mut finished) = (false, false);
        let mut told = Vec::new();
        while let Some(output) = self.calls.get_mut(&id).and_then(|(call, _)| call.poll_output()) {
            assert!(!finished, "an output after Finished");
            match output {
                CallOutput::Send(outgoing) => {
                    self.out.push(Datagram { to: outgoing.target.path.remote, bytes: outgoing.bytes.to_vec() });
                }
                CallOutput::Seize { leg, trunk, target_index } => {
                    self.switchboard.handle_input(now, SwitchboardInput::Seize { call: id, leg, trunk, target_index });
                }
                CallOutput::Release { trunk, target_index, outcome } => {
                    let input = SwitchboardInput::Release { call: id, trunk, target_index, outcome };
                    self.switchboard.handle_input(now, input);
                }
                CallOutput::Route { leg, by, uri } => {
                    self.switchboard.handle_input(now, SwitchboardInput::Route { call: id, leg, by, uri });
                }
                CallOutput::Handover { to, word } => {
                    self.switchboard.handle_input(now, SwitchboardInput::Handover { from: id, to, word });
                }
                CallOutput::Forward { to, from, message } => {
                    let to = self.heir(to);
                    self.tell(now, to, CallInput::Sip { from, message });
                }
                CallOutput::Queue(input) => self.switchboard.handle_input(now, SwitchboardInput::Queue(input)),
                CallOutput::Record(record) => {
                    self.records.push(*record);
                    recorded = true;
                }
                CallOutput::Resolve { .. } => panic!("the simulated trunks have addresses, not names"),
                CallOutput::Media(command) => told.extend(self.media.take(command)),
                CallOutput::Event(_) => {}
                CallOutput::Finished => finished = true,
                CallOutput::Ask { slip, question } => {
                    self.switchboard.handle_input(now, SwitchboardInput::Ask { call: id, slip, question });
                }
                CallOutput::FlowLog(_) => {}
                word @ (CallOutput::AskEngine(_)
                | CallOutput::EngineAsked(_)
                | CallOutput::Reply { .. }
                | CallOutput::ToHolder { .. }) => self.words.push((id, word)),
                other => panic!("no flow asks so much here: {other:?}"),
            }
        }
        for event in told {
            self.tell(now, id, CallInput::Media(Box::new(event)));
        }
        if recorded {
            // As at the edge: for limits and draining the call is over with its record.
            self.switchboard.handle_input(now, SwitchboardInput::CallFinished { call: id });
        }
        if finished
            && let Some((_, Some(key))) = self.calls.remove(&id)
            && self.invites.get(&key) == Some(&id)
        {
            self.invites.remove(&key);
        }
    }
}
