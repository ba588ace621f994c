//! Whoever comes to the pages: what is shown, who may log in, and to which seat they go. Knows no call.

use super::assets::Shelf;
use super::guesses::Guesses;
use super::jwt::{self, JwtFault};
use super::password;
use super::seats::Seats;
use super::socket;
use super::token::{Claim, Signer, TokenFault, Use};
use super::wire::{Hello, Refusal, VERSION};
use crate::base::secret::Secret;
use crate::edge::clock;
use crate::edge::ports::Ports;
use crate::edge::transport::front::{Front, Page, Visitor};
use aws_lc_rs::rand;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};
use tokio::sync::Semaphore;

/// Passwords compared at once: each takes 19 MiB and some of a core.
const COMPARED_MAX: usize = 2;
/// How long somebody may wait for a turn.
const COMPARED_PATIENCE: Duration = Duration::from_secs(8);

/// Who somebody has proven to be, and until when.
#[derive(Clone, Debug)]
pub struct Proven {
    pub agent: Arc<str>,
    pub until: u64,
}

pub struct Reception {
    pub ports: Arc<Ports>,
    pub seats: Arc<Seats>,
    shelf: Shelf,
    signer: Signer,
    guesses: Mutex<Guesses>,
    compared: Semaphore,
}

impl Reception {
    pub fn new(ports: Arc<Ports>) -> Result<Reception, String> {
        let seats = Arc::clone(&ports.seats);
        let mut drawn = [0; 32];
        rand::fill(&mut drawn).map_err(|_| "no randomness for the key of softphones".to_owned())?;
        let signer = match &seats.settings.secret {
            Some(secret) => Signer::new(secret.reveal().as_bytes()),
            None => Signer::new(&drawn),
        };
        Ok(Reception {
            shelf: Shelf::new(&seats.settings.frame_ancestors),
            ports,
            seats,
            signer,
            guesses: Mutex::default(),
            compared: Semaphore::new(COMPARED_MAX),
        })
    }

    /// Who says hello.
    pub async fn prove(&self, hello: &Hello, address: IpAddr) -> Result<Proven, Refusal> {
        if hello.version != VERSION {
            return Err(Refusal::new("unsupported_version", format!("we speak version {VERSION}")).at("/version"));
        }
        match (&hello.token, &hello.user, &hello.password) {
            (Some(token), ..) => self.by_token(token, address).await,
            (None, Some(user), Some(password)) => self.by_password(user, password, address).await,
            _ => Err(Refusal::new("bad_request", "a login needs `token`, or `user` and `password`")),
        }
    }

    async fn by_password(&self, user: &str, password: &str, address: IpAddr) -> Result<Proven, Refusal> {
        let now = clock::now();
        if password.len() > password::BYTES_MAX || user.len() > 64 {
            return Err(wrong());
        }
        if !self.guesses().may_try(now.instant, address, user) {
            return Err(Refusal::new("too_many", "too many wrong logins; try again in a minute"));
        }
        // Counted before it is looked at, so that many at once are no way around.
        self.guesses().was_wrong(now.instant, address, user);
        let name = user.to_owned();
        let found = self.ports.dispatch.ask(move |switchboard| {
            let report = switchboard.queues().agent(&name)?;
            Some((report.plan.settings.name.clone(), report.plan.settings.password.clone()))
        });
        let (agent, hash) = found.await.ok_or_else(ending)?.map_or((None, None), |(agent, hash)| (Some(agent), hash));
        let turn = tokio::time::timeout(COMPARED_PATIENCE, self.compared.acquire()).await;
        let Ok(Ok(turn)) = turn else { return Err(Refusal::new("too_many", "too many logins at once; try again")) };
        let password = Secret::new(password);
        let compared = tokio::task::spawn_blocking(move || {
            password::is_right(hash.as_ref().map(Secret::reveal), password.reveal())
        });
        let is_right = compared.await.unwrap_or(false);
        drop(turn);
        match agent.filter(|_| is_right) {
            Some(agent) => {
                self.guesses().was_right(address, user);
                Ok(Proven { agent, until: self.until() })
            }
            None => Err(wrong()),
        }
    }

    async fn by_token(&self, token: &str, address: IpAddr) -> Result<Proven, Refusal> {
        let now = clock::now();
        if !self.guesses().may_try(now.instant, address, "") {
            return Err(Refusal::new("too_many", "too many wrong logins; try again in a minute"));
        }
        let outcome = self.read(token);
        if outcome.as_ref().is_err_and(|refusal| refusal.code == "bad_token") {
            self.guesses().was_wrong(now.instant, address, "");
        }
        let proven = outcome?;
        let name = proven.agent.clone();
        let is_there = self.ports.dispatch.ask(move |switchboard| switchboard.queues().agent(&name).is_some());
        match is_there.await.ok_or_else(ending)? {
            true => Ok(proven),
            false => Err(Refusal::new("bad_token", "the token is of nobody here")),
        }
    }

    fn read(&self, token: &str) -> Result<Proven, Refusal> {
        let now = clock::now();
        let forged = || Refusal::new("bad_token", "the token cannot be used");
        let expired = || Refusal::new("expired", "the token's time is over");
        if Signer::is_ours(token) {
            let claim = self.signer.read(token, now.unix_millis()).map_err(|fault| match fault {
                TokenFault::Forged => forged(),
                TokenFault::Expired => expired(),
            })?;
            if claim.issued <= self.seats.farewell(&claim.agent) {
                return Err(expired());
            }
            if let Use::Resume(seat) = claim.good_for
                && !self.seats.is_kept(&claim.agent, seat)
            {
                return Err(Refusal::new("gone", "nothing waits there any more; log in"));
            }
            return Ok(Proven { agent: claim.agent.into(), until: claim.until });
        }
        let Some(settings) = &self.seats.settings.jwt else { return Err(forged()) };
        let since = now.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        match jwt::subject(settings, token, since) {
            Ok(agent) => Ok(Proven { agent: agent.into(), until: self.until() }),
            Err(JwtFault::Expired) => Err(expired()),
            Err(JwtFault::Forged | JwtFault::Foreign) => Err(forged()),
        }
    }

    fn until(&self) -> u64 {
        let login = u64::try_from(self.seats.settings.login.as_millis()).unwrap_or(u64::MAX);
        clock::now().unix_millis().saturating_add(login)
    }

    /// A token for another login, and one for coming back to this seat.
    pub fn tokens(&self, proven: &Proven, seat: u64) -> (String, String) {
        let issued = clock::now().unix_millis();
        let claim = |good_for| Claim { agent: (&*proven.agent).into(), good_for, issued, until: proven.until };
        (self.signer.issue(&claim(Use::Login)), self.signer.issue(&claim(Use::Resume(seat))))
    }

    fn guesses(&self) -> std::sync::MutexGuard<'_, Guesses> {
        self.guesses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wrong() -> Refusal {
    Refusal::new("bad_credentials", "nobody has this name and this password")
}

pub fn ending() -> Refusal {
    Refusal::new("gone", "the daemon is ending")
}

/// What the transports hold of the reception.
pub struct Desk(pub Arc<Reception>);

impl Front for Desk {
    fn page(&self, path: &str, tag: Option<&str>) -> Page {
        self.0.shelf.page(path, tag)
    }

    fn serve(&self, visitor: Visitor) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(socket::talk(Arc::clone(&self.0), visitor))
    }
}
