//! Which rule is for this number: exact before longest prefix before any. Built once, asked for every call.

use crate::domain::dialplan::{Dialplan, Emergency, Pattern, Rule};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who asks, as `Rule.from` names them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asker<'a> {
    Trunk(&'a str),
    Phone(&'a str),
}

/// A number in both forms: as E.164 with its plus, and as it was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted<'a> {
    pub e164: Option<&'a str>,
    pub digits: &'a str,
}

/// A dialplan with its index.
#[derive(Clone, Debug, Default)]
pub struct DialplanIndex {
    plan: Arc<Dialplan>,
    exact: BTreeMap<Box<str>, Vec<u32>>,
    prefixes: BTreeMap<Box<str>, Vec<u32>>,
    any: Vec<u32>,
    prefix_len_max: usize,
}

/// What a look-up found.
#[derive(Clone, PartialEq, Debug)]
pub struct Found<'a> {
    pub rule: Option<&'a Rule>,
    /// Rules whose pattern fits but which are not for this caller, in the order in which they were considered.
    pub not_for_caller: Vec<&'a Rule>,
}

/// Why a rule was or was not taken, for `explain`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict<'a> {
    Taken,
    PatternDiffers,
    NotForCaller,
    /// It fits, but this one came first or says it more exactly.
    Outranked(&'a str),
}

impl DialplanIndex {
    pub fn new(plan: Arc<Dialplan>) -> DialplanIndex {
        let mut index = DialplanIndex { plan: plan.clone(), ..DialplanIndex::default() };
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

    /// The emergency entry for a dialled string, compared with the digits as received and with E.164.
    pub fn emergency(&self, wanted: Wanted<'_>) -> Option<&Emergency> {
        self.plan
            .emergency
            .iter()
            .find(|entry| *entry.digits == *wanted.digits || wanted.e164.is_some_and(|number| *entry.digits == *number))
    }

    /// The rule for a number; rules of one rank in the order of the files.
    pub fn find(&self, wanted: Wanted<'_>, asker: Asker<'_>) -> Found<'_> {
        let mut found = Found { rule: None, not_for_caller: Vec::new() };
        for rule in self.candidates(wanted) {
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
    rule.from.is_empty()
        || rule.from.iter().any(|name| match asker {
            Asker::Trunk(trunk) => **name == *trunk || name.strip_prefix("trunk:") == Some(trunk),
            Asker::Phone(phone) => &**name == "phones" || name.strip_prefix("phone:") == Some(phone),
        })
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
mod tests {
    use super::*;

    fn rule(name: &str, pattern: Pattern, from: &[&str]) -> Rule {
        Rule {
            name: name.into(),
            from: from.iter().map(|name| (*name).into()).collect(),
            pattern,
            to: Vec::new(),
            ring_timeout: None,
        }
    }

    fn index(rules: Vec<Rule>) -> DialplanIndex {
        let emergency = vec![Emergency { digits: "110".into(), to: Vec::new() }];
        DialplanIndex::new(Arc::new(Dialplan { rules, emergency, ..Dialplan::default() }))
    }

    fn exact(text: &str) -> Pattern {
        Pattern::Exact(text.into())
    }

    fn prefix(text: &str) -> Pattern {
        Pattern::Prefix(text.into())
    }

    const TOKYO: Wanted<'_> = Wanted { e164: Some("+81312345678"), digits: "0312345678" };

    #[track_caller]
    fn check(index: &DialplanIndex, wanted: Wanted<'_>, asker: Asker<'_>, expected: Option<&str>) {
        assert_eq!(index.find(wanted, asker).rule.map(|rule| &*rule.name), expected);
        let verdicts = index.verdicts(wanted, asker);
        let taken = verdicts.iter().find(|(_, verdict)| *verdict == Verdict::Taken).map(|(rule, _)| &*rule.name);
        assert_eq!(taken, expected, "explain says the same");
    }

    #[test]
    fn exact_before_longest_prefix_before_any_whatever_their_order() {
        let rules = vec![
            rule("any", Pattern::Any, &[]),
            rule("japan", prefix("+81*"), &[]),
            rule("tokyo", prefix("+813"), &[]),
            rule("desk", exact("+81312345678"), &[]),
        ];
        let index = index(rules);
        let from = Asker::Trunk("a");
        check(&index, TOKYO, from, Some("desk"));
        check(&index, Wanted { e164: Some("+81399999999"), digits: "0399999999" }, from, Some("tokyo"));
        check(&index, Wanted { e164: Some("+81669999999"), digits: "0669999999" }, from, Some("japan"));
        check(&index, Wanted { e164: None, digits: "alice" }, from, Some("any"));
    }

    #[test]
    fn a_rule_may_name_the_digits_as_received() {
        let index = index(vec![rule("national", prefix("03"), &[]), rule("short", exact("200"), &[])]);
        check(&index, TOKYO, Asker::Trunk("a"), Some("national"));
        check(&index, Wanted { e164: None, digits: "200" }, Asker::Phone("p"), Some("short"));
        check(&index, Wanted { e164: None, digits: "2001" }, Asker::Phone("p"), None);
    }

    #[test]
    fn a_rule_that_is_not_for_the_caller_is_passed_over_and_named() {
        let rules = vec![
            rule("desk for b", exact("+81312345678"), &["b"]),
            rule("for phones", prefix("+81"), &["phones"]),
            rule("rest", Pattern::Any, &["a", "b"]),
        ];
        let index = index(rules);
        check(&index, TOKYO, Asker::Trunk("a"), Some("rest"));
        check(&index, TOKYO, Asker::Trunk("b"), Some("desk for b"));
        check(&index, TOKYO, Asker::Phone("alice"), Some("for phones"));
        check(&index, TOKYO, Asker::Trunk("c"), None);
        let found = index.find(TOKYO, Asker::Trunk("c"));
        assert_eq!(
            found.not_for_caller.iter().map(|rule| &*rule.name).collect::<Vec<_>>(),
            ["desk for b", "for phones", "rest"]
        );
    }

    #[test]
    fn among_equals_the_first_in_the_files_is_taken_and_outranks_the_other() {
        let index = index(vec![rule("one", exact("200"), &[]), rule("two", exact("200"), &[])]);
        let wanted = Wanted { e164: None, digits: "200" };
        check(&index, wanted, Asker::Phone("p"), Some("one"));
        assert_eq!(index.verdicts(wanted, Asker::Phone("p"))[1].1, Verdict::Outranked("one"));
    }

    #[test]
    fn an_emergency_string_is_known_by_its_digits() {
        let index = index(Vec::new());
        assert!(index.emergency(Wanted { e164: None, digits: "110" }).is_some());
        assert!(index.emergency(Wanted { e164: None, digits: "1101" }).is_none());
    }

    #[test]
    fn digits_that_are_no_digits_do_no_harm() {
        let index = index(vec![rule("p", prefix("日本"), &[]), rule("any", Pattern::Any, &[])]);
        check(&index, Wanted { e164: None, digits: "日x" }, Asker::Phone("p"), Some("any"));
        check(&index, Wanted { e164: None, digits: "" }, Asker::Phone("p"), Some("any"));
    }
}
