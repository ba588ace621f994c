//! Drives one call: waits, hands in one input, executes the outputs. A panic inside the call ends this call alone.

use crate::base::cause::Cause;
use crate::base::id::CallId;
use crate::base::machine::Machine;
use crate::domain::call::Call;
use crate::domain::call::interface::{CallInput, CallOutput, News, Refused, Slip};
use crate::domain::call::will::Will;
use crate::domain::flow::interface::{FetchFrom, FetchOrder};
use crate::domain::switchboard::interface::SwitchboardInput;
use crate::domain::switchboard::owner::InviteKey;
use crate::edge::inbox::CallInputs;
use crate::edge::outside::Errands;
use crate::edge::ports::Ports;
use crate::edge::{call_journal, clock, events};
use crate::media::command::Command;
use crate::media::event::Event;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::Sleep;
use tracing::Instrument;

/// How long a deadline that nobody set lies in the future.
const NEVER: Duration = Duration::from_secs(86_400 * 365);

/// How often, and how many times, a worker whose queue is full is told again: longer than any stall it gets over.
const INSIST_EVERY: Duration = Duration::from_millis(20);
const INSIST_TIMES: u32 = 500;

/// The task of one call, from its INVITE to the last lingering transaction.
pub fn spawn(mut call: Box<Call>, invite_key: Option<InviteKey>, mut inputs: CallInputs, ports: Arc<Ports>) {
    let id = call.id();
    let span = tracing::info_span!(parent: None, "call", call = %id);
    let work = async move {
        let mut tally = Tally { ports: &ports, transactions: 0 };
        drive(&mut call, &mut inputs, &mut tally).await;
        drop(tally);
        drop(inputs);
        ports.dispatch.leave(id, invite_key);
        ports.requests.forget(id);
        if call.has_taken() {
            ports.dispatch.disinherit(id);
        }
        Box::pin(over(id, &ports)).await;
    };
    tokio::spawn(work.instrument(span));
}

/// The INVITE stands in the inbox already.
async fn drive(call: &mut Call, inputs: &mut CallInputs, tally: &mut Tally<'_>) {
    let ports = tally.ports;
    let mut alarm = Alarm::new();
    let mut errands = Errands::default();
    loop {
        let drained = catch_unwind(AssertUnwindSafe(|| drain(call, ports, &mut errands)));
        match drained {
            Ok(Progress::Goes) => {}
            Ok(Progress::Recorded) => {
                errands = Errands::default();
                // Boxed: its room would be kept by every call for as long as it lasts.
                Box::pin(over(call.id(), ports)).await;
            }
            Ok(Progress::Finished) => return,
            Err(_) => return bury(call, ports),
        }
        tally.note(call.transaction_count());
        ports.metrics.repeats(call.take_repeats());
        alarm.set(call.deadline());
        let handed = tokio::select! {
            biased;
            input = inputs.next() => catch_unwind(AssertUnwindSafe(|| take(call, *input))),
            () = alarm.ring() => catch_unwind(AssertUnwindSafe(|| call.handle_deadline(clock::now()))),
        };
        if handed.is_err() {
            return bury(call, ports);
        }
        // A flood into one call must not keep the others from their turn.
        tokio::task::coop::consume_budget().await;
    }
}

/// The share of one call in what is counted for all; nothing of it stays when the call goes, however it goes.
struct Tally<'a> {
    ports: &'a Arc<Ports>,
    transactions: usize,
}

impl Tally<'_> {
    fn note(&mut self, transactions: usize) {
        if transactions != self.transactions {
            self.ports.metrics.call_transactions(self.transactions, transactions);
            self.transactions = transactions;
        }
    }
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        self.note(0);
    }
}

/// A peer that never lets the inbox run dry must not keep the call from its deadlines.
fn take(call: &mut Call, input: CallInput) {
    let now = clock::now();
    if call.deadline().is_some_and(|deadline| deadline <= now.instant) {
        call.handle_deadline(now);
    }
    call.handle_input(now, input);
}

/// How far a call is after its outputs.
enum Progress {
    Goes,
    /// Its record is out: for operators, limits and draining it is over. It lingers to absorb retransmissions.
    Recorded,
    Finished,
}

/// Tells everybody who counts calls; once more does no harm.
async fn over(call: CallId, ports: &Ports) {
    if ports.live.end(call) {
        ports.dispatch.to_desk_surely(SwitchboardInput::CallFinished { call }).await;
    }
}

/// Executes every output.
fn drain(call: &mut Call, ports: &Arc<Ports>, errands: &mut Errands) -> Progress {
    let id = call.id();
    let mut progress = Progress::Goes;
    while let Some(output) = call.poll_output() {
        match output {
            CallOutput::Send(outgoing) => ports.send(id, outgoing),
            CallOutput::Resolve { leg, name } => resolve(id, leg, name, ports),
            CallOutput::Seize { leg, trunk, target_index } => {
                let asked = ports.dispatch.to_desk(SwitchboardInput::Seize { call: id, leg, trunk, target_index });
                unless(asked, CallInput::Seized { leg, outcome: Err(desk_is_full()) }, id, ports);
            }
            CallOutput::Release { trunk, target_index, outcome } => {
                ports.dispatch.to_desk(SwitchboardInput::Release { call: id, trunk, target_index, outcome });
            }
            CallOutput::Route { leg, by, uri } => {
                let asked = ports.dispatch.to_desk(SwitchboardInput::Route { call: id, leg, by, uri });
                unless(asked, CallInput::Routed { leg, outcome: Err(desk_is_full()) }, id, ports);
            }
            CallOutput::Handover { to, word } => {
                ports.dispatch.to_desk_in_the_end(SwitchboardInput::Handover { from: id, to, word });
            }
            CallOutput::Forward { to, from, message } => {
                if ports.dispatch.to_heir(to, Box::new(CallInput::Sip { from, message })).is_err() {
                    tracing::debug!("a message came for a leg whose call has ended");
                }
            }
            CallOutput::Media(command) => to_worker(id, command, ports),
            CallOutput::Event(event) => {
                ports.events.tell(events::tell::of_call(id, &event));
                if ports.live.happened(id, &event, &ports.metrics) {
                    ports.dispatch.to_desk(SwitchboardInput::CallEvent { call: id, event });
                }
            }
            CallOutput::Record(record) => {
                call_journal::write(*record, ports);
                progress = Progress::Recorded;
            }
            CallOutput::Finished => return Progress::Finished,
            wish => for_flow(id, wish, ports, errands),
        }
    }
    progress
}

/// What the flow of a call wants of others.
fn for_flow(call: CallId, wish: CallOutput, ports: &Arc<Ports>, errands: &mut Errands) {
    match wish {
        CallOutput::Ask { slip, question } => {
            let asked = ports.dispatch.to_desk(SwitchboardInput::Ask { call, slip, question });
            unless(asked, CallInput::News { slip, news: Box::new(News::Told(None)) }, call, ports);
        }
        CallOutput::Fetch { slip, order } => fetch(call, (slip, *order), ports, errands),
        CallOutput::CancelFetch { slip } => errands.cancel(slip),
        CallOutput::Speak { slip, part, speech } => ports.outside.speak(call, (slip, part), *speech, errands),
        CallOutput::Encrypt { slip, key, digits } => ports.outside.encrypt(call, slip, &key, digits.reveal()),
        CallOutput::Tape { slip, tap, what, tape } => {
            if let Some(command) = ports.outside.tape(call, slip, (tap, what), tape) {
                to_worker(call, command, ports);
            }
        }
        CallOutput::AskEngine(request) => ports.requests.ask(&request),
        CallOutput::EngineAsked(asked) => {
            ports.metrics.engine_asked(&asked);
            ports.requests.asked(asked.id);
        }
        CallOutput::Reply { to, outcome } => ports.requests.reply(to, outcome),
        CallOutput::ToHolder { holder, word } => ports.requests.tell_holder(call, &holder, word),
        CallOutput::Queue(input) => ports.dispatch.to_desk_in_the_end(SwitchboardInput::Queue(input)),
        CallOutput::FlowLog(entry) => {
            ports.live.stepped(call, &entry);
            ports.outside.log(call, &entry);
        }
        _ => {}
    }
}

/// A server of the house is asked, or an engine.
fn fetch(call: CallId, (slip, order): (Slip, FetchOrder), ports: &Arc<Ports>, errands: &mut Errands) {
    if matches!(order.to, FetchFrom::Url(_)) {
        return ports.outside.fetch(call, (slip, order), errands);
    }
    let requests = Arc::clone(&ports.requests);
    let work = async move { requests.functions.call(call, slip, &order).await };
    ports.outside.work_out(call, slip, work, errands);
}

/// A question that could not be asked is answered at once, so that the call never waits for it.
fn unless(asked: bool, answer: CallInput, call: CallId, ports: &Arc<Ports>) {
    if !asked && ports.dispatch.to_call(call, Box::new(answer)).is_err() {
        tracing::debug!("a refusal came for a call that has ended");
    }
}

fn desk_is_full() -> Refused {
    Refused { cause: Cause::Overload, retry_after: Some(1), words: "the switchboard's inbox is full".into() }
}

/// A port that cannot even be asked for is one that is not there. Other wishes are told again until the worker has room.
fn to_worker(call: CallId, command: Command, ports: &Arc<Ports>) {
    let missed = match &command {
        Command::Open { stream, .. } => Some(Event::NotOpened { stream: *stream }),
        _ => None,
    };
    let Err(command) = ports.media.send(command) else { return };
    match missed {
        Some(missed) => unless(false, CallInput::Media(Box::new(missed)), call, ports),
        None => insist(*command, Arc::clone(ports)),
    }
}

fn insist(command: Command, ports: Arc<Ports>) {
    let work = async move {
        let mut command = command;
        for _ in 0..INSIST_TIMES {
            tokio::time::sleep(INSIST_EVERY).await;
            match ports.media.send(command) {
                Ok(()) => return,
                Err(refused) => command = *refused,
            }
        }
        tracing::error!("a media worker takes no commands");
    };
    tokio::spawn(work.in_current_span());
}

fn resolve(
    call: CallId,
    leg: crate::base::id::LegId,
    name: crate::domain::call::interface::NameToResolve,
    ports: &Arc<Ports>,
) {
    let ports = Arc::clone(ports);
    let work = async move {
        let targets = ports.resolver.resolve(&name).await;
        if ports.dispatch.to_call(call, Box::new(CallInput::Resolved { leg, targets })).is_err() {
            tracing::debug!("a name was resolved for a call that has ended");
        }
    };
    tokio::spawn(work.in_current_span());
}

/// After a panic: the legs get their BYE or 500 from what the call still knows, and the record says whose fault it was.
fn bury(call: &Call, ports: &Arc<Ports>) {
    tracing::error!("the call was ended by a fault of ours");
    ports.metrics.call_panicked();
    let will = catch_unwind(AssertUnwindSafe(|| call.last_will(clock::now())));
    let Ok(Will { farewells, closings, record }) = will else { return };
    for outgoing in farewells {
        ports.send(call.id(), outgoing);
    }
    for closing in closings {
        to_worker(call.id(), closing, ports);
    }
    call_journal::write(record, ports);
}

/// One timer, moved only when the new deadline is earlier: a spurious ring is harmless, moving costs.
struct Alarm {
    sleep: Pin<Box<Sleep>>,
    armed: Instant,
}

impl Alarm {
    fn new() -> Alarm {
        let armed = clock::now().instant + NEVER;
        Alarm { sleep: Box::pin(tokio::time::sleep_until(armed.into())), armed }
    }

    fn set(&mut self, deadline: Option<Instant>) {
        let wanted = deadline.unwrap_or(self.armed);
        if wanted < self.armed || self.sleep.is_elapsed() {
            self.armed = deadline.unwrap_or_else(|| clock::now().instant + NEVER);
            self.sleep.as_mut().reset(self.armed.into());
        }
    }

    async fn ring(&mut self) {
        self.sleep.as_mut().await;
    }
}
