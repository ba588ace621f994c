//! Which proficiency a contact asks for, in up to five steps of which each may expire. Decides nothing; it is what was asked.

use crate::base::limits::{
    CRITERIA_CONDITIONS_MAX, CRITERIA_STEPS_MAX, PROFICIENCIES_MAX, PROFICIENCY_CHARS_MAX, PROFICIENCY_LEVEL_MAX,
};
use std::fmt;
use std::time::Duration;

/// One thing that an agent can do, and how well: an attribute, its value and a level from 1 to 5.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proficiency {
    pub attribute: Box<str>,
    pub value: Box<str>,
    pub level: u8,
}

/// At least `level` in one attribute's value. There is no other operator (`NumberGreaterOrEqualTo`).
pub type Condition = Proficiency;

/// What an agent must fulfil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// One condition, or up to eight that all must hold.
    All(Vec<Condition>),
    /// One of two.
    Any([Condition; 2]),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CriteriaStep {
    pub expression: Expression,
    /// After this the next step holds; `None`: until somebody is found. After the last step anybody of the queue will do.
    pub expires: Option<Duration>,
}

/// One to five steps that have been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criteria {
    steps: Vec<CriteriaStep>,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepStatus {
    /// Its turn has not come.
    Inactive,
    Active,
    Expired,
    /// The contact was joined to an agent while it was active.
    Joined,
    /// The contact left the queue while it was active.
    Interrupted,
    /// Other criteria took the place of these.
    Deactivated,
}

impl StepStatus {
    pub fn name(self) -> &'static str {
        match self {
            StepStatus::Inactive => "INACTIVE",
            StepStatus::Active => "ACTIVE",
            StepStatus::Expired => "EXPIRED",
            StepStatus::Joined => "JOINED",
            StepStatus::Interrupted => "INTERRUPTED",
            StepStatus::Deactivated => "DEACTIVATED",
        }
    }
}

/// Why criteria or proficiencies are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CriteriaFault {
    NoSteps,
    TooManySteps,
    NoConditions,
    TooManyConditions,
    /// A level is 1 to 5.
    Level,
    /// 1 to 64 letters, digits, spaces and `_ . : / = + - @ '`.
    Word,
    /// Only the last step may be without an end.
    NeverExpires {
        step: usize,
    },
    TooManyProficiencies,
    /// The same attribute and value twice.
    Twice,
    /// `NumberGreaterOrEqualTo` is the only one.
    Operator,
    /// An expiry is a whole number of seconds.
    Expiry,
}

impl fmt::Display for CriteriaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CriteriaFault::NoSteps => f.write_str("criteria need at least one step"),
            CriteriaFault::TooManySteps => write!(f, "criteria have at most {CRITERIA_STEPS_MAX} steps"),
            CriteriaFault::NoConditions => f.write_str("a step needs a condition"),
            CriteriaFault::TooManyConditions => {
                write!(f, "a step has at most {CRITERIA_CONDITIONS_MAX} conditions that all must hold")
            }
            CriteriaFault::Level => write!(f, "a level is 1 to {PROFICIENCY_LEVEL_MAX}"),
            CriteriaFault::Word => {
                write!(
                    f,
                    "a name or value has 1 to {PROFICIENCY_CHARS_MAX} letters, digits, spaces and _ . : / = + - @ '"
                )
            }
            CriteriaFault::NeverExpires { step } => {
                write!(f, "step {} never expires, so that those after it are never reached", step + 1)
            }
            CriteriaFault::TooManyProficiencies => {
                write!(f, "an agent has at most {PROFICIENCIES_MAX} proficiencies")
            }
            CriteriaFault::Operator => f.write_str("the only operator is NumberGreaterOrEqualTo"),
            CriteriaFault::Expiry => f.write_str("an expiry is a whole number of seconds"),
            CriteriaFault::Twice => f.write_str("the same attribute and value stand there twice"),
        }
    }
}

impl Proficiency {
    pub fn new(attribute: &str, value: &str, level: u8) -> Result<Proficiency, CriteriaFault> {
        if !is_word(attribute) || !is_word(value) {
            return Err(CriteriaFault::Word);
        }
        if level == 0 || level > PROFICIENCY_LEVEL_MAX {
            return Err(CriteriaFault::Level);
        }
        Ok(Proficiency { attribute: attribute.into(), value: value.into(), level })
    }
}

fn is_word(text: &str) -> bool {
    let is_fit = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@'".contains(c);
    !text.is_empty() && text.chars().count() <= PROFICIENCY_CHARS_MAX && text.chars().all(is_fit)
}

/// Sorted and without doubles, as an agent has them.
pub fn proficiencies(mut all: Vec<Proficiency>) -> Result<Vec<Proficiency>, CriteriaFault> {
    if all.len() > PROFICIENCIES_MAX {
        return Err(CriteriaFault::TooManyProficiencies);
    }
    all.sort();
    let is_double = all
        .iter()
        .zip(all.iter().skip(1))
        .any(|(one, next)| one.attribute == next.attribute && one.value == next.value);
    if is_double { Err(CriteriaFault::Twice) } else { Ok(all) }
}

impl Criteria {
    pub fn new(steps: Vec<CriteriaStep>) -> Result<Criteria, CriteriaFault> {
        if steps.is_empty() {
            return Err(CriteriaFault::NoSteps);
        }
        if steps.len() > CRITERIA_STEPS_MAX {
            return Err(CriteriaFault::TooManySteps);
        }
        for (at, step) in steps.iter().enumerate() {
            if let Expression::All(conditions) = &step.expression {
                if conditions.is_empty() {
                    return Err(CriteriaFault::NoConditions);
                }
                if conditions.len() > CRITERIA_CONDITIONS_MAX {
                    return Err(CriteriaFault::TooManyConditions);
                }
            }
            if step.expires.is_none() && at + 1 < steps.len() {
                return Err(CriteriaFault::NeverExpires { step: at });
            }
        }
        Ok(Criteria { steps })
    }

    pub fn steps(&self) -> &[CriteriaStep] {
        &self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(level: u8, expires: Option<u64>) -> CriteriaStep {
        let condition = Proficiency::new("language", "ja", level).expect("a condition");
        CriteriaStep { expression: Expression::All(vec![condition]), expires: expires.map(Duration::from_secs) }
    }

    #[test]
    fn criteria_are_one_to_five_steps_of_which_the_last_may_never_expire() {
        assert_eq!(Criteria::new(Vec::new()), Err(CriteriaFault::NoSteps));
        assert_eq!(Criteria::new(vec![step(5, Some(10)); 6]), Err(CriteriaFault::TooManySteps));
        let five = Criteria::new([vec![step(5, Some(10)); 4], vec![step(1, None)]].concat());
        assert_eq!(five.map(|criteria| criteria.steps().len()), Ok(5));
        let endless = Criteria::new(vec![step(5, None), step(1, None)]);
        assert_eq!(endless, Err(CriteriaFault::NeverExpires { step: 0 }));
    }

    #[test]
    fn a_step_asks_for_at_most_eight_things_at_once() {
        let nine = vec![Proficiency::new("language", "ja", 1).expect("a condition"); 9];
        let step = |conditions| CriteriaStep { expression: Expression::All(conditions), expires: None };
        assert_eq!(Criteria::new(vec![step(nine.clone())]), Err(CriteriaFault::TooManyConditions));
        assert_eq!(Criteria::new(vec![step(Vec::new())]), Err(CriteriaFault::NoConditions));
        assert!(Criteria::new(vec![step(nine.into_iter().take(8).collect())]).is_ok());
    }

    #[test]
    fn a_level_is_one_to_five_and_a_word_has_no_controls() {
        assert_eq!(Proficiency::new("language", "ja", 0), Err(CriteriaFault::Level));
        assert_eq!(Proficiency::new("language", "ja", 6), Err(CriteriaFault::Level));
        assert_eq!(Proficiency::new("", "ja", 3), Err(CriteriaFault::Word));
        assert_eq!(Proficiency::new("language", "j\r\na", 3), Err(CriteriaFault::Word));
        assert_eq!(Proficiency::new(&"x".repeat(65), "ja", 3), Err(CriteriaFault::Word));
        assert!(Proficiency::new("言語", "日本語 (関西)".trim_end_matches(" (関西)"), 3).is_ok());
    }

    #[test]
    fn an_agent_has_at_most_ten_proficiencies_and_none_twice() {
        let one = |value: &str, level| Proficiency::new("product", value, level).expect("a proficiency");
        let eleven = (0..11).map(|i| one(&i.to_string(), 3)).collect();
        assert_eq!(proficiencies(eleven), Err(CriteriaFault::TooManyProficiencies));
        assert_eq!(proficiencies(vec![one("a", 1), one("b", 2), one("a", 3)]), Err(CriteriaFault::Twice));
        assert!(proficiencies(vec![one("b", 1), one("a", 2)]).is_ok_and(|all| &*all[0].value == "a"));
    }
}
