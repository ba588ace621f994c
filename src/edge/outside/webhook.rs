//! Questions of flows to servers of the house: only those that configuration allows, in time, tried again where that helps.

use crate::domain::flow::interface::{FetchFault, FetchFrom, FetchOrder};
use crate::domain::flow::value::Value;
use crate::edge::metrics::Metrics;
use crate::edge::outside::http::{Answered, HttpClient, HttpFault};
use crate::edge::outside::json;
use crate::edge::outside::settings::WebhookSettings;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Before a question is asked again.
const PAUSE: Duration = Duration::from_millis(100);

pub struct Webhooks {
    allow: Vec<Box<str>>,
    client: HttpClient,
    places: Arc<Semaphore>,
    metrics: Metrics,
}

impl Webhooks {
    pub fn new(settings: &WebhookSettings, client: HttpClient, metrics: Metrics) -> Webhooks {
        let places = Arc::new(Semaphore::new(settings.at_once));
        Webhooks { allow: settings.allow.clone(), client, places, metrics }
    }

    pub async fn fetch(&self, order: &FetchOrder) -> Result<Value, FetchFault> {
        let outcome = match &order.to {
            FetchFrom::Url(url) => match tokio::time::timeout(order.total, self.ask(url, order)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(FetchFault::TimedOut),
            },
            // Those are asked over the control socket.
            FetchFrom::Engine(_) => Err(FetchFault::Unreachable),
        };
        self.count(&outcome);
        outcome
    }

    pub fn count(&self, outcome: &Result<Value, FetchFault>) {
        self.metrics.webhook(name(outcome));
    }

    async fn ask(&self, url: &str, order: &FetchOrder) -> Result<Value, FetchFault> {
        if !self.allow.iter().any(|allowed| is_within(url, allowed)) {
            tracing::warn!("a flow wanted to ask an address that `webhooks.allow` does not name");
            return Err(FetchFault::NotAllowed);
        }
        // A server that hangs must not gather all memory in questions to it.
        let _place = self.places.try_acquire().map_err(|_| FetchFault::Unreachable)?;
        let body = json::write(&order.body).to_string().into_bytes();
        let mut outcome = Err(FetchFault::Unreachable);
        for again in 0..order.tries.max(1) {
            if again > 0 {
                tokio::time::sleep(PAUSE * u32::from(again)).await;
            }
            let asked = self.client.post(url, body.clone(), order.bytes_max);
            outcome = match tokio::time::timeout(order.each, asked).await {
                Ok(answered) => read(answered, order),
                Err(_) => Err(FetchFault::TimedOut),
            };
            if !matches!(
                outcome,
                Err(FetchFault::Unreachable | FetchFault::TimedOut | FetchFault::Refused(429 | 500..))
            ) {
                break;
            }
        }
        outcome
    }
}

fn read(answered: Result<Answered, HttpFault>, order: &FetchOrder) -> Result<Value, FetchFault> {
    match answered {
        Ok(Answered { status: 200..300, body }) => json::answer(&body, order.reply),
        Ok(Answered { status, .. }) => Err(FetchFault::Refused(status)),
        Err(HttpFault::Unreachable | HttpFault::Broken) => Err(FetchFault::Unreachable),
        Err(HttpFault::Address) => Err(FetchFault::NotAllowed),
        Err(HttpFault::TooLarge) => Err(FetchFault::TooLarge),
    }
}

/// What is allowed ends at a boundary of the address, so that `https://a.example` does not allow `https://a.example.evil`.
fn is_within(url: &str, allowed: &str) -> bool {
    let Some(rest) = url.strip_prefix(allowed) else { return false };
    let is_clean = !url.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') && !has_user(url);
    is_clean && !climbs(url) && (rest.is_empty() || allowed.ends_with('/') || rest.starts_with(['/', '?']))
}

/// A path that leaves its folder, also one that says so in escaped dots.
fn climbs(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.to_ascii_lowercase().replace("%2e", ".").split('/').any(|part| part == ".." || part == ".")
}

fn has_user(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    authority.split(['/', '?', '#']).next().unwrap_or_default().contains('@')
}

/// The label of an outcome; bounded.
fn name(outcome: &Result<Value, FetchFault>) -> &'static str {
    match outcome {
        Ok(_) => "answered",
        Err(FetchFault::Unreachable) => "unreachable",
        Err(FetchFault::TimedOut) => "timed-out",
        Err(FetchFault::Refused(_)) => "refused",
        Err(FetchFault::TooLarge) => "too-large",
        Err(FetchFault::NotUnderstood) => "not-understood",
        Err(FetchFault::NotAllowed) => "not-allowed",
    }
}

/// Every name of an outcome.
pub const OUTCOMES: [&str; 7] =
    ["answered", "unreachable", "timed-out", "refused", "too-large", "not-understood", "not-allowed"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_may_be_asked() {
        for (url, allowed, expected) in [
            ("https://a.example/orders", "https://a.example", true),
            ("https://a.example", "https://a.example", true),
            ("https://a.example/api/x?y=1", "https://a.example/api/", true),
            ("https://a.example.evil/orders", "https://a.example", false),
            ("https://a.example:8443/orders", "https://a.example", false),
            ("https://a.example/other", "https://a.example/api/", false),
            ("https://a.example/api/../secret", "https://a.example/api/", false),
            ("https://a.example/api/%2E%2e/secret", "https://a.example/api/", false),
            ("https://a.example/api/x..y?z=/../", "https://a.example/api/", true),
            ("https://a.example@evil/", "https://a.example", false),
            ("https://x@a.example/", "https://x@a.example", false),
            ("https://a.example/\r\nX: 1", "https://a.example", false),
        ] {
            assert_eq!(is_within(url, allowed), expected, "{url} in {allowed}");
        }
    }
}
