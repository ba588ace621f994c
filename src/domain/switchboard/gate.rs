//! The gate that every call to a carrier passes: may it go there, what does it show, and may more be spent. Emergency calls
//! do not come by here.

use crate::base::cause::Cause;
use crate::base::e164::E164;
use crate::base::id::CallId;
use crate::base::limits::DISPLAY_CHARS_MAX;
use crate::base::now::Now;
use crate::domain::call::interface::Refused;
use crate::domain::dialplan::Dialplan;
use crate::domain::dialplan::caller_id::{Caller, NotShowable, Shown};
use crate::domain::dialplan::guard::kept::Kept;
use crate::domain::dialplan::guard::{Guard, Per, Stopped};
use crate::domain::dialplan::lookup::{Asker, Wanted, names};
use crate::domain::dialplan::outbound::Forbidden;
use crate::domain::flow::interface::CallerId;
use crate::domain::number::country::Country;
use crate::domain::number::kind::Kind;
use crate::domain::number::plan::{self, Class, NotANumber, Written};
use crate::domain::switchboard::board::Switchboard;
use crate::domain::switchboard::interface::{RefusalReason, SwitchboardEvent};
use crate::domain::switchboard::invite::NoWay;
use crate::domain::trunk::identity::Identity;
use std::sync::Arc;
use std::time::Instant;

/// Where a call wants to go, kept for the guards of the trunks that it will ask for.
#[derive(Clone, PartialEq, Debug)]
pub struct Bound {
    e164: Option<Box<str>>,
    digits: Box<str>,
    class: Option<Class>,
}

/// One guard's count that a call holds.
#[derive(Clone, PartialEq, Debug)]
pub struct Spend {
    pub guard: crate::domain::dialplan::guard::Subject,
    pub began: Instant,
    /// Given back together with this trunk's place.
    pub trunk: Option<Arc<str>>,
}

/// What the gate lets out.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Pass {
    /// Shown instead of what the caller brought.
    pub shown: Option<Arc<Identity>>,
}

impl Bound {
    pub fn of(wanted: Wanted<'_>) -> Bound {
        Bound { e164: wanted.e164.map(Box::from), digits: wanted.digits.into(), class: wanted.class }
    }
}

impl Switchboard {
    /// Judges a call to a carrier, once for all trunks that it may try, and counts it.
    pub(super) fn pass_gate(
        &mut self,
        now: Now,
        (call, who): (CallId, Asker<'_>),
        (wanted, identity, wish): (Wanted<'_>, Option<&Identity>, Option<&CallerId>),
        trail: &mut Vec<Box<str>>,
    ) -> Result<Pass, NoWay> {
        let index = self.index.clone();
        let plan = index.dialplan.plan();
        let wished = wish.is_some_and(|wish| wish.number.is_some());
        if plan.is_open() && !wished {
            return Ok(Pass::default());
        }
        let no_way = |cause, why, words: String| (Refused { cause, retry_after: None, words: words.into() }, why);
        match plan.outbound.judge(wanted.e164, wanted.digits, wanted.class) {
            Ok(allowed) => trail.push(allowed.to_string().into()),
            Err(forbidden) => {
                return Err(no_way(forbidden.cause(), RefusalReason::DestinationForbidden, forbidden.to_string()));
            }
        }
        let shown = match wish.filter(|_| wished) {
            Some(wish) => self.wished(plan, (wish, identity), trail),
            None => self.shown(plan, who, (wanted.class, identity), trail),
        };
        let pass = shown.map_err(|words| no_way(Cause::NotAllowed, RefusalReason::CallerIdForbidden, words))?;
        let subjects = subjects(plan, who, wanted);
        for (guard, subject) in &subjects {
            if let Err(stopped) = self.meters.check(guard, subject, now.instant) {
                let words = self.tell_stopped(&stopped);
                return Err(no_way(Cause::LimitReached, RefusalReason::GuardStops, words));
            }
        }
        for (guard, subject) in subjects {
            let counted = self.meters.begin(guard, &subject, now.instant);
            if !self.calls.spend(call, Spend { guard: counted.clone(), began: now.instant, trunk: None }) {
                self.meters.end(&counted, now.instant, now.instant);
            }
        }
        self.calls.bind(call, Bound::of(wanted));
        Ok(pass)
    }

    /// What a flow wants to be shown: a number of ours, where only those may be; without one, the caller's own.
    fn wished(
        &self,
        plan: &Dialplan,
        (wish, identity): (&CallerId, Option<&Identity>),
        trail: &mut Vec<Box<str>>,
    ) -> Result<Pass, String> {
        let mut shown = identity.cloned().unwrap_or_default();
        if let Some(text) = &wish.number {
            let number =
                E164::parse(text).map_err(|_| format!("{} cannot be shown: it is no number", text.escape_debug()))?;
            if plan::classify(&number).kind == Kind::Uifn || plan.caller_ids.only_owned && !self.house.book.owns(text) {
                return Err(NotShowable::NotOwned(text.clone()).to_string());
            }
            shown = Identity { number: text.clone(), e164: Some(number), private: false, ..shown };
        }
        if let Some(name) = &wish.name {
            shown.display = name.chars().filter(|c| !c.is_control()).take(DISPLAY_CHARS_MAX).collect::<String>().into();
        }
        trail.push(format!("shows {} as its flow says", shown.number).into());
        Ok(Pass { shown: Some(Arc::new(shown)) })
    }

    fn shown(
        &self,
        plan: &Dialplan,
        who: Asker<'_>,
        (to, identity): (Option<Class>, Option<&Identity>),
        trail: &mut Vec<Box<str>>,
    ) -> Result<Pass, String> {
        let number = identity.and_then(|identity| identity.e164.as_ref());
        let text = number.map(ToString::to_string);
        let caller = Caller {
            who,
            e164: text.as_deref(),
            class: number.map(plan::classify),
            is_hidden: identity.is_some_and(|identity| identity.private),
        };
        let class_of = |number: &str| E164::parse(number).ok().as_ref().map(plan::classify);
        let shown = plan.caller_ids.shown(caller, to, |number| self.house.book.owns(number), class_of);
        match shown.map_err(|why| why.to_string())? {
            Shown::AsItIs => Ok(Pass::default()),
            Shown::Instead { rule, number, display } => {
                trail.push(format!("shows {number} by caller ID {rule}").into());
                let own = identity.map(|identity| identity.display.clone()).unwrap_or_default();
                let shown = Identity {
                    number: number.into(),
                    e164: E164::parse(number).ok(),
                    display: display.map_or(own, Box::from),
                    private: identity.is_some_and(|identity| identity.private),
                };
                Ok(Pass { shown: Some(Arc::new(shown)) })
            }
        }
    }

    /// Whether the guards of a trunk let this call go out over it; counts it if they do.
    pub(super) fn pass_trunk(&mut self, now: Now, call: CallId, trunk: &Arc<str>) -> Result<(), String> {
        let index = self.index.clone();
        let guards = &index.dialplan.plan().guards;
        if guards.iter().all(|guard| guard.per != Per::Trunk) {
            return Ok(());
        }
        let Some(bound) = self.calls.get(call).and_then(|entry| entry.bound.clone()) else { return Ok(()) };
        let (e164, digits) = (bound.e164.as_deref(), &*bound.digits);
        let own: Vec<&Guard> =
            guards.iter().filter(|guard| guard.per == Per::Trunk && guard.counts(e164, digits, bound.class)).collect();
        for guard in &own {
            if let Err(stopped) = self.meters.check(guard, trunk, now.instant) {
                return Err(self.tell_stopped(&stopped));
            }
        }
        for guard in own {
            let guard = self.meters.begin(guard, trunk, now.instant);
            self.calls.spend(call, Spend { guard, began: now.instant, trunk: Some(trunk.clone()) });
        }
        Ok(())
    }

    /// A trip is told once, and loudly.
    fn tell_stopped(&mut self, stopped: &Stopped) -> String {
        if stopped.is_new {
            let (guard, subject) = (stopped.guard.clone(), stopped.subject.clone());
            self.event(SwitchboardEvent::GuardTripped { guard, subject, excess: stopped.excess });
        }
        stopped.to_string()
    }

    /// What the guards have counted, for a daemon that comes after this one.
    pub fn guards_kept(&self, now: Now) -> Vec<Kept> {
        self.meters.kept(now)
    }

    /// What a daemon before this one had counted, of the guards that are still there.
    pub fn restore_guards(&mut self, now: Now, kept: Vec<Kept>) {
        self.meters.restore(now, kept);
        let guards = &self.index.dialplan.plan().guards;
        self.meters.retain(|name| guards.iter().any(|guard| *guard.name == *name));
    }

    /// An operator lets calls out again.
    pub(super) fn reset_guard(&mut self, guard: &Arc<str>, subject: Option<&str>) {
        let count = self.meters.reset(guard, subject);
        self.event(SwitchboardEvent::GuardReset { guard: guard.clone(), count });
    }

    /// The gate for a dry run: one line for each thing that it asks.
    pub(super) fn explain_gate(
        &self,
        now: Now,
        who: Asker<'_>,
        (wanted, identity): (Wanted<'_>, Option<&Identity>),
        lines: &mut Vec<String>,
    ) -> bool {
        let plan = self.index.dialplan.plan();
        match plan.outbound.judge(wanted.e164, wanted.digits, wanted.class) {
            Ok(allowed) => lines.push(allowed.to_string()),
            Err(forbidden) => {
                let (status, phrase) = forbidden.cause().status();
                lines.push(format!("{forbidden}: {status} {phrase}"));
                return false;
            }
        }
        let mut trail = Vec::new();
        match self.shown(plan, who, (wanted.class, identity), &mut trail) {
            Ok(Pass { shown: None }) => lines.push("shows the caller as it is".to_owned()),
            Ok(Pass { shown: Some(_) }) => lines.extend(trail.iter().map(ToString::to_string)),
            Err(words) => {
                lines.push(format!("{words}: 403 Forbidden"));
                return false;
            }
        }
        let mut goes = true;
        for (guard, subject) in subjects(plan, who, wanted) {
            let look = self.meters.look(guard, &subject, now.instant);
            let minutes = look.spent.as_secs().div_ceil(60);
            let (name, calls, last) = (&guard.name, look.calls, look.last_minute);
            lines.push(match look.stopped {
                None => format!("guard {name} for {subject}: {calls} calls, {last} in a minute, {minutes} minutes"),
                Some(excess) => format!("guard {name} stops {subject}: {excess}: 503 Service Unavailable"),
            });
            goes &= look.stopped.is_none();
        }
        goes
    }
}

/// The guards that count this call, but those of trunks, each with whose count it is.
fn subjects<'a>(plan: &'a Dialplan, who: Asker<'_>, wanted: Wanted<'_>) -> Vec<(&'a Guard, Box<str>)> {
    let mut found = Vec::new();
    for guard in plan.guards.iter().filter(|guard| guard.counts(wanted.e164, wanted.digits, wanted.class)) {
        match (guard.per, who) {
            (Per::House, _) => found.push((guard, Box::from("house"))),
            (Per::Phone, Asker::Phone(phone)) => found.push((guard, phone.into())),
            (Per::Account, who) => {
                let accounts = plan.accounts.iter().filter(|account| names(&account.members, who));
                found.extend(accounts.map(|account| (guard, Box::from(&*account.name))));
            }
            (Per::Phone, Asker::Trunk(_)) | (Per::Trunk, _) => {}
        }
    }
    found
}

/// Why a number that somebody keyed cannot be called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Undialable {
    /// It is none.
    NotANumber(NotANumber),
    /// It may exist, and calls from here may not go there.
    Forbidden(E164, Forbidden),
}

impl Switchboard {
    /// The number that somebody keyed or wrote, if it is one and may be called: at home in `country`, or with its country code.
    pub fn dialable(&self, text: &str, country: Option<Country>) -> Result<E164, Undialable> {
        let written = country.map_or(Written::Internationally, Written::Locally);
        let number = plan::read(text, written).map_err(Undialable::NotANumber)?;
        let outbound = &self.index.dialplan.plan().outbound;
        let judged = outbound.judge(Some(&number.to_string()), number.digits(), Some(plan::classify(&number)));
        judged.map(|_| number).map_err(|forbidden| Undialable::Forbidden(number, forbidden))
    }
}
