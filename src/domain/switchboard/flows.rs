//! What flows want to know of the exchange: opening hours, numbers. Runs no flow.

use crate::base::id::CallId;
use crate::base::now::Now;
use crate::domain::call::interface::{CallInput, News, Slip};
use crate::domain::flow::interface::{Answer, Dialability, HoursOf, Question};
use crate::domain::switchboard::board::Switchboard;
use crate::domain::trunk::number_rules::{Letters, to_e164};
use crate::domain::trunk::settings::{NumberFormat, NumberRules};

impl Switchboard {
    /// Answers at once; what nobody here knows is told as such.
    pub(super) fn answer_flow(&mut self, now: Now, (call, slip): (CallId, Slip), question: &Question) {
        let answer = match question {
            Question::Hours(HoursOf::Named(name)) => self.hours_of(now, name),
            Question::Number { text, country } => Some(Answer::Number(dialability(text, country.as_deref()))),
            Question::Hours(HoursOf::Queue(_)) | Question::Queue(_) => None,
        };
        if self.calls.contains(call) {
            self.tell_call(call, CallInput::News { slip, news: Box::new(News::Told(answer)) });
        }
    }

    fn hours_of(&self, now: Now, name: &str) -> Option<Answer> {
        let hours = self.index.exchange.hours.find(name)?;
        Some(Answer::Hours { is_open: hours.is_open(i64::try_from(now.unix_millis() / 1_000).unwrap_or(i64::MAX)) })
    }
}

/// A number as it was keyed: in a country's own way, or with its country code.
fn dialability(text: &str, country: Option<&str>) -> Dialability {
    let (code, prefix) = if country == Some("JP") { ("81", "0") } else { ("", "") };
    let rules = NumberRules {
        country: code.into(),
        national_prefix: prefix.into(),
        international_prefix: "".into(),
        tech_prefix_in: "".into(),
        tech_prefix_out: "".into(),
        format_out: NumberFormat::E164,
    };
    match to_e164(text, &rules, Letters::AreKeys) {
        Ok(number) => Dialability::Dialable(number),
        Err(_) => Dialability::Invalid,
    }
}
