//! Functions of flows that engines work out: asked over the control socket, answered with `return`. Knows no flow.

use super::client::{Client, ClientId};
use super::engines::Engines;
use super::wire::Fault;
use super::wire_told::{Told, name_of};
use crate::base::id::CallId;
use crate::domain::call::interface::Slip;
use crate::domain::flow::act::Reply;
use crate::domain::flow::interface::{FetchFault, FetchFrom, FetchOrder};
use crate::domain::flow::value::Value;
use crate::domain::routing::request::RouteId;
use crate::edge::outside::json;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Who is asked where a function does not say it: `score` is `functions/score`.
const USUAL: &str = "functions";

type Outcome = Result<Json, FetchFault>;

/// What is being worked out, and by whom.
pub struct Functions {
    engines: Arc<Engines>,
    open: Mutex<BTreeMap<RouteId, Asked>>,
}

struct Asked {
    over: ClientId,
    waits: oneshot::Sender<Outcome>,
}

/// Takes a question back when nobody waits for it any more.
struct Question<'a>(&'a Functions, RouteId);

impl Drop for Question<'_> {
    fn drop(&mut self) {
        self.0.open().remove(&self.1);
    }
}

impl Functions {
    pub fn new(engines: Arc<Engines>) -> Functions {
        Functions { engines, open: Mutex::default() }
    }

    /// Asks until it is answered, or the time of the order is over.
    pub async fn call(&self, call: CallId, slip: Slip, order: &FetchOrder) -> Result<Value, FetchFault> {
        match tokio::time::timeout(order.total, self.ask(name_of(call, slip), order)).await {
            Ok(outcome) => outcome.and_then(|json| understood(json, order)),
            Err(_) => Err(FetchFault::TimedOut),
        }
    }

    async fn ask(&self, id: RouteId, order: &FetchOrder) -> Outcome {
        let FetchFrom::Engine(name) = &order.to else { return Err(FetchFault::Unreachable) };
        let (engine, function) = name.split_once('/').unwrap_or((USUAL, name));
        let mut outcome = Err(FetchFault::Unreachable);
        for _ in 0..order.tries.max(1) {
            let told = Told::FunctionCall {
                request: id.to_string(),
                call: id.call.to_string(),
                function: function.to_owned(),
                deadline_ms: u64::try_from(order.each.as_millis()).unwrap_or(u64::MAX),
                body: json::write(&order.body),
            };
            let (waits, answer) = oneshot::channel();
            let _question = Question(self, id);
            {
                // Whoever answers at once finds its question.
                let mut open = self.open();
                let Ok(over) = self.engines.send(engine, &told.line()) else { return Err(FetchFault::Unreachable) };
                open.insert(id, Asked { over, waits });
            }
            outcome = match tokio::time::timeout(order.each, answer).await {
                Ok(Ok(outcome)) => outcome,
                // The engine is lost: another connection of its name may know.
                Ok(Err(_)) => Err(FetchFault::Unreachable),
                Err(_) => return Err(FetchFault::TimedOut),
            };
            if outcome != Err(FetchFault::Unreachable) {
                break;
            }
        }
        outcome
    }

    /// What an engine has worked out, or why it could not.
    pub fn give(&self, client: &Client, request: &str, result: Json, error: Option<String>) -> Result<Json, Fault> {
        let no_such = || Fault::new("no_such_request", "nothing is asked under this name any more").at("/request");
        let id = RouteId::parse(request).ok_or_else(no_such)?;
        let asked = {
            let mut open = self.open();
            if open.get(&id).is_some_and(|asked| asked.over != client.id) {
                return Err(Fault::new("not_asked", "another engine was asked this").at("/request"));
            }
            open.remove(&id).ok_or_else(no_such)?
        };
        if let Some(error) = &error {
            tracing::warn!(%id, who = client.who(), error = error.escape_debug().to_string(), "a function failed");
        }
        let outcome = if error.is_some() { Err(FetchFault::Refused(500)) } else { Ok(result) };
        asked.waits.send(outcome).map_err(|_| no_such())?;
        Ok(Json::Object(Map::new()))
    }

    /// Whoever waits for a client that is gone waits for nothing.
    pub fn gone(&self, client: ClientId) {
        self.open().retain(|_, asked| asked.over != client);
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<RouteId, Asked>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In the shape that the step asked for.
fn understood(json: Json, order: &FetchOrder) -> Result<Value, FetchFault> {
    let Value::Map(map) = json::read(json) else { return Err(FetchFault::NotUnderstood) };
    let is_flat = map.values().all(|value| matches!(value, Value::Text(_)));
    if order.reply == Reply::StringMap && !is_flat {
        return Err(FetchFault::NotUnderstood);
    }
    let value = Value::Map(map);
    if value.weight() > order.bytes_max { Err(FetchFault::TooLarge) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::flow::interface::Ticket;
    use crate::edge::control::scope::Scopes;
    use serde_json::json;
    use std::time::Duration;
    use tokio::sync::mpsc;

    const CALL: CallId = CallId(7);
    const SLIP: Slip = Slip { run: 1, ticket: Ticket(4) };

    fn order(reply: Reply) -> FetchOrder {
        let each = Duration::from_secs(5);
        let body = Value::map([("Name", Value::text("x"))]);
        FetchOrder {
            to: FetchFrom::Engine("acd/score".into()),
            body,
            reply,
            each,
            total: each,
            tries: 2,
            bytes_max: 1_000,
        }
    }

    async fn engine(functions: &Functions, id: u64) -> (Arc<Client>, mpsc::Receiver<bytes::Bytes>) {
        let (client, told) = Client::new(ClientId(id), "test".into(), Scopes::all());
        let client = Arc::new(client);
        assert!(functions.engines.attach("acd", &client).await);
        (client, told)
    }

    async fn asked(told: &mut mpsc::Receiver<bytes::Bytes>) -> Json {
        serde_json::from_slice(&told.recv().await.expect("a question")).expect("JSON")
    }

    #[tokio::test]
    async fn what_an_engine_returns_is_the_answer_once_and_in_its_shape() {
        let (engines, _news) = Engines::new();
        let functions = Arc::new(Functions::new(Arc::new(engines)));
        assert_eq!(functions.call(CALL, SLIP, &order(Reply::Json)).await, Err(FetchFault::Unreachable));
        let (client, mut told) = engine(&functions, 1).await;
        for (reply, result, expected) in [
            (Reply::StringMap, json!({"score": "7"}), Ok("7")),
            (Reply::StringMap, json!({"score": 7}), Err(FetchFault::NotUnderstood)),
            (Reply::Json, json!([7]), Err(FetchFault::NotUnderstood)),
            (Reply::Json, json!({"long": "x".repeat(2_000)}), Err(FetchFault::TooLarge)),
        ] {
            let waits = tokio::spawn({
                let functions = Arc::clone(&functions);
                async move { functions.call(CALL, SLIP, &order(reply)).await }
            });
            let question = asked(&mut told).await;
            assert_eq!((&question["event"], &question["function"]), (&json!("function.call"), &json!("score")));
            let request = question["request"].as_str().expect("a name");
            assert!(functions.give(&client, request, result.clone(), None).is_ok());
            assert_eq!(functions.give(&client, request, result, None).expect_err("once").code, "no_such_request");
            let outcome = waits.await.expect("an outcome");
            let score = outcome.map(|value| value.member("score").and_then(Value::as_text).unwrap_or("").to_owned());
            assert_eq!(score, expected.map(str::to_owned));
        }
    }

    #[tokio::test]
    async fn an_engine_that_is_lost_is_followed_by_the_next_and_a_stranger_answers_nothing() {
        let (engines, _news) = Engines::new();
        let functions = Arc::new(Functions::new(Arc::new(engines)));
        let (first, mut to_first) = engine(&functions, 1).await;
        let (second, mut to_second) = engine(&functions, 2).await;
        let waits = tokio::spawn({
            let functions = Arc::clone(&functions);
            async move { functions.call(CALL, SLIP, &order(Reply::Json)).await }
        });
        let question = asked(&mut to_first).await;
        let request = question["request"].as_str().expect("a name");
        assert_eq!(functions.give(&second, request, json!({}), None).expect_err("not asked").code, "not_asked");
        functions.engines.detach(first.id).await;
        functions.gone(first.id);
        asked(&mut to_second).await;
        assert!(functions.give(&second, request, Json::Null, Some("no idea".into())).is_ok());
        assert_eq!(waits.await.expect("an outcome"), Err(FetchFault::Refused(500)));
        assert!(functions.open().is_empty());
    }
}
