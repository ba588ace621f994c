//! The step `route`: an engine decides, and what it decides is the flow that comes next. Knows no engine.

use super::event::{CONTACT_ROUTED, known};
use super::waiting::{Routing, Waiting};
use super::{FlowRun, Place, Turn};
use crate::base::limits;
use crate::base::now::Now;
use crate::domain::flow::act::{Route, RouteReason, Tone};
use crate::domain::flow::definition::{Flow, Outcome};
use crate::domain::flow::interface::{Break, FlowEnd, FlowWish, RouteOrder, Sound};
use crate::domain::flow::memory::{FLOW_ATTRIBUTES, RECORDING, STORED_INPUT};
use crate::domain::flow::template::Reference;
use crate::domain::flow::value::{Map, Value};
use std::sync::Arc;

impl FlowRun {
    pub(super) fn route(&mut self, now: Now, route: &Route) -> Turn {
        let why = route.why.unwrap_or(RouteReason::of(self.at.flow.kind));
        if !why.is_again() {
            self.memory.asked = Some((Arc::clone(&self.at.flow), self.at.step));
        }
        self.memory.decisions = self.memory.decisions.saturating_add(1);
        if self.memory.decisions > limits::DECISIONS_MAX {
            self.came_to("asked-too-often");
            return Turn::Next(Outcome::Error);
        }
        let Some(engine) = self.fill_name(&route.engine) else { return Turn::Next(Outcome::Error) };
        self.note("Engine", &engine);
        self.note("Reason", why.name());
        let Some(mut comfort) = self.sounds(&route.comfort) else { return Turn::Next(Outcome::Error) };
        // Who hears us already, hears it ring; for the others their own network does that.
        if comfort.is_empty() && (self.memory.is_answered || self.memory.has_early_media) {
            comfort.push(Sound::Tone(Tone::Ringing));
        }
        let ticket = self.ticket();
        let order = RouteOrder {
            engine,
            why,
            patience: route.timeout,
            fallback: route.fallback.clone().unwrap_or_else(|| self.fallback_step()),
            details: self.known(),
            has_comfort: !comfort.is_empty(),
        };
        let comfort = (!comfort.is_empty()).then(|| self.play_sounds(comfort, None));
        self.wish(FlowWish::Route { ticket, order: Box::new(order) });
        Turn::Wait(Waiting::Route(Routing { ticket, comfort, until: now.instant + route.timeout }))
    }

    fn fallback_step(&self) -> Box<str> {
        let step = self.at.flow.step(self.at.step).and_then(|step| step.after(Outcome::Error));
        let name = step.and_then(|id| self.at.flow.step(id)).map_or("", |step| &step.name);
        format!("step:{}/{name}", self.at.flow.name).into()
    }

    /// What an engine is told of the call. What must not be in a log is not told either.
    fn known(&self) -> Value {
        let mut map = known(&self.memory, &CONTACT_ROUTED);
        for name in [STORED_INPUT, RECORDING] {
            let is_secret = Reference::parse(&format!("$.{name}")).is_some_and(|it| self.memory.is_secret(&it));
            if let Some(value) = self.memory.local.get(name).filter(|_| !is_secret) {
                map.insert(name.into(), value.clone());
            }
        }
        if let Some(Value::Map(own)) = self.memory.local.get(FLOW_ATTRIBUTES) {
            let is_open = |name: &str| {
                let path = vec![FLOW_ATTRIBUTES.into(), name.into()];
                !self.memory.is_secret(&Reference { path })
            };
            let open: Map = own.iter().filter(|(name, _)| is_open(name)).map(|(k, v)| (k.clone(), v.clone())).collect();
            map.insert(FLOW_ATTRIBUTES.into(), Value::Map(open));
        }
        Value::Map(map)
    }

    pub(super) fn on_decided(&mut self, now: Now, routing: &Routing, flow: Option<Arc<Flow>>) {
        if let Some(comfort) = routing.comfort {
            self.stop_playing(comfort);
        }
        let turn = match flow {
            Some(flow) => {
                self.came_to("decided");
                Turn::Go(Place::start(&flow), None)
            }
            None => {
                self.came_to("nobody-decided");
                Turn::Next(Outcome::Error)
            }
        };
        self.go(now, turn);
    }

    pub(super) fn on_route_deadline(&mut self, now: Now, routing: &Routing) {
        self.wish(FlowWish::CancelRoute { ticket: routing.ticket });
        self.on_decided(now, routing, None);
    }

    /// To where the step leads that asked first.
    pub(super) fn fall_back(&mut self) -> Turn {
        let next = self.memory.asked.take().and_then(|(flow, asked)| {
            let step = flow.step(asked)?.after(Outcome::Error)?;
            Some(Place { flow, step })
        });
        match next {
            Some(place) => Turn::Go(place, None),
            None => Turn::End(FlowEnd::Broken(Break::NotWired)),
        }
    }

    pub(super) fn expect_orders(&mut self, came: &'static str) -> Turn {
        self.came_to(came);
        let details = self.known();
        self.wish(FlowWish::Control { came, details });
        Turn::Wait(Waiting::Control)
    }

    /// The engine that has control does not wait for the end of what it ordered before.
    pub(super) fn on_order(&mut self, now: Now, flow: &Arc<Flow>) {
        if self.has_ended() || matches!(self.waiting, Waiting::Begin) {
            return;
        }
        self.halt();
        self.go(now, Turn::Go(Place::start(flow), None));
    }
}
