//! From a number to the stages of a route, with the reason for each step; and the places on trunks that calls hold.

use crate::base::cause::Cause;
use crate::base::id::{CallId, LegId};
use crate::base::now::Now;
use crate::domain::call::interface::{
    CallInput, Dial, Led, NameToResolve, OnBehalf, Party, Place, Refused, Stage, TrunkOutcome,
};
use crate::domain::call::serving::Script;
use crate::domain::dialplan::Destination;
use crate::domain::dialplan::lookup::{Asker, At, Wanted};
use crate::domain::dialplan::route::{Choice, Weighing, choices, in_order};
use crate::domain::flow::act::RouteReason;
use crate::domain::flow::definition::Flow;
use crate::domain::flow::interface::CallerId;
use crate::domain::flow::memory::QueueName;
use crate::domain::number::plan::{self, Class};
use crate::domain::phone;
use crate::domain::phone::bindings::Binding;
use crate::domain::switchboard::board::Switchboard;
use crate::domain::switchboard::gate::Pass;
use crate::domain::switchboard::house::OurWay;
use crate::domain::switchboard::index::Index;
use crate::domain::switchboard::interface::RefusalReason;
use crate::domain::switchboard::invite::NoWay;
use crate::domain::switchboard::numbers::{asker, rules_of, wanted};
use crate::domain::switchboard::queues::straight_to;
use crate::domain::switchboard::transfers::named_by;
use crate::domain::trunk::identity::{Dialled, Identity, UserEscaped};
use crate::domain::trunk::limits::Full;
use crate::domain::trunk::number_rules::user_part;
use crate::domain::trunk::settings::TrunkTarget;
use crate::protocol::sip::message::uri::Uri;
use crate::protocol::sip::path::{Path, Target, Transport};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Whose call it is that is to lead somewhere, and what was dialled.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub call: CallId,
    pub who: Asker<'a>,
    pub dialled: &'a Dialled,
    /// Who calls, where that is known.
    pub identity: Option<&'a Identity>,
    /// What a flow wants to be shown.
    pub wish: Option<&'a CallerId>,
    /// The trunk group that it names itself, instead of a rule.
    pub via: Option<&'a str>,
}

/// Where a number leads: what is dialled, then who serves the caller.
pub(super) struct Way {
    pub stages: Vec<Stage>,
    pub script: Option<Box<Script>>,
}

/// A route while it is built.
#[derive(Default)]
struct Draft {
    stages: Vec<Stage>,
    /// Stages over targets that are down: tried when there is nothing better.
    last_resort: Vec<Stage>,
    script: Option<Box<Script>>,
    rejected: Option<Cause>,
    /// What the gate says of calls to carriers, asked once.
    gate: Option<Result<Pass, NoWay>>,
    unregistered: bool,
    unreachable: bool,
}

/// How long a phone rings where nobody says otherwise.
const PHONE_RINGS: Duration = Duration::from_secs(60);

impl Switchboard {
    /// Where a number leads for this caller: emergency strings first, then our own numbers, then the rules.
    pub(super) fn route(&mut self, now: Now, ask: Ask<'_>, trail: &mut Vec<Box<str>>) -> Result<Way, NoWay> {
        let Ask { call, who, dialled, identity, wish, via } = ask;
        let index = self.index.clone();
        let mut buffer = String::new();
        let class = class_where_needed(&index, dialled);
        let at = At { hours: &index.exchange.hours, unix: unix_seconds(now) };
        let wanted = Wanted { at: Some(at), ..wanted(dialled, class, &mut buffer) };
        let mut draft = Draft::default();
        let own;
        let (to, ring_timeout): (&[Destination], Option<Duration>) = match index.dialplan.emergency(wanted) {
            Some(emergency) => {
                trail.push(format!("{} is an emergency number", emergency.digits).into());
                draft.gate = Some(Ok(Pass::default()));
                (&emergency.to, None)
            }
            None => match self.our_way(now, (call, who), (wanted, identity), trail)? {
                OurWay::To(destination) => {
                    own = [destination];
                    (&own, None)
                }
                OurWay::NotOurs => match via {
                    Some(group) => {
                        trail.push(format!("by trunk group {group}, as was said").into());
                        own = [Destination::TrunkGroup(group.into())];
                        (&own, None)
                    }
                    None => {
                        let rule = find_rule(&index, wanted, who, trail)?;
                        (&rule.to, rule.ring_timeout)
                    }
                },
            },
        };
        for choice in choices(index.dialplan.plan(), to, wanted.e164, &mut self.entropy) {
            match choice {
                Choice::Trunk(name) => {
                    if draft.gate.is_none() {
                        draft.gate = Some(self.pass_gate(now, (call, who), (wanted, identity, wish), trail));
                    }
                    self.add_trunk(now, (&index, &name), (dialled, ring_timeout), (&mut draft, trail))
                }
                Choice::Flow(name) => draft.serve(script(&index, &name), ("flow", &name), trail),
                Choice::Engine(name) => {
                    draft.serve(engine_script(&index, &name, why_asked(who)), ("engine", &name), trail);
                }
                Choice::Queue(name) => draft.serve(queue_script(&index, &name), ("queue", &name), trail),
                Choice::Phones { names, ring_timeout: of_group } => {
                    let ring_timeout = ring_timeout.or(of_group).unwrap_or(PHONE_RINGS);
                    self.add_phones(&index, &names, ring_timeout, (&mut draft, trail));
                }
                Choice::Reject(cause) => draft.rejected = Some(cause),
                Choice::Missing(name) => trail.push(format!("{name} is not in the configuration").into()),
            }
        }
        draft.finish(trail)
    }

    fn add_trunk(
        &mut self,
        now: Now,
        (index, name): (&Index, &Arc<str>),
        (dialled, ring_timeout): (&Dialled, Option<Duration>),
        (draft, trail): (&mut Draft, &mut Vec<Box<str>>),
    ) {
        let Some(Ok(Pass { shown })) = draft.gate.clone() else { return };
        let state = self.trunks.slot(name).and_then(|slot| self.trunks.get_mut(slot));
        let (Some(trunk), Some(state)) = (index.trunk(name), state) else {
            trail.push(format!("trunk {name} is not in the configuration").into());
            return;
        };
        let ready = state.is_ready();
        if !ready {
            trail.push(format!("trunk {name} is not registered with its carrier").into());
        }
        let routes = state.registering.as_ref().map(|one| one.service_route().to_vec()).unwrap_or_default();
        let number = user_part(dialled.e164.as_ref(), &dialled.digits, &trunk.numbers);
        let ring_timeout = ring_timeout.unwrap_or(trunk.ring_timeout);
        let mut down = 0;
        for target in in_order(&trunk.targets, &mut self.entropy, |target: &TrunkTarget| Weighing {
            priority: target.priority,
            weight: target.weight,
        }) {
            let target_index = trunk.targets.iter().position(|one| std::ptr::eq(one, target)).unwrap_or_default();
            let up = state.health.get_mut(target_index).is_none_or(|health| health.try_call(now.instant));
            let dial = Dial {
                party: Party::Trunk(trunk.clone()),
                uri: trunk_uri(&number, target),
                number: number.as_ref().into(),
                routes: routes.clone(),
                place: place_of(index, target),
                target_index: u16::try_from(target_index).unwrap_or(u16::MAX),
                shown: shown.clone(),
                seized: false,
            };
            let stage = Stage { dials: vec![dial], ring_timeout };
            if up && ready {
                draft.stages.push(stage)
            } else {
                draft.last_resort.push(stage)
            }
            down += u32::from(!up);
        }
        draft.unreachable = true;
        if down > 0 {
            trail.push(format!("trunk {name}: {down} of {} targets down", trunk.targets.len()).into());
        }
    }

    fn add_phones(
        &mut self,
        index: &Index,
        names: &[Arc<str>],
        ring_timeout: Duration,
        (draft, trail): (&mut Draft, &mut Vec<Box<str>>),
    ) {
        let mut dials = Vec::new();
        for name in names {
            let Some(phone) = index.phone(name) else {
                trail.push(format!("phone {name} is not in the configuration").into());
                continue;
            };
            let bindings = self.bindings.of(name);
            if bindings.is_empty() {
                draft.unregistered = true;
                trail.push(format!("phone {name} is not registered").into());
            }
            dials.extend(bindings.iter().map(|binding| Dial {
                party: Party::Phone(phone.clone()),
                uri: binding.uri.clone(),
                number: name.as_ref().into(),
                routes: binding.routes.clone(),
                place: Place::At(target_of(binding)),
                target_index: 0,
                shown: None,
                seized: false,
            }));
        }
        if !dials.is_empty() {
            draft.stages.push(Stage { dials, ring_timeout });
        }
    }

    /// Every place where a phone has registered, rung together. Empty: nowhere.
    pub(super) fn phone_stages(&mut self, phone: &Arc<str>, ring_timeout: Duration) -> Vec<Stage> {
        let (index, mut draft) = (self.index.clone(), Draft::default());
        self.add_phones(&index, std::slice::from_ref(phone), ring_timeout, (&mut draft, &mut Vec::new()));
        draft.stages
    }

    /// Takes a place on a trunk for a call, or says what is full; `Err(None)`: there is no such trunk or call.
    pub(super) fn take_place(
        &mut self,
        now: Now,
        call: CallId,
        trunk: &str,
        emergency: bool,
    ) -> Result<(), Option<Full>> {
        let slot = self.trunks.slot(trunk).ok_or(None)?;
        if !self.calls.contains(call) {
            return Err(None);
        }
        let state = self.trunks.get_mut(slot).ok_or(None)?;
        if emergency {
            state.places.take_anyway(now.instant);
        } else {
            state.places.take(now.instant).map_err(Some)?;
        }
        self.calls.hold(call, slot);
        Ok(())
    }

    /// The same for a leg that goes out: the guards of the trunk are asked as well. `Err`: why not, in words.
    fn take_place_out(&mut self, now: Now, call: CallId, trunk: &Arc<str>, emergency: bool) -> Result<(), Refused> {
        let refused = |cause, words: String| Refused { cause, retry_after: None, words: words.into() };
        if !emergency {
            self.pass_trunk(now, call, trunk).map_err(|words| refused(Cause::LimitReached, words))?;
        }
        let outcome = self.take_place(now, call, trunk, emergency).map_err(|full| match full {
            Some(Full::Calls) => refused(Cause::LimitReached, format!("trunk {trunk} has all its calls")),
            Some(Full::Rate) => {
                refused(Cause::LimitReached, format!("trunk {trunk} begins more calls per second than it may"))
            }
            None => refused(Cause::Unreachable, format!("trunk {trunk} is not in the configuration")),
        });
        if outcome.is_err() {
            self.unspend(now, call, trunk);
        }
        outcome
    }

    fn unspend(&mut self, now: Now, call: CallId, trunk: &str) {
        for spend in self.calls.unspend(call, trunk) {
            self.meters.end(&spend.guard, spend.began, now.instant);
        }
    }

    /// Takes the place of the first stage at once, which spares the call a question. Stages over full trunks before the
    /// first free one are dropped; gives why.
    pub(super) fn seize_first(
        &mut self,
        now: Now,
        call: CallId,
        stages: &mut Vec<Stage>,
        emergency: bool,
    ) -> Vec<Box<str>> {
        let mut full: Vec<Arc<str>> = Vec::new();
        let mut told = Vec::new();
        while let Some(Stage { dials, .. }) = stages.first_mut() {
            let Some(Dial { party: Party::Trunk(trunk), seized, .. }) = dials.first_mut() else { break };
            if !full.contains(&trunk.name) {
                match self.take_place_out(now, call, &trunk.name, emergency) {
                    Ok(()) => {
                        *seized = true;
                        break;
                    }
                    Err(refused) => told.push(refused.words),
                }
                full.push(trunk.name.clone());
            }
            stages.remove(0);
        }
        told
    }

    /// A call asks for a place.
    pub(super) fn seize(&mut self, now: Now, call: CallId, leg: LegId, trunk: &Arc<str>) {
        let emergency = self.calls.get(call).is_some_and(|entry| entry.emergency);
        let outcome = self.take_place_out(now, call, trunk, emergency);
        self.tell_call(call, CallInput::Seized { leg, outcome });
    }

    /// A call gives a place back and says how it went.
    pub(super) fn release(
        &mut self,
        now: Now,
        (call, trunk): (CallId, &str),
        target_index: u16,
        outcome: TrunkOutcome,
    ) {
        let Some(slot) = self.trunks.slot(trunk) else { return };
        if self.calls.release(call, slot)
            && let Some(state) = self.trunks.get_mut(slot)
        {
            state.places.give_back();
        }
        self.unspend(now, call, trunk);
        match outcome {
            TrunkOutcome::Spoke => self.target_spoke(slot, target_index),
            TrunkOutcome::Failed => self.target_failed(now, slot, target_index),
            TrunkOutcome::Unknown => {}
        }
    }

    /// Where a transfer target or redirection leads, for the party that asks for it.
    pub(super) fn route_again(&mut self, now: Now, (call, leg): (CallId, LegId), by: &OnBehalf, uri: &str) {
        let (OnBehalf::Party(party) | OnBehalf::Flow { caller: party, .. }) = by;
        let outcome = match Uri::parse(uri) {
            Ok(uri) => {
                let dialled = Dialled::of(&uri, rules_of(party));
                let own = own_identity(party);
                let (wish, via) = match by {
                    OnBehalf::Flow { shown, via, .. } => (Some(shown), via.as_deref()),
                    OnBehalf::Party(_) => (None, None),
                };
                let ask = Ask { call, who: asker(party), dialled: &dialled, identity: own.as_ref(), wish, via };
                match (named_by(&uri), by) {
                    (Some(name), OnBehalf::Party(party)) if self.is_agents(party) => self.toward(now, &name),
                    _ => {
                        let way = self.route(now, ask, &mut Vec::new()).map_err(|(refused, _)| refused);
                        way.map(|Way { stages, script }| Led { stages, script })
                    }
                }
            }
            Err(_) => {
                let words = "the address cannot be read".into();
                Err(Refused { cause: Cause::NumberIncomplete, retry_after: None, words })
            }
        };
        if self.calls.contains(call) {
            self.tell_call(call, CallInput::Routed { leg, outcome });
        }
    }
}

impl Draft {
    /// Somebody of ours serves the caller, unless there is no such thing.
    fn serve(&mut self, script: Option<Box<Script>>, (what, name): (&str, &str), trail: &mut Vec<Box<str>>) {
        self.script = script;
        if self.script.is_none() {
            trail.push(format!("{what} {name} is not in the configuration").into());
        }
    }

    fn finish(mut self, trail: &mut Vec<Box<str>>) -> Result<Way, NoWay> {
        if self.stages.is_empty() && !self.last_resort.is_empty() {
            trail.push("nothing better is up: trying what is down".into());
            self.stages = self.last_resort;
        }
        if !self.stages.is_empty() || self.script.is_some() {
            return Ok(Way { stages: self.stages, script: self.script });
        }
        if let Some(Err(no_way)) = self.gate {
            return Err(no_way);
        }
        let (cause, why, words) = match (self.rejected, self.unregistered, self.unreachable) {
            (Some(cause), _, _) => (cause, RefusalReason::RuleRejects, "the rule refuses the call"),
            (None, true, _) => {
                (Cause::TemporarilyUnavailable, RefusalReason::PhoneNotRegistered, "no phone of the rule is registered")
            }
            (None, false, _) => (Cause::Unreachable, RefusalReason::NoTargetUp, "the rule leads to no target"),
        };
        Err((Refused { cause, retry_after: None, words: words.into() }, why))
    }
}

pub(super) fn unix_seconds(now: Now) -> i64 {
    i64::try_from(now.unix_millis() / 1_000).unwrap_or(i64::MAX)
}

fn script(index: &Index, name: &str) -> Option<Box<Script>> {
    let flow = index.exchange.flows.find(name)?.clone();
    Some(scripted(index, flow))
}

/// A flow with all that belongs to its moment.
pub(super) fn scripted(index: &Index, flow: Arc<Flow>) -> Box<Script> {
    let exchange = &index.exchange;
    let (book, prompts) = (exchange.flows.clone(), exchange.prompts.clone());
    Box::new(Script {
        flow,
        book,
        prompts,
        engines: exchange.engines.clone(),
        queues: exchange.queues.clone(),
        toward: None,
    })
}

fn why_asked(who: Asker<'_>) -> RouteReason {
    match who {
        Asker::Phone(_) => RouteReason::Outbound,
        Asker::Trunk(_) => RouteReason::Inbound,
    }
}

/// A flow that asks an engine first.
fn engine_script(index: &Index, name: &str, why: RouteReason) -> Option<Box<Script>> {
    let flow = index.exchange.engines.find(name)?.flow(why)?;
    Some(scripted(index, Arc::new(flow)))
}

/// A flow that does nothing but wait in the queue.
fn queue_script(index: &Index, name: &str) -> Option<Box<Script>> {
    index.exchange.queues.queue(name)?;
    let flow = Arc::new(straight_to(&QueueName::Queue(name.into()))?);
    Some(scripted(index, flow))
}

/// What a number is costs some microseconds, so it is asked only where something depends on it.
fn class_where_needed(index: &Index, dialled: &Dialled) -> Option<Class> {
    if !index.dialplan.has_conditions() && index.dialplan.plan().is_open() {
        return None;
    }
    dialled.e164.as_ref().map(plan::classify)
}

/// Who a party is that asks in the middle of a call: a phone is who configuration says.
fn own_identity(party: &Party) -> Option<Identity> {
    match party {
        Party::Phone(phone) => Some(phone::identity::own(phone)),
        Party::Trunk(_) => None,
    }
}

fn find_rule<'a>(
    index: &'a Index,
    wanted: Wanted<'a>,
    who: Asker<'_>,
    trail: &mut Vec<Box<str>>,
) -> Result<&'a crate::domain::dialplan::Rule, NoWay> {
    let found = index.dialplan.find(wanted, who);
    for rule in found.conditions_differ.iter().take(8) {
        trail.push(format!("rule {} is for other countries, kinds or hours", rule.name).into());
    }
    for rule in found.not_for_caller.iter().take(8) {
        trail.push(format!("rule {} is not for this caller", rule.name).into());
    }
    if let Some(rule) = found.rule {
        trail.push(format!("rule {}", rule.name).into());
        return Ok(rule);
    }
    let digits = wanted.digits;
    let (cause, why, words) = match found.not_for_caller.is_empty() {
        false => {
            (Cause::NotAllowed, RefusalReason::NoRuleForCaller, format!("{digits} has rules, none for this caller"))
        }
        true if digits.is_empty() => {
            (Cause::NumberIncomplete, RefusalReason::NumberIncomplete, "nothing was dialled".to_string())
        }
        true => (Cause::NumberUnknown, RefusalReason::NoSuchNumber, format!("no rule for {digits}")),
    };
    Err((Refused { cause, retry_after: None, words: words.into() }, why))
}

fn target_of(binding: &Binding) -> Target {
    Target { path: binding.path, tls_name: None }
}

fn trunk_uri(number: &str, target: &TrunkTarget) -> Box<str> {
    let host = bracketed(&target.host);
    match target.port {
        Some(port) => format!("sip:{}@{host}:{port}", UserEscaped(number)).into(),
        None => format!("sip:{}@{host}", UserEscaped(number)).into(),
    }
}

/// A host as a URI has it.
fn bracketed(host: &str) -> String {
    let is_bare_v6 = !host.starts_with('[') && host.parse::<std::net::Ipv6Addr>().is_ok();
    if is_bare_v6 { format!("[{host}]") } else { host.to_string() }
}

/// An address goes straight; a name is resolved first (RFC 3263).
pub(super) fn place_of(index: &Index, target: &TrunkTarget) -> Place {
    let listens_on = index.listener(target.listener).map(|(_, listener)| listener.transport);
    let transport = target.transport.or(listens_on).unwrap_or(Transport::Udp);
    let tls_name = transport.is_secure().then(|| {
        let name = target.tls_name.as_deref().unwrap_or(&target.host);
        Arc::from(name)
    });
    let literal = target.host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match literal {
        Ok(address) => {
            let remote = SocketAddr::new(address, target.port.unwrap_or(transport.default_port()));
            let path = Path { transport, listener: target.listener, remote, connection: None };
            Place::At(Target { path, tls_name })
        }
        Err(_) => Place::Name(NameToResolve {
            host: target.host.clone(),
            port: target.port,
            // Left to NAPTR and SRV, unless the listener speaks only what is secure.
            transport: target.transport.or(transport.is_secure().then_some(transport)),
            listener: target.listener,
            tls_name,
        }),
    }
}
