//! What can be wrong with a flow, as values that name step and key, and in words with the remedy. Knows no file and no line.

use crate::domain::flow::act::Act;
use crate::domain::flow::definition::{Kind, Outcome};
use std::fmt;

/// One fault. Whoever read the file adds the place.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowFault {
    /// `None`: of the flow itself.
    pub step: Option<Box<str>>,
    /// As the file writes it, below the step or `[flow]`: `on.error`, `keys.1`, `when[2].to`, `sounds[0]`, `start`.
    /// Empty: the step as a whole. `sounds[0]` is also what stands in `say`, `prompt` or `ssml`.
    pub key: Box<str>,
    pub kind: FaultKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    NoSteps,
    TooManySteps(usize),
    BadName {
        letter: char,
    },
    NoName,
    NameTooLong(usize),
    StepTwice,
    NoSuchStep(Box<str>),
    /// With those that there are.
    NoSuchOutcome(Vec<Outcome>),
    NotWired(Outcome),
    WiredTwice(Outcome),
    NotAllowed {
        act: &'static str,
        kind: Kind,
    },
    /// With the kinds that may.
    NeverReached,
    /// Steps that lead to each other without anything being waited for.
    Circle(Vec<Box<str>>),
    NeverEnds,
    NeverReturns,
    Empty(&'static str),
    OutOfRange {
        least: Box<str>,
        most: Box<str>,
    },
    SharesOver(u32),
    KeyTwice(char),
    StarErases,
    NotKeys,
    TooLong {
        most: usize,
    },
    ReadBackOfSecret,
    NotACountry,
    NotALanguage,
    NotAVoice,
    NotAnAddress,
    BadAttribute,
    NotSettable,
    UnknownReference {
        reference: Box<str>,
        known: Vec<&'static str>,
    },
    NotKnownHere {
        reference: Box<str>,
        kind: Kind,
    },
    NeverSet {
        reference: Box<str>,
        by: &'static str,
    },
    OnlyInQueue,
    FlowTwice,
    NoSuchFlow(Box<str>),
    WrongKind {
        flow: Box<str>,
        kind: Kind,
        wanted: Vec<Kind>,
    },
}

impl FlowFault {
    pub fn of_flow(key: &str, kind: FaultKind) -> FlowFault {
        FlowFault { step: None, key: key.into(), kind }
    }

    pub fn of_step(step: &str, key: &str, kind: FaultKind) -> FlowFault {
        FlowFault { step: Some(step.into()), key: key.into(), kind }
    }
}

/// Where a file wires an outcome.
pub fn key_of(act: &Act, outcome: Outcome) -> String {
    let Outcome::Choice(at) = outcome else { return format!("on.{}", outcome.name()) };
    match act {
        Act::Ask(ask) => match ask.choices.get(usize::from(at)) {
            Some(key) => format!("keys.{}", key.as_char()),
            None => "keys".to_owned(),
        },
        Act::Distribute(_) => format!("shares[{at}].to"),
        _ => format!("when[{at}].to"),
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultKind::NoSteps => f.write_str("a flow has at least one step"),
            FaultKind::TooManySteps(most) => write!(f, "a flow has at most {most} steps; put some into a module"),
            FaultKind::BadName { letter } => write!(f, "a name has no `{}`", letter.escape_debug()),
            FaultKind::NoName => f.write_str("a name has at least one letter"),
            FaultKind::NameTooLong(most) => write!(f, "a name has at most {most} letters"),
            FaultKind::StepTwice => f.write_str("there is another step of this name"),
            FaultKind::NoSuchStep(name) => write!(f, "there is no step `{name}`"),
            FaultKind::NoSuchOutcome(known) if known.is_empty() => f.write_str("this step has no outcomes"),
            FaultKind::NoSuchOutcome(known) => write!(f, "no such outcome; this step has {}", outcome_names(known)),
            FaultKind::NotWired(outcome) => write!(f, "the outcome `{}` leads nowhere; name a step", outcome.name()),
            FaultKind::WiredTwice(outcome) => write!(f, "the outcome `{}` leads to two places", outcome.name()),
            FaultKind::NotAllowed { act, kind } => write!(f, "`{act}` is not for flows of kind {}", kind.name()),
            FaultKind::NeverReached => f.write_str("no step leads here; wire it or take it out"),
            FaultKind::Circle(steps) => {
                write!(f, "this goes round without waiting for anything: {}; put a wait or a loop in", steps.join(", "))
            }
            FaultKind::NeverEnds => {
                f.write_str("no step ends this flow; let one lead to `hang-up`, `end`, `queue` or a transfer")
            }
            FaultKind::NeverReturns => f.write_str("no step that is reached is a `return`"),
            FaultKind::Empty(what) => write!(f, "{what}"),
            FaultKind::OutOfRange { least, most } => write!(f, "from {least} to {most}"),
            FaultKind::SharesOver(sum) => write!(f, "the shares are {sum} per cent together; at most 100"),
            FaultKind::KeyTwice(key) => write!(f, "the key {key} is there twice"),
            FaultKind::StarErases => {
                f.write_str("`*` erases what was keyed: a terminator with it needs `cancel_key = false`")
            }
            _ => self.fmt_rest(f),
        }
    }
}

impl FaultKind {
    fn fmt_rest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultKind::NotKeys => f.write_str("only 0 to 9, *, #, A to D and, for a pause, the comma"),
            FaultKind::TooLong { most } => write!(f, "at most {most} letters"),
            FaultKind::ReadBackOfSecret => {
                f.write_str("what is encrypted cannot be read back; take out `confirm` or `encrypt`")
            }
            FaultKind::NotACountry => f.write_str("a country is two capital letters, as in \"JP\""),
            FaultKind::NotALanguage => f.write_str("a language is written as in \"ja-JP\""),
            FaultKind::NotAVoice => {
                f.write_str("a voice has letters, digits, `-`, `_`, `+`, `.` and spaces, 64 at most")
            }
            FaultKind::NotAnAddress => {
                f.write_str("an address begins with http:// or https:// and a host that is written out")
            }
            FaultKind::BadAttribute => {
                f.write_str("the name of an attribute has neither `$` nor `.`, and at least one letter")
            }
            FaultKind::NotSettable => {
                write!(f, "a flow may set {} only", crate::domain::flow::memory::SETTABLE.join(", "))
            }
            FaultKind::UnknownReference { reference, known } if known.is_empty() => {
                write!(f, "nothing is called {reference}")
            }
            FaultKind::UnknownReference { reference, known } => {
                write!(f, "nothing is called {reference}; there is {}", known.join(", "))
            }
            FaultKind::NotKnownHere { reference, kind } => {
                write!(f, "{reference} is not known in flows of kind {}", kind.name())
            }
            FaultKind::NeverSet { reference, by } => write!(f, "nothing in this flow sets {reference}; {by} does"),
            FaultKind::OnlyInQueue => f.write_str(
                "only a flow of kind customer-queue names the queue here; elsewhere `set-queue` comes before",
            ),
            FaultKind::FlowTwice => f.write_str("there is another flow of this name"),
            FaultKind::NoSuchFlow(name) => write!(f, "there is no flow `{name}`"),
            FaultKind::WrongKind { flow, kind, wanted } => {
                let wanted: Vec<&str> = wanted.iter().map(|kind| kind.name()).collect();
                write!(f, "the flow `{flow}` is of kind {}, and this needs {}", kind.name(), wanted.join(" or "))
            }
            other => fmt::Debug::fmt(other, f),
        }
    }
}

fn outcome_names(outcomes: &[Outcome]) -> String {
    let mut names: Vec<&str> = outcomes.iter().map(|outcome| outcome.name()).collect();
    names.dedup();
    names.join(", ")
}
