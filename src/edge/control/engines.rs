//! Which engines are attached, by their names, and the way of requests to them. Decides nothing about calls.

use super::client::{Client, ClientId, NotSent};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

/// Connections of one engine: the one that serves and those that stand by.
const STANDING_BY_MAX: usize = 8;
/// Comings and goings that nobody has taken note of yet.
const NEWS_MAX: usize = 256;

/// An engine came or went. Requests and leases of a client that is gone are nobody's any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EngineNews {
    Attached { engine: Arc<str>, client: ClientId },
    Gone { engine: Arc<str>, client: ClientId },
}

/// All attached engines. One that attached first is asked first; the others of its name stand by.
pub struct Engines {
    attached: Mutex<BTreeMap<Arc<str>, Vec<Arc<Client>>>>,
    news: mpsc::Sender<EngineNews>,
}

impl Engines {
    /// With the news for whoever owns requests and leases.
    pub fn new() -> (Engines, mpsc::Receiver<EngineNews>) {
        let (news, told) = mpsc::channel(NEWS_MAX);
        (Engines { attached: Mutex::default(), news }, told)
    }

    /// Sends a frame (one JSON object, with its line end) to the engine of this name, and says which client has it. Never waits.
    pub fn send(&self, engine: &str, frame: &Bytes) -> Result<ClientId, NotSent> {
        let attached = self.attached();
        let mut why = NotSent::Gone;
        for client in attached.get(engine).into_iter().flatten() {
            match client.push(frame.clone()) {
                Ok(()) => return Ok(client.id),
                Err(refused) => why = refused,
            }
        }
        Err(why)
    }

    pub fn is_attached(&self, engine: &str) -> bool {
        self.attached().contains_key(engine)
    }

    /// Whether this client is (one of) this engine: only such a one may decide what the engine was asked.
    pub fn is_of(&self, engine: &str, client: ClientId) -> bool {
        self.attached().get(engine).is_some_and(|own| own.iter().any(|one| one.id == client))
    }

    /// Names with how many connections each.
    pub fn list(&self) -> Vec<(Arc<str>, usize)> {
        self.attached().iter().map(|(name, own)| (name.clone(), own.len())).collect()
    }

    /// `false`: as many stand by under this name as may.
    pub async fn attach(&self, engine: &str, client: &Arc<Client>) -> bool {
        let engine: Arc<str> = engine.into();
        {
            let mut attached = self.attached();
            let own = attached.entry(engine.clone()).or_default();
            if own.iter().any(|one| one.id == client.id) {
                return true;
            }
            if own.len() >= STANDING_BY_MAX {
                return false;
            }
            own.push(Arc::clone(client));
        }
        self.tell(EngineNews::Attached { engine, client: client.id }).await;
        true
    }

    /// The client is gone, or does not want to be asked any more.
    pub async fn detach(&self, client: ClientId) {
        let mut left = Vec::new();
        self.attached().retain(|engine, own| {
            if own.iter().any(|one| one.id == client) {
                left.push(engine.clone());
            }
            own.retain(|one| one.id != client);
            !own.is_empty()
        });
        for engine in left {
            self.tell(EngineNews::Gone { engine, client }).await;
        }
    }

    async fn tell(&self, news: EngineNews) {
        if self.news.send(news).await.is_err() {
            tracing::debug!("nobody owns requests any more");
        }
    }

    fn attached(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Vec<Arc<Client>>>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::control::scope::Scopes;

    fn client(id: u64) -> (Arc<Client>, mpsc::Receiver<Bytes>) {
        let (client, pushed) = Client::new(ClientId(id), "test".into(), Scopes::all());
        (Arc::new(client), pushed)
    }

    #[tokio::test]
    async fn the_first_of_a_name_is_asked_and_the_next_stands_by() {
        let (engines, mut news) = Engines::new();
        let (first, mut to_first) = client(1);
        let (second, mut to_second) = client(2);
        let frame = Bytes::from_static(b"{}\n");
        assert_eq!(engines.send("acd", &frame), Err(NotSent::Gone));
        assert!(engines.attach("acd", &first).await && engines.attach("acd", &second).await);
        assert_eq!(engines.send("acd", &frame), Ok(ClientId(1)));
        assert!(to_first.try_recv().is_ok() && to_second.try_recv().is_err());
        engines.detach(ClientId(1)).await;
        assert_eq!(engines.send("acd", &frame), Ok(ClientId(2)));
        engines.detach(ClientId(2)).await;
        assert!(!engines.is_attached("acd"));
        let engine: Arc<str> = "acd".into();
        for told in [1, 2].map(|id| EngineNews::Attached { engine: engine.clone(), client: ClientId(id) }) {
            assert_eq!(news.recv().await, Some(told));
        }
        assert_eq!(news.recv().await, Some(EngineNews::Gone { engine, client: ClientId(1) }));
    }

    #[tokio::test]
    async fn one_that_does_not_read_keeps_nobody_waiting() {
        let (engines, _news) = Engines::new();
        let (stuck, _unread) = client(1);
        assert!(engines.attach("acd", &stuck).await);
        let frame = Bytes::from_static(b"{}\n");
        let sent = (0..2_000).take_while(|_| engines.send("acd", &frame).is_ok()).count();
        assert_eq!(sent, super::super::client::PUSHED_MAX);
        assert_eq!(engines.send("acd", &frame), Err(NotSent::Full));
    }
}
