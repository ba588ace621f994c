//! Values read out by the rules of a language, as pieces of the prompt library: numbers, digits, telephone numbers, dates, times, money.
//! Knows no audio.

mod english;
mod japanese;
#[cfg(test)]
mod tests;

use super::act::Spoken;
use super::interface::Sound;
use std::time::Duration;

/// Between groups of a telephone number.
const BREATH: Duration = Duration::from_millis(250);

/// The pieces, in order. `None`: the language has no rules here, or the value is none that they can read.
pub fn say(how: &Spoken, value: &str, language: &str) -> Option<Vec<Sound>> {
    let (value, primary) = (value.trim(), language.split(['-', '_']).next().unwrap_or_default());
    match primary.to_ascii_lowercase().as_str() {
        "en" => english::say(how, value),
        "ja" => japanese::say(how, value),
        _ => None,
    }
}

fn piece(language: &str, name: impl std::fmt::Display) -> Sound {
    Sound::Prompt(format!("{language}/{name}").into())
}

/// A number as it is written: its sign, its whole part, and the digits behind the point.
struct Written<'a> {
    is_negative: bool,
    whole: u64,
    fraction: &'a str,
}

impl<'a> Written<'a> {
    fn read(value: &'a str) -> Option<Written<'a>> {
        let (is_negative, rest) = value.strip_prefix('-').map_or((false, value), |rest| (true, rest));
        let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_number = !whole.is_empty() && is_digits(whole) && is_digits(fraction) && fraction.len() <= 9;
        let whole = whole.parse().ok().filter(|whole| *whole < TOO_LARGE)?;
        is_number.then_some(Written { is_negative, whole, fraction })
    }

    /// Hundredths, for money; what is finer is not said.
    fn hundredths(&self) -> u64 {
        let mut digits = self.fraction.bytes().map(|byte| u64::from(byte - b'0')).chain([0, 0]);
        digits.next().unwrap_or_default() * 10 + digits.next().unwrap_or_default()
    }
}

/// From here on a number is no amount that anybody says: twelve digits.
const TOO_LARGE: u64 = 1_000_000_000_000;

/// `2026-11-21`
fn date(value: &str) -> Option<(u64, u64, u64)> {
    let mut parts = value.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let (year, month, day) = (number(year)?, number(month)?, number(day)?);
    let is_date = parts.next().is_none()
        && (1..=9_999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=last_day(year, month)).contains(&day);
    is_date.then_some((year, month, day))
}

fn last_day(year: u64, month: u64) -> u64 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `17:05`, with seconds or without.
fn time(value: &str) -> Option<(u64, u64)> {
    let mut parts = value.split(':');
    let (hour, minute) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let is_rest_well = parts.next().is_none_or(|seconds| seconds.parse::<u8>().is_ok_and(|seconds| seconds < 60));
    (hour < 24 && minute < 60 && is_rest_well && parts.next().is_none()).then_some((hour, minute))
}

/// The digits of a telephone number in groups of four from its end, with what is left before them.
fn in_fours(digits: &str) -> Vec<&str> {
    let mut groups = Vec::new();
    let mut rest = digits;
    while rest.len() > 4 {
        let (before, four) = rest.split_at(rest.len() - 4);
        groups.push(four);
        rest = before;
    }
    groups.push(rest);
    groups.reverse();
    groups
}

/// Without what is written between the digits; whether a plus stood before them.
fn telephone(value: &str) -> Option<(bool, String)> {
    let (has_plus, rest) = value.strip_prefix('+').map_or((false, value), |rest| (true, rest));
    let is_written = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b' ' | b'(' | b')' | b'.' | b'/');
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty() && digits.len() <= 32 && rest.bytes().all(is_written)).then_some((has_plus, digits))
}
