//! A new INVITE: the order in which it is asked what, and the call that begins. Each answer leaves a line in the trail.

use crate::base::cause::Cause;
use crate::base::id::{CallId, LegId};
use crate::base::now::Now;
use crate::domain::call::interface::{Beginning, CallInput, CallStart, Led, Party, Refused};
use crate::domain::flow::memory::QueueName;
use crate::domain::profile::ReliablePolicy;
use crate::domain::switchboard::board::Switchboard;
use crate::domain::switchboard::calls::{InviteMark, Kinship};
use crate::domain::switchboard::inbound::{Source, mark_of};
use crate::domain::switchboard::interface::RefusalReason;
use crate::domain::switchboard::numbers::{asker, caller_of, dialled, wanted};
use crate::domain::switchboard::proof::Proof;
use crate::domain::switchboard::routing::{Ask, Way};
use crate::domain::switchboard::transfers::named_by;
use crate::domain::trunk::attributes::Attributes;
use crate::domain::trunk::identity::{Dialled, Identity, Privacy};
use crate::domain::trunk::limits::Full;
use crate::protocol::sip::message::{HeaderName, Message};
use crate::protocol::sip::path::Path;
use crate::protocol::sip::stamp;

/// An INVITE whose sender is known.
struct Incoming {
    now: Now,
    from: Path,
    message: Box<Message>,
    mark: InviteMark,
    caller: Party,
    emergency: bool,
    trail: Vec<Box<str>>,
}

/// Why a known caller's call goes nowhere, for the call itself and for the counters.
pub(super) type NoWay = (Refused, RefusalReason);

impl Switchboard {
    pub(super) fn invite(&mut self, now: Now, from: Path, source: Source, message: Box<Message>) {
        let Some(mark) = mark_of(&message) else {
            self.refused(Cause::PeerMisbehaved, RefusalReason::Malformed, from);
            return self.reply(from, &message, (400, "Via Without Branch"), |_| {});
        };
        match self.calls.kinship(mark) {
            Kinship::Same(call) => return self.tell_call(call, CallInput::Sip { from, message }),
            Kinship::Merged => {
                self.refused(Cause::PeerMisbehaved, RefusalReason::MergedRequest, from);
                return self.reply(from, &message, (482, "Merged Request"), |_| {});
            }
            Kinship::None => {}
        }
        let passes = self.passes_loop_checks(from, &message)
            && self.passes_require(from, &message)
            && self.passes_privacy(from, &message);
        if !passes {
            return;
        }
        // Before anything that costs: an overloaded switchboard says so without knowing to whom.
        let emergency = self.is_emergency(&message);
        if !emergency && let Err(why) = self.admission.glance(self.calls.len(), &mut self.entropy) {
            return self.refuse_cheaply(from, &message, why);
        }
        let (caller, by) = match source {
            Source::Trunk { trunk, by } => (Party::Trunk(trunk), by),
            Source::Unproven | Source::Stranger => match self.prove(now, &from, &message) {
                Proof::Proven(caller) => (caller, "digest"),
                Proof::Missing { stale } => return self.challenge(now, from, &message, stale),
                Proof::Wrong => {
                    self.count_failure(now, &from);
                    return self.challenge(now, from, &message, false);
                }
            },
        };
        let taken = if emergency {
            self.admission.take_anyway(now.instant);
            Ok(())
        } else {
            self.admission.take(now.instant)
        };
        if let Err(why) = taken {
            return self.refuse_cheaply(from, &message, why);
        }
        let trail = vec![format!("caller {} known by {by}, from {from}", caller.name()).into()];
        self.admit(Incoming { now, from, message, mark, caller, emergency, trail });
    }

    /// Max-Forwards and our own Via (RFC 3261 16.3 points 3 and 4).
    fn passes_loop_checks(&mut self, from: Path, message: &Message) -> bool {
        if message.number(HeaderName::MaxForwards).ok().flatten() == Some(0) {
            self.refused(Cause::PeerMisbehaved, RefusalReason::TooManyHops, from);
            self.reply(from, message, (483, "Too Many Hops"), |_| {});
            return false;
        }
        let digits = message.uri().ok().and_then(|uri| uri.user).unwrap_or_default();
        let mut own = 0;
        let looped = message.values(HeaderName::Via).any(|value| {
            let owner = branch_of(value).and_then(stamp::branch_owner).filter(|call| self.calls.contains(*call));
            own += u32::from(owner.is_some());
            // Once round with other digits is a spiral, which is allowed; with the same ones, or often, a loop.
            owner.is_some_and(|call| self.calls.is_loop(call, digits)) || own > SPIRALS_MAX
        });
        if looped {
            self.refused(Cause::PeerMisbehaved, RefusalReason::LoopDetected, from);
            self.reply(from, message, (482, "Loop Detected"), |_| {});
        }
        !looped
    }

    /// Extensions that we must know and do not (RFC 3261 8.2.2.3).
    fn passes_require(&mut self, from: Path, message: &Message) -> bool {
        let Some((profile, _)) = self.index.listener(from.listener) else { return false };
        let reliable = profile.reliable != ReliablePolicy::Off;
        let timer = profile.session_timer.enabled;
        let known = |token: &str| {
            token.eq_ignore_ascii_case("replaces")
                || (reliable && token.eq_ignore_ascii_case("100rel"))
                || (timer && token.eq_ignore_ascii_case("timer"))
        };
        let unknown: Vec<&str> = message.values(HeaderName::Require).filter(|token| !known(token)).collect();
        if unknown.is_empty() {
            return true;
        }
        let unknown = unknown.join(", ");
        self.refused(Cause::PeerMisbehaved, RefusalReason::Unsupported, from);
        self.reply(from, message, (420, "Bad Extension"), |writer| {
            writer.header(HeaderName::Unsupported, unknown);
        });
        false
    }

    /// RFC 3323 5: privacy that is critical and beyond us is not silently left out.
    fn passes_privacy(&mut self, from: Path, message: &Message) -> bool {
        if !Privacy::of(message).cannot_be_kept() {
            return true;
        }
        self.refused(Cause::NotAllowed, RefusalReason::Unsupported, from);
        let index = self.index.clone();
        let host = index.listener(from.listener).map_or("offhook", |(_, listener)| &listener.advertised_host);
        self.reply(from, message, (500, "Privacy Cannot Be Kept"), |writer| {
            writer.header(HeaderName::Warning, format_args!("399 {host} \"session privacy is not provided\""));
        });
        false
    }

    fn is_emergency(&self, message: &Message) -> bool {
        if self.index.dialplan.plan().emergency.is_empty() {
            return false;
        }
        let user = message.uri().ok().and_then(|uri| uri.user).unwrap_or_default();
        self.index
            .dialplan
            .emergency(crate::domain::dialplan::lookup::Wanted { e164: None, digits: user, class: None, at: None })
            .is_some()
    }

    /// 503 with what it costs least to say it: no call, no record, no transaction.
    fn refuse_cheaply(&mut self, from: Path, message: &Message, why: RefusalReason) {
        let cause = match why {
            RefusalReason::Draining => Cause::Drained,
            RefusalReason::Overload => Cause::Overload,
            _ => Cause::LimitReached,
        };
        self.refused(cause, why, from);
        let retry_after = self.admission.policy().retry_after;
        let (q850, text) = cause.q850();
        self.reply(from, message, cause.status(), |writer| {
            writer
                .header(HeaderName::RetryAfter, retry_after)
                .header(HeaderName::Reason, format_args!("Q.850;cause={q850};text=\"{text}\""));
        });
    }

    /// The caller is known and the house has room: now its own limits, the number, the route; in any case a call begins.
    fn admit(&mut self, mut incoming: Incoming) {
        let (now, from) = (incoming.now, incoming.from);
        let mut dialled = dialled(&incoming.message, &incoming.caller);
        let toward = incoming.message.uri().ok().and_then(|uri| named_by(&uri));
        let toward = toward.filter(|_| self.is_agents(&incoming.caller));
        if let Some(name) = &toward {
            dialled = Dialled { digits: format!("{}:{}", name.kind().to_lowercase(), name.name()).into(), e164: None };
        }
        incoming.trail.push(match &dialled.e164 {
            Some(number) => format!("dialled {} is {number}", dialled.digits).into(),
            None => format!("dialled {}, which is no E.164 number", dialled.digits).into(),
        });
        let emergency =
            incoming.emergency || self.index.dialplan.emergency(wanted(&dialled, None, &mut String::new())).is_some();
        let id = self.new_call_id();
        self.calls.begin(id, incoming.mark, (&dialled.digits, emergency));
        let index = self.index.clone();
        let host = index.listener(from.listener).map_or("", |(_, listener)| &*listener.advertised_host);
        let (identity, attributes) = caller_of(&incoming.message, &incoming.caller, host);
        let outcome = match self.take_callers_place(now, id, &incoming.caller, emergency) {
            Err((_, RefusalReason::TrunkCallsPerSecond)) => {
                self.calls.end(id);
                return self.refuse_cheaply(from, &incoming.message, RefusalReason::TrunkCallsPerSecond);
            }
            Err(no_way) => Err(no_way),
            Ok(()) if Switchboard::replaces_ours(&incoming.message) => Ok(Way { stages: Vec::new(), script: None }),
            Ok(()) if toward.is_some() => self.way_toward(now, toward.as_ref()),
            Ok(()) => {
                let (call, who) = (id, asker(&incoming.caller));
                let ask = Ask { call, who, dialled: &dialled, identity: Some(&identity), wish: None, via: None };
                self.route_new(now, ask, emergency, &mut incoming.trail)
            }
        };
        let (route, refusal) = match outcome {
            Ok(route) => (route, None),
            Err((refused, why)) => {
                self.refused(refused.cause, why, from);
                (Way { stages: Vec::new(), script: None }, Some(refused))
            }
        };
        let caller = (dialled, identity, attributes);
        self.begin(id, incoming, caller, (route, refusal, emergency));
    }

    fn begin(
        &mut self,
        id: CallId,
        incoming: Incoming,
        (dialled, identity, attributes): (Dialled, Identity, Attributes),
        (Way { stages: route, script }, refusal, emergency): (Way, Option<Refused>, bool),
    ) {
        let Incoming { now, from, message, caller, trail, .. } = incoming;
        if let Party::Phone(phone) = &caller {
            let phone = phone.name.clone();
            self.activity.begin(id, LegId::CALLER, &phone, true);
            self.phone_changed(now, &phone);
            if refusal.is_none() {
                self.agent_calls(now, id, &phone);
            }
        }
        let max_duration = caller.max_duration();
        let entropy = self.entropy.split();
        let profiles = self.index.profiles().clone();
        self.start_call(CallStart {
            id,
            entropy,
            now,
            beginning: Beginning::Invite { message, from },
            caller,
            profiles,
            dialled,
            identity,
            attributes,
            route,
            script,
            refusal,
            emergency,
            max_duration,
            trail,
        });
    }

    /// The caller's own place: on its trunk, or among the calls of its phone.
    fn take_callers_place(&mut self, now: Now, id: CallId, caller: &Party, emergency: bool) -> Result<(), NoWay> {
        let no_way = |cause, why, words: String| (Refused { cause, retry_after: None, words: words.into() }, why);
        match caller {
            Party::Trunk(trunk) => match self.take_place(now, id, &trunk.name, emergency) {
                Ok(()) => {
                    self.calls.own(id);
                    Ok(())
                }
                Err(Some(Full::Rate)) => {
                    let words = format!("trunk {} begins more calls per second than it may", trunk.name);
                    Err(no_way(Cause::LimitReached, RefusalReason::TrunkCallsPerSecond, words))
                }
                Err(_) => {
                    let words = format!("trunk {} has all its {} calls", trunk.name, trunk.limits.calls_max);
                    Err(no_way(Cause::LimitReached, RefusalReason::TrunkCallsMax, words))
                }
            },
            Party::Phone(phone) => {
                let most = usize::try_from(phone.calls_max).unwrap_or(usize::MAX);
                if emergency || most == 0 || self.activity.count(&phone.name) < most {
                    return Ok(());
                }
                let words = format!("phone {} has all its {most} calls", phone.name);
                Err(no_way(Cause::LimitReached, RefusalReason::PhoneCallsMax, words))
            }
        }
    }

    pub(super) fn new_call_id(&mut self) -> CallId {
        loop {
            let id = CallId(self.entropy.number());
            if id != CallId::SWITCHBOARD && !self.calls.contains(id) {
                return id;
            }
        }
    }

    /// An agent who asks a queue or another agent for help.
    fn way_toward(&self, now: Now, name: Option<&QueueName>) -> Result<Way, NoWay> {
        let led = name.map_or_else(|| Ok(Led { stages: Vec::new(), script: None }), |name| self.toward(now, name));
        led.map(|Led { stages, script }| Way { stages, script }).map_err(|refused| {
            let is_unknown = refused.cause == Cause::NumberUnknown;
            (refused, if is_unknown { RefusalReason::NoSuchNumber } else { RefusalReason::NoTargetUp })
        })
    }

    fn route_new(&mut self, now: Now, ask: Ask<'_>, emergency: bool, trail: &mut Vec<Box<str>>) -> Result<Way, NoWay> {
        let Way { mut stages, script } = self.route(now, ask, trail)?;
        let full = self.seize_first(now, ask.call, &mut stages, emergency);
        trail.extend(full);
        if stages.is_empty() && script.is_none() {
            let words = "every trunk that the rule names is full".into();
            let refused = Refused { cause: Cause::LimitReached, retry_after: None, words };
            return Err((refused, RefusalReason::TrunkCallsMax));
        }
        Ok(Way { stages, script })
    }
}

/// Times that one request may pass through us with other digits.
const SPIRALS_MAX: u32 = 3;

/// The branch of a Via value, without reading the rest of it.
fn branch_of(via: &str) -> Option<&str> {
    let (_, params) = via.split_once(';')?;
    crate::protocol::sip::message::uri::Params(params).value("branch")
}
