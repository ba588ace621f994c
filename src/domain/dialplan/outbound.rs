//! Which numbers may be called out at all: countries, kinds and prefixes. Asks nobody who calls.

use crate::base::cause::Cause;
use crate::domain::number::country::Country;
use crate::domain::number::kind::Kind;
use crate::domain::number::plan::Class;
use std::collections::BTreeSet;
use std::fmt;

/// What configuration says of destinations. The default forbids nothing but UIFN, which only come in.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Outbound {
    /// Absent: every country.
    pub countries: Option<BTreeSet<Country>>,
    pub kinds_denied: BTreeSet<Kind>,
    /// Beginnings of numbers; the longest of `deny` and `allow` that fits decides before anything else.
    pub deny: Vec<Box<str>>,
    pub allow: Vec<Box<str>>,
    /// What is no number is refused as well: it might be one that our rules could not read.
    pub only_numbers: bool,
}

/// Why a number cannot be called from here. It may well exist.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Forbidden {
    /// It is no number at all, as far as the caller's number rules tell.
    NotANumber,
    Prefix(Box<str>),
    Country(Option<Country>),
    Kind(Kind),
    /// Universal freephone numbers take calls and make none.
    Uifn,
}

/// Why a number may be called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Allowed {
    Prefix(Box<str>),
    Country(Option<Country>),
    /// No country is excluded.
    Everywhere,
    /// Digits that are no number, where those may pass.
    Digits,
}

impl Outbound {
    /// Judges one destination; `class` is that of `e164`.
    pub fn judge(&self, e164: Option<&str>, digits: &str, class: Option<Class>) -> Result<Allowed, Forbidden> {
        let longest = |list: &[Box<str>]| -> Option<Box<str>> {
            let fitting = list.iter().filter(|prefix| {
                e164.is_some_and(|number| number.starts_with(&***prefix)) || (e164.is_none() && digits == &***prefix)
            });
            fitting.max_by_key(|prefix| prefix.len()).cloned()
        };
        match (longest(&self.deny), longest(&self.allow)) {
            (Some(deny), Some(allow)) if deny.len() >= allow.len() => return Err(Forbidden::Prefix(deny)),
            (_, Some(allow)) => return Ok(Allowed::Prefix(allow)),
            (Some(deny), None) => return Err(Forbidden::Prefix(deny)),
            (None, None) => {}
        }
        let Some(class) = class else {
            return if self.only_numbers { Err(Forbidden::NotANumber) } else { Ok(Allowed::Digits) };
        };
        if class.kind == Kind::Uifn {
            return Err(Forbidden::Uifn);
        }
        if self.kinds_denied.contains(&class.kind) {
            return Err(Forbidden::Kind(class.kind));
        }
        match &self.countries {
            None => Ok(Allowed::Everywhere),
            Some(countries) if class.country.is_some_and(|country| countries.contains(&country)) => {
                Ok(Allowed::Country(class.country))
            }
            Some(_) => Err(Forbidden::Country(class.country)),
        }
    }
}

impl Forbidden {
    pub fn cause(&self) -> Cause {
        match self {
            Forbidden::NotANumber => Cause::NumberIncomplete,
            _ => Cause::NotAllowed,
        }
    }
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Forbidden::NotANumber => f.write_str("what was dialled is not a number"),
            Forbidden::Prefix(prefix) => write!(f, "not dialable here, because {prefix} is denied"),
            Forbidden::Country(Some(country)) => {
                write!(f, "not dialable here, because {country} is not among the allowed countries")
            }
            Forbidden::Country(None) => f.write_str("not dialable here, because its country cannot be told"),
            Forbidden::Kind(kind) => write!(f, "not dialable here, because {kind} numbers are denied"),
            Forbidden::Uifn => f.write_str("not dialable here, because universal freephone numbers only take calls"),
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allowed::Prefix(prefix) => write!(f, "destination allowed: {prefix} is"),
            Allowed::Country(Some(country)) => write!(f, "destination allowed: {country} is"),
            Allowed::Country(None) | Allowed::Everywhere => f.write_str("destination allowed: no country is excluded"),
            Allowed::Digits => f.write_str("destination allowed: digits that are no number may pass"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::e164::E164;
    use crate::domain::number::plan;

    /// What the model's Tokyo region allows by default.
    fn tokyo() -> Outbound {
        Outbound {
            countries: Some(["JP", "VN", "US"].into_iter().filter_map(Country::parse).collect()),
            kinds_denied: BTreeSet::from([Kind::Premium]),
            deny: ["+447", "+8170", "+8180", "+8190"].map(Box::from).to_vec(),
            allow: vec!["+819012345678".into(), "117".into()],
            only_numbers: true,
        }
    }

    #[track_caller]
    fn check(policy: &Outbound, dialled: &str, expected: Result<(), &str>) {
        let number = E164::parse(dialled).ok();
        let class = number.as_ref().map(plan::classify);
        let judged = policy.judge(number.map(|_| dialled), dialled, class);
        let told = judged.map(drop).map_err(|forbidden| forbidden.to_string());
        match expected {
            Ok(()) => assert_eq!(told, Ok(()), "{dialled}"),
            Err(part) => assert!(told.as_ref().is_err_and(|told| told.contains(part)), "{dialled}: {told:?}"),
        }
    }

    #[test]
    fn the_models_defaults_hold() {
        let policy = tokyo();
        check(&policy, "+81312345678", Ok(()));
        check(&policy, "+12125550100", Ok(()));
        check(&policy, "+84241234567", Ok(()));
        check(&policy, "+442071234567", Err("GB is not among"));
        check(&policy, "+447911123456", Err("+447 is denied"));
        check(&policy, "+819012345679", Err("+8190 is denied"));
        check(&policy, "+81990123456", Err("premium"));
        check(&policy, "+19005550100", Err("premium"));
        check(&policy, "+80012345678", Err("only take calls"));
        check(&policy, "+99912345678", Err("country cannot be told"));
    }

    #[test]
    fn the_longest_of_allow_and_deny_decides() {
        let policy = tokyo();
        check(&policy, "+819012345678", Ok(()));
        let mut policy = policy;
        policy.allow.push("+8190".into());
        check(&policy, "+819012345679", Err("+8190 is denied"));
        policy.allow.push("+44".into());
        check(&policy, "+442071234567", Ok(()));
        check(&policy, "+447911123456", Err("+447 is denied"));
    }

    #[test]
    fn what_is_no_number_passes_only_where_it_is_named() {
        check(&tokyo(), "117", Ok(()));
        check(&tokyo(), "0011442071234567", Err("not a number"));
        check(&Outbound::default(), "0011442071234567", Ok(()));
        check(&Outbound::default(), "+80012345678", Err("only take calls"));
    }
}
