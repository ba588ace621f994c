//! What the world says to each wish of a flow under trial, by the script or as it mostly goes. Reaches nobody.

use super::{Reply, Stage, words};
use crate::base::e164::E164;
use crate::domain::flow::interface::{
    AgentFigures, Answer, DialOutcome, Dialability, FetchFault, FetchFrom, FetchOrder, FlowInput, FlowWish, HoursOf,
    Question, QueueFigures, QueueOutcome, Sound, Ticket,
};
use crate::domain::flow::value::Value;
use std::time::Duration;

/// How long an answer from the outside takes.
const FETCHED_AFTER: Duration = Duration::from_millis(200);
const RINGS: Duration = Duration::from_secs(5);
const TALKS: Duration = Duration::from_secs(30);

impl Stage<'_> {
    /// A wish that somebody answers.
    pub(super) fn answer(&mut self, step: &str, reply: Option<Reply>, wish: FlowWish) {
        let fails = matches!(&reply, Some(Reply::Word(word)) if &**word == "fails");
        match wish {
            FlowWish::Play { ticket, sounds, times } => self.on_play(ticket, (&sounds, times), fails),
            FlowWish::Fetch { ticket, order } => self.on_fetch((step, ticket), &order, reply),
            FlowWish::Ask { ticket, question } => {
                let answer = self.told(step, &question, reply);
                self.later(Duration::ZERO, ticket, FlowInput::Told { ticket, answer });
            }
            // No engine is attached to a trial: what is tried is what happens then.
            FlowWish::Route { ticket, .. } => {
                self.later(Duration::ZERO, ticket, FlowInput::Decided { ticket, flow: None });
            }
            FlowWish::Dial { ticket, order } => {
                self.account.dialled.push(order.to.to_string());
                self.on_dial((step, ticket), order.timeout, reply);
            }
            FlowWish::Queue { ticket, .. } | FlowWish::Callback { ticket, .. } => {
                let outcome = match self.word(step, reply, &["accepted", "full", "refused", "fails"]).as_deref() {
                    Some("full") => QueueOutcome::AtCapacity,
                    Some("refused" | "fails") => QueueOutcome::Refused,
                    _ => QueueOutcome::Accepted,
                };
                self.later(Duration::ZERO, ticket, FlowInput::Queued { ticket, outcome });
            }
            FlowWish::Record { ticket, order } => {
                let place = (!fails).then(|| "recordings/trial.wav".into());
                let after = if fails { Duration::ZERO } else { order.limit };
                self.later(after, ticket, FlowInput::Recorded { ticket, place });
            }
            FlowWish::StopRecording { ticket } => {
                self.cancel(ticket);
                let place = Some("recordings/trial.wav".into());
                self.later(Duration::ZERO, ticket, FlowInput::Recorded { ticket, place });
            }
            FlowWish::Encrypt { ticket, key, .. } => {
                let envelope = (!fails).then(|| format!("sealed for {key}").into());
                self.later(Duration::ZERO, ticket, FlowInput::Encrypted { ticket, envelope });
            }
            other => self.on_done(other, !fails),
        }
    }

    /// Wishes that are only done or not.
    fn on_done(&mut self, wish: FlowWish, ok: bool) {
        let ticket = match wish {
            FlowWish::Answer { ticket } => {
                self.account.is_answered |= ok;
                ticket
            }
            FlowWish::CallOut { ticket, .. }
            | FlowWish::TransferToAgent { ticket, .. }
            | FlowWish::Hold { ticket, .. }
            | FlowWish::Stream { ticket, .. }
            | FlowWish::SendDigits { ticket, .. } => ticket,
            _ => return,
        };
        self.later(Duration::ZERO, ticket, FlowInput::Done { ticket, ok });
    }

    fn on_play(&mut self, ticket: Ticket, (sounds, times): (&[Sound], Option<u16>), fails: bool) {
        if fails {
            return self.later(Duration::ZERO, ticket, FlowInput::Played { ticket, ok: false });
        }
        self.account.heard.extend(sounds.iter().map(words::sound));
        let each = |sound: &Sound| if let Sound::Silence(time) = sound { *time } else { self.script.sound };
        let once: Duration = sounds.iter().map(each).sum();
        if let Some(times) = times {
            self.later(once * u32::from(times), ticket, FlowInput::Played { ticket, ok: true });
        }
    }

    fn on_fetch(&mut self, (step, ticket): (&str, Ticket), order: &FetchOrder, reply: Option<Reply>) {
        self.account.asked.push(match &order.to {
            FetchFrom::Url(url) => url.to_string(),
            FetchFrom::Engine(name) => format!("function {name}"),
        });
        let (after, outcome) = match reply {
            Some(Reply::Values(value)) => (FETCHED_AFTER, Ok(value)),
            Some(Reply::Word(word)) => match fetch_fault(&word) {
                Some(FetchFault::TimedOut) => (order.total, Err(FetchFault::TimedOut)),
                Some(fault) => (FETCHED_AFTER, Err(fault)),
                None => {
                    self.misfit(step, &word, FAULT_WORDS);
                    (FETCHED_AFTER, Err(FetchFault::Unreachable))
                }
            },
            None => {
                self.account.faults.push(format!("nobody answers `{step}`: add it to `answers`"));
                (FETCHED_AFTER, Err(FetchFault::Unreachable))
            }
        };
        self.later(after, ticket, FlowInput::Fetched { ticket, outcome });
    }

    fn on_dial(&mut self, (step, ticket): (&str, Ticket), timeout: Duration, reply: Option<Reply>) {
        let said = |after: Duration, outcome| (after, FlowInput::Dialled { ticket, outcome });
        let word = match reply {
            Some(Reply::Word(word)) => word.to_string(),
            _ => "joined".to_owned(),
        };
        let talks = word.strip_prefix("joined").map(|rest| seconds(rest.trim()).unwrap_or(TALKS));
        let inputs = match (word.as_str(), talks) {
            (_, Some(talks)) => vec![said(RINGS, DialOutcome::Joined), said(RINGS + talks, DialOutcome::Ended)],
            ("timed-out", _) => vec![said(timeout, DialOutcome::TimedOut)],
            ("failed" | "fails", _) => vec![said(RINGS, DialOutcome::Failed)],
            ("refused", _) => vec![said(Duration::ZERO, DialOutcome::Refused)],
            _ => {
                self.misfit(step, &word, &["joined", "joined 30s", "timed-out", "failed", "refused"]);
                vec![said(RINGS, DialOutcome::Failed)]
            }
        };
        for (after, input) in inputs {
            self.later(after, ticket, input);
        }
    }

    fn told(&mut self, step: &str, question: &Question, reply: Option<Reply>) -> Option<Answer> {
        match (question, reply) {
            (_, Some(Reply::Word(word))) if &*word == "fails" => None,
            (Question::Hours(of), reply) => match self.word(step, reply, &["open", "closed", "fails"]).as_deref() {
                Some(word) => Some(Answer::Hours { is_open: word == "open" }),
                None => self.hours_of(of),
            },
            (Question::Queue(_), Some(Reply::Values(value))) => Some(Answer::Queue(figures(&value))),
            (Question::Queue(_), Some(Reply::Word(word))) => {
                self.misfit(step, &word, &["a table such as { size = 3, oldest_age = 60, staffed = 2 }", "fails"]);
                None
            }
            (Question::Queue(_), None) => Some(Answer::Queue(QueueFigures::default())),
            (Question::Number { text, .. }, reply) => {
                let words = ["invalid", "not-dialable", "fails", "+81312345678"];
                let word = self.word_or(step, reply, &words, |word| E164::parse(word).is_ok());
                Some(Answer::Number(number(text, word.as_deref())))
            }
        }
    }

    fn hours_of(&self, of: &HoursOf) -> Option<Answer> {
        let HoursOf::Named(name) = of else { return None };
        let unix = i64::try_from(self.now.unix_millis() / 1_000).ok()?;
        Some(Answer::Hours { is_open: self.hours.find(name)?.is_open(unix) })
    }

    fn word(&mut self, step: &str, reply: Option<Reply>, known: &[&str]) -> Option<Box<str>> {
        self.word_or(step, reply, known, |_| false)
    }

    fn word_or(
        &mut self,
        step: &str,
        reply: Option<Reply>,
        known: &[&str],
        also: impl Fn(&str) -> bool,
    ) -> Option<Box<str>> {
        match reply? {
            Reply::Word(word) if known.contains(&&*word) || also(&word) => Some(word),
            Reply::Word(word) => {
                self.misfit(step, &word, known);
                None
            }
            Reply::Values(_) => {
                self.misfit(step, "a table", known);
                None
            }
        }
    }

    fn misfit(&mut self, step: &str, word: &str, known: &[&str]) {
        self.account.faults.push(format!("`{word}` is no answer to `{step}`; there is {}", known.join(", ")));
    }
}

const FAULT_WORDS: &[&str] =
    &["a table of values", "fails", "timed-out", "refused 503", "too-large", "not-understood", "not-allowed"];

fn fetch_fault(word: &str) -> Option<FetchFault> {
    if let Some(status) = word.strip_prefix("refused") {
        return status.trim().parse().ok().map(FetchFault::Refused);
    }
    match word {
        "fails" | "unreachable" => Some(FetchFault::Unreachable),
        "timed-out" => Some(FetchFault::TimedOut),
        "too-large" => Some(FetchFault::TooLarge),
        "not-understood" => Some(FetchFault::NotUnderstood),
        "not-allowed" => Some(FetchFault::NotAllowed),
        _ => None,
    }
}

/// Whole seconds or minutes: `30s`, `2m`.
fn seconds(text: &str) -> Option<Duration> {
    let (number, scale) =
        text.strip_suffix('s').map(|rest| (rest, 1)).or(text.strip_suffix('m').map(|rest| (rest, 60)))?;
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(scale)).map(Duration::from_secs)
}

fn figures(value: &Value) -> QueueFigures {
    let number = |name: &str| value.member(name).and_then(Value::as_text).and_then(|text| text.parse::<u32>().ok());
    let agents = AgentFigures {
        online: number("online").unwrap_or_default(),
        available: number("available").unwrap_or_default(),
        staffed: number("staffed").unwrap_or_default(),
        after_contact_work: number("after_contact_work").unwrap_or_default(),
        busy: number("busy").unwrap_or_default(),
        missed: number("missed").unwrap_or_default(),
        non_productive: number("non_productive").unwrap_or_default(),
    };
    QueueFigures {
        name: value.member("name").and_then(Value::as_text).unwrap_or_default().into(),
        size: number("size").unwrap_or_default(),
        oldest: number("oldest_age").map(|age| Duration::from_secs(u64::from(age))),
        agents: (agents != AgentFigures::default()).then_some(agents),
    }
}

/// Where the script says nothing, whatever looks like a number with its country code can be dialled.
fn number(text: &str, word: Option<&str>) -> Dialability {
    let own = E164::parse(text);
    match (word, own) {
        (Some("invalid"), _) => Dialability::Invalid,
        (Some("not-dialable"), Ok(number)) => Dialability::NotDialable(number),
        (Some(word), own) => match E164::parse(word).or(own) {
            Ok(number) => Dialability::Dialable(number),
            Err(_) => Dialability::Invalid,
        },
        (None, Ok(number)) => Dialability::Dialable(number),
        (None, Err(_)) => Dialability::Invalid,
    }
}
