//! Numbers, dates, times and money as both languages say them.

use super::*;

#[track_caller]
fn check(language: &str, how: Spoken, value: &str, expected: &str) {
    let said = say(&how, value, language).unwrap_or_else(|| panic!("{value} in {language} has no words"));
    let words: Vec<String> = said
        .iter()
        .map(|sound| match sound {
            Sound::Prompt(name) => name.split_once('/').map_or_else(String::new, |(_, name)| name.to_owned()),
            Sound::Silence(_) => ",".to_owned(),
            other => format!("{other:?}"),
        })
        .map(|name| name.trim_start_matches("number/").trim_start_matches("word/").to_owned())
        .collect();
    assert_eq!(words.join(" "), expected, "{value} in {language}");
}

fn money(currency: &str) -> Spoken {
    Spoken::Money(currency.into())
}

#[test]
fn numbers_in_english() {
    for (value, expected) in [
        ("0", "0"),
        ("7", "7"),
        ("20", "20"),
        ("21", "20 1"),
        ("110", "1 hundred 10"),
        ("342", "3 hundred 40 2"),
        ("1000", "1 thousand"),
        ("12345", "12 thousand 3 hundred 40 5"),
        ("1000001", "1 million 1"),
        ("999999999999", "9 hundred 90 9 billion 9 hundred 90 9 million 9 hundred 90 9 thousand 9 hundred 90 9"),
        ("-3.05", "minus 3 point 0 5"),
    ] {
        check("en-US", Spoken::Number, value, expected);
    }
}

#[test]
fn numbers_in_japanese_change_their_sound() {
    for (value, expected) in [
        ("0", "0"),
        ("10", "10"),
        ("300", "300"),
        ("1000", "1000"),
        ("1111", "1000 100 10 1"),
        ("8600", "8000 600"),
        ("10000", "1 man"),
        ("10000000", "1000-many man"),
        ("12345678", "1000-many 200 30 4 man 5000 600 70 8"),
        ("300000000", "3 oku"),
        ("2.5", "2 point 5"),
    ] {
        check("ja-JP", Spoken::Number, value, expected);
    }
}

#[test]
fn dates_and_times() {
    check("en", Spoken::Date, "2026-11-21", "month/11 day/21 20 20 6");
    check("en", Spoken::Date, "2005-01-01", "month/1 day/1 2 thousand 5");
    check("en", Spoken::Date, "1900-03-02", "month/3 day/2 19 hundred");
    check("en", Spoken::Date, "1905-03-02", "month/3 day/2 19 oh 5");
    check("en", Spoken::Date, "2000-02-29", "month/2 day/29 2 thousand");
    check("en", Spoken::Time, "00:00", "12 am");
    check("en", Spoken::Time, "17:05", "5 oh 5 pm");
    check("en", Spoken::Time, "12:30:59", "12 30 pm");
    check("ja", Spoken::Date, "2026-04-20", "2000 20 6 year month/4 day/20");
    check("ja", Spoken::Time, "04:07", "gozen hour/4 minute/7");
    check("ja", Spoken::Time, "12:20", "gogo hour/0 minute/20");
    check("ja", Spoken::Time, "21:34", "gogo hour/9 30 minute/4");
}

#[test]
fn money_has_its_units() {
    check("en", money("USD"), "12.50", "12 money/dollars and 50 money/cents");
    check("en", money("USD"), "1", "1 money/dollar");
    check("en", money("GBP"), "0.01", "1 money/penny");
    check("en", money("EUR"), "0", "0 money/euros");
    check("en", money("JPY"), "1980", "1 thousand 9 hundred 80 money/yen");
    check("ja", money("JPY"), "1980", "1000 900 80 money/yen");
    check("ja", money("JPY"), "14", "10 money/yen-4");
    check("ja", money("JPY"), "4", "money/yen-4");
    check("ja", money("USD"), "3.25", "3 money/dollar 20 5 money/cent");
}

#[test]
fn telephone_numbers_come_in_groups() {
    check("en", Spoken::Telephone, "+14155552671", "plus 1 , 4 1 5 , 5 5 5 , 2 6 7 1");
    check("en", Spoken::Telephone, "+442071838750", "plus 4 4 2 0 , 7 1 8 3 , 8 7 5 0");
    check("ja", Spoken::Telephone, "+81312345678", "0 3 no 1 2 3 4 no 5 6 7 8");
    check("ja", Spoken::Telephone, "090-1234-5678", "0 9 0 no 1 2 3 4 no 5 6 7 8");
    check("ja", Spoken::Telephone, "0120123456", "0 1 2 0 no 1 2 3 no 4 5 6");
    check("ja", Spoken::Digits, "10#", "1 0 sharp");
}

#[test]
fn what_the_rules_cannot_read_is_left_to_others() {
    for (how, value) in [
        (Spoken::Number, "many"),
        (Spoken::Number, "1000000000000"),
        (Spoken::Date, "2026-02-30"),
        (Spoken::Date, "21.11.2026"),
        (Spoken::Time, "24:00"),
        (money("ZZZ"), "1"),
        (Spoken::Digits, "12a"),
        (Spoken::Telephone, "sip:alice"),
        (Spoken::Number, ""),
    ] {
        assert_eq!(say(&how, value, "en"), None, "{value}");
    }
    assert_eq!(say(&Spoken::Number, "1", "de"), None);
}
