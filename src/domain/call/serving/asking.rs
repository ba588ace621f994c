//! Engines that are asked what is to happen with a served caller, and their decisions. Decides nothing itself.

use crate::base::limits;
use crate::domain::call::interface::CallOutput;
use crate::domain::call::parts::Parts;
use crate::domain::call::phase::Phase;
use crate::domain::call::serving::Serving;
use crate::domain::call::serving::news::Slip;
use crate::domain::call::serving::offering::Offers;
use crate::domain::flow::interface::{FlowInput, RouteOrder, Ticket};
use crate::domain::routing::engine::Engine;
use crate::domain::routing::lease::Lease;
use crate::domain::routing::order::{Decision, Order};
use crate::domain::routing::piece::{self, Stand};
use crate::domain::routing::request::{AskEnd, Asked, NoDecision, OrderFault, ReplyTo, RouteId, RouteRequest, Taken};
use std::sync::Arc;
use std::time::Instant;

/// What a call has to do with engines. One that has nothing to do with any has none of this.
#[derive(Default)]
pub struct Engaged {
    asking: Option<Asking>,
    /// The last question that was decided, and the last one that was asked.
    decided: Option<Slip>,
    asked: Option<Slip>,
    pub lease: Lease,
    /// The declaration under which the lease was given.
    pub engine: Option<Arc<Engine>>,
    /// What was declared for the case that nobody decides.
    pub fallback: Box<str>,
    /// Agents who are to be offered the caller, once it waits for the first.
    pub offers: Option<Box<Offers>>,
}

/// The question that is open.
struct Asking {
    slip: Slip,
    engine: Arc<Engine>,
    order: Box<RouteOrder>,
    since: Instant,
    until: Instant,
    attempt: u8,
}

impl Asking {
    /// Whoever carries questions need not wait for its answer any more.
    fn over(&self, parts: &mut Parts, end: AskEnd) {
        let id = RouteId { call: parts.wire.call, run: self.slip.run, wish: self.slip.ticket.0 };
        let took = parts.wire.now.instant.saturating_duration_since(self.since);
        parts.outputs.push_back(CallOutput::EngineAsked(Asked {
            id,
            engine: Arc::clone(&self.engine.name),
            end,
            took,
        }));
    }
}

/// What an engine says to a question, and who it is.
#[derive(Debug)]
pub struct Verdict {
    pub id: RouteId,
    pub by: Arc<str>,
    pub reply: ReplyTo,
    pub decision: Result<Box<Decision>, NoDecision>,
}

/// Tells whoever decided or ordered what came of it.
pub fn reply(parts: &mut Parts, to: ReplyTo, outcome: Result<Taken, OrderFault>) {
    parts.outputs.push_back(CallOutput::Reply { to, outcome });
}

pub fn too_late() -> OrderFault {
    OrderFault::new("too_late", "id", "this is not asked any more: what was declared has happened, or the call is over")
}

impl Serving {
    pub(super) fn engaged(&mut self) -> &mut Engaged {
        self.engaged.get_or_insert_default()
    }

    /// The flow wants an engine to decide.
    pub(super) fn route(&mut self, parts: &mut Parts, ticket: Ticket, order: Box<RouteOrder>) {
        let Some(engine) = self.script.engines.find(&order.engine).cloned() else {
            parts.say(format!("engine {} is not in the configuration: {}", order.engine, order.fallback));
            return self.feed(parts, FlowInput::Decided { ticket, flow: None });
        };
        if !order.has_comfort {
            self.tell_ringing(parts);
        }
        let slip = self.attendant.slip(ticket);
        let since = parts.wire.now.instant;
        let until = since + order.patience;
        parts.say(format!("engine {} is asked: {}", engine.name, order.why.name()));
        let engaged = self.engaged();
        engaged.asked = Some(slip);
        engaged.fallback = order.fallback.clone();
        engaged.asking = Some(Asking { slip, engine, order, since, until, attempt: 1 });
        self.ask(parts);
    }

    fn ask(&self, parts: &mut Parts) {
        let Some(asking) = self.engaged.as_ref().and_then(|engaged| engaged.asking.as_ref()) else { return };
        let story = &parts.story;
        let e164 = |number: Option<crate::base::e164::E164>| number.map(|number| number.to_string().into());
        let request = RouteRequest {
            id: RouteId { call: parts.wire.call, run: asking.slip.run, wish: asking.slip.ticket.0 },
            engine: Arc::clone(&asking.engine.name),
            client: Arc::clone(&asking.engine.client),
            why: asking.order.why,
            patience: asking.until.saturating_duration_since(parts.wire.now.instant),
            fallback: asking.order.fallback.clone(),
            attempt: asking.attempt,
            party: story.caller.name().into(),
            dialled: (story.dialled.digits.clone(), e164(story.dialled.e164)),
            caller: (story.identity.number.clone(), e164(story.identity.e164)),
            headers: story.attributes.iter().map(|(name, value)| (*name, value.clone())).collect(),
            is_answered: self.is_answered,
            details: asking.order.details.clone(),
        };
        parts.outputs.push_back(CallOutput::AskEngine(Box::new(request)));
    }

    /// The time of a question is over, or the flow needs it no more.
    pub(super) fn stop_asking(&mut self, parts: &mut Parts, ticket: Ticket) {
        let slip = self.attendant.slip(ticket);
        let Some(engaged) = &mut self.engaged else { return };
        let Some(asking) = engaged.asking.take_if(|asking| asking.slip == slip) else { return };
        let is_late = asking.until <= parts.wire.now.instant;
        if is_late {
            let (name, waited) = (&asking.engine.name, asking.order.patience.as_millis());
            parts.say(format!("engine {name} has said nothing for {waited} ms: {}", asking.order.fallback));
        }
        asking.over(parts, if is_late { AskEnd::Late } else { AskEnd::Dropped });
    }

    pub fn on_verdict(mut self: Box<Self>, parts: &mut Parts, verdict: Verdict) -> Phase {
        let Verdict { id, by, reply: to, decision } = verdict;
        let slip = Slip { run: id.run, ticket: Ticket(id.wish) };
        let engaged = self.engaged();
        let is_open = engaged.asking.as_ref().is_some_and(|asking| asking.slip == slip && *asking.engine.client == *by);
        if !is_open {
            let fault = engaged.stray(slip);
            reply(parts, to, Err(fault));
            return Phase::Serving(self);
        }
        match decision {
            Ok(decision) => self.decide(parts, (slip, by), to, &decision),
            Err(why) => self.not_decided(parts, why),
        }
        self.go_on(parts)
    }

    fn decide(&mut self, parts: &mut Parts, (slip, by): (Slip, Arc<str>), to: ReplyTo, decision: &Decision) {
        let Some(asking) = self.engaged().asking.take() else { return };
        let (fallback, engine) = (asking.order.fallback.clone(), Arc::clone(&asking.engine));
        let flow = piece::piece(decision, self.stand(&engine, &fallback, false));
        match flow {
            Err(fault) => {
                parts.say(format!("engine {} says what cannot be done: {} {}", engine.name, fault.path, fault.words));
                // It may say it better while there is time.
                self.engaged().asking = Some(asking);
                reply(parts, to, Err(fault));
            }
            Ok(flow) => {
                parts.say(format!("engine {} decides: {}", engine.name, decision.order.name()));
                let taken = self.note_decision(&decision.order, (by, engine));
                self.engaged().decided = Some(slip);
                asking.over(parts, AskEnd::Decided);
                reply(parts, to, Ok(taken));
                self.feed(parts, FlowInput::Decided { ticket: slip.ticket, flow: Some(flow) });
            }
        }
    }

    /// What goes with a decision beyond its flow.
    pub(super) fn note_decision(&mut self, order: &Order, (by, engine): (Arc<str>, Arc<Engine>)) -> Taken {
        let kind = self.attendant.kind();
        match order {
            Order::Control => {
                let engaged = self.engaged();
                let token = engaged.lease.take(by);
                engaged.engine = Some(engine);
                Taken { lease: Some(token) }
            }
            Order::Offer { agents, each } => {
                let offers = Offers::new(Arc::clone(&engine), kind, agents.get(1..).unwrap_or_default(), *each);
                self.engaged().offers = Some(Box::new(offers));
                Taken::default()
            }
            _ => Taken::default(),
        }
    }

    /// Asked once more where that may help and there is time; otherwise what was declared happens.
    fn not_decided(&mut self, parts: &mut Parts, why: NoDecision) {
        let now = parts.wire.now.instant;
        let Some(asking) = &mut self.engaged().asking else { return };
        parts.say(format!("engine {}: {}", asking.engine.name, why.name()));
        if why != NoDecision::NotAttached && asking.attempt < limits::ROUTE_TRIES && now < asking.until {
            asking.attempt += 1;
            return self.ask(parts);
        }
        let Some(asking) = self.engaged().asking.take() else { return };
        parts.say(format!("nobody decides: {}", asking.order.fallback));
        asking.over(parts, AskEnd::NoDecision(why));
        self.feed(parts, FlowInput::Decided { ticket: asking.slip.ticket, flow: None });
    }

    pub(super) fn stand<'a>(&'a self, engine: &'a Engine, fallback: &'a str, is_controlled: bool) -> Stand<'a> {
        Stand {
            engine,
            kind: self.attendant.kind(),
            is_controlled,
            is_answered: self.is_answered,
            fallback,
            book: &self.script.book,
            queues: &self.script.queues,
        }
    }

    /// The caller is gone, or talks: nothing is asked any more.
    pub(super) fn forget_question(&mut self, parts: &mut Parts) {
        if let Some(asking) = self.engaged.as_mut().and_then(|engaged| engaged.asking.take()) {
            asking.over(parts, AskEnd::Dropped);
        }
    }
}

impl Engaged {
    /// An answer to what is not asked.
    pub fn stray(&self, slip: Slip) -> OrderFault {
        if self.asking.as_ref().is_some_and(|asking| asking.slip == slip) {
            return OrderFault::new("not_asked", "id", "another engine was asked this");
        }
        if self.decided == Some(slip) {
            return OrderFault::new("already_decided", "id", "this was decided before");
        }
        match self.asked {
            Some(asked) if slip <= asked => too_late(),
            _ => OrderFault::new("no_such_request", "id", "this was never asked"),
        }
    }
}
