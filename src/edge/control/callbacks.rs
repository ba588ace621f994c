//! Callbacks that are owed, for whoever asks on the control socket, and taking one back. Keeps nothing.

use super::wire::Fault;
use crate::base::secret::Masked;
use crate::domain::queue::callback::{Callback, CallbackId, Standing};
use crate::domain::queue::interface::{Place, QueueRefusal};
use crate::domain::switchboard::Switchboard;
use crate::edge::clock;
use crate::edge::ports::Ports;
use serde_json::{Value, json};

pub fn callbacks(switchboard: &Switchboard) -> Value {
    json!({ "callbacks": switchboard.queues().callbacks().map(callback).collect::<Vec<_>>() })
}

fn callback(callback: &Callback) -> Value {
    let (kind, place) = match &callback.place {
        Place::Queue(name) => ("queue", name),
        Place::Agent(name) => ("agent", name),
    };
    let (standing, due) = match callback.standing {
        Standing::Scheduled { due } => ("scheduled", Some(due)),
        Standing::Queued => ("queued", None),
    };
    json!({
        "callback": callback.id.to_string(), "number": callback.number.to_string(), "kind": kind, "waits": &**place,
        "standing": standing, "due": due, "started_at": callback.started, "promised_at": callback.created,
        "expires_at": callback.expires(), "attempts": callback.attempts, "retries": callback.retries,
        "promised_in": callback.call.to_string(),
    })
}

pub async fn cancel(ports: &Ports, who: &str, name: String) -> Result<Value, Fault> {
    let unknown = || Fault::new("no_such_callback", format!("no callback {name:?} is owed"));
    let callback = CallbackId::parse(&name).ok_or_else(unknown)?;
    let order = ports.dispatch.change(move |switchboard| switchboard.handle_cancel_callback(clock::now(), callback));
    match order.await {
        Some(Ok(())) => {
            tracing::info!(who, callback = %Masked(&name), "a callback was taken back");
            Ok(json!({ "callback": name }))
        }
        Some(Err(QueueRefusal::Offered)) => {
            Err(Fault::new("with_an_agent", format!("an agent has callback {name} in hand; hang up its call instead")))
        }
        Some(Err(_)) => Err(unknown()),
        None => Err(Fault::new("ending", "the daemon is ending")),
    }
}
