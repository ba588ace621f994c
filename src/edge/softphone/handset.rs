//! The phone at a seat: the machine, and the connection without a wire on which it speaks with the exchange.

use crate::base::secret::Secret;
use crate::domain::queue::settings::Reach;
use crate::domain::softphone::interface::Account;
use crate::domain::softphone::{Softphone, Talk};
use crate::domain::switchboard::Switchboard;
use crate::edge::clock;
use crate::edge::ports::Ports;
use crate::edge::transport::inside::Inside;
use crate::protocol::sip::message::Message;
use crate::protocol::sip::path::{ListenerId, Path, Transport};
use bytes::Bytes;
use std::time::Duration;

pub type Heard = Box<Message>;

pub struct Handset {
    pub machine: Softphone,
    inside: Inside,
    /// What those see who are called.
    pub caller_number: Box<str>,
}

struct Found {
    account: Account,
    caller_number: Box<str>,
    listener: (ListenerId, Transport),
}

/// The phone of an agent, as his page's connection would carry it.
pub async fn open(ports: &Ports, agent: &str, path: Path, resume: Duration) -> Result<Handset, &'static str> {
    let name = agent.to_owned();
    let found = ports.dispatch.ask(move |switchboard| find(switchboard, &name, path, resume)).await;
    let Found { account, caller_number, listener: (listener, transport) } = found.ok_or("the daemon is ending")??;
    let path = Path { transport, listener, remote: path.remote, connection: None };
    let inside = ports.transports.open_inside(path).ok_or("there is no place for another connection")?;
    let entropy = crate::edge::entropy::from_system();
    let machine = Softphone::new(account, inside.path(), entropy, clock::now());
    Ok(Handset { machine, inside, caller_number })
}

fn find(switchboard: &Switchboard, agent: &str, path: Path, resume: Duration) -> Result<Found, &'static str> {
    let exchange = switchboard.exchange();
    let agent = exchange.queues.agents.iter().find(|one| &*one.name == agent).ok_or("the agent is gone")?;
    let Reach::Phone(name) = &agent.reach else { return Err("the agent is reached by a number") };
    let phone = exchange.phones.iter().find(|phone| phone.name == *name).ok_or("the phone is gone")?;
    let profiles = &exchange.profiles;
    let is_own = |id: ListenerId| {
        let (profile, listener) = profiles.listener(id)?;
        let speaks = matches!(listener.transport, Transport::Ws | Transport::Wss);
        (profile.name == phone.profile && speaks).then_some((id, listener.transport))
    };
    let all = (0..profiles.listeners.len()).filter_map(|at| u16::try_from(at).ok()).map(ListenerId);
    let listener = is_own(path.listener).or_else(|| all.into_iter().find_map(is_own));
    let profile = profiles.profiles.iter().find(|profile| profile.name == phone.profile);
    let account = Account {
        name: (&*phone.name).into(),
        realm: profile.map(|profile| profile.realm.clone()).ok_or("the profile is gone")?,
        user: phone.digest.user.clone(),
        password: Secret::new(phone.digest.password.reveal()),
        resume,
    };
    let listener = listener.ok_or("the phone's profile has no ws or wss listener")?;
    Ok(Found { account, caller_number: phone.caller_number.clone(), listener })
}

/// The next message for the phone; `None` when its connection was closed. Waits for ever without a phone.
pub async fn hear(phone: &mut Option<Handset>) -> Option<Heard> {
    let Some(phone) = phone else { return std::future::pending().await };
    loop {
        let bytes = phone.inside.next().await?;
        match Message::parse(&bytes) {
            Ok(message) => return Some(Box::new(message)),
            Err(error) => tracing::error!(?error, "a message of ours cannot be read"),
        }
    }
}

impl Handset {
    pub fn say(&self, bytes: &Bytes) {
        match Message::parse(bytes) {
            Ok(message) => self.inside.say(Box::new(message)),
            Err(error) => tracing::error!(?error, "a message of a softphone cannot be read"),
        }
    }

    pub fn has_over(&self) -> bool {
        self.machine.talks().iter().any(Talk::is_over)
    }

    /// Forgets calls that are over; `true` if there were some.
    pub fn forget_where(&mut self, is_done: impl Fn(&Talk) -> bool) -> bool {
        let done: Vec<_> =
            self.machine.talks().iter().filter(|talk| talk.is_over() && is_done(talk)).map(|talk| talk.id).collect();
        done.iter().for_each(|id| self.machine.forget(*id));
        !done.is_empty()
    }
}
