//! English: the pieces of a value in order. American in its numbers, which leave out the "and".

use super::{BREATH, Written, date, piece, telephone, time};
use crate::domain::flow::act::Spoken;
use crate::domain::flow::interface::Sound;

pub(super) fn say(how: &Spoken, value: &str) -> Option<Vec<Sound>> {
    let mut said = Vec::new();
    match how {
        Spoken::Number => written(&mut said, &Written::read(value)?),
        Spoken::Digits => value.chars().try_for_each(|digit| key(&mut said, digit))?,
        Spoken::Telephone => number_of_telephone(&mut said, value)?,
        Spoken::Date => {
            let (year, month, day) = date(value)?;
            said.push(word(format_args!("month/{month}")));
            said.push(word(format_args!("day/{day}")));
            of_year(&mut said, year);
        }
        Spoken::Time => of_day(&mut said, time(value)?),
        Spoken::Money(currency) => money(&mut said, &Written::read(value)?, currency)?,
    }
    Some(said).filter(|said| !said.is_empty())
}

fn word(name: impl std::fmt::Display) -> Sound {
    piece("en", name)
}

fn small(said: &mut Vec<Sound>, number: u64) {
    match number {
        0 => {}
        1..=20 => said.push(word(format_args!("number/{number}"))),
        21..=99 => {
            said.push(word(format_args!("number/{}", number - number % 10)));
            small(said, number % 10);
        }
        _ => {
            small(said, number / 100 % 10);
            said.push(word("word/hundred"));
            small(said, number % 100);
        }
    }
}

fn cardinal(said: &mut Vec<Sound>, number: u64) {
    if number == 0 {
        return said.push(word("number/0"));
    }
    for (unit, name) in [(1_000_000_000, "word/billion"), (1_000_000, "word/million"), (1_000, "word/thousand")] {
        let count = number / unit % 1_000;
        if count > 0 {
            small(said, count);
            said.push(word(name));
        }
    }
    small(said, number % 1_000);
}

fn written(said: &mut Vec<Sound>, number: &Written<'_>) {
    if number.is_negative {
        said.push(word("word/minus"));
    }
    cardinal(said, number.whole);
    if !number.fraction.is_empty() {
        said.push(word("word/point"));
        said.extend(number.fraction.chars().map(|digit| word(format_args!("number/{digit}"))));
    }
}

fn key(said: &mut Vec<Sound>, key: char) -> Option<()> {
    said.push(match key {
        '0'..='9' => word(format_args!("number/{key}")),
        '*' => word("word/star"),
        '#' => word("word/pound-key"),
        '+' => word("word/plus"),
        ' ' | '-' => Sound::Silence(BREATH),
        _ => return None,
    });
    Some(())
}

fn number_of_telephone(said: &mut Vec<Sound>, value: &str) -> Option<()> {
    let (has_plus, digits) = telephone(value)?;
    let (code, own) = match digits.strip_prefix('1') {
        Some(own) if own.len() == 10 => (Some("1"), own),
        _ => (None, &*digits),
    };
    let mut groups: Vec<&str> = code.into_iter().collect();
    match own.len() {
        10 => groups.extend([own.get(..3), own.get(3..6), own.get(6..)].into_iter().flatten()),
        _ => groups.extend(super::in_fours(own)),
    }
    if has_plus {
        key(said, '+')?;
    }
    for (at, group) in groups.into_iter().enumerate() {
        if at > 0 {
            said.push(Sound::Silence(BREATH));
        }
        group.chars().try_for_each(|digit| key(said, digit))?;
    }
    Some(())
}

/// 1999 in two halves, 2005 as a number, 1905 with an "oh".
fn of_year(said: &mut Vec<Sound>, year: u64) {
    let (first, last) = (year / 100, year % 100);
    match (first, last) {
        (..10, _) | (_, 0) if !(11..20).contains(&first) => cardinal(said, year),
        (20, 1..=9) => cardinal(said, year),
        (_, 0) => {
            small(said, first);
            said.push(word("word/hundred"));
        }
        (_, 1..=9) => {
            small(said, first);
            said.push(word("word/oh"));
            small(said, last);
        }
        _ => {
            small(said, first);
            small(said, last);
        }
    }
}

fn of_day(said: &mut Vec<Sound>, (hour, minute): (u64, u64)) {
    small(said, if hour.is_multiple_of(12) { 12 } else { hour % 12 });
    match minute {
        0 => {}
        1..=9 => {
            said.push(word("word/oh"));
            small(said, minute);
        }
        _ => small(said, minute),
    }
    said.push(word(if hour < 12 { "word/am" } else { "word/pm" }));
}

fn money(said: &mut Vec<Sound>, amount: &Written<'_>, currency: &str) -> Option<()> {
    // One, several, and the same of the hundredth.
    let (one, several, hundredth, hundredths) = match currency {
        "USD" | "AUD" | "CAD" | "NZD" | "SGD" | "HKD" => ("dollar", "dollars", "cent", "cents"),
        "EUR" => ("euro", "euros", "cent", "cents"),
        "GBP" => ("pound", "pounds", "penny", "pence"),
        "JPY" => ("yen", "yen", "", ""),
        _ => return None,
    };
    let name = |name: &str| word(format_args!("money/{name}"));
    let parts = if hundredth.is_empty() { 0 } else { amount.hundredths() };
    if amount.is_negative {
        said.push(word("word/minus"));
    }
    if amount.whole > 0 || parts == 0 {
        cardinal(said, amount.whole);
        said.push(name(if amount.whole == 1 { one } else { several }));
    }
    if parts > 0 {
        if amount.whole > 0 {
            said.push(word("word/and"));
        }
        small(said, parts);
        said.push(name(if parts == 1 { hundredth } else { hundredths }));
    }
    Some(())
}
