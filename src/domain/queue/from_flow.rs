//! What flows say about queues, in the words of queues, and back. Decides nothing.

use super::criteria::{Criteria, CriteriaFault, CriteriaStep, Expression, Proficiency};
use super::interface::{Arrival, CallbackOrder, ContactId, Place, QueueRefusal, Rank};
use super::questions::{Headcount, QueueReport};
use crate::base::e164::E164;
use crate::base::id::CallId;
use crate::domain::flow::interface as flow;
use crate::domain::flow::interface::{AgentFigures, QueueFigures, QueueOrder, QueueOutcome};
use crate::domain::flow::memory::QueueName;
use crate::domain::flow::value::Value;
use std::sync::Arc;
use std::time::Duration;

impl From<&QueueName> for Place {
    fn from(name: &QueueName) -> Place {
        match name {
            QueueName::Queue(name) => Place::Queue(name.as_ref().into()),
            QueueName::Agent(name) => Place::Agent(name.as_ref().into()),
        }
    }
}

/// A call that its flow sends to a queue. Criteria that are none make no arrival.
pub fn arrival(call: CallId, order: &QueueOrder, customer: Option<E164>) -> Result<Arrival, CriteriaFault> {
    Ok(Arrival {
        contact: ContactId::Call(call),
        place: Place::from(&order.queue),
        rank: rank(order),
        criteria: criteria(&order.criteria)?,
        customer,
        is_transfer: false,
    })
}

fn rank(order: &QueueOrder) -> Rank {
    Rank { priority: Some(order.priority), age: order.age }
}

/// A promise to call back.
pub fn callback(
    call: (CallId, u64),
    order: &flow::CallbackOrder,
    number: E164,
    luggage: Arc<Value>,
) -> Result<CallbackOrder, CriteriaFault> {
    let (call, started) = call;
    Ok(CallbackOrder {
        call,
        number,
        place: Place::from(&order.queue.queue),
        rank: rank(&order.queue),
        criteria: criteria(&order.queue.criteria)?,
        started,
        delay: order.delay,
        retries: order.retries,
        gap: order.gap,
        luggage,
    })
}

pub fn outcome(refusal: QueueRefusal) -> QueueOutcome {
    if refusal == QueueRefusal::AtCapacity { QueueOutcome::AtCapacity } else { QueueOutcome::Refused }
}

/// Where no agent is at work there are no figures of agents.
pub fn figures(report: &QueueReport) -> QueueFigures {
    let Headcount { online, staffed, available, busy, wrapping, missed, away } = report.agents;
    let agents =
        AgentFigures { online, available, staffed, after_contact_work: wrapping, busy, missed, non_productive: away };
    QueueFigures {
        name: report.name.as_ref().into(),
        size: u32::try_from(report.size).unwrap_or(u32::MAX),
        oldest: report.oldest,
        agents: (online > 0).then_some(agents),
    }
}

/// Criteria as integrators write them: `Steps`, each an `Expression` and an `Expiry`. Nothing, or an empty map, asks for nothing.
pub fn criteria(value: &Value) -> Result<Option<Criteria>, CriteriaFault> {
    match value {
        Value::Null => return Ok(None),
        Value::Map(map) if map.is_empty() => return Ok(None),
        _ => {}
    }
    let Some(Value::List(steps)) = value.member("Steps") else { return Err(CriteriaFault::NoSteps) };
    let steps: Result<Vec<CriteriaStep>, CriteriaFault> = steps.iter().map(step).collect();
    Criteria::new(steps?).map(Some)
}

/// Criteria as `criteria` reads them.
pub fn written(criteria: &Criteria) -> Value {
    let condition = |one: &Proficiency| {
        let members = [
            ("Name", Value::Text(one.attribute.clone())),
            ("Value", Value::Text(one.value.clone())),
            ("ProficiencyLevel", Value::number(one.level)),
        ];
        Value::map([("AttributeCondition", Value::map(members))])
    };
    let step = |step: &CriteriaStep| {
        let expression = match &step.expression {
            Expression::All(all) => ("AndExpression", Value::List(all.iter().map(condition).collect())),
            Expression::Any(any) => ("OrExpression", Value::List(any.iter().map(condition).collect())),
        };
        let seconds = step.expires.map(|lasts| Value::map([("DurationInSeconds", Value::number(lasts.as_secs()))]));
        Value::map([("Expression", Value::map([expression])), ("Expiry", seconds.unwrap_or_default())])
    };
    Value::map([("Steps", Value::List(criteria.steps().iter().map(step).collect()))])
}

fn step(value: &Value) -> Result<CriteriaStep, CriteriaFault> {
    let expression = expression(value.member("Expression").ok_or(CriteriaFault::NoConditions)?)?;
    let seconds = value.member("Expiry").and_then(|expiry| expiry.member("DurationInSeconds"));
    let expires = match seconds {
        None | Some(Value::Null) => None,
        Some(seconds) => Some(Duration::from_secs(number(seconds).ok_or(CriteriaFault::Expiry)?)),
    };
    Ok(CriteriaStep { expression, expires })
}

fn expression(value: &Value) -> Result<Expression, CriteriaFault> {
    if value.member("AttributeCondition").is_some() {
        return condition(value).map(|one| Expression::All(vec![one]));
    }
    if let Some(Value::List(all)) = value.member("AndExpression") {
        return all.iter().map(condition).collect::<Result<_, _>>().map(Expression::All);
    }
    let Some(Value::List(any)) = value.member("OrExpression") else { return Err(CriteriaFault::NoConditions) };
    match any.as_slice() {
        [one, other] => Ok(Expression::Any([condition(one)?, condition(other)?])),
        _ => Err(CriteriaFault::TooManyConditions),
    }
}

fn condition(value: &Value) -> Result<Proficiency, CriteriaFault> {
    let condition = value.member("AttributeCondition").ok_or(CriteriaFault::NoConditions)?;
    let text = |name: &str| condition.member(name).and_then(Value::as_text);
    if text("ComparisonOperator").is_some_and(|operator| operator != "NumberGreaterOrEqualTo") {
        return Err(CriteriaFault::Operator);
    }
    let level = condition.member("ProficiencyLevel").and_then(number).and_then(|level| u8::try_from(level).ok());
    let name = text("Name").ok_or(CriteriaFault::Word)?;
    Proficiency::new(name, text("Value").ok_or(CriteriaFault::Word)?, level.ok_or(CriteriaFault::Level)?)
}

/// A whole number, also where a decimal point stands behind it: levels are written as `4.0` by some.
fn number(value: &Value) -> Option<u64> {
    let text = value.as_text()?;
    text.strip_suffix(".0").unwrap_or(text).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(name: &str, value: &str, level: &str) -> Value {
        let members = [
            ("Name", Value::text(name)),
            ("Value", Value::text(value)),
            ("ProficiencyLevel", Value::number(level)),
            ("ComparisonOperator", Value::text("NumberGreaterOrEqualTo")),
        ];
        Value::map([("AttributeCondition", Value::map(members))])
    }

    fn step(expression: Value, seconds: Option<u32>) -> Value {
        let expiry = seconds.map_or(Value::Null, |seconds| Value::map([("DurationInSeconds", Value::number(seconds))]));
        Value::map([("Expression", expression), ("Expiry", expiry)])
    }

    fn steps(steps: Vec<Value>) -> Value {
        Value::map([("Steps", Value::List(steps))])
    }

    #[test]
    fn criteria_are_read_as_integrators_write_them() {
        let both = Value::List(vec![condition("language", "ja", "4.0"), condition("product", "boats", "2")]);
        let either = Value::List(vec![condition("language", "ja", "1"), condition("language", "en", "1")]);
        let value = steps(vec![
            step(Value::map([("AndExpression", both)]), Some(30)),
            step(Value::map([("OrExpression", either)]), None),
        ]);
        let read = criteria(&value).ok().flatten().expect("criteria");
        assert_eq!(read.steps().len(), 2);
        assert!(matches!(&read.steps()[0].expression, Expression::All(all) if all.len() == 2 && all[0].level == 4));
        assert_eq!(read.steps()[0].expires, Some(Duration::from_secs(30)));
        assert!(matches!(&read.steps()[1].expression, Expression::Any(_)));
        assert_eq!(read.steps()[1].expires, None);
        assert_eq!(criteria(&written(&read)), Ok(Some(read)), "and read back as they are written down");
    }

    #[test]
    fn nothing_asks_for_nothing_and_nonsense_is_a_fault() {
        assert_eq!(criteria(&Value::Null), Ok(None));
        assert_eq!(criteria(&Value::map([])), Ok(None));
        assert_eq!(criteria(&Value::text("ja")), Err(CriteriaFault::NoSteps));
        let bad_level = steps(vec![step(condition("language", "ja", "9"), None)]);
        assert_eq!(criteria(&bad_level), Err(CriteriaFault::Level));
        let mut odd = condition("language", "ja", "3");
        if let Value::Map(map) = &mut odd
            && let Some(Value::Map(inner)) = map.get_mut("AttributeCondition")
        {
            inner.insert("ComparisonOperator".into(), Value::text("LessThan"));
        }
        assert_eq!(criteria(&steps(vec![step(odd, None)])), Err(CriteriaFault::Operator));
    }

    #[test]
    fn only_a_full_queue_is_at_capacity() {
        assert_eq!(outcome(QueueRefusal::AtCapacity), QueueOutcome::AtCapacity);
        assert_eq!(outcome(QueueRefusal::OutOfService), QueueOutcome::Refused);
    }
}
