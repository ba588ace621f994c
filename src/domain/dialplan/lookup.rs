//! Which rule is for this number: exact before longest prefix before any. Built once, asked for every call.

use crate::domain::dialplan::{Dialplan, During, Emergency, Pattern, Rule};
use crate::domain::hours::HoursBook;
use crate::domain::number::plan::Class;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who asks, as `Rule.from` names them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asker<'a> {
    Trunk(&'a str),
    Phone(&'a str),
}

/// A number in both forms: as E.164 with its plus, and as it was received.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Wanted<'a> {
    pub e164: Option<&'a str>,
    pub digits: &'a str,
    /// What the number is by its numbering plan; asked for only where a rule has conditions.
    pub class: Option<Class>,
    /// When it is dialled, and by which opening hours.
    pub at: Option<At<'a>>,
}

/// A moment, and the sets of hours that it may be in.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct At<'a> {
    pub hours: &'a HoursBook,
    /// Seconds since 1970.
    pub unix: i64,
}

/// A dialplan with its index.
#[derive(Clone, Debug, Default)]
pub struct DialplanIndex {
    plan: Arc<Dialplan>,
    exact: BTreeMap<Box<str>, Vec<u32>>,
    prefixes: BTreeMap<Box<str>, Vec<u32>>,
    any: Vec<u32>,
    prefix_len_max: usize,
    has_conditions: bool,
}

/// What a look-up found.
#[derive(Clone, PartialEq, Debug)]
pub struct Found<'a> {
    pub rule: Option<&'a Rule>,
    /// Rules whose pattern fits but which are not for this caller, in the order in which they were considered.
    pub not_for_caller: Vec<&'a Rule>,
    /// Rules whose pattern fits, but not their countries or kinds.
    pub conditions_differ: Vec<&'a Rule>,
}

/// Why a rule was or was not taken, for `explain`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict<'a> {
    Taken,
    PatternDiffers,
    /// The number is of another country or kind, or it is another time.
    ConditionsDiffer,
    NotForCaller,
    /// It fits, but this one came first or says it more exactly.
    Outranked(&'a str),
}

impl DialplanIndex {
    pub fn new(plan: Arc<Dialplan>) -> DialplanIndex {
        let mut index = DialplanIndex { plan: plan.clone(), ..DialplanIndex::default() };
        index.has_conditions = plan.rules.iter().any(|rule| !rule.countries.is_empty() || !rule.kinds.is_empty());
        for (number, rule) in (0u32..).zip(&plan.rules) {
            match &rule.pattern {
                Pattern::Any => index.any.push(number),
                Pattern::Exact(text) => index.exact.entry(text.clone()).or_default().push(number),
                Pattern::Prefix(text) => {
                    index.prefix_len_max = index.prefix_len_max.max(literal(text).len());
                    index.prefixes.entry(literal(text).into()).or_default().push(number);
                }
            }
        }
        index
    }

    pub fn plan(&self) -> &Dialplan {
        &self.plan
    }

    /// Whether any rule asks for countries or kinds, so that `Wanted::class` is needed.
    pub fn has_conditions(&self) -> bool {
        self.has_conditions
    }

    /// The emergency entry for a dialled string, compared with the digits as received and with E.164.
    pub fn emergency(&self, wanted: Wanted<'_>) -> Option<&Emergency> {
        self.plan
            .emergency
            .iter()
            .find(|entry| *entry.digits == *wanted.digits || wanted.e164.is_some_and(|number| *entry.digits == *number))
    }

    /// The rule for a number; rules of one rank in the order of the files.
    pub fn find(&self, wanted: Wanted<'_>, asker: Asker<'_>) -> Found<'_> {
        let mut found = Found { rule: None, not_for_caller: Vec::new(), conditions_differ: Vec::new() };
        for rule in self.candidates(wanted) {
            if !meets(rule, wanted) {
                found.conditions_differ.push(rule);
                continue;
            }
            if is_for(rule, asker) {
                found.rule = Some(rule);
                break;
            }
            found.not_for_caller.push(rule);
        }
        found
    }

    /// Every rule with its verdict, in the order of the files. Walks the whole plan: for dry runs only.
    pub fn verdicts(&self, wanted: Wanted<'_>, asker: Asker<'_>) -> Vec<(&Rule, Verdict<'_>)> {
        let taken = self.find(wanted, asker).rule;
        self.plan
            .rules
            .iter()
            .map(|rule| {
                let verdict = match taken {
                    _ if !fits(&rule.pattern, wanted) => Verdict::PatternDiffers,
                    _ if !meets(rule, wanted) => Verdict::ConditionsDiffer,
                    _ if !is_for(rule, asker) => Verdict::NotForCaller,
                    Some(taken) if std::ptr::eq(taken, rule) => Verdict::Taken,
                    Some(taken) => Verdict::Outranked(&taken.name),
                    None => Verdict::PatternDiffers,
                };
                (rule, verdict)
            })
            .collect()
    }

    fn candidates<'a, 'w>(&'a self, wanted: Wanted<'w>) -> impl Iterator<Item = &'a Rule> {
        let forms = [wanted.e164, Some(wanted.digits).filter(|digits| wanted.e164 != Some(digits))];
        let exact = forms.into_iter().flatten().filter_map(|form| self.exact.get(form));
        let prefixes = (1..=self.prefix_len_max).rev().flat_map(move |len| {
            forms.into_iter().flatten().filter_map(move |form| form.get(..len).and_then(|part| self.prefixes.get(part)))
        });
        let empty_prefix = self.prefixes.get("");
        exact
            .chain(prefixes)
            .chain(empty_prefix)
            .chain(std::iter::once(&self.any))
            .flatten()
            .filter_map(|number| self.plan.rules.get(usize::try_from(*number).unwrap_or(usize::MAX)))
    }
}

/// `from` names trunks, "phones", or nobody in particular.
pub fn is_for(rule: &Rule, asker: Asker<'_>) -> bool {
    names(&rule.from, asker)
}

/// Whether a list of callers means this one; an empty list means all.
pub fn names(from: &[Box<str>], asker: Asker<'_>) -> bool {
    from.is_empty()
        || from.iter().any(|name| match asker {
            Asker::Trunk(trunk) => **name == *trunk || name.strip_prefix("trunk:") == Some(trunk),
            Asker::Phone(phone) => &**name == "phones" || name.strip_prefix("phone:") == Some(phone),
        })
}

/// Countries, kinds and hours of a rule; where there are none it is for every number at any time.
fn meets(rule: &Rule, wanted: Wanted<'_>) -> bool {
    let class = wanted.class;
    let country = class.and_then(|class| class.country);
    let by_country = rule.countries.is_empty() || country.is_some_and(|country| rule.countries.contains(&country));
    let by_kind =
        rule.kinds.is_empty() || class.is_some_and(|class| rule.kinds.iter().any(|kind| class.kind.fits(*kind)));
    by_country && by_kind && rule.hours.as_ref().is_none_or(|during| is_during(during, wanted.at))
}

/// Hours that are nowhere to be found are neither open nor closed.
fn is_during(during: &During, at: Option<At<'_>>) -> bool {
    let hours = at.and_then(|at| at.hours.find(&during.hours).map(|hours| (hours, at.unix)));
    hours.is_some_and(|(hours, unix)| hours.is_open(unix) == during.open)
}

fn fits(pattern: &Pattern, wanted: Wanted<'_>) -> bool {
    let forms = [wanted.e164, Some(wanted.digits)];
    let mut forms = forms.into_iter().flatten();
    match pattern {
        Pattern::Any => true,
        Pattern::Exact(text) => forms.any(|form| form == &**text),
        Pattern::Prefix(text) => forms.any(|form| form.starts_with(literal(text))),
    }
}

fn literal(prefix: &str) -> &str {
    prefix.strip_suffix('*').unwrap_or(prefix)
}

#[cfg(test)]
mod tests;
