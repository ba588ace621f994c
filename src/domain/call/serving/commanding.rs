//! An engine that has control of a served call: its lease, its orders, its loss. Does only what an order says.

use crate::base::cause::{Cause, Fault};
use crate::base::id::LegId;
use crate::domain::call::interface::CallOutput;
use crate::domain::call::parts::Parts;
use crate::domain::call::phase::Phase;
use crate::domain::call::serving::Serving;
use crate::domain::call::serving::asking::reply;
use crate::domain::call::serving::grant::keys;
use crate::domain::flow::interface::FlowInput;
use crate::domain::flow::value::Value;
use crate::domain::leg::established::Telling;
use crate::domain::leg::leg::Leg;
use crate::domain::routing::lease::Token;
use crate::domain::routing::order::{Decision, Order};
use crate::domain::routing::piece;
use crate::domain::routing::request::{HolderWord, OrderFault, ReplyTo, Taken};
use crate::domain::routing::talk::{Inform, TalkOrder};
use crate::domain::trunk::crossing::Header;
use crate::protocol::sip::message::header::HeaderName;
use crate::protocol::sip::message::method::Method;
use std::sync::Arc;
use std::time::Instant;

/// What the holder of a lease wants.
#[derive(Debug)]
pub struct Command {
    pub by: Arc<str>,
    pub token: Token,
    pub reply: ReplyTo,
    pub what: Wanted,
}

#[derive(Debug)]
pub enum Wanted {
    Do(Box<Decision>),
    HangUp(Cause),
    /// The party that the caller talks with is let go; the caller stays.
    Unbridge,
    HandOver(Arc<str>),
    /// The call goes on as declared.
    Release,
    /// The same holder after it was lost.
    Resume,
    /// Something of the talk.
    Talk(TalkOrder),
    /// The end, with these words of one user to the other (RFC 7433).
    HangUpSaying(Cause, Box<str>),
}

/// What a command means for the phase of the call.
pub enum Commanded {
    Goes,
    HangUp(Cause),
    Unbridge,
    /// While the caller talks.
    Talk(TalkOrder),
}

impl Serving {
    pub fn on_command(mut self: Box<Self>, parts: &mut Parts, command: Command) -> Phase {
        let to = command.reply;
        match self.command(parts, command, false) {
            Ok((taken, commanded)) => {
                reply(parts, to, Ok(taken));
                match commanded {
                    Commanded::HangUp(cause) => return self.end(parts, cause, Fault::Nobody),
                    Commanded::Goes | Commanded::Unbridge | Commanded::Talk(_) => {}
                }
            }
            Err(fault) => reply(parts, to, Err(fault)),
        }
        self.go_on(parts)
    }

    /// Also while the caller talks: then only what does not need the caller's ear.
    pub fn command(
        &mut self,
        parts: &mut Parts,
        command: Command,
        is_joined: bool,
    ) -> Result<(Taken, Commanded), OrderFault> {
        let Command { by, token, what, .. } = command;
        let lease = &mut self.engaged().lease;
        lease.check(&by, token).map_err(|fault| OrderFault::new(fault.code(), "lease", fault.words()))?;
        let taken = Taken::default();
        match what {
            Wanted::Do(decision) => self.order(parts, by, &decision, is_joined).map(|taken| (taken, Commanded::Goes)),
            Wanted::HangUp(cause) => {
                parts.say(format!("{by} hangs up: {}", cause.name()));
                Ok((taken, Commanded::HangUp(cause)))
            }
            Wanted::HangUpSaying(cause, words) => {
                parts.say(format!("{by} hangs up: {}", cause.name()));
                for leg in &mut parts.legs {
                    let before = std::mem::take(&mut leg.line.parting);
                    leg.line.parting = before.into_iter().chain([Header::user_to_user(words.clone())]).collect();
                }
                Ok((taken, Commanded::HangUp(cause)))
            }
            Wanted::Talk(order) => self.talk(parts, &by, order, is_joined).map(|commanded| (taken, commanded)),
            Wanted::Unbridge if is_joined => {
                parts.say(format!("{by} lets the other party go"));
                Ok((taken, Commanded::Unbridge))
            }
            Wanted::Unbridge => Err(OrderFault::new("not_bridged", "do", "the caller talks with nobody")),
            Wanted::HandOver(heir) => {
                parts.say(format!("{by} hands the call over to {heir}"));
                let token = lease.take(Arc::clone(&heir));
                tell(parts, heir, HolderWord::Granted { token });
                Ok((taken, Commanded::Goes))
            }
            Wanted::Release => {
                parts.say(format!("{by} lets go of the call"));
                lease.release();
                self.let_go(parts);
                Ok((taken, Commanded::Goes))
            }
            Wanted::Resume => {
                let token = lease.resume(&by, token);
                let token = token.map_err(|fault| OrderFault::new(fault.code(), "lease", fault.words()))?;
                parts.say(format!("{by} is back"));
                let details = self.snapshot(parts, is_joined);
                tell(parts, by, HolderWord::Ready { came: "resumed", details });
                Ok((Taken { lease: Some(token) }, Commanded::Goes))
            }
        }
    }

    fn order(
        &mut self,
        parts: &mut Parts,
        by: Arc<str>,
        decision: &Decision,
        is_joined: bool,
    ) -> Result<Taken, OrderFault> {
        if is_joined {
            return Err(OrderFault::new("bridged", "do", "the caller talks: unbridge first, or hang up"));
        }
        if self.attendant.has_ended() || self.queued.is_some() {
            return Err(OrderFault::new("not_now", "do", "the caller waits in a queue, which goes its own way"));
        }
        let engaged = self.engaged();
        let fallback = engaged.fallback.clone();
        let Some(engine) = engaged.engine.clone() else { return Err(OrderFault::new("no_lease", "lease", "")) };
        let flow = piece::piece(decision, self.stand(&engine, &fallback, !decision.order.gives_away()))?;
        parts.say(format!("{by} orders: {}", decision.order.name()));
        let taken = match &decision.order {
            Order::Control => Taken::default(),
            order => self.note_decision(order, (by, engine)),
        };
        if decision.order.gives_away() {
            self.engaged().lease.release();
        }
        self.feed(parts, FlowInput::Order(flow));
        Ok(taken)
    }

    /// How the call stands, for whoever comes back to it.
    fn snapshot(&self, parts: &Parts, is_joined: bool) -> Value {
        let there = parts.legs.iter().filter(|leg| leg.line.facts.ended.is_none());
        let leg = |leg: &Leg| {
            let (number, party) = (Value::text(leg.id().to_string()), Value::text(&*leg.line.facts.name));
            Value::map([("Leg", number), ("Party", party)])
        };
        Value::map([
            ("Answered", Value::Bool(self.is_answered)),
            ("Talks", Value::Bool(is_joined)),
            ("Legs", Value::List(there.map(leg).collect())),
            ("Attributes", Value::Map(self.attendant.memory().attributes().cloned().unwrap_or_default())),
        ])
    }

    /// What concerns one party alone is done here, the rest by whoever joins the two.
    fn talk(
        &mut self,
        parts: &mut Parts,
        by: &str,
        order: TalkOrder,
        is_joined: bool,
    ) -> Result<Commanded, OrderFault> {
        parts.say(format!("{by} orders: {}", order.name()));
        match order {
            TalkOrder::Recording(recorded) => {
                self.attendant.memory_mut().recording = recorded;
                self.taping.choose(parts, recorded);
                Ok(Commanded::Goes)
            }
            TalkOrder::SendDigits { leg, digits } => {
                is_there(parts, leg)?;
                parts.send_digits(leg, keys(&digits));
                Ok(Commanded::Goes)
            }
            TalkOrder::Inform(inform) => {
                is_there(parts, inform.leg)?;
                send_info(parts, &inform);
                Ok(Commanded::Goes)
            }
            order if is_joined => Ok(Commanded::Talk(order)),
            _ => Err(OrderFault::new("not_bridged", "do", "the caller talks with nobody")),
        }
    }

    /// What came of an order that a talk took its time for.
    pub fn tell_of_talk(&mut self, parts: &mut Parts, came: &'static str, leg: Option<LegId>) {
        let holder = self.engaged.as_ref().and_then(|engaged| engaged.lease.holder().cloned());
        let details = leg.map_or(Value::Null, |leg| Value::map([("Leg", Value::text(leg.to_string()))]));
        if let Some(holder) = holder {
            tell(parts, holder, HolderWord::Ready { came, details });
        }
    }

    /// The next order may come; without anybody to give one, what was declared happens.
    pub(super) fn expect_order(&mut self, parts: &mut Parts, came: &'static str, details: Value) {
        match self.engaged().lease.holder().cloned() {
            Some(holder) => tell(parts, holder, HolderWord::Ready { came, details }),
            None => self.let_go(parts),
        }
    }

    fn let_go(&mut self, parts: &mut Parts) {
        let fallback = self.engaged().fallback.clone();
        // Who talks, talks on: it happens when the talk is over.
        if self.attendant.joined.is_some() || self.attendant.has_ended() {
            return;
        }
        parts.say(format!("nobody has control of the call: {fallback}"));
        if let Some(flow) = piece::fallback(self.attendant.kind()) {
            self.feed(parts, FlowInput::Order(flow));
        }
    }

    /// A holder cannot be reached any more.
    pub fn holder_gone(&mut self, parts: &mut Parts, holder: &str) {
        let now = parts.wire.now.instant;
        let Some(engaged) = &mut self.engaged else { return };
        let grace = engaged.engine.as_ref().map(|engine| engine.grace).unwrap_or_default();
        let was_held = engaged.lease.holder().is_some_and(|own| **own == *holder);
        if engaged.lease.holder_gone(holder, now, grace) {
            parts.say(format!("{holder} is gone, and with it control of the call"));
            self.let_go(parts);
        } else if was_held {
            parts.say(format!("{holder} is gone; it has {} s to come back", grace.as_secs()));
        }
    }

    pub fn lease_due(&mut self, parts: &mut Parts) {
        let now = parts.wire.now.instant;
        let Some(engaged) = &mut self.engaged else { return };
        if engaged.lease.handle_deadline(now) {
            parts.say("whoever had control of the call has not come back");
            self.let_go(parts);
        }
    }

    pub fn lease_deadline(&self) -> Option<Instant> {
        self.engaged.as_ref().and_then(|engaged| engaged.lease.deadline())
    }

    /// The call is over for whoever had control of it.
    pub(super) fn end_lease(&mut self, parts: &mut Parts) {
        if let Some(holder) = self.engaged.as_mut().and_then(|engaged| engaged.lease.release()) {
            tell(parts, holder, HolderWord::Ended { why: "call_ended" });
        }
    }
}

fn tell(parts: &mut Parts, holder: Arc<str>, word: HolderWord) {
    parts.outputs.push_back(CallOutput::ToHolder { holder, word });
}

/// Whether a leg has been answered and not ended.
fn is_there(parts: &mut Parts, leg: LegId) -> Result<(), OrderFault> {
    let is_there = parts.with(leg, |leg, _| leg.established().is_some());
    let missing = || OrderFault::new("no_such_leg", "leg", format!("leg {leg} talks with nobody"));
    is_there.filter(|is| *is).map(|_| ()).ok_or_else(missing)
}

fn send_info(parts: &mut Parts, inform: &Inform) {
    parts.with(inform.leg, |leg, wire| {
        let (state, line) = leg.established()?;
        let words = inform.user_to_user.as_deref().map(|words| (HeaderName::UserToUser, words));
        let headers: Vec<(HeaderName, &str)> = words.into_iter().collect();
        let body = inform.body.as_ref().map(|(kind, text)| (&**kind, text.as_bytes()));
        Some(state.tell(line, wire, &Telling { method: Method::Info, headers: &headers, body }))
    });
}
