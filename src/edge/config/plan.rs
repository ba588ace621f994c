//! What a reload would change, line by line, and for whom. Pure: two configurations in, words out; it applies nothing.

use crate::domain::call::interface::Profiles;
use crate::domain::queue::settings::Settings;
use crate::domain::switchboard::interface::Exchange;
use crate::edge::config::Configuration;
use crate::edge::config::written::{self, Line};
use crate::edge::config::written_outbound;
use crate::edge::config::written_queue;
use crate::edge::media::prompts::PromptLibrary;
use crate::protocol::sip::path::ListenerId;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// When a change takes effect.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Effect {
    /// Running calls keep what they started with.
    NewCalls,
    AtOnce,
    NewConnections,
    /// Not by a reload: it is named, and stays as it was until a restart.
    Restart,
}

/// One line of the plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    pub words: String,
    pub effect: Effect,
}

/// Everything that differs. Empty when nothing does.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    pub changes: Vec<Change>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.effect {
            Effect::NewCalls => "new calls",
            Effect::AtOnce => "at once",
            Effect::NewConnections => "new connections",
            Effect::Restart => "needs a restart",
        };
        write!(f, "{} ({effect})", self.words)
    }
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub fn lines(&self) -> Vec<String> {
        self.changes.iter().map(ToString::to_string).collect()
    }

    /// Something that was changed stays as it was until a restart.
    pub fn needs_restart(&self) -> bool {
        self.changes.iter().any(|change| change.effect == Effect::Restart)
    }

    fn add(&mut self, words: String, effect: Effect) {
        self.changes.push(Change { words, effect });
    }
}

/// The plan in lines. `calls` says how many calls run over a party (`trunk:carrier-a`, `phone:alice`).
pub fn plan(running: &Configuration, next: &Configuration, calls: &dyn Fn(&str) -> usize) -> Vec<String> {
    difference(running, next, calls).lines()
}

pub fn difference(running: &Configuration, next: &Configuration, calls: &dyn Fn(&str) -> usize) -> Plan {
    let mut plan = Plan::default();
    compare(&mut plan, "daemon", &written::daemon(&running.daemon), &written::daemon(&next.daemon));
    let (old, new) = (&running.exchange, &next.exchange);
    compare(&mut plan, "admission", &written::admission(&old.admission), &written::admission(&new.admission));
    compare_listeners(&mut plan, &old.profiles, &new.profiles);
    let profiles = |exchange: &Exchange| named(&exchange.profiles.profiles, |one| (&one.name, written::profile(one)));
    compare_named(&mut plan, "profile", (profiles(old), profiles(new)), &|_| None);
    let kept = |sort: &'static str| move |name: &str| Some(calls(&format!("{sort}:{name}"))).filter(|count| *count > 0);
    let trunks =
        |exchange: &Exchange| named(&exchange.trunks, |one| (&one.name, written::trunk(one, &exchange.profiles)));
    compare_named(&mut plan, "trunk", (trunks(old), trunks(new)), &kept("trunk"));
    let phones = |exchange: &Exchange| named(&exchange.phones, |one| (&one.name, written::phone(one)));
    compare_named(&mut plan, "phone", (phones(old), phones(new)), &kept("phone"));
    compare_dialplan(&mut plan, old, new);
    compare_queues(&mut plan, &old.queues, &new.queues);
    let engines = |exchange: &Exchange| written_queue::engines(&exchange.engines);
    compare_named(&mut plan, "engine", (engines(old), engines(new)), &|_| None);
    compare_named(&mut plan, "flow", (written::flows(&old.flows), written::flows(&new.flows)), &|_| None);
    compare_prompts(&mut plan, &running.prompts, &next.prompts);
    compare_named(&mut plan, "hours", (written::hours(&old.hours), written::hours(&new.hours)), &|_| None);
    compare_files(&mut plan, running, next);
    plan
}

type Named = Vec<(String, Vec<Line>)>;

fn named<T>(all: &[Arc<T>], one: impl Fn(&T) -> (&Arc<str>, Vec<Line>)) -> Named {
    let pairs = all.iter().map(|item| {
        let (name, lines) = one(item);
        (name.to_string(), lines)
    });
    pairs.collect()
}

fn compare(plan: &mut Plan, of: &str, old: &[Line], new: &[Line]) {
    let find = |lines: &'_ [Line], key: &str| lines.iter().find(|line| line.key == key).cloned();
    let mut keys: Vec<&str> = old.iter().chain(new).map(|line| line.key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let (before, after) = (find(old, key), find(new, key));
        if before == after {
            continue;
        }
        let effect = before.as_ref().or(after.as_ref()).map_or(Effect::NewCalls, |line| line.effect);
        let hidden = before.as_ref().or(after.as_ref()).is_some_and(|line| line.hidden);
        let shown = |line: Option<Line>| line.map_or("none".to_owned(), |line| line.text);
        let words = if hidden {
            format!("{of}: {key} changed")
        } else {
            format!("{of}: {key} {} -> {}", shown(before), shown(after))
        };
        plan.add(words, effect);
    }
}

fn compare_named(plan: &mut Plan, sort: &str, (old, new): (Named, Named), kept: &dyn Fn(&str) -> Option<usize>) {
    for (name, lines) in &old {
        match new.iter().find(|(other, _)| other == name) {
            Some((_, after)) => compare(plan, &format!("{sort} {name}"), lines, after),
            None => {
                let keep = kept(name).map(|count| match count {
                    1 => "; 1 running call keeps it".to_owned(),
                    _ => format!("; {count} running calls keep it"),
                });
                plan.add(format!("{sort} {name}: removed{}", keep.unwrap_or_default()), Effect::NewCalls);
            }
        }
    }
    for (name, _) in new.iter().filter(|(name, _)| !old.iter().any(|(other, _)| other == name)) {
        plan.add(format!("{sort} {name}: added"), Effect::NewCalls);
    }
}

fn compare_listeners(plan: &mut Plan, old: &Profiles, new: &Profiles) {
    let all = |profiles: &Profiles| -> Named {
        let each = profiles.profiles.iter().flat_map(|profile| {
            profile.listeners.iter().map(|one| {
                let name = format!("{} {} {}", profile.name, one.transport.name(), one.bind);
                (name, written::listener(one))
            })
        });
        each.collect()
    };
    let (old, new) = (all(old), all(new));
    for (name, lines) in &old {
        match new.iter().find(|(other, _)| other == name) {
            Some((_, after)) => compare(plan, &format!("listener {name}"), lines, after),
            None => plan.add(format!("listener {name}: removed; its connections stay"), Effect::AtOnce),
        }
    }
    for (name, _) in new.iter().filter(|(name, _)| !old.iter().any(|(other, _)| other == name)) {
        plan.add(format!("listener {name}: added"), Effect::AtOnce);
    }
}

fn compare_dialplan(plan: &mut Plan, old: &Exchange, new: &Exchange) {
    let (before, after) = (&old.dialplan, &new.dialplan);
    compare(plan, "outbound", &written_outbound::outbound(before), &written_outbound::outbound(after));
    for (sort, old, new) in [
        ("rule", written::rules(before), written::rules(after)),
        ("group", written::groups(before), written::groups(after)),
        ("trunk group", written::trunk_groups(before), written::trunk_groups(after)),
        ("emergency", written::emergency(before), written::emergency(after)),
        ("caller ID", written_outbound::caller_ids(before), written_outbound::caller_ids(after)),
        ("guard", written_outbound::guards(before), written_outbound::guards(after)),
        ("account", written_outbound::accounts(before), written_outbound::accounts(after)),
    ] {
        let order = |one: &Named, other: &Named| -> Vec<String> {
            let kept = one.iter().filter(|(name, _)| other.iter().any(|(others, _)| others == name));
            kept.map(|(name, _)| name.clone()).collect()
        };
        let moved = sort == "rule" && order(&old, &new) != order(&new, &old);
        compare_named(plan, sort, (old, new), &|_| None);
        if moved {
            plan.add("rules: their order changed".to_owned(), Effect::NewCalls);
        }
    }
}

/// Who waits keeps the place, who works keeps the status; what is new counts for all of them at once.
fn compare_queues(plan: &mut Plan, old: &Settings, new: &Settings) {
    compare(plan, "statuses", &written_queue::statuses(old), &written_queue::statuses(new));
    for (sort, old, new) in [
        ("queue", written_queue::queues(old), written_queue::queues(new)),
        ("routing profile", written_queue::profiles(old), written_queue::profiles(new)),
        ("agent", written_queue::agents(old), written_queue::agents(new)),
    ] {
        compare_named(plan, sort, (old, new), &|_| None);
    }
}

fn compare_prompts(plan: &mut Plan, old: &PromptLibrary, new: &PromptLibrary) {
    let digest = |library: &PromptLibrary, name: &str| library.digest(name).map(str::to_owned);
    for name in old.names().filter(|name| digest(new, name).is_none()) {
        plan.add(format!("prompt {name}: removed"), Effect::NewCalls);
    }
    for name in new.names() {
        match digest(old, name) {
            None => plan.add(format!("prompt {name}: added"), Effect::NewCalls),
            before if before != digest(new, name) => plan.add(format!("prompt {name}: new contents"), Effect::NewCalls),
            _ => {}
        }
    }
}

/// Certificates and the like whose path is the same and whose contents are not.
fn compare_files(plan: &mut Plan, running: &Configuration, next: &Configuration) {
    for (path, digest) in &next.files {
        if running.files.get(path).is_some_and(|before| before != digest) {
            plan.add(format!("file {}: new contents", path.display()), Effect::NewConnections);
        }
    }
}

/// Gives every listener of `next` that runs already (same transport, same address) the number that it has, so that paths
/// of running calls stay right. A number whose listener is gone leads to nothing, or to a listener that is new.
pub fn keep_listener_numbers(running: &Profiles, next: &mut Configuration) {
    let key = |profiles: &Profiles, id: u16| {
        profiles.listener(ListenerId(id)).map(|(_, listener)| (listener.transport, listener.bind))
    };
    let ids = |profiles: &Profiles| 0..u16::try_from(profiles.listeners.len()).unwrap_or(u16::MAX);
    let old: BTreeMap<_, u16> = ids(running).filter_map(|id| Some((key(running, id)?, id))).collect();
    let mut exchange = (*next.exchange).clone();
    let mut profiles = (*exchange.profiles).clone();
    let mut fresh = ids(running)
        .filter(|id| key(running, *id).is_none())
        .chain(running.listeners.len().try_into().unwrap_or(u16::MAX)..);
    let mut numbers: BTreeMap<u16, u16> = BTreeMap::new();
    for id in ids(&profiles) {
        let kept = key(&profiles, id).and_then(|key| old.get(&key).copied());
        let number = kept.or_else(|| fresh.next()).unwrap_or(id);
        numbers.insert(id, number);
    }
    let last = numbers.values().copied().max().map_or(0, |number| usize::from(number) + 1);
    let mut table = vec![(u16::MAX, u16::MAX); last];
    for (id, place) in ids(&profiles).zip(&profiles.listeners) {
        if let Some(slot) = numbers.get(&id).and_then(|number| table.get_mut(usize::from(*number))) {
            *slot = *place;
        }
    }
    profiles.listeners = table;
    let renumber = |id: &mut ListenerId| id.0 = numbers.get(&id.0).copied().unwrap_or(id.0);
    for profile in &mut profiles.profiles {
        Arc::make_mut(profile).listeners.iter_mut().for_each(|listener| renumber(&mut listener.id));
    }
    for trunk in &mut exchange.trunks {
        Arc::make_mut(trunk).targets.iter_mut().for_each(|target| renumber(&mut target.listener));
    }
    exchange.profiles = Arc::new(profiles);
    next.exchange = Arc::new(exchange);
}

#[cfg(test)]
mod tests;
