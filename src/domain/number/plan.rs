//! The numbering plans of the world, by libphonenumber's data: what a number is. Knows nothing of who owns it.

use crate::base::e164::{E164, NumberError};
use crate::domain::number::country::Country;
use crate::domain::number::kind::Kind;
use rlibphonenumber::enums::Region;
use rlibphonenumber::{PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberType, PhoneNumberUtil};

/// What the plans say of one number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Class {
    /// None for numbers of the whole world, and where the country cannot be told.
    pub country: Option<Country>,
    pub kind: Kind,
    /// The plan of its country has such a number.
    pub is_valid: bool,
}

/// Why what somebody wrote is no number at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotANumber {
    Empty,
    /// It holds what no number holds.
    Letters,
    TooShort,
    TooLong,
    /// It begins with a country code that nobody has.
    NoSuchCountry,
    /// It is written nationally and nobody said in which country.
    CountryMissing,
    /// Its length is right and its plan has no such number.
    NotInPlan,
}

/// Whether a person who gives a number writes it as at home or as abroad.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Written {
    /// The country's own way, or any other with a plus.
    Locally(Country),
    /// With its country code, plus or not.
    Internationally,
}

/// +800, the only code of the world whose numbers are freephone everywhere.
const UIFN: &str = "800";
const UIFN_DIGITS: usize = 11;

/// What a number is.
pub fn classify(number: &E164) -> Class {
    if number.digits().starts_with(UIFN) {
        return Class { country: None, kind: Kind::Uifn, is_valid: number.digits().len() == UIFN_DIGITS };
    }
    let plans: &PhoneNumberUtil = &PHONE_NUMBER_UTIL;
    match plans.parse(number.to_string(), None) {
        Ok(parsed) => class_of(plans, &parsed),
        Err(_) => Class { country: None, kind: Kind::Unknown, is_valid: false },
    }
}

fn class_of(plans: &PhoneNumberUtil, number: &PhoneNumber) -> Class {
    let region = plans.get_region_for_number(number);
    let country = region.and_then(|region| Country::parse(&region.as_region_str()));
    // Where only one country has a code its region is named for numbers that it has not, too.
    Class { country, kind: kind_of(plans.get_number_type(number)), is_valid: plans.is_valid_number(number) }
}

fn kind_of(sort: PhoneNumberType) -> Kind {
    match sort {
        PhoneNumberType::FixedLine => Kind::Fixed,
        PhoneNumberType::Mobile => Kind::Mobile,
        PhoneNumberType::FixedLineOrMobile => Kind::FixedOrMobile,
        PhoneNumberType::TollFree => Kind::TollFree,
        PhoneNumberType::PremiumRate => Kind::Premium,
        PhoneNumberType::SharedCost => Kind::SharedCost,
        PhoneNumberType::VoIP => Kind::Voip,
        PhoneNumberType::PersonalNumber => Kind::Personal,
        PhoneNumberType::Pager => Kind::Pager,
        PhoneNumberType::UAN => Kind::Uan,
        PhoneNumberType::VoiceMail => Kind::Voicemail,
        PhoneNumberType::Unknown => Kind::Unknown,
    }
}

/// A number that a person keyed or wrote, such as `03-1234-5678` or `1-800-EXAMPLE`, checked against the plans.
pub fn read(text: &str, written: Written) -> Result<E164, NotANumber> {
    let text = text.trim();
    if text.is_empty() {
        return Err(NotANumber::Empty);
    }
    if text.chars().any(|c| c.is_control() || c == '*' || c == '#') {
        return Err(NotANumber::Letters);
    }
    if text.len() > WRITTEN_BYTES_MAX {
        return Err(NotANumber::TooLong);
    }
    let (text, region) = match written {
        Written::Locally(country) => (text.to_owned(), region_of(country)),
        Written::Internationally if text.starts_with('+') => (text.to_owned(), None),
        Written::Internationally => (format!("+{text}"), None),
    };
    if region.is_none() && !text.starts_with('+') {
        return Err(NotANumber::CountryMissing);
    }
    let plans: &PhoneNumberUtil = &PHONE_NUMBER_UTIL;
    let parsed = plans.parse(&text, region).map_err(|error| fault_of(&error))?;
    let digits = plans.format(&parsed, rlibphonenumber::PhoneNumberFormat::E164);
    let number = E164::parse(&digits).map_err(|error| match error {
        NumberError::TooLong => NotANumber::TooLong,
        _ => NotANumber::TooShort,
    })?;
    let class = classify(&number);
    if class.is_valid {
        return Ok(number);
    }
    Err(match plans.is_possible_number_with_reason(&parsed) {
        Err(rlibphonenumber::ValidationError::TooShort) => NotANumber::TooShort,
        Err(rlibphonenumber::ValidationError::TooLong) => NotANumber::TooLong,
        Err(rlibphonenumber::ValidationError::InvalidCountryCode) => NotANumber::NoSuchCountry,
        _ => NotANumber::NotInPlan,
    })
}

/// Longer than any number with all its separators.
const WRITTEN_BYTES_MAX: usize = 64;

fn fault_of(error: &ParseError) -> NotANumber {
    match error {
        ParseError::InvalidCountryCode => NotANumber::NoSuchCountry,
        ParseError::NotANumber(_) => NotANumber::Letters,
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn => NotANumber::TooShort,
        ParseError::TooLongNsn => NotANumber::TooLong,
    }
}

fn region_of(country: Country) -> Option<Region> {
    Region::try_from(country.letters()).ok()
}

/// The country code of a country, such as 81, if it has a numbering plan.
pub fn calling_code(country: Country) -> Option<u16> {
    let code = PHONE_NUMBER_UTIL.get_country_code_for_region(region_of(country)?)?;
    u16::try_from(code).ok()
}

impl NotANumber {
    pub fn words(self) -> &'static str {
        match self {
            NotANumber::Empty => "nothing stands there",
            NotANumber::Letters => "it holds what no number holds",
            NotANumber::TooShort => "it has too few digits",
            NotANumber::TooLong => "it has too many digits",
            NotANumber::NoSuchCountry => "no country has this code",
            NotANumber::CountryMissing => "its country is not known; write it with a plus and the country code",
            NotANumber::NotInPlan => "the numbering plan of its country has no such number",
        }
    }
}
