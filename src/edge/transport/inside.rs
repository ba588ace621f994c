//! A connection without a wire: a phone inside of the daemon says and hears messages as one behind a WebSocket does. Says
//! nothing itself.

use crate::edge::transport::Shared;
use crate::edge::transport::connections::{Admitted, Queued};
use crate::protocol::sip::message::Message;
use crate::protocol::sip::path::Path;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::mpsc;

/// One end of such a connection. Dropping it closes it.
pub struct Inside {
    shared: Arc<Shared>,
    path: Path,
    queue: mpsc::Receiver<Queued>,
    names: Arc<[Box<str>]>,
}

impl Inside {
    pub(super) fn new(shared: &Arc<Shared>, path: Path, admitted: Admitted) -> Inside {
        let path = Path { connection: Some(admitted.id), ..path };
        Inside { shared: Arc::clone(shared), path, queue: admitted.queue, names: Arc::from([]) }
    }

    pub fn path(&self) -> Path {
        self.path
    }

    /// The next message for the phone; `None` when the connection was closed from our side.
    pub async fn next(&mut self) -> Option<Bytes> {
        self.queue.recv().await.map(|queued| queued.bytes)
    }

    /// What the phone says.
    pub fn say(&self, message: Box<Message>) {
        self.shared.sink.message(self.path, &self.names, message);
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.queue.close();
        while let Ok(Queued { owner, token, .. }) = self.queue.try_recv() {
            self.shared.undeliverable(owner, token);
        }
        if let Some(id) = self.path.connection {
            self.shared.connections.remove(id);
        }
        self.shared.sink.closed(self.path);
    }
}
