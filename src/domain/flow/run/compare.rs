//! How two values are compared. Looks nothing up.

use crate::domain::flow::act::Operator;
use std::cmp::Ordering;

/// As numbers where both are numbers, otherwise as texts; capital letters count.
pub fn holds(operator: Operator, left: &str, right: &str) -> bool {
    let order = match (number(left), number(right)) {
        (Some(left), Some(right)) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
        _ => left.cmp(right),
    };
    match operator {
        Operator::Equals => order == Ordering::Equal,
        Operator::Greater => order == Ordering::Greater,
        Operator::Less => order == Ordering::Less,
        Operator::GreaterOrEqual => order != Ordering::Less,
        Operator::LessOrEqual => order != Ordering::Greater,
        Operator::StartsWith => left.starts_with(right),
        Operator::Contains => left.contains(right),
    }
}

pub fn number_holds(operator: Operator, left: u64, right: u64) -> bool {
    match operator {
        Operator::Equals | Operator::StartsWith | Operator::Contains => left == right,
        Operator::Greater => left > right,
        Operator::Less => left < right,
        Operator::GreaterOrEqual => left >= right,
        Operator::LessOrEqual => left <= right,
    }
}

/// Only what is written as people write numbers: `0120` and `+81312345678` are texts, so that a secret number `0123`
/// is not `123`, and nothing with more digits than can be told apart.
fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = are_digits(whole) && are_digits(part) && (whole == "0" || !whole.starts_with('0'));
    if is_number && text.len() <= 15 { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers_and_texts_as_texts() {
        for (operator, left, right, expected) in [
            (Operator::Greater, "10", "9", true),
            (Operator::Greater, "10", "9x", false),
            (Operator::Equals, "1.0", "1", true),
            (Operator::Equals, "0123", "123", false),
            (Operator::Equals, "+8190", "8190", false),
            (Operator::Less, "-2", "1", true),
            (Operator::LessOrEqual, "3", "3", true),
            (Operator::GreaterOrEqual, "3.5", "3", true),
            (Operator::Equals, "90071992547409921", "90071992547409922", false),
            (Operator::StartsWith, "Hello", "He", true),
            (Operator::StartsWith, "Hello", "he", false),
            (Operator::Contains, "Hello", "ell", true),
            (Operator::Equals, "nan", "nan", true),
            (Operator::Greater, "inf", "5", true),
        ] {
            assert_eq!(holds(operator, left, right), expected, "{left} {operator:?} {right}");
        }
    }
}
