//! Numbers of many countries in every format that a trunk may have, compared with libphonenumber.

use super::country::Country;
use super::kind::Kind;
use super::plan::{self, NotANumber, Written};
use crate::base::e164::E164;
use crate::domain::trunk::number_rules::{Letters, to_e164, write};
use crate::domain::trunk::settings::{NumberFormat, NumberRules};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// One line of the table, under the rules of its country.
struct Case {
    country: Country,
    rules: NumberRules,
    written: String,
    number: E164,
    kind: Kind,
}

struct Table {
    cases: Vec<Case>,
    /// Numbers that their plan does not have.
    wrong: Vec<E164>,
}

fn table() -> Table {
    let mut table = Table { cases: Vec::new(), wrong: Vec::new() };
    let mut under: Option<(Country, NumberRules)> = None;
    let text = include_str!("../../../tests/data/numbers.txt");
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["rules", country, code, national, international] = words[..] {
            under = Some((Country::parse(country).expect(line), rules(code, national, international)));
        } else if let ["!", number] = words[..] {
            table.wrong.push(E164::parse(number).expect(line));
        } else {
            let (country, rules) = under.clone().expect("rules come first");
            let [ref written @ .., number, kind] = words[..] else { panic!("{line}") };
            let (number, kind) = (E164::parse(number).expect(line), Kind::parse(kind).expect(line));
            table.cases.push(Case { country, rules, written: written.join(" "), number, kind });
        }
    }
    table
}

fn rules(code: &str, national: &str, international: &str) -> NumberRules {
    let prefix = |text: &str| Box::from(text.trim_matches('-'));
    NumberRules {
        country: code.into(),
        national_prefix: prefix(national),
        international_prefix: prefix(international),
        tech_prefix_in: "".into(),
        tech_prefix_out: "".into(),
        format_out: NumberFormat::E164,
    }
}

/// All at once, so that a table that differs shows every line that does.
#[track_caller]
fn all(faults: Vec<String>) {
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_table_is_as_wide_as_it_should_be() {
    let table = table();
    let countries: BTreeSet<Country> = table.cases.iter().map(|case| case.country).collect();
    let kinds: BTreeSet<Kind> = table.cases.iter().map(|case| case.kind).collect();
    assert!(table.cases.len() >= 200 && countries.len() >= 20, "{} of {}", table.cases.len(), countries.len());
    assert!(kinds.len() >= 10, "{kinds:?}");
}

#[test]
fn each_number_is_of_its_country_and_kind() {
    let faults = table().cases.into_iter().filter_map(|case| {
        let class = plan::classify(&case.number);
        let is_right = class.country == Some(case.country) && class.kind == case.kind && class.is_valid;
        (!is_right).then(|| format!("{} {}: {class:?}", case.number, case.kind))
    });
    all(faults.collect());
}

#[test]
fn a_number_that_its_plan_has_not_is_known_as_such() {
    for number in table().wrong {
        assert!(!plan::classify(&number).is_valid, "{number}");
    }
}

#[test]
fn what_is_written_at_home_is_read_as_libphonenumber_reads_it() {
    let faults = table().cases.into_iter().filter_map(|case| {
        let theirs = plan::read(&case.written, Written::Locally(case.country));
        let written = with_prefix(&case);
        let ours = to_e164(&written, &case.rules, Letters::AreKeys);
        let is_right = theirs == Ok(case.number) && ours == Ok(case.number);
        (!is_right).then(|| format!("{} is {}: theirs {theirs:?}, ours {ours:?}", case.written, case.number))
    });
    all(faults.collect());
}

/// Some numbers are called without the national prefix that a carrier always writes.
fn with_prefix(case: &Case) -> String {
    let digits: String = case.written.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let prefix = &*case.rules.national_prefix;
    if prefix.is_empty() || digits.starts_with(prefix) || prefix == "1" {
        return case.written.clone();
    }
    format!("{prefix}{}", case.written)
}

#[test]
fn each_number_comes_back_from_every_format_of_every_country() {
    let table = table();
    let mut everywhere: Vec<NumberRules> = table.cases.iter().map(|case| case.rules.clone()).collect();
    everywhere.dedup();
    let formats = [NumberFormat::E164, NumberFormat::Digits, NumberFormat::National, NumberFormat::AsReceived];
    let mut faults = Vec::new();
    for case in &table.cases {
        for rules in &everywhere {
            for (format_out, tech) in formats.iter().flat_map(|format| [(*format, ""), (*format, "99#")]) {
                let rules = NumberRules {
                    format_out,
                    tech_prefix_out: tech.into(),
                    tech_prefix_in: tech.into(),
                    ..rules.clone()
                };
                let sent = write(&case.number, &rules);
                let read = to_e164(&sent, &rules, Letters::AreNames);
                if read != Ok(case.number) || !sent.starts_with(tech) {
                    faults.push(format!("{} is sent as {sent} and read as {read:?} ({rules:?})", case.number));
                }
            }
        }
    }
    all(faults);
}

#[test]
fn at_home_a_number_is_sent_as_it_is_written_there() {
    let faults = table().cases.into_iter().filter_map(|case| {
        let rules = NumberRules { format_out: NumberFormat::National, ..case.rules.clone() };
        let sent = write(&case.number, &rules);
        let national = format!("{}{}", rules.national_prefix, case.number.digits().strip_prefix(&*rules.country)?);
        // Where that would be read as another number, the plus stays.
        let is_right = sent == national || sent == case.number.to_string();
        (!is_right).then(|| format!("{} is sent as {sent}", case.number))
    });
    all(faults.collect());
}

#[test]
fn what_is_no_number_is_told_from_what_is_not_in_the_plan() {
    let japan = Written::Locally(Country::parse("JP").expect("a country"));
    for (text, written, expected) in [
        ("", japan, NotANumber::Empty),
        ("hello", japan, NotANumber::Letters),
        ("03-1234-5678#", japan, NotANumber::Letters),
        ("03-1234", japan, NotANumber::TooShort),
        ("0312345678901234567", japan, NotANumber::TooLong),
        ("+99912345678", japan, NotANumber::NoSuchCountry),
        ("99912345678", Written::Internationally, NotANumber::NoSuchCountry),
        ("+1 111 555 0100", japan, NotANumber::NotInPlan),
    ] {
        assert_eq!(plan::read(text, written), Err(expected), "{text}");
    }
    assert_eq!(plan::read("81312345678", Written::Internationally).map(|n| n.to_string()), Ok("+81312345678".into()));
}

#[test]
fn universal_freephone_is_eight_digits_after_800() {
    let class = |text: &str| plan::classify(&E164::parse(text).expect("a number"));
    assert_eq!((class("+80012345678").kind, class("+80012345678").is_valid), (Kind::Uifn, true));
    assert!(!class("+8001234567").is_valid);
    assert_eq!(class("+80012345678").country, None);
}

proptest! {
    #[test]
    fn normalise_then_format_is_stable(digits in "[0-9+][0-9]{2,16}", at in 0..28usize, format in 0..3usize) {
        let table = table();
        let mut everywhere: Vec<NumberRules> = table.cases.into_iter().map(|case| case.rules).collect();
        everywhere.dedup();
        let format_out = [NumberFormat::E164, NumberFormat::Digits, NumberFormat::National][format];
        let rules = NumberRules { format_out, ..everywhere[at % everywhere.len()].clone() };
        if let Ok(number) = to_e164(&digits, &rules, Letters::AreNames) {
            let once = write(&number, &rules);
            prop_assert_eq!(to_e164(&once, &rules, Letters::AreNames), Ok(number));
            prop_assert_eq!(write(&number, &rules), once);
        }
    }

    #[test]
    fn nothing_that_somebody_writes_upsets_the_reader(text in "\\PC{0,40}", country in "[A-Z]{2}") {
        let country = Country::parse(&country).expect("two letters");
        let read = plan::read(&text, Written::Locally(country));
        if let Ok(number) = read {
            prop_assert!(plan::classify(&number).is_valid);
            prop_assert_eq!(plan::read(&number.to_string(), Written::Internationally), Ok(number));
        }
    }
}
