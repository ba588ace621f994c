//! Which rule is taken, for whom, for which numbers, and when.

use super::*;
use crate::domain::hours::Hours;
use crate::domain::number::country::Country;
use crate::domain::number::kind::Kind;

fn rule(name: &str, pattern: Pattern, from: &[&str]) -> Rule {
    Rule {
        name: name.into(),
        from: from.iter().map(|name| (*name).into()).collect(),
        pattern,
        to: Vec::new(),
        ring_timeout: None,
        countries: Vec::new(),
        kinds: Vec::new(),
        hours: None,
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

const TOKYO: Wanted<'_> = Wanted { e164: Some("+81312345678"), digits: "0312345678", class: None, at: None };

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
    check(
        &index,
        Wanted { e164: Some("+81399999999"), digits: "0399999999", class: None, at: None },
        from,
        Some("tokyo"),
    );
    check(
        &index,
        Wanted { e164: Some("+81669999999"), digits: "0669999999", class: None, at: None },
        from,
        Some("japan"),
    );
    check(&index, Wanted { e164: None, digits: "alice", class: None, at: None }, from, Some("any"));
}

#[test]
fn a_rule_may_name_the_digits_as_received() {
    let index = index(vec![rule("national", prefix("03"), &[]), rule("short", exact("200"), &[])]);
    check(&index, TOKYO, Asker::Trunk("a"), Some("national"));
    check(&index, Wanted { e164: None, digits: "200", class: None, at: None }, Asker::Phone("p"), Some("short"));
    check(&index, Wanted { e164: None, digits: "2001", class: None, at: None }, Asker::Phone("p"), None);
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
    let wanted = Wanted { e164: None, digits: "200", class: None, at: None };
    check(&index, wanted, Asker::Phone("p"), Some("one"));
    assert_eq!(index.verdicts(wanted, Asker::Phone("p"))[1].1, Verdict::Outranked("one"));
}

#[test]
fn an_emergency_string_is_known_by_its_digits() {
    let index = index(Vec::new());
    assert!(index.emergency(Wanted { e164: None, digits: "110", class: None, at: None }).is_some());
    assert!(index.emergency(Wanted { e164: None, digits: "1101", class: None, at: None }).is_none());
}

#[test]
fn a_rule_may_be_for_countries_and_kinds_only() {
    let class = |country: &str, kind| Class { country: Country::parse(country), kind, is_valid: true };
    let only = |name: &str, country: &str, kinds: &[Kind]| Rule {
        countries: Country::parse(country).into_iter().collect(),
        kinds: kinds.to_vec(),
        ..rule(name, Pattern::Any, &[])
    };
    let index = index(vec![
        only("mobiles of Japan", "JP", &[Kind::Mobile]),
        only("Japan", "JP", &[]),
        only("mobiles", "", &[Kind::Mobile]),
        rule("rest", Pattern::Any, &[]),
    ]);
    assert!(index.has_conditions());
    let asker = Asker::Phone("p");
    let to = |class| Wanted { e164: Some("+1"), digits: "1", class, at: None };
    check(&index, to(Some(class("JP", Kind::Mobile))), asker, Some("mobiles of Japan"));
    check(&index, to(Some(class("JP", Kind::Fixed))), asker, Some("Japan"));
    check(&index, to(Some(class("US", Kind::FixedOrMobile))), asker, Some("mobiles"));
    check(&index, to(Some(class("DE", Kind::Fixed))), asker, Some("rest"));
    check(&index, to(None), asker, Some("rest"));
}

#[test]
fn a_rule_may_be_for_hours_when_somebody_is_there_or_nobody() {
    let open = crate::domain::hours::Range { from: 9 * 60, to: 17 * 60 };
    let book = HoursBook::new([Hours {
        name: "office".into(),
        zone: jiff::tz::TimeZone::UTC,
        week: std::array::from_fn(|_| vec![open]),
        holidays: Vec::new(),
        exceptions: Vec::new(),
    }]);
    let during = |name: &str, hours: &str, open| Rule {
        hours: Some(During { hours: hours.into(), open }),
        ..rule(name, Pattern::Any, &[])
    };
    let rules = vec![during("day", "office", true), during("night", "office", false), during("never", "gone", true)];
    let index = index(rules);
    let at = |hour: i64| Wanted { at: Some(At { hours: &book, unix: 1_700_006_400 + hour * 3_600 }), ..TOKYO };
    // 2023-11-15 00:00 UTC
    check(&index, at(10), Asker::Phone("p"), Some("day"));
    check(&index, at(20), Asker::Phone("p"), Some("night"));
    check(&index, TOKYO, Asker::Phone("p"), None);
}

#[test]
fn digits_that_are_no_digits_do_no_harm() {
    let index = index(vec![rule("p", prefix("日本"), &[]), rule("any", Pattern::Any, &[])]);
    check(&index, Wanted { e164: None, digits: "日x", class: None, at: None }, Asker::Phone("p"), Some("any"));
    check(&index, Wanted { e164: None, digits: "", class: None, at: None }, Asker::Phone("p"), Some("any"));
}
