//! Why the inventory does not do what was asked. One variant, one code, one sentence.

use crate::base::e164::NumberError;
use crate::domain::number::entry::Millis;
use crate::domain::number::key::Key;
use std::fmt;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// What was given is no number.
    NotANumber(NumberError),
    /// Its numbering plan has no such number.
    NotInPlan(Key),
    NotOurs(Key),
    AlreadyOurs(Key),
    CoolingDown {
        key: Key,
        until: Millis,
    },
    /// A claim that failed may be tried again after a day.
    RetryLater {
        key: Key,
        until: Millis,
    },
    QuotaReached {
        quota: u32,
    },
    /// Too many claims and releases within the window.
    Churn {
        most: u32,
        until: Millis,
    },
    /// A carrier, tag or account that is no word.
    NoWord(Box<str>),
    OneCarrier(Key),
    OnlyForUifn(Key),
    /// A short code or extension has no country to be carried from.
    KindDiffers {
        key: Key,
        kind: &'static str,
    },
    AliasUnknown(Key),
    AliasLoop(Key),
    AliasTooLong(Key),
    /// Another number leads here.
    AliasedBy {
        key: Key,
        by: Key,
    },
    NotAssigned(Key),
    NotInProgress(Key),
    NothingToChange(Key),
}

impl Refusal {
    /// The code in answers of the control socket.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::NotANumber(_) => "not_a_number",
            Refusal::NotInPlan(_) => "not_in_plan",
            Refusal::NotOurs(_) => "not_ours",
            Refusal::AlreadyOurs(_) => "already_ours",
            Refusal::CoolingDown { .. } => "cooling_down",
            Refusal::RetryLater { .. } => "retry_later",
            Refusal::QuotaReached { .. } => "quota_reached",
            Refusal::Churn { .. } => "churn",
            Refusal::NoWord(_) => "no_word",
            Refusal::OneCarrier(_) => "one_carrier",
            Refusal::OnlyForUifn(_) => "only_for_uifn",
            Refusal::KindDiffers { .. } => "kind_differs",
            Refusal::AliasUnknown(_) => "alias_unknown",
            Refusal::AliasLoop(_) => "alias_loop",
            Refusal::AliasTooLong(_) => "alias_too_long",
            Refusal::AliasedBy { .. } => "aliased",
            Refusal::NotAssigned(_) => "not_assigned",
            Refusal::NotInProgress(_) => "not_in_progress",
            Refusal::NothingToChange(_) => "nothing_to_change",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NotANumber(error) => f.write_str(match error {
                NumberError::Empty => "no number was given",
                NumberError::NotDigits => "this is no number: digits, with a plus first where it is a whole number",
                NumberError::TooShort => "this is no number: too few digits after the plus",
                NumberError::TooLong => {
                    "this is no number: a whole number begins with a plus and has at most 15 digits"
                }
                NumberError::LeadingZero => "this is no number: no country code begins with 0",
            }),
            Refusal::NotInPlan(key) => {
                write!(f, "the numbering plan of its country has no {key}; claim it with --anyway if it has")
            }
            Refusal::NotOurs(key) => write!(f, "{key} is not ours"),
            Refusal::AlreadyOurs(key) => write!(f, "{key} is ours already"),
            Refusal::CoolingDown { key, until } => write!(f, "{key} was released and rests until {}", Day(*until)),
            Refusal::RetryLater { key, until } => write!(f, "claiming {key} failed; try again after {}", Day(*until)),
            Refusal::QuotaReached { quota } => {
                write!(f, "all {quota} numbers of the quota are in use; raise `quota` in [numbers]")
            }
            Refusal::Churn { most, until } => {
                write!(f, "{most} claims and releases in 30 days are the most; the next claim after {}", Day(*until))
            }
            Refusal::NoWord(text) => {
                write!(f, "`{}` is no word: 1 to 64 letters, digits and . _ - + / : @", text.escape_debug())
            }
            Refusal::OneCarrier(key) => write!(f, "{key} is a DID, which one carrier carries"),
            Refusal::OnlyForUifn(key) => write!(f, "only a UIFN (+800) is routed by country, {key} is none"),
            Refusal::KindDiffers { key, kind } => write!(f, "{key} cannot be of the kind {kind}"),
            Refusal::AliasUnknown(key) => write!(f, "{key}, which it should lead to, is not ours"),
            Refusal::AliasLoop(key) => write!(f, "it would lead to itself by way of {key}"),
            Refusal::AliasTooLong(key) => write!(f, "the chain of numbers that lead to numbers is too long at {key}"),
            Refusal::AliasedBy { key, by } => write!(f, "{by} leads to {key}; unassign that first"),
            Refusal::NotAssigned(key) => write!(f, "{key} leads nowhere already"),
            Refusal::NotInProgress(key) => write!(f, "{key} is not in progress"),
            Refusal::NothingToChange(key) => write!(f, "nothing of {key} would change"),
        }
    }
}

/// A moment as `2026-11-21 18:05 UTC`.
pub struct Day(pub Millis);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0 / 1_000).unwrap_or(i64::MAX);
        match jiff::Timestamp::from_second(seconds) {
            Ok(at) => write!(f, "{}", at.strftime("%Y-%m-%d %H:%M UTC")),
            Err(_) => f.write_str("the end of time"),
        }
    }
}
