//! Who is at the other end of one connection of the control protocol, what it may do, and the bounded way to it.

use super::follow::Following;
use super::scope::{Scope, Scopes};
use bytes::Bytes;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, RwLock};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

/// Frames on their way to one client that it did not ask for one by one: requests and what belongs to them.
pub const PUSHED_MAX: usize = 1_024;

/// One connection. Never issued twice while the daemon lives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClientId(pub u64);

impl ClientId {
    pub fn next() -> ClientId {
        static ISSUED: AtomicU64 = AtomicU64::new(1);
        ClientId(ISSUED.fetch_add(1, Ordering::Relaxed))
    }
}

/// One connected client. Holds what it has said of itself; executes nothing.
pub struct Client {
    pub id: ClientId,
    /// Whom the system or its token say that it is: goes into logs and audit trails.
    who: RwLock<String>,
    scopes: RwLock<Scopes>,
    /// As it has named itself: its commands are done once under this name, on whichever connection they come.
    name: OnceLock<Box<str>>,
    pushes: mpsc::Sender<Bytes>,
    stays: AtomicBool,
    following: watch::Sender<Option<Following>>,
    /// What it follows once it has read the answer to its wish.
    wished: Mutex<Option<Option<Following>>>,
}

/// Why a frame did not go to a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotSent {
    /// It does not read: so many frames wait for it that this one does not.
    Full,
    Gone,
}

impl Client {
    /// With the frames that it will be pushed.
    pub fn new(id: ClientId, who: String, scopes: Scopes) -> (Client, mpsc::Receiver<Bytes>) {
        let (pushes, pushed) = mpsc::channel(PUSHED_MAX);
        let (following, _) = watch::channel(None);
        let (who, scopes) = (RwLock::new(who), RwLock::new(scopes));
        (
            Client {
                id,
                who,
                scopes,
                name: OnceLock::new(),
                pushes,
                stays: AtomicBool::new(false),
                following,
                wished: Mutex::default(),
            },
            pushed,
        )
    }

    /// Puts a frame on its way. Never waits.
    pub fn push(&self, frame: Bytes) -> Result<(), NotSent> {
        self.pushes.try_send(frame).map_err(|error| match error {
            TrySendError::Full(_) => NotSent::Full,
            TrySendError::Closed(_) => NotSent::Gone,
        })
    }

    pub fn who(&self) -> String {
        self.who.read().map(|who| who.clone()).unwrap_or_default()
    }

    pub fn may(&self, scope: Scope) -> bool {
        self.scopes().has(scope)
    }

    pub fn scopes(&self) -> Scopes {
        self.scopes.read().map(|scopes| *scopes).unwrap_or_default()
    }

    /// A token has proven who it is.
    pub fn is_proven(&self, who: String, scopes: Scopes) {
        if let (Ok(mut own), Ok(mut may)) = (self.who.write(), self.scopes.write()) {
            (*own, *may) = (who, scopes);
        }
    }

    /// Whether it waits for what we push, so that its own silence is no reason to close.
    pub fn stays(&self) -> bool {
        self.stays.load(Ordering::Relaxed)
    }

    pub fn set_staying(&self, stays: bool) {
        self.stays.store(stays, Ordering::Relaxed);
    }

    /// Takes effect when its answer is on its way, so that no event comes before it.
    pub fn follow(&self, following: Option<Following>) {
        if let Ok(mut wished) = self.wished.lock() {
            *wished = Some(following);
        }
    }

    /// The answer to its last command is on its way.
    pub fn was_answered(&self) {
        if let Some(following) = self.wished.lock().ok().and_then(|mut wished| wished.take()) {
            self.stays.fetch_or(following.is_some(), Ordering::Relaxed);
            self.following.send_replace(following);
        }
    }

    pub fn is_following(&self) -> bool {
        self.following.borrow().is_some()
    }

    pub fn followed(&self) -> watch::Receiver<Option<Following>> {
        self.following.subscribe()
    }

    pub fn name(&self) -> Option<&str> {
        self.name.get().map(|name| &**name)
    }

    /// The first name stands. `false`: it has another one already.
    pub fn is_named(&self, name: &str) -> bool {
        &**self.name.get_or_init(|| name.into()) == name
    }
}
