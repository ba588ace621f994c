//! Steps that choose a way: by attributes, hours, queues, chance and count. Decides nothing itself.

use crate::domain::flow::act::{
    Act, Check, CheckHours, CheckQueue, CheckStaffing, Condition, Count, Measure, Operator, QueueCondition, Staffing,
};
use crate::domain::flow::template::Template;
use crate::edge::config::fields::{Fields, parse_duration};
use crate::edge::config::flow::step::StepFields;
use crate::edge::config::flow::text;
use crate::edge::config::raw::{Kind, Value};

/// Choices of one step have numbers of eight bits.
const CHOICES_MAX: usize = 100;

const OPERATORS: [(&str, Operator); 7] = [
    ("equals", Operator::Equals),
    ("greater", Operator::Greater),
    ("less", Operator::Less),
    ("greater_or_equal", Operator::GreaterOrEqual),
    ("less_or_equal", Operator::LessOrEqual),
    ("starts_with", Operator::StartsWith),
    ("contains", Operator::Contains),
];

pub fn check(step: &StepFields<'_>) -> Option<Act> {
    let what = text::reference(&step.fields, "what");
    let conditions = conditions(step, |fields| {
        let found = OPERATORS.map(|(word, operator)| Some((operator, text::text(fields, word, "none")?)));
        one_operator(fields, &OPERATORS, found)
            .map(|(operator, value): (Operator, Template)| Condition { operator, value })
    });
    Some(Act::Check(Check { what: what?, conditions }))
}

pub fn check_queue(step: &StepFields<'_>) -> Option<Act> {
    let queue = text::queue_of(&step.fields);
    let measures = [("size", Measure::Size), ("oldest_age", Measure::OldestAge)];
    let conditions = conditions(step, |fields| {
        let measure = fields.choice_opt("measure", &measures, "required");
        if !fields.has("measure") {
            fields.missing("measure");
        }
        let numeric: [(&str, Operator); 5] = std::array::from_fn(|at| OPERATORS[at]);
        let found =
            numeric.map(|(word, operator)| Some((operator, fields.value(word, "text or integer", "none")?, word)));
        let found = found.map(|one| one.map(|(operator, value, word)| (operator, (value, word))));
        let (operator, (value, word)) = one_operator(fields, &numeric, found)?;
        let value = figure(fields, word, value, measure?)?;
        Some(QueueCondition { measure: measure?, operator, value })
    });
    Some(Act::CheckQueue(CheckQueue { queue, conditions }))
}

/// A number of callers, or the seconds of a duration.
fn figure(fields: &Fields<'_>, word: &str, value: &Value, measure: Measure) -> Option<u64> {
    let (figure, problem) = match (measure, &value.kind) {
        (Measure::Size, Kind::Integer(number)) => (number.and_then(|number| u64::try_from(number).ok()), "no number"),
        (Measure::OldestAge, Kind::Text(text)) => (parse_duration(text).map(|age| age.as_secs()), "no duration"),
        (Measure::Size, _) => (None, "no number; `size` is compared with one, such as 10"),
        (Measure::OldestAge, _) => (None, "no duration; `oldest_age` is compared with one, such as \"5m\""),
    };
    if figure.is_none() {
        fields.error(word, problem, None);
    }
    figure
}

fn conditions<T>(step: &StepFields<'_>, read: impl Fn(&Fields<'_>) -> Option<T>) -> Vec<T> {
    let tables = step.fields.tables("when");
    if tables.len() > CHOICES_MAX {
        step.fields.error("when", format!("at most {CHOICES_MAX} conditions in one step"), None);
        return Vec::new();
    }
    let mut conditions = Vec::new();
    for fields in tables {
        let (to, condition) = (fields.required("to"), read(&fields));
        fields.finish();
        if let (Some(to), Some(condition)) = (to, condition) {
            step.wire(step.choice(conditions.len()), to);
            conditions.push(condition);
        }
    }
    conditions
}

/// The one comparison of a condition.
fn one_operator<T, const N: usize>(
    fields: &Fields<'_>,
    operators: &[(&'static str, Operator); N],
    found: [Option<(Operator, T)>; N],
) -> Option<(Operator, T)> {
    let given: Vec<&str> = operators.iter().map(|(word, _)| *word).filter(|word| fields.has(word)).collect();
    match given.as_slice() {
        [_] => {}
        [] => {
            let words: Vec<&str> = operators.iter().map(|(word, _)| *word).collect();
            let meant = Some(format!("add one of {}", words.join(", ")));
            fields.reading.error(fields.at, &fields.path(""), "nothing is compared", meant);
        }
        [_, second, ..] => {
            let meant = Some("write a condition of its own; the first that holds counts".to_owned());
            fields.error(second, "a condition compares once", meant);
        }
    }
    found.into_iter().flatten().next()
}

pub fn check_hours(step: &StepFields<'_>) -> Option<Act> {
    let hours = text::text(&step.fields, "hours", "those of the working queue");
    Some(Act::CheckHours(CheckHours { hours }))
}

pub fn check_staffing(step: &StepFields<'_>) -> Option<Act> {
    let states = [("available", Staffing::Available), ("staffed", Staffing::Staffed), ("online", Staffing::Online)];
    let queue = text::queue_of(&step.fields);
    let state = step.fields.choice_opt("state", &states, "required");
    if !step.fields.has("state") {
        step.fields.missing("state");
    }
    Some(Act::CheckStaffing(CheckStaffing { queue, state: state? }))
}

pub fn queue_metrics(step: &StepFields<'_>) -> Option<Act> {
    Some(Act::QueueMetrics(text::queue_of(&step.fields)))
}

pub fn distribute(step: &StepFields<'_>) -> Option<Act> {
    let tables = step.fields.tables("shares");
    let mut shares: Vec<u8> = Vec::new();
    for fields in tables.into_iter().take(CHOICES_MAX) {
        if !fields.has("percent") {
            fields.missing("percent");
        }
        let (percent, to) = (fields.integer_opt("percent", "required", 1..=100), fields.required("to"));
        fields.finish();
        if let (Some(percent), Some(to)) = (percent, to) {
            step.wire(step.choice(shares.len()), to);
            shares.push(percent);
        }
    }
    Some(Act::Distribute(shares))
}

pub fn repeat(step: &StepFields<'_>) -> Option<Act> {
    let fields = &step.fields;
    if !fields.has("times") {
        fields.missing("times");
    }
    let is_text = fields.written().get("times").is_some_and(|entry| matches!(entry.value.kind, Kind::Text(_)));
    if is_text {
        return text::reference(fields, "times").map(|reference| Act::Loop(Count::From(reference)));
    }
    fields.integer_opt("times", "required", 0..=100).map(|times| Act::Loop(Count::Fixed(times)))
}
