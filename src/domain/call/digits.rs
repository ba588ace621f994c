//! Digits that come and go as INFO, and what a party's digits become on the other side. Sends nothing itself.

use crate::domain::trunk::media::DtmfForm;
use crate::media::command::SentDigit;
use crate::protocol::sip::multipart;
use std::time::Duration;

const RELAY: &str = "application/dtmf-relay";
const PLAIN: &str = "application/dtmf";

/// What a digit of INFO lasts that says nothing of it, and what follows each (ITU-T Q.24 asks for 40 ms of both).
const USUAL: Duration = Duration::from_millis(160);
const PAUSE: Duration = Duration::from_millis(80);
const LONGEST: u64 = 5_000;

/// The digit in the body of an INFO, if that is what it holds.
pub fn read(content_type: &str, body: &[u8]) -> Option<SentDigit> {
    let text = std::str::from_utf8(body).ok()?;
    if multipart::is_type(content_type, RELAY) {
        let value = |name: &str| {
            let pairs = text.lines().filter_map(|line| line.split_once(['=', ':']));
            pairs.into_iter().find(|(own, _)| own.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        let lasts = value("Duration").and_then(|number| number.parse().ok()).filter(|number| *number > 0);
        let lasts = lasts.map_or(USUAL, |number: u64| Duration::from_millis(number.min(LONGEST)));
        return Some(SentDigit { digit: digit(value("Signal")?)?, lasts, pause_after: PAUSE });
    }
    let is_plain = multipart::is_type(content_type, PLAIN);
    let written = text.trim();
    let written = written.strip_prefix("Signal=").unwrap_or(written);
    is_plain.then(|| digit(written.lines().next()?.trim())).flatten().map(one)
}

/// Some write 10 for the star and 11 for the hash (RFC 4733 3.2 numbers events so).
fn digit(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [one @ (b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D')] => Some(*one),
        [small @ b'a'..=b'd'] => Some(small.to_ascii_uppercase()),
        b"10" => Some(b'*'),
        b"11" => Some(b'#'),
        _ => None,
    }
}

fn one(digit: u8) -> SentDigit {
    SentDigit { digit, lasts: USUAL, pause_after: PAUSE }
}

/// A digit that was heard, as it is sent on.
pub fn heard(digit: u8, lasted: Duration) -> SentDigit {
    SentDigit { lasts: lasted.min(Duration::from_millis(LONGEST)), ..one(digit) }
}

/// Type and body of an INFO with this digit, where the party wants it so.
pub fn write(form: DtmfForm, sent: SentDigit) -> Option<(&'static str, String)> {
    let digit = char::from(sent.digit);
    match form {
        DtmfForm::InfoRelay => Some((RELAY, format!("Signal={digit}\r\nDuration={}\r\n", sent.lasts.as_millis()))),
        DtmfForm::Info => Some((PLAIN, format!("{digit}\r\n"))),
        DtmfForm::Rfc4733 | DtmfForm::InBand => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digit_is_read_from_either_form_of_info() {
        let read = |kind: &str, body: &str| super::read(kind, body.as_bytes()).map(|sent| (sent.digit, sent.lasts));
        let ms = Duration::from_millis;
        assert_eq!(read("application/dtmf-relay", "Signal=5\r\nDuration=250\r\n"), Some((b'5', ms(250))));
        assert_eq!(read("application/dtmf-relay", "Signal= #\nDuration= 90000"), Some((b'#', ms(5_000))));
        assert_eq!(read("application/dtmf-relay", "Duration=0\nsignal: 10"), Some((b'*', ms(160))));
        assert_eq!(read("application/dtmf", "d"), Some((b'D', ms(160))));
        assert_eq!(read("Application/DTMF", "Signal=7\r\n"), Some((b'7', ms(160))));
        for (kind, body) in [("application/dtmf", "55"), ("application/dtmf-relay", "5"), ("text/plain", "5")] {
            assert_eq!(read(kind, body), None, "{kind} {body}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let sent = heard(b'9', Duration::from_millis(320));
        for form in [DtmfForm::Info, DtmfForm::InfoRelay] {
            let (kind, body) = write(form, sent).expect("an INFO");
            assert_eq!(read(kind, body.as_bytes()).map(|read| read.digit), Some(b'9'));
        }
        assert_eq!(write(DtmfForm::Rfc4733, sent), None);
    }
}
