//! A dry run: what would become of a number, every decision in words. Takes no place, rings nobody.

use crate::base::now::Now;
use crate::domain::call::interface::Party;
use crate::domain::dialplan::guard::Per;
use crate::domain::dialplan::lookup::{Asker, At, Verdict, Wanted};
use crate::domain::dialplan::route::{Choice, choices, price};
use crate::domain::dialplan::{Destination, Rule};
use crate::domain::number::plan::{self, Class};
use crate::domain::phone;
use crate::domain::switchboard::board::Switchboard;
use crate::domain::switchboard::house::OurWay;
use crate::domain::switchboard::numbers::{asker, rules_of, wanted};
use crate::domain::switchboard::routing::unix_seconds;
use crate::domain::trunk::identity::{Dialled, Identity};
use crate::domain::trunk::number_rules::{Letters, to_e164, user_part};
use crate::domain::trunk::settings::Trunk;
use crate::protocol::sip::message::uri::Uri;

/// A call that nobody makes.
#[derive(Clone, Copy, Debug)]
pub struct DryRun<'a> {
    pub number: &'a str,
    /// "trunk:name", "phone:name", a bare name, or the first trunk.
    pub caller: Option<&'a str>,
    /// The number that it says it calls from.
    pub from: Option<&'a str>,
}

/// Who calls in a dry run, and what was dialled.
#[derive(Clone, Copy)]
struct Case<'a> {
    who: Asker<'a>,
    dialled: &'a Dialled,
    wanted: Wanted<'a>,
    identity: Option<&'a Identity>,
}

impl Switchboard {
    /// What would happen at this time. Every decision is a line.
    pub fn explain(&self, now: Now, DryRun { number, caller, from }: DryRun<'_>) -> Vec<String> {
        let mut lines = Vec::new();
        let Some(party) = self.party_named(caller, &mut lines) else { return lines };
        self.explain_admission(&party, &mut lines);
        let rules = rules_of(&party);
        let uri =
            format!("sip:{}@offhook.invalid", number.trim_start_matches("sip:").split('@').next().unwrap_or_default());
        let Ok(uri) = Uri::parse(&uri) else {
            lines.push(format!("{number:?} cannot stand in a SIP address: 484 Address Incomplete"));
            return lines;
        };
        let dialled = Dialled::of(&uri, rules);
        lines.push(match (&dialled.e164, to_e164(&dialled.digits, rules, Letters::AreKeys)) {
            (Some(number), _) => {
                format!("dialled {} is {number} by the number rules of {}", dialled.digits, party.name())
            }
            (None, Err(why)) => format!("dialled {} is no E.164 number ({why:?}) and stays as it is", dialled.digits),
            (None, Ok(_)) => format!("dialled {} stays as it is", dialled.digits),
        });
        let class = dialled.e164.as_ref().map(plan::classify);
        if let Some(class) = class {
            lines.push(format!("it is {}", told(class)));
        }
        let identity = match (from, &party) {
            (Some(from), party) => {
                lines.push(match to_e164(from, rules, Letters::AreNames) {
                    Ok(number) => format!("calling number {from} is {number}, {}", told(plan::classify(&number))),
                    Err(why) => format!("calling number {from} is no E.164 number ({why:?})"),
                });
                Some(Identity::assigned(from, &own_display(party), rules))
            }
            (None, Party::Phone(phone)) => Some(phone::identity::own(phone)),
            (None, Party::Trunk(_)) => None,
        };
        let mut buffer = String::new();
        let at = At { hours: &self.index.exchange.hours, unix: unix_seconds(now) };
        let wanted = Wanted { at: Some(at), ..wanted(&dialled, class, &mut buffer) };
        let case = Case { who: asker(&party), dialled: &dialled, wanted, identity: identity.as_ref() };
        self.explain_route(now, case, &mut lines);
        lines
    }

    fn party_named(&self, caller: Option<&str>, lines: &mut Vec<String>) -> Option<Party> {
        let index = &self.index;
        let trunk = |name: &str| index.trunk(name).cloned().map(Party::Trunk);
        let phone = |name: &str| index.phone(name).cloned().map(Party::Phone);
        let party = match caller {
            Some(name) => match name.split_once(':') {
                Some(("trunk", name)) => trunk(name),
                Some(("phone", name)) => phone(name),
                _ => trunk(name).or_else(|| phone(name)),
            },
            None => index.exchange.trunks.first().cloned().map(Party::Trunk),
        };
        match (&party, caller) {
            (Some(party), Some(_)) => lines.push(format!("caller {}", party.name())),
            (Some(party), None) => {
                lines.push(format!("caller {}, the first trunk (choose another with --as)", party.name()))
            }
            (None, Some(name)) => {
                lines.push(format!("no trunk or phone is called {name:?}: such a caller is a stranger"))
            }
            (None, None) => lines.push("no trunk is configured: every caller is a stranger".to_string()),
        }
        party
    }

    fn explain_admission(&self, party: &Party, lines: &mut Vec<String>) {
        if self.admission.is_draining() {
            lines.push("draining: 503 for new calls".to_string());
        }
        if self.admission.is_overloaded() {
            lines.push("overloaded: some new calls get 503".to_string());
        }
        let most = self.admission.policy().calls_max;
        lines.push(format!("{} of {most} calls run", self.calls.len()));
        match party {
            Party::Trunk(trunk) => {
                let used = self.trunks.slot(&trunk.name).and_then(|slot| self.trunks.get(slot));
                let used = used.map_or(0, |state| state.places.used());
                lines.push(format!("trunk {}: {used} of {} calls", trunk.name, limit(trunk.limits.calls_max)));
            }
            Party::Phone(phone) => {
                let used = self.activity.count(&phone.name);
                lines.push(format!("phone {}: {used} of {} calls", phone.name, limit(phone.calls_max)));
            }
        }
    }

    fn explain_route(&self, now: Now, case: Case<'_>, lines: &mut Vec<String>) {
        let Case { who, wanted, identity, .. } = case;
        let plan = &self.index.dialplan;
        if let Some(emergency) = plan.emergency(wanted) {
            lines.push(format!("{} is an emergency number: routed first, never refused", emergency.digits));
            return self.explain_destinations((now, true), &emergency.to, case, lines);
        }
        match self.explain_ours(now, who, (wanted, identity), lines) {
            None => return,
            Some(OurWay::To(destination)) => {
                return self.explain_destinations((now, false), &[destination], case, lines);
            }
            Some(OurWay::NotOurs) => {}
        }
        let mut differing = 0;
        let mut taken: Option<&Rule> = None;
        for (rule, verdict) in plan.verdicts(wanted, who) {
            match verdict {
                Verdict::PatternDiffers => differing += 1,
                Verdict::ConditionsDiffer => {
                    lines.push(format!("rule {}: fits, but is for other countries, kinds or hours", rule.name));
                }
                Verdict::NotForCaller => lines.push(format!("rule {}: fits, but is not for this caller", rule.name)),
                Verdict::Outranked(by) => lines.push(format!("rule {}: fits, but {by} comes first", rule.name)),
                Verdict::Taken => {
                    lines.push(format!("rule {}: taken", rule.name));
                    taken = Some(rule);
                }
            }
        }
        if differing > 0 {
            lines.push(format!("{differing} other rules: the number differs"));
        }
        match taken {
            Some(rule) => self.explain_destinations((now, false), &rule.to, case, lines),
            None if plan.find(wanted, who).not_for_caller.is_empty() => {
                lines.push("no rule for this number: 404 Not Found".to_string());
            }
            None => lines.push("rules for this number, none for this caller: 403 Forbidden".to_string()),
        }
    }

    fn explain_destinations(
        &self,
        (now, emergency): (Now, bool),
        to: &[Destination],
        case: Case<'_>,
        lines: &mut Vec<String>,
    ) {
        let Case { who, dialled, wanted, identity } = case;
        let plan = self.index.dialplan.plan();
        // A copy of the generator: the draw of weights is shown as it would fall now.
        let mut entropy = self.entropy.clone();
        let mut place = 0;
        let mut gate: Option<bool> = emergency.then_some(true);
        for choice in choices(plan, to, wanted.e164, &mut entropy) {
            place += 1;
            if matches!(choice, Choice::Trunk(_))
                && !*gate.get_or_insert_with(|| self.explain_gate(now, who, (wanted, identity), lines))
            {
                continue;
            }
            match choice {
                Choice::Trunk(name) => match self.index.trunk(&name) {
                    Some(trunk) => {
                        self.explain_trunk(place, trunk, dialled, lines);
                        self.explain_spending(now, trunk, wanted, lines);
                    }
                    None => lines.push(format!("{place}. trunk {name} is not in the configuration")),
                },
                Choice::Phones { names, .. } => {
                    for name in names {
                        let contacts = self.bindings.of(&name).len();
                        lines.push(match contacts {
                            0 => format!("{place}. phone {name}: not registered, passed over"),
                            _ => format!("{place}. phone {name}: {contacts} contacts ring"),
                        });
                    }
                }
                Choice::Flow(name) => lines.push(format!("{place}. flow {name} serves the caller")),
                Choice::Engine(name) => lines.push(match self.index.exchange.engines.find(&name) {
                    Some(engine) => format!(
                        "{place}. engine {name} is asked ({}), and has {} ms; if it says nothing: {}",
                        engine.client,
                        engine.patience.as_millis(),
                        engine.fallback
                    ),
                    None => format!("{place}. engine {name} is not in the configuration"),
                }),
                Choice::Queue(name) => lines.push(format!("{place}. queue {name} takes the caller")),
                Choice::Reject(cause) => {
                    let (status, phrase) = cause.status();
                    lines.push(format!("{place}. refused if it comes to this: {status} {phrase} ({})", cause.name()));
                }
                Choice::Missing(name) => lines.push(format!("{place}. {name} is not in the configuration")),
            }
        }
        if place == 0 {
            lines.push("the rule leads nowhere: 500 Server Internal Error".to_string());
        }
    }

    /// What a trunk takes for a minute, and its own guards.
    fn explain_spending(&self, now: Now, trunk: &Trunk, wanted: Wanted<'_>, lines: &mut Vec<String>) {
        let plan = self.index.dialplan.plan();
        match price(plan, &trunk.name, wanted.e164) {
            u32::MAX => {}
            price => lines.push(format!("   {}.{:03} for a minute", price / 1_000, price % 1_000)),
        }
        for guard in plan.guards.iter().filter(|guard| guard.per == Per::Trunk) {
            let look = self.meters.look(guard, &trunk.name, now.instant);
            if let Some(excess) = look.stopped.filter(|_| guard.counts(wanted.e164, wanted.digits, wanted.class)) {
                lines.push(format!("   guard {} stops it: {excess}", guard.name));
            }
        }
    }

    fn explain_trunk(&self, place: u32, trunk: &Trunk, dialled: &Dialled, lines: &mut Vec<String>) {
        let number = user_part(dialled.e164.as_ref(), &dialled.digits, &trunk.numbers);
        lines.push(format!("{place}. trunk {}: number sent as {number}", trunk.name));
        let Some(state) = self.trunks.slot(&trunk.name).and_then(|slot| self.trunks.get(slot)) else { return };
        if !state.is_ready() {
            lines.push("   not registered with its carrier: tried only when nothing else is up".to_string());
        }
        let full = trunk.limits.calls_max > 0 && state.places.used() >= trunk.limits.calls_max;
        if full {
            lines.push(format!("   all its {} calls run: passed over", trunk.limits.calls_max));
        }
        for (target, health) in trunk.targets.iter().zip(&state.health) {
            let standing = if health.is_up() { "up" } else { "down" };
            let port = target.port.map(|port| format!(":{port}")).unwrap_or_default();
            lines.push(format!(
                "   target {}{port}, priority {}, weight {}: {standing}",
                target.host, target.priority, target.weight
            ));
        }
    }
}

/// What a number is, in words.
fn told(class: Class) -> String {
    let place = class.country.map_or("of no country".to_owned(), |country| format!("of {country}"));
    let plan = if class.is_valid { "" } else { ", which its numbering plan does not have" };
    format!("{} {place}{plan}", class.kind)
}

fn own_display(party: &Party) -> Box<str> {
    match party {
        Party::Phone(phone) => phone.display.clone(),
        Party::Trunk(_) => "".into(),
    }
}

fn limit(most: u32) -> String {
    if most == 0 { "any number of".to_string() } else { most.to_string() }
}
