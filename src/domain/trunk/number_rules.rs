//! Numbers as a peer writes them, to E.164 and back. Never touches names, short codes and extensions.

use super::settings::{NumberFormat, NumberRules};
use crate::base::e164::{E164, NumberError};
use crate::protocol::sip::message::text;
use crate::protocol::sip::message::uri::{Params, Scheme, Uri};
use std::borrow::Cow;

/// Why digits are kept as they were received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotE164 {
    /// A name, a feature code with `*` or `#`, or nothing.
    NotANumber,
    /// Fewer than five digits: an extension or a service code.
    Short,
    /// It lacks what the rules need to know its country.
    Ambiguous,
    /// It should be one and is not.
    Invalid(NumberError),
}

/// The user part of a URI, with what carriers hang on it kept apart (RFC 3966, RFC 4694).
#[derive(Clone, PartialEq, Debug)]
pub struct UserPart<'a> {
    /// Digits or name, escapes undone.
    pub digits: Cow<'a, str>,
    /// A country or area that the digits are local to, such as "+81"; or a domain.
    pub context: Option<&'a str>,
    /// Routing number of a ported number.
    pub routing_number: Option<&'a str>,
    /// The number portability database has been asked already.
    pub portability_asked: bool,
}

/// Whether letters between digits are keys of a telephone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Letters {
    AreNames,
    /// `1-800-EXAMPLE`: for numbers that somebody dials, never for who calls.
    AreKeys,
}

/// Digits of an extension or short code are fewer than this.
const DIGITS_MIN: usize = 5;
/// National numbers of the one closed plan whose national prefix is also its country code.
const NANP_COUNTRY: &str = "1";
const NANP_DIGITS: usize = 10;

impl<'a> UserPart<'a> {
    pub fn of(uri: &Uri<'a>) -> UserPart<'a> {
        let user = uri.user.unwrap_or_default();
        let (digits, own) = user.split_once(';').unwrap_or((user, ""));
        // A tel URI has them after the number, a sip URI inside its user part (RFC 3261 19.1.6).
        let params = if uri.scheme == Scheme::Tel && own.is_empty() { uri.params } else { Params(own) };
        UserPart {
            digits: text::percent_decoded(digits),
            context: params.value("phone-context"),
            routing_number: params.value("rn"),
            portability_asked: params.has("npdi"),
        }
    }

    pub fn to_e164(&self, rules: &NumberRules, letters: Letters) -> Result<E164, NotE164> {
        let Some(context) = self.context.filter(|context| context.starts_with('+') && !self.digits.starts_with('+'))
        else {
            return to_e164(&self.digits, rules, letters);
        };
        let local = digits_of(&self.digits, letters)?;
        let local = strip(&local, &rules.national_prefix).unwrap_or(&local);
        let context = digits_of(context, Letters::AreNames)?;
        from_digits(&format!("{}{local}", context.trim_start_matches('+')))
    }
}

/// What a peer's digits mean in E.164.
pub fn to_e164(received: &str, rules: &NumberRules, letters: Letters) -> Result<E164, NotE164> {
    let received = strip(received, &rules.tech_prefix_in).unwrap_or(received);
    let digits = digits_of(received, letters)?;
    if let Some(global) = digits.strip_prefix('+') {
        return from_digits(global);
    }
    if digits.len() < DIGITS_MIN {
        return Err(NotE164::Short);
    }
    let abroad = strip(&digits, &rules.international_prefix);
    let national = strip(&digits, &rules.national_prefix);
    // "0" and "010", "1" and "11": the longer prefix is meant.
    if let Some(global) = abroad.filter(|_| rules.international_prefix.len() >= rules.national_prefix.len()) {
        return from_digits(global);
    }
    match national {
        Some(_) if rules.country.is_empty() => Err(NotE164::Ambiguous),
        Some(national) => from_digits(&format!("{}{national}", rules.country)),
        None => abroad.map_or_else(|| bare(&digits, rules), from_digits),
    }
}

/// Digits without any prefix: with the country code in front, or national where national numbers have no prefix.
fn bare(digits: &str, rules: &NumberRules) -> Result<E164, NotE164> {
    let country = &*rules.country;
    if country == NANP_COUNTRY && digits.len() == NANP_DIGITS && !digits.starts_with(['0', '1']) {
        return from_digits(&format!("{country}{digits}"));
    }
    if rules.format_out == NumberFormat::Digits {
        return from_digits(digits);
    }
    if country.is_empty() {
        return Err(NotE164::Ambiguous);
    }
    if rules.national_prefix.is_empty() && country != NANP_COUNTRY {
        return from_digits(&format!("{country}{digits}"));
    }
    // A national number would have its prefix, so what begins with the country code is a whole number.
    if digits.starts_with(country) && digits.len() > country.len() + DIGITS_MIN {
        return from_digits(digits);
    }
    Err(NotE164::Ambiguous)
}

/// The user part that a peer understands. Where its format would be read as another number, the form with a plus is sent.
pub fn write(number: &E164, rules: &NumberRules) -> String {
    let out = &*rules.tech_prefix_out;
    let digits = number.digits();
    let text = match rules.format_out {
        NumberFormat::E164 | NumberFormat::AsReceived => return format!("{out}{number}"),
        NumberFormat::Digits => format!("{out}{digits}"),
        NumberFormat::National => match strip(digits, &rules.country) {
            Some(national) => format!("{out}{}{national}", rules.national_prefix),
            None if rules.international_prefix.is_empty() => return format!("{out}{number}"),
            None => format!("{out}{}{digits}", rules.international_prefix),
        },
    };
    let read = to_e164(strip(&text, out).unwrap_or(&text), &without_tech_prefix(rules), Letters::AreNames);
    if read == Ok(*number) { text } else { format!("{out}{number}") }
}

fn without_tech_prefix(rules: &NumberRules) -> Cow<'_, NumberRules> {
    if rules.tech_prefix_in.is_empty() {
        return Cow::Borrowed(rules);
    }
    Cow::Owned(NumberRules { tech_prefix_in: Box::from(""), ..rules.clone() })
}

/// The user part for a number that may not be E.164, or for a peer that wants it untouched.
pub fn user_part<'a>(number: Option<&E164>, received: &'a str, rules: &NumberRules) -> Cow<'a, str> {
    match number {
        Some(number) if rules.format_out != NumberFormat::AsReceived => Cow::Owned(write(number, rules)),
        _ if rules.tech_prefix_out.is_empty() || !is_dialled(received) => Cow::Borrowed(received),
        _ => Cow::Owned(format!("{}{received}", rules.tech_prefix_out)),
    }
}

/// Names get no technical prefix.
fn is_dialled(received: &str) -> bool {
    !received.is_empty() && received.bytes().all(|byte| byte.is_ascii_digit() || b"+*#-.()".contains(&byte))
}

fn strip<'a>(digits: &'a str, prefix: &str) -> Option<&'a str> {
    digits.strip_prefix(prefix).filter(|_| !prefix.is_empty())
}

fn from_digits(digits: &str) -> Result<E164, NotE164> {
    E164::from_digits(digits).map_err(NotE164::Invalid)
}

/// An optional plus and digits, without the separators of RFC 3966 section 5.1.1 and spaces.
fn digits_of(received: &str, letters: Letters) -> Result<Cow<'_, str>, NotE164> {
    let bare = received.strip_prefix('+').unwrap_or(received);
    if !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Cow::Borrowed(received));
    }
    let mut digits = String::with_capacity(received.len());
    for (index, byte) in received.bytes().enumerate() {
        match byte {
            b'+' if index == 0 => digits.push('+'),
            b'0'..=b'9' => digits.push(char::from(byte)),
            b'-' | b'.' | b'(' | b')' | b' ' => {}
            // A vanity number has its first digits as digits; "alice" and "a2" have not.
            b'a'..=b'z' | b'A'..=b'Z' if letters == Letters::AreKeys && digits.len() >= 3 => digits.push(key_of(byte)),
            _ => return Err(NotE164::NotANumber),
        }
    }
    if digits.trim_start_matches('+').is_empty() { Err(NotE164::NotANumber) } else { Ok(Cow::Owned(digits)) }
}

/// The key of a telephone that bears this letter (ITU-T E.161).
fn key_of(letter: u8) -> char {
    match letter.to_ascii_uppercase() {
        b'A'..=b'C' => '2',
        b'D'..=b'F' => '3',
        b'G'..=b'I' => '4',
        b'J'..=b'L' => '5',
        b'M'..=b'O' => '6',
        b'P'..=b'S' => '7',
        b'T'..=b'V' => '8',
        _ => '9',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(country: &str, national: &str, international: &str, format_out: NumberFormat) -> NumberRules {
        NumberRules {
            country: country.into(),
            national_prefix: national.into(),
            international_prefix: international.into(),
            tech_prefix_in: "".into(),
            tech_prefix_out: "".into(),
            format_out,
        }
    }

    fn japan() -> NumberRules {
        rules("81", "0", "010", NumberFormat::E164)
    }

    fn read(received: &str, rules: &NumberRules) -> Result<String, NotE164> {
        to_e164(received, rules, Letters::AreKeys).map(|number| number.to_string())
    }

    #[test]
    fn every_way_of_writing_a_number_means_the_same() {
        for written in
            ["+81312345678", "+81-3-1234-5678", "0312345678", "(03) 1234-5678", "01081312345678", "81312345678"]
        {
            assert_eq!(read(written, &japan()), Ok("+81312345678".to_owned()), "{written}");
        }
        assert_eq!(read("01012125550100", &japan()), Ok("+12125550100".to_owned()));
        let america = rules("1", "1", "011", NumberFormat::National);
        for written in ["2125550100", "12125550100", "+12125550100", "1-212-555-0100", "01112125550100"] {
            assert_eq!(read(written, &america), Ok("+12125550100".to_owned()), "{written}");
        }
        let spain = rules("34", "", "00", NumberFormat::National);
        assert_eq!(read("912345678", &spain), Ok("+34912345678".to_owned()));
        assert_eq!(read("0034912345678", &spain), Ok("+34912345678".to_owned()));
    }

    #[test]
    fn names_short_codes_and_what_has_no_country_stay_as_received() {
        for name in
            ["alice", "alice2", "2alice", "*72", "0312345678#", "", "+", "bob+81312345678", "０３１２３４５６７８"]
        {
            assert_eq!(read(name, &japan()), Err(NotE164::NotANumber), "{name}");
        }
        for short in ["110", "119", "1001", "0"] {
            assert_eq!(read(short, &japan()), Err(NotE164::Short), "{short}");
        }
        assert_eq!(read("12345678", &japan()), Err(NotE164::Ambiguous));
        assert_eq!(read("0312345678", &rules("", "0", "", NumberFormat::E164)), Err(NotE164::Ambiguous));
        assert_eq!(read("+0312345678", &japan()), Err(NotE164::Invalid(NumberError::LeadingZero)));
        assert_eq!(read("+8131234567890123", &japan()), Err(NotE164::Invalid(NumberError::TooLong)));
    }

    #[test]
    fn letters_are_keys_only_in_what_somebody_dials() {
        let america = rules("1", "1", "011", NumberFormat::E164);
        assert_eq!(read("1-800-EXAMPLE", &america), Ok("+18003926753".to_owned()));
        assert_eq!(to_e164("1-800-EXAMPLE", &america, Letters::AreNames), Err(NotE164::NotANumber));
    }

    #[test]
    fn a_tech_prefix_comes_off_and_goes_on() {
        let mut rules = japan();
        rules.tech_prefix_in = "99#".into();
        rules.tech_prefix_out = "77".into();
        assert_eq!(read("99#0312345678", &rules), Ok("+81312345678".to_owned()));
        assert_eq!(read("0312345678", &rules), Ok("+81312345678".to_owned()));
        let number = E164::parse("+81312345678").expect("a number");
        assert_eq!(write(&number, &rules), "77+81312345678");
        assert_eq!(user_part(None, "alice", &rules), "alice");
        assert_eq!(user_part(None, "1001", &rules), "771001");
    }

    #[test]
    fn each_peer_gets_its_own_format() {
        let number = E164::parse("+81312345678").expect("a number");
        let abroad = E164::parse("+12125550100").expect("a number");
        let write = |number, format_out| write(number, &NumberRules { format_out, ..japan() });
        assert_eq!(write(&number, NumberFormat::E164), "+81312345678");
        assert_eq!(write(&number, NumberFormat::Digits), "81312345678");
        assert_eq!(write(&number, NumberFormat::National), "0312345678");
        assert_eq!(write(&abroad, NumberFormat::National), "01012125550100");
        let as_received = NumberRules { format_out: NumberFormat::AsReceived, ..japan() };
        assert_eq!(user_part(Some(&number), "03-1234-5678", &as_received), "03-1234-5678");
        // National "010…" would be read as a number abroad.
        let mobile = E164::parse("+811012345678").expect("a number");
        assert_eq!(write(&mobile, NumberFormat::National), "+811012345678");
    }

    proptest! {
        #[test]
        fn what_is_written_for_a_peer_reads_back_as_the_same_number(
            digits in "[1-9][0-9]{5,14}", country in "[1-9][0-9]{0,2}|", national in "[0-9]{0,2}", international in "[0-9]{0,3}",
            tech in "[0-9#]{0,3}", format in 0..4_usize,
        ) {
            let number = E164::from_digits(&digits).expect("a number");
            let format_out = [NumberFormat::E164, NumberFormat::Digits, NumberFormat::National, NumberFormat::AsReceived][format];
            let mut rules = rules(&country, &national, &international, format_out);
            rules.tech_prefix_in = tech.as_str().into();
            rules.tech_prefix_out = tech.as_str().into();
            let written = write(&number, &rules);
            prop_assert_eq!(to_e164(&written, &rules, Letters::AreNames), Ok(number), "{}", written);
        }

        #[test]
        fn no_text_upsets_the_rules(text in "\\PC{0,40}", country in "[0-9]{0,3}", prefix in "[0-9]{0,3}") {
            let rules = rules(&country, &prefix, &prefix, NumberFormat::National);
            let _ = to_e164(&text, &rules, Letters::AreKeys);
        }
    }
}
