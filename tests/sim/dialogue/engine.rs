//! What a dialogue says of engines: what one was asked, what it decides and orders, and what it is told.

use super::world::World;
use offhook::base::cause::Cause;
use offhook::base::id::LegId;
use offhook::domain::call::interface::{CallInput, CallOutput, Command, Verdict, Wanted};
use offhook::domain::flow::act::{Recorded, RouteReason, SoundSpec};
use offhook::domain::flow::key::Key;
use offhook::domain::flow::template::Template;
use offhook::domain::routing::engine::{Engine, Engines, Fallback};
use offhook::domain::routing::lease::Token;
use offhook::domain::routing::order::{CollectOrder, Decision, DialOrder, Order, QueueOrder};
use offhook::domain::routing::request::{
    Asked, HolderWord, NoDecision, OrderFault, ReplyTo, RouteId, RouteRequest, Taken,
};
use offhook::domain::routing::talk::{Inform, TalkOrder};
use std::sync::Arc;
use std::time::Duration;

/// The one engine of a dialogue, and what passed between it and the call.
#[derive(Default)]
pub struct Desk {
    engine: Option<Engine>,
    is_absent: bool,
    /// Open questions, and the last one.
    open: Vec<RouteId>,
    last: Option<RouteRequest>,
    replies: Vec<(ReplyTo, Result<Taken, OrderFault>)>,
    told: Vec<HolderWord>,
    lease: Option<Token>,
}

impl Desk {
    pub fn engines(&self) -> Arc<Engines> {
        Arc::new(Engines::new(self.engine.clone()))
    }

    pub fn flow(&self) -> Option<offhook::domain::flow::definition::Flow> {
        self.engine.as_ref()?.flow(RouteReason::Inbound)
    }

    /// What can be said at once is said: that nobody is there.
    pub fn take(&mut self, output: CallOutput) -> Option<CallInput> {
        match output {
            CallOutput::AskEngine(request) if self.is_absent => Some(verdict(request.id, Err(NoDecision::NotAttached))),
            CallOutput::AskEngine(request) => {
                self.open.push(request.id);
                self.last = Some(*request);
                None
            }
            CallOutput::EngineAsked(Asked { id, .. }) => {
                self.open.retain(|open| *open != id);
                None
            }
            CallOutput::Reply { to, outcome } => {
                if let Ok(Taken { lease: Some(token) }) = outcome {
                    self.lease = Some(token);
                }
                self.replies.push((to, outcome));
                None
            }
            CallOutput::ToHolder { word, .. } => {
                if let HolderWord::Granted { token } = &word {
                    self.lease = Some(*token);
                }
                self.told.push(word);
                None
            }
            other => panic!("not for an engine: {other:?}"),
        }
    }
}

fn verdict(id: RouteId, decision: Result<Box<Decision>, NoDecision>) -> CallInput {
    CallInput::Verdict(Box::new(Verdict { id, by: "acd".into(), reply: ReplyTo(0), decision }))
}

impl World {
    /// `set engine reject:busy [grace SECONDS]`, or `set engine absent`.
    pub fn set_engine(&mut self, words: &[&str]) -> Result<(), String> {
        let seconds = |text: &str| text.parse().map(Duration::from_secs).map_err(|_| "seconds".to_owned());
        let (fallback, grace) = match words {
            ["absent"] => {
                self.floor.desk.is_absent = true;
                return Ok(());
            }
            [fallback] => (*fallback, Duration::ZERO),
            [fallback, "grace", grace] => (*fallback, seconds(grace)?),
            _ => return Err("no such setting".into()),
        };
        let fallback = match fallback.split_once(':') {
            Some(("reject", cause)) => Fallback::Reject(cause_of(cause)?),
            Some(("flow", name)) => Fallback::Flow(name.into()),
            Some(("queue", name)) => Fallback::Queue(name.into()),
            _ => return Err("no such fallback".into()),
        };
        let (name, client, patience) = ("desk".into(), "acd".into(), Duration::from_secs(8));
        self.floor.desk.engine = Some(Engine { name, client, patience, fallback, comfort: Vec::new(), grace });
        Ok(())
    }

    pub fn on_engine(&mut self, words: &[&str]) -> Result<(), String> {
        let desk = &mut self.floor.desk;
        let holds = |is_so: bool, told: String| is_so.then_some(()).ok_or(format!("but {told}"));
        match words {
            ["asked", why] => {
                let asked = desk.last.as_ref().filter(|last| desk.open.contains(&last.id));
                let told = asked.map_or("nothing", |asked| asked.why.name());
                holds(told == *why, told.to_owned())
            }
            ["attempt", count] => {
                let told = desk.last.as_ref().map(|asked| asked.attempt.to_string()).unwrap_or_default();
                holds(told == *count, told)
            }
            ["keyed", wanted] => {
                let told = desk.last.as_ref().and_then(|asked| asked.details.member("StoredCustomerInput").cloned());
                let told = told.as_ref().and_then(|value| value.as_text()).unwrap_or("nothing").to_owned();
                holds(told == *wanted, told)
            }
            ["idle"] => holds(desk.open.is_empty(), format!("{:?}", desk.open)),
            ["decides", order @ ..] => {
                let id = desk.last.as_ref().map(|asked| asked.id).ok_or("nothing was asked")?;
                let decision = Decision { order: order_of(order)?, attributes: Vec::new() };
                self.tell(verdict(id, Ok(Box::new(decision))));
                Ok(())
            }
            ["decides-elsewhere"] => {
                let id = desk.last.as_ref().map(|asked| RouteId { wish: asked.id.wish + 7, ..asked.id });
                let decision = Decision { order: Order::Control, attributes: Vec::new() };
                self.tell(verdict(id.ok_or("nothing was asked")?, Ok(Box::new(decision))));
                Ok(())
            }
            ["cannot", why] => {
                let id = desk.last.as_ref().map(|asked| asked.id).ok_or("nothing was asked")?;
                let why = if *why == "gone" { NoDecision::Gone } else { NoDecision::Refused };
                self.tell(verdict(id, Err(why)));
                Ok(())
            }
            ["orders", rest @ ..] => {
                let token = desk.lease.ok_or("there is no lease")?;
                let what = wanted_of(rest)?;
                self.command(token, what);
                Ok(())
            }
            ["orders-stale", rest @ ..] => {
                let Token(last) = desk.lease.ok_or("there is no lease")?;
                let what = wanted_of(rest)?;
                self.command(Token(last - 1), what);
                Ok(())
            }
            ["lost"] => {
                self.tell(CallInput::HolderGone { holder: "acd".into() });
                Ok(())
            }
            ["taken"] => {
                holds(desk.replies.last().is_some_and(|(_, last)| last.is_ok()), format!("{:?}", desk.replies))
            }
            ["fault", code, path] => {
                let last = desk.replies.last().map(|(_, last)| last.clone());
                let is_so = matches!(&last, Some(Err(fault)) if fault.code == *code && &*fault.path == *path);
                holds(is_so, format!("{last:?}"))
            }
            ["ready", wanted] => {
                let told = desk.told.last();
                let is_so = matches!(told, Some(HolderWord::Ready { came, .. }) if came == wanted);
                holds(is_so, format!("{told:?}"))
            }
            ["ended"] => holds(matches!(desk.told.last(), Some(HolderWord::Ended { .. })), format!("{:?}", desk.told)),
            _ => Err("not a line of a dialogue".into()),
        }
    }

    fn command(&mut self, token: Token, what: Wanted) {
        let command = Command { by: "acd".into(), token, reply: ReplyTo(1), what };
        self.tell(CallInput::Command(Box::new(command)));
    }
}

fn cause_of(name: &str) -> Result<Cause, String> {
    Cause::all().find(|cause| cause.name() == name).ok_or("no such cause".to_owned())
}

fn wanted_of(words: &[&str]) -> Result<Wanted, String> {
    Ok(match words {
        ["hang-up", cause] => Wanted::HangUp(cause_of(cause)?),
        ["unbridge"] => Wanted::Unbridge,
        ["hand-over", to] => Wanted::HandOver((*to).into()),
        ["release"] => Wanted::Release,
        ["resume"] => Wanted::Resume,
        ["hang-up-saying", cause, words] => Wanted::HangUpSaying(cause_of(cause)?, (*words).into()),
        ["hold", leg] => Wanted::Talk(TalkOrder::Hold { leg: leg_of(leg)?, is_on: true }),
        ["hold-off", leg] => Wanted::Talk(TalkOrder::Hold { leg: leg_of(leg)?, is_on: false }),
        ["mute", leg] => Wanted::Talk(TalkOrder::Mute { leg: leg_of(leg)?, is_on: true }),
        ["add", to] => Wanted::Talk(TalkOrder::Add(Box::new(dial(to)))),
        ["transfer", to] => Wanted::Talk(TalkOrder::Transfer(Box::new(dial(to)))),
        ["remove", leg] => Wanted::Talk(TalkOrder::Remove(leg_of(leg)?)),
        ["send-digits", leg, digits] => {
            Wanted::Talk(TalkOrder::SendDigits { leg: leg_of(leg)?, digits: (*digits).into() })
        }
        ["info", leg, words] => Wanted::Talk(TalkOrder::Inform(Box::new(Inform {
            leg: leg_of(leg)?,
            body: Some(("application/json".into(), r#"{"a":1}"#.into())),
            user_to_user: Some((*words).into()),
        }))),
        ["recording", "both"] => Wanted::Talk(TalkOrder::Recording(Recorded::Both)),
        order => Wanted::Do(Box::new(Decision { order: order_of(order)?, attributes: Vec::new() })),
    })
}

fn leg_of(number: &str) -> Result<LegId, String> {
    number.parse().map(LegId).map_err(|_| "no leg".to_owned())
}

fn dial(to: &str) -> DialOrder {
    DialOrder {
        to: to.into(),
        via: None,
        timeout: Duration::from_secs(15),
        digits: None,
        caller_number: None,
        caller_name: None,
    }
}

fn order_of(words: &[&str]) -> Result<Order, String> {
    let prompt = |name: &str| vec![SoundSpec::Prompt(Template::plain(name))];
    Ok(match words {
        ["flow", name] => Order::Flow((*name).into()),
        ["queue", name] => {
            Order::Queue(QueueOrder { queue: (*name).into(), priority: Some(1), age: None, criteria: None })
        }
        ["offer", agents @ ..] => {
            Order::Offer { agents: agents.iter().map(|name| (*name).into()).collect(), each: Duration::from_secs(10) }
        }
        ["dial", to] => Order::Dial(dial(to)),
        ["reject", cause] => Order::Reject { cause: cause_of(cause)?, sounds: Vec::new() },
        ["reject", cause, sound] => Order::Reject { cause: cause_of(cause)?, sounds: prompt(sound) },
        ["redirect", to] => Order::Redirect((*to).into()),
        ["collect", sound] => Order::Collect(CollectOrder {
            sounds: prompt(sound),
            digits_max: 4,
            first_timeout: Duration::from_secs(5),
            next_timeout: Duration::from_secs(5),
            terminator: Key::all("#").expect("a key"),
            answers: true,
        }),
        ["wait", time] => Order::Wait { time: super::duration(time), sounds: Vec::new() },
        ["control"] => Order::Control,
        ["answer"] => Order::Answer,
        ["play", sound] => Order::Play { sounds: prompt(sound), times: 1 },
        ["stop"] => Order::Stop,
        _ => return Err("no such order".into()),
    })
}
