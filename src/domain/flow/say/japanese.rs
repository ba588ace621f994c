//! Japanese: the pieces of a value in order. What changes its sound beside another word is a piece of its own.

use super::{Written, date, in_fours, piece, telephone, time};
use crate::domain::flow::act::Spoken;
use crate::domain::flow::interface::Sound;

pub(super) fn say(how: &Spoken, value: &str) -> Option<Vec<Sound>> {
    let mut said = Vec::new();
    match how {
        Spoken::Number => {
            let number = Written::read(value)?;
            if number.is_negative {
                said.push(word("word/minus"));
            }
            cardinal(&mut said, number.whole);
            if !number.fraction.is_empty() {
                said.push(word("word/point"));
                said.extend(number.fraction.chars().map(|digit| word(format_args!("number/{digit}"))));
            }
        }
        Spoken::Digits => value.chars().try_for_each(|digit| key(&mut said, digit))?,
        Spoken::Telephone => number_of_telephone(&mut said, value)?,
        Spoken::Date => {
            let (year, month, day) = date(value)?;
            cardinal(&mut said, year);
            said.push(word("word/year"));
            said.push(word(format_args!("month/{month}")));
            said.push(word(format_args!("day/{day}")));
        }
        Spoken::Time => of_day(&mut said, time(value)?),
        Spoken::Money(currency) => money(&mut said, &Written::read(value)?, currency)?,
    }
    Some(said).filter(|said| !said.is_empty())
}

fn word(name: impl std::fmt::Display) -> Sound {
    piece("ja", name)
}

/// Four digits: each thousand, hundred and ten has one piece (sanbyaku, hassen), and a lone one is not said before them.
fn four(said: &mut Vec<Sound>, number: u64) {
    for unit in [1_000, 100, 10, 1] {
        let digit = number / unit % 10;
        if digit > 0 {
            said.push(word(format_args!("number/{}", digit * unit)));
        }
    }
}

fn cardinal(said: &mut Vec<Sound>, number: u64) {
    if number == 0 {
        return said.push(word("number/0"));
    }
    for (unit, name) in [(100_000_000, "word/oku"), (10_000, "word/man")] {
        let count = number / unit % 10_000;
        if (1_000..2_000).contains(&count) {
            // Issen, where more follows; sen alone elsewhere.
            said.push(word("number/1000-many"));
            four(said, count - 1_000);
        } else {
            four(said, count);
        }
        if count > 0 {
            said.push(word(name));
        }
    }
    four(said, number % 10_000);
}

fn key(said: &mut Vec<Sound>, key: char) -> Option<()> {
    said.push(match key {
        '0'..='9' => word(format_args!("number/{key}")),
        '*' => word("word/star"),
        '#' => word("word/sharp"),
        '+' => word("word/plus"),
        ' ' | '-' => Sound::Silence(super::BREATH),
        _ => return None,
    });
    Some(())
}

/// As at home where it is one of Japan; "no" between the groups.
fn number_of_telephone(said: &mut Vec<Sound>, value: &str) -> Option<()> {
    let (has_plus, digits) = telephone(value)?;
    let national = digits.strip_prefix("81").filter(|_| has_plus).map(|own| format!("0{own}"));
    if has_plus && national.is_none() {
        key(said, '+')?;
    }
    let digits = national.unwrap_or(digits);
    let is_free_dial = digits.len() == 10 && digits.starts_with("0120");
    let groups = match (digits.get(..4), digits.get(4..7), digits.get(7..)) {
        (Some(prefix), Some(first), Some(last)) if is_free_dial => vec![prefix, first, last],
        _ => in_fours(&digits),
    };
    for (at, group) in groups.into_iter().enumerate() {
        if at > 0 {
            said.push(word("word/no"));
        }
        group.chars().try_for_each(|digit| key(said, digit))?;
    }
    Some(())
}

fn of_day(said: &mut Vec<Sound>, (hour, minute): (u64, u64)) {
    said.push(word(if hour < 12 { "word/gozen" } else { "word/gogo" }));
    said.push(word(format_args!("hour/{}", hour % 12)));
    match (minute / 10 * 10, minute % 10) {
        (0, 0) => {}
        (tens, 0) => said.push(word(format_args!("minute/{tens}"))),
        (0, ones) => said.push(word(format_args!("minute/{ones}"))),
        (tens, ones) => {
            said.push(word(format_args!("number/{tens}")));
            said.push(word(format_args!("minute/{ones}")));
        }
    }
}

fn money(said: &mut Vec<Sound>, amount: &Written<'_>, currency: &str) -> Option<()> {
    let (unit, hundredth) = match currency {
        "JPY" => ("yen", ""),
        "USD" | "AUD" | "CAD" | "NZD" | "SGD" | "HKD" => ("dollar", "cent"),
        "EUR" => ("euro", "cent"),
        "GBP" => ("pound", "penny"),
        _ => return None,
    };
    let name = |name: &str| word(format_args!("money/{name}"));
    let parts = if hundredth.is_empty() { 0 } else { amount.hundredths() };
    if amount.is_negative {
        said.push(word("word/minus"));
    }
    if amount.whole > 0 || parts == 0 {
        if unit == "yen" && amount.whole % 10 == 4 {
            // Yoen, whatever stands before it.
            if amount.whole > 4 {
                cardinal(said, amount.whole - 4);
            }
            said.push(name("yen-4"));
        } else {
            cardinal(said, amount.whole);
            said.push(name(unit));
        }
    }
    if parts > 0 {
        cardinal(said, parts);
        said.push(name(hundredth));
    }
    Some(())
}
