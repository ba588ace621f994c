//! Which number and name a call that goes out shows. Changes no header.

use crate::domain::dialplan::lookup::{Asker, names};
use crate::domain::number::country::Country;
use crate::domain::number::kind::Kind;
use crate::domain::number::plan::Class;
use std::fmt;

/// What configuration says of caller identities toward carriers. The default shows what the caller brought.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct CallerIds {
    /// Only numbers of the inventory may be shown for our own callers, and for calls that came without a number.
    pub only_owned: bool,
    /// The first that fits is taken.
    pub rules: Vec<CallerId>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct CallerId {
    pub name: Box<str>,
    /// Callers as in `Rule.from`; empty: all.
    pub from: Vec<Box<str>>,
    /// Destinations; empty: all.
    pub countries: Vec<Country>,
    /// E.164 with its plus.
    pub number: Box<str>,
    /// Shown as name; absent keeps the caller's own.
    pub display: Option<Box<str>>,
}

/// Who calls, as far as this matters.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    pub who: Asker<'a>,
    pub e164: Option<&'a str>,
    pub class: Option<Class>,
    pub is_hidden: bool,
}

/// What is shown instead of what the caller brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Shown<'a> {
    AsItIs,
    Instead { rule: &'a str, number: &'a str, display: Option<&'a str> },
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotShowable {
    /// The number is none of ours.
    NotOwned(Box<str>),
    /// Nothing was brought and no rule says what to show.
    Nothing,
    Uifn(Box<str>),
    /// Freephone numbers mean nothing abroad.
    TollFreeAbroad(Box<str>),
}

impl CallerIds {
    /// What a call to `to` shows. `owns` and `class_of` tell of a number written with its plus.
    pub fn shown<'a>(
        &'a self,
        caller: Caller<'_>,
        to: Option<Class>,
        owns: impl Fn(&str) -> bool,
        class_of: impl Fn(&str) -> Option<Class>,
    ) -> Result<Shown<'a>, NotShowable> {
        let goes_to = |rule: &CallerId| {
            rule.countries.is_empty() || to.and_then(|to| to.country).is_some_and(|to| rule.countries.contains(&to))
        };
        let rule = self.rules.iter().find(|rule| names(&rule.from, caller.who) && goes_to(rule));
        if let Some(rule) = rule {
            check(&rule.number, class_of(&rule.number), to)?;
            if self.only_owned && !owns(&rule.number) {
                return Err(NotShowable::NotOwned(rule.number.clone()));
            }
            return Ok(Shown::Instead { rule: &rule.name, number: &rule.number, display: rule.display.as_deref() });
        }
        if let Some(number) = caller.e164.filter(|_| !caller.is_hidden) {
            check(number, caller.class, to)?;
        }
        if !self.only_owned {
            return Ok(Shown::AsItIs);
        }
        match (caller.who, caller.e164) {
            // Whoever calls us from outside and is passed on stays who it is.
            (Asker::Trunk(_), Some(_)) if !caller.is_hidden => Ok(Shown::AsItIs),
            (Asker::Trunk(_), _) => Err(NotShowable::Nothing),
            (Asker::Phone(_), Some(number)) if owns(number) => Ok(Shown::AsItIs),
            (Asker::Phone(_), Some(number)) => Err(NotShowable::NotOwned(number.into())),
            (Asker::Phone(_), None) => Err(NotShowable::Nothing),
        }
    }
}

fn check(number: &str, class: Option<Class>, to: Option<Class>) -> Result<(), NotShowable> {
    let Some(class) = class else { return Ok(()) };
    let abroad = to.is_some_and(|to| to.country != class.country);
    match class.kind {
        Kind::Uifn => Err(NotShowable::Uifn(number.into())),
        Kind::TollFree if abroad => Err(NotShowable::TollFreeAbroad(number.into())),
        _ => Ok(()),
    }
}

impl fmt::Display for NotShowable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotShowable::NotOwned(number) => write!(f, "the caller's number {number} is none of ours"),
            NotShowable::Nothing => f.write_str("the caller has no number that may be shown"),
            NotShowable::Uifn(number) => write!(f, "{number} is universal freephone, which cannot be shown"),
            NotShowable::TollFreeAbroad(number) => write!(f, "{number} is freephone, which cannot be shown abroad"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::e164::E164;
    use crate::domain::number::plan;

    const OURS: &[&str] = &["+815012345600", "+81120123456", "+80012345678"];

    fn class_of(number: &str) -> Option<Class> {
        E164::parse(number).ok().as_ref().map(plan::classify)
    }

    fn rule(from: &str, country: &str, number: &str) -> CallerId {
        CallerId {
            name: "r".into(),
            from: if from.is_empty() { Vec::new() } else { vec![from.into()] },
            countries: Country::parse(country).into_iter().collect(),
            number: number.into(),
            display: Some("Offhook".into()),
        }
    }

    #[track_caller]
    fn check_shown(ids: &CallerIds, who: Asker<'_>, number: Option<&str>, to: &str, expected: &str) {
        let caller = Caller { who, e164: number, class: number.and_then(class_of), is_hidden: false };
        let shown = ids.shown(caller, class_of(to), |number| OURS.contains(&number), class_of);
        let told = match shown {
            Ok(Shown::AsItIs) => "as it is".to_owned(),
            Ok(Shown::Instead { number, .. }) => number.to_owned(),
            Err(why) => why.to_string(),
        };
        assert!(told.contains(expected), "{told}");
    }

    const ALICE: Asker<'_> = Asker::Phone("alice");
    const TOKYO: &str = "+81312345678";
    const NEW_YORK: &str = "+12125550100";

    #[test]
    fn only_our_own_numbers_are_shown_for_our_own_callers() {
        let ids = CallerIds { only_owned: true, rules: Vec::new() };
        check_shown(&ids, ALICE, Some("+815012345600"), TOKYO, "as it is");
        check_shown(&ids, ALICE, Some("+815099999999"), TOKYO, "none of ours");
        check_shown(&ids, ALICE, None, TOKYO, "no number");
        check_shown(&ids, Asker::Trunk("a"), Some("+12125550199"), TOKYO, "as it is");
        check_shown(&ids, Asker::Trunk("a"), None, TOKYO, "no number");
        check_shown(&CallerIds::default(), ALICE, None, TOKYO, "as it is");
    }

    #[test]
    fn the_first_rule_for_the_caller_and_the_country_is_taken() {
        let rules = vec![
            rule("phone:bob", "", "+815099999999"),
            rule("phones", "US", "+81120123456"),
            rule("", "", "+815012345600"),
        ];
        let ids = CallerIds { only_owned: true, rules };
        check_shown(&ids, ALICE, None, TOKYO, "+815012345600");
        check_shown(&ids, Asker::Phone("bob"), None, TOKYO, "none of ours");
        check_shown(&ids, ALICE, None, NEW_YORK, "cannot be shown abroad");
        check_shown(&ids, Asker::Trunk("a"), None, NEW_YORK, "+815012345600");
    }

    #[test]
    fn freephone_is_not_shown_where_it_means_nothing() {
        let ids = CallerIds::default();
        check_shown(&ids, ALICE, Some("+81120123456"), TOKYO, "as it is");
        check_shown(&ids, ALICE, Some("+81120123456"), NEW_YORK, "cannot be shown abroad");
        check_shown(&ids, ALICE, Some("+80012345678"), TOKYO, "universal");
    }
}
