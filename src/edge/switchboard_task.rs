//! Drives the switchboard: the one task that owns admission, registrations, trunk health and the table of calls.

use crate::base::id::CallId;
use crate::base::limits;
use crate::base::machine::Machine;
use crate::base::secret::Masked;
use crate::domain::call::Call;
use crate::domain::call::interface::{CallInput, CallStart};
use crate::domain::queue::interface::{AgentChange, QueueOutput};
use crate::domain::switchboard::Switchboard;
use crate::domain::switchboard::interface::{
    CallbackNote, RefusalReason as Why, SwitchboardEvent, SwitchboardInput, SwitchboardOutput,
};
use crate::domain::switchboard::owner;
use crate::edge::dispatch::DeskInput;
use crate::edge::ports::Ports;
use crate::edge::softphone::lines::Offered;
use crate::edge::softphone::seat::Saying;
use crate::edge::{call_task, clock, events, inbox};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How often the loop wakes when nothing happens, so that the watchdog sees it alive.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// What the rest of the daemon sees of the switchboard's task.
pub struct DeskSigns {
    /// The last time the loop came round.
    pub alive_at: watch::Sender<std::time::Instant>,
    /// True once draining has left no call.
    pub drained: watch::Sender<bool>,
}

pub async fn run(
    mut switchboard: Switchboard,
    mut inbox: mpsc::Receiver<Box<DeskInput>>,
    ports: Arc<Ports>,
    signs: DeskSigns,
) {
    let mut heartbeat = clock::now().instant;
    loop {
        drain(&mut switchboard, &ports, &signs);
        let now = clock::now();
        signs.alive_at.send_replace(now.instant);
        // Looked at in every round: an inbox that never runs dry must not keep anything from its deadline.
        if switchboard.deadline().is_some_and(|deadline| deadline <= now.instant) {
            switchboard.handle_deadline(now);
            drain(&mut switchboard, &ports, &signs);
        }
        if heartbeat <= now.instant {
            heartbeat = now.instant + HEARTBEAT;
            ports.metrics.switchboard_transactions(switchboard.transaction_count());
            ports.metrics.repeats(switchboard.take_repeats());
            for trunk in switchboard.trunk_states() {
                ports.metrics.trunk_calls(&trunk.name, trunk.calls);
            }
            ports.metrics.queues(now, switchboard.queues());
            for (guard, stopped) in switchboard.guard_states() {
                ports.metrics.guard_stops(&guard, stopped);
            }
        }
        let wake = switchboard.deadline().map_or(heartbeat, |deadline| deadline.min(heartbeat));
        tokio::select! {
            biased;
            input = inbox.recv() => match input.map(|input| *input) {
                Some(DeskInput::Exchange(input)) => take(&mut switchboard, input, &ports),
                Some(DeskInput::Ask(question)) => question(&switchboard),
                Some(DeskInput::Change(order)) => order(&mut switchboard),
                None => return,
            },
            () = tokio::time::sleep_until(wake.into()) => {}
        }
    }
}

/// A retransmission may have waited here while its call began: then it is that call's.
fn take(switchboard: &mut Switchboard, input: SwitchboardInput, ports: &Ports) {
    let input = match input {
        SwitchboardInput::Sip { from, tls_names, message } => match ports.dispatch.claimed(&message) {
            Some(call) => {
                if ports.dispatch.to_call(call, Box::new(CallInput::Sip { from, message })).is_err() {
                    tracing::debug!("a retransmission came for a call that has ended");
                }
                return;
            }
            None => SwitchboardInput::Sip { from, tls_names, message },
        },
        other => other,
    };
    switchboard.handle_input(clock::now(), input);
}

fn drain(switchboard: &mut Switchboard, ports: &Arc<Ports>, signs: &DeskSigns) {
    while let Some(output) = switchboard.poll_output() {
        match output {
            SwitchboardOutput::Send(outgoing) => ports.send(CallId::SWITCHBOARD, outgoing),
            SwitchboardOutput::Resolve { question, name } => {
                let ports = Arc::clone(ports);
                tokio::spawn(async move {
                    let targets = ports.resolver.resolve(&name).await;
                    ports.dispatch.to_desk_surely(SwitchboardInput::Resolved { question, targets }).await;
                });
            }
            SwitchboardOutput::StartCall(start) => start_call(*start, ports),
            SwitchboardOutput::ToCall { call, input } => {
                if ports.dispatch.to_call(call, input).is_err() {
                    tracing::debug!(call = %call, "an answer came for a call that has ended");
                }
            }
            SwitchboardOutput::Inherit { origin, heir } => ports.dispatch.inherit(origin, heir),
            SwitchboardOutput::Ban { address, time } => ports.transports.ban(address, time),
            SwitchboardOutput::Callback(note) => note_callback(note, ports),
            SwitchboardOutput::Event(event) => tell(event, ports),
            SwitchboardOutput::Drained => {
                signs.drained.send_replace(true);
            }
        }
    }
}

/// A promise that cannot be written down is none; whatever else cannot is said loudly.
fn note_callback(note: CallbackNote, ports: &Ports) {
    let callback = match &note {
        CallbackNote::Keep(callback) => Some(callback.id),
        CallbackNote::Forget { .. } => None,
    };
    if ports.callbacks.note(note) {
        return;
    }
    tracing::error!("more callbacks wait to be written down than may");
    if let Some(callback) = callback {
        ports.dispatch.to_desk_in_the_end(SwitchboardInput::CallbackKept { callback, is_kept: false });
    }
}

fn start_call(start: CallStart, ports: &Arc<Ports>) {
    let (inbox, inputs) = inbox::open(limits::CALL_INBOX);
    let key = start.beginning.invite().map(owner::invite_key);
    ports.live.begin(&start);
    ports.events.tell(events::tell::started(&start));
    ports.metrics.call_started(&start);
    tracing::info!(
        call = %start.id, caller = start.caller.name(), from = %Masked(&start.identity.number),
        dialled = %Masked(&start.dialled.digits), "call started"
    );
    let (call, invite) = Call::prepare(start);
    if inbox.put(Box::new(invite)).is_err() {
        tracing::error!("a new inbox was closed");
    }
    ports.dispatch.enter(call.id(), key, inbox);
    call_task::spawn(Box::new(call), key, inputs, Arc::clone(ports));
}

fn tell(event: SwitchboardEvent, ports: &Ports) {
    ports.metrics.switchboard_event(&event);
    events::tell::of_switchboard(&event).into_iter().for_each(|event| ports.events.tell(event));
    match event {
        SwitchboardEvent::Refused {
            cause,
            why: why @ (Why::NumberUnassigned | Why::NumberReleased | Why::NumberFull),
            source,
        } => {
            tracing::warn!(cause = cause.name(), ?why, %source, "a call to a number of ours was refused; its record says which");
        }
        SwitchboardEvent::GuardTripped { guard, subject, excess } => {
            tracing::error!(%guard, %subject, %excess, "a spending guard has tripped; look whether this is fraud, then reset it");
        }
        SwitchboardEvent::GuardReset { guard, count } => tracing::warn!(%guard, count, "calls may go out again"),
        SwitchboardEvent::Refused { cause, why, source } => {
            tracing::debug!(cause = cause.name(), ?why, %source, "refused");
        }
        SwitchboardEvent::TrunkUp { trunk, target_index } => tracing::info!(%trunk, target_index, "trunk target is up"),
        SwitchboardEvent::TrunkDown { trunk, target_index } => {
            tracing::warn!(%trunk, target_index, "trunk target is down");
        }
        SwitchboardEvent::TrunkRegistered { trunk } => tracing::info!(%trunk, "registered with the carrier"),
        SwitchboardEvent::TrunkUnregistered { trunk, status } => {
            tracing::warn!(%trunk, status, "not registered with the carrier");
        }
        SwitchboardEvent::PhoneRegistered { phone } => tracing::info!(%phone, "phone registered"),
        SwitchboardEvent::PhoneUnregistered { phone } => tracing::info!(%phone, "phone unregistered"),
        SwitchboardEvent::AuthenticationFailed { source } => tracing::debug!(%source, "authentication failed"),
        SwitchboardEvent::Agent { agent, change } => {
            tell_agent(&agent, &change);
            ports.seats.changed(&agent);
        }
        SwitchboardEvent::CallbackOver { callback, why } => {
            tracing::info!(%callback, why = why.name(), "a callback is owed no longer");
        }
        SwitchboardEvent::Queue(said) => {
            if let QueueOutput::Offer(offer) = &*said {
                ports.seats.tell(&offer.agent, Saying::Offered(Offered::of(offer)));
            }
            tracing::debug!(?said, "queue");
        }
        SwitchboardEvent::Banned { address } => tracing::warn!(%address, "source banned"),
    }
}

fn tell_agent(agent: &str, change: &AgentChange) {
    match change {
        AgentChange::Status(status) => tracing::info!(agent, status = status.name(), "agent's status"),
        AgentChange::NextStatus(next) => {
            tracing::debug!(agent, next = next.as_ref().map_or("none", |status| status.name()), "agent's next status");
        }
        AgentChange::Contact { contact, state } => tracing::debug!(agent, ?contact, state = state.name(), "contact"),
        AgentChange::Cleared { contact } => tracing::debug!(agent, ?contact, "contact cleared"),
    }
}
