//! What flows want to know of the exchange: opening hours, numbers. Runs no flow.

use crate::base::id::CallId;
use crate::base::now::Now;
use crate::domain::call::interface::{CallInput, News, Slip};
use crate::domain::flow::interface::{Answer, Dialability, HoursOf, Question};
use crate::domain::number::country::Country;
use crate::domain::switchboard::board::Switchboard;
use crate::domain::switchboard::gate::Undialable;

impl Switchboard {
    /// Answers at once; what nobody here knows is told as such.
    pub(super) fn answer_flow(&mut self, now: Now, (call, slip): (CallId, Slip), question: &Question) {
        let answer = match question {
            Question::Hours(HoursOf::Named(name)) => self.hours_of(now, name),
            Question::Number { text, country } => Some(Answer::Number(self.dialability(text, country.as_deref()))),
            Question::Hours(HoursOf::Queue(name)) => self.queue_hours(now, name),
            Question::Queue(name) => self.queue_figures(now, name),
        };
        if self.calls.contains(call) {
            self.tell_call(call, CallInput::News { slip, news: Box::new(News::Told(answer)) });
        }
    }

    pub(super) fn hours_of(&self, now: Now, name: &str) -> Option<Answer> {
        let hours = self.index.exchange.hours.find(name)?;
        Some(Answer::Hours { is_open: hours.is_open(i64::try_from(now.unix_millis() / 1_000).unwrap_or(i64::MAX)) })
    }

    /// A number as it was keyed: in a country's own way, or with its country code.
    fn dialability(&self, text: &str, country: Option<&str>) -> Dialability {
        match self.dialable(text, country.and_then(Country::parse)) {
            Ok(number) => Dialability::Dialable(number),
            Err(Undialable::Forbidden(number, _)) => Dialability::NotDialable(number),
            Err(Undialable::NotANumber(_)) => Dialability::Invalid,
        }
    }
}
