//! Whom an agent names beside numbers: a queue, or another agent. What leads there is a flow for transfers; dials nobody.

use crate::base::cause::Cause;
use crate::base::now::Now;
use crate::domain::call::interface::{Led, Party, Refused, Stage};
use crate::domain::flow::definition::{Flow, Kind};
use crate::domain::flow::memory::QueueName;
use crate::domain::queue::interface::Place;
use crate::domain::switchboard::board::Switchboard;
use crate::domain::switchboard::queues::straight_to;
use crate::domain::switchboard::routing::scripted;
use crate::protocol::sip::message::text::percent_decoded;
use crate::protocol::sip::message::uri::{Scheme, Uri};
use std::sync::Arc;

/// `sip:queue:orders@…` and `sip:agent:alice@…`; the colon may be escaped.
pub(super) fn named_by(uri: &Uri<'_>) -> Option<QueueName> {
    if uri.scheme == Scheme::Tel || uri.scheme == Scheme::Other {
        return None;
    }
    let user = percent_decoded(uri.userinfo()?);
    let (what, name) = user.split_once(':')?;
    match what {
        _ if name.is_empty() => None,
        "queue" => Some(QueueName::Queue(name.into())),
        "agent" => Some(QueueName::Agent(name.into())),
        _ => None,
    }
}

impl Switchboard {
    /// Whether the party is an agent's phone: nobody else may name queues and agents.
    pub(super) fn is_agents(&self, party: &Party) -> bool {
        matches!(party, Party::Phone(phone) if self.agent_at(&phone.name).is_some())
    }

    /// The flow that takes a call there. An agent who is not at work, or what is not configured, is told at once: then the
    /// call stays with the one who sends it.
    pub(super) fn toward(&self, now: Now, name: &QueueName) -> Result<Led, Refused> {
        let refused = |cause, words: String| Err(Refused { cause, retry_after: None, words: words.into() });
        let index = &self.index;
        let (kind, default) = match name {
            QueueName::Queue(queue) if index.exchange.queues.queue(queue).is_none() => {
                return refused(Cause::NumberUnknown, format!("queue {queue} is not in the configuration"));
            }
            QueueName::Agent(agent) => match self.queues.report(now, &Place::from(name)) {
                Err(_) => return refused(Cause::NumberUnknown, format!("agent {agent} is not in the configuration")),
                Ok(report) if report.agents.staffed == 0 => {
                    return refused(Cause::TemporarilyUnavailable, format!("agent {agent} is not at work"));
                }
                Ok(_) => (Kind::TransferToAgent, "default-transfer-to-agent"),
            },
            QueueName::Queue(_) => (Kind::TransferToQueue, "default-transfer-to-queue"),
        };
        let declared = index.exchange.flows.find(default).filter(|flow| flow.kind == kind).cloned();
        let Some(flow) = declared.or_else(|| straight_to(name).map(Arc::<Flow>::new)) else {
            return refused(Cause::Fault, format!("no flow leads to {}", name.name()));
        };
        let mut script = scripted(index, flow);
        script.toward = Some(name.clone());
        Ok(Led { stages: Vec::<Stage>::new(), script: Some(script) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_and_agents_are_named_with_their_kind() {
        let of = |text: &str| named_by(&Uri::parse(text).expect("a URI"));
        assert_eq!(of("sip:queue:orders@pbx.example"), Some(QueueName::Queue("orders".into())));
        assert_eq!(of("sip:queue%3Aorders@pbx.example;user=phone"), Some(QueueName::Queue("orders".into())));
        assert_eq!(of("sips:agent:j%c3%b6rg@pbx.example"), Some(QueueName::Agent("jörg".into())));
        for text in ["sip:orders@pbx.example", "sip:queue:@pbx.example", "sip:alice:secret@pbx.example", "tel:+8131234"]
        {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
