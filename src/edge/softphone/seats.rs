//! The table of agents' seats: which agent has one, who is told when something changes, who may come back to it. Speaks to
//! no page itself.

use super::panel;
use super::seat::{self, Saying};
use super::settings::SoftphoneSettings;
use super::wire::{Colleague, Past};
use crate::edge::ports::Ports;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};

/// What may wait for one seat.
const INBOX: usize = 256;
/// Calls that one agent's history holds.
const HISTORY_MAX: usize = 50;
/// Colleagues' states are told no more often.
const ROSTER_EVERY: Duration = Duration::from_secs(1);

/// The way to one seat.
#[derive(Clone)]
pub struct SeatDoor {
    /// No other seat ever had it.
    pub number: u64,
    pub inbox: mpsc::Sender<Saying>,
    /// Rung when the agent's state has changed: asked for once however often it rang.
    pub bell: Arc<Notify>,
}

#[derive(Default)]
struct Table {
    seats: BTreeMap<Arc<str>, SeatDoor>,
    /// When an agent last said good-bye: tokens of before are good no more.
    farewells: BTreeMap<Arc<str>, u64>,
    /// What agents' last calls were, the newest last; gone with the daemon.
    histories: BTreeMap<Arc<str>, VecDeque<Past>>,
}

pub struct Seats {
    table: Mutex<Table>,
    stirred: Notify,
    roster: watch::Sender<Arc<Vec<Colleague>>>,
    ports: Mutex<Weak<Ports>>,
    pub settings: Arc<SoftphoneSettings>,
}

impl Seats {
    pub fn new(settings: SoftphoneSettings) -> Seats {
        let (roster, _) = watch::channel(Arc::default());
        Seats {
            table: Mutex::default(),
            stirred: Notify::new(),
            roster,
            ports: Mutex::default(),
            settings: Arc::new(settings),
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// By what seats reach the rest of the daemon; said once, at the start.
    pub fn reach(&self, ports: &Arc<Ports>) {
        *self.ports.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(ports);
    }

    fn ports(&self) -> Option<Arc<Ports>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    pub fn roster(&self) -> watch::Receiver<Arc<Vec<Colleague>>> {
        self.roster.subscribe()
    }

    /// Something about this agent is not as it was.
    pub fn changed(&self, agent: &str) {
        if let Some(seat) = self.table().seats.get(agent) {
            seat.bell.notify_one();
        }
        self.stirred.notify_one();
    }

    /// For the seat of this agent, if there is one; lost where the seat cannot keep up, as its next look shows all.
    pub fn tell(&self, agent: &str, saying: Saying) {
        let door = self.table().seats.get(agent).cloned();
        if let Some(door) = door
            && door.inbox.try_send(saying).is_err()
        {
            door.bell.notify_one();
        }
    }

    /// The seat that the agent has, or a new one.
    pub fn sit_down(&self, agent: &Arc<str>) -> Option<SeatDoor> {
        let ports = self.ports()?;
        let mut table = self.table();
        if let Some(door) = table.seats.get(agent).filter(|door| !door.inbox.is_closed()) {
            return Some(door.clone());
        }
        let (inbox, sayings) = mpsc::channel(INBOX);
        let number = crate::edge::entropy::from_system().number();
        let door = SeatDoor { number, inbox, bell: Arc::default() };
        table.seats.insert(agent.clone(), door.clone());
        drop(table);
        tokio::spawn(seat::run(agent.clone(), door.clone(), sayings, ports));
        Some(door)
    }

    /// Whether this seat is still kept.
    pub fn is_kept(&self, agent: &str, number: u64) -> bool {
        self.table().seats.get(agent).is_some_and(|door| door.number == number && !door.inbox.is_closed())
    }

    /// A seat has nothing more to do. `false`: somebody has come meanwhile.
    pub fn stand_up(&self, agent: &str, inbox: &mut mpsc::Receiver<Saying>) -> bool {
        let mut table = self.table();
        if !inbox.is_empty() {
            return false;
        }
        inbox.close();
        table.seats.remove(agent);
        true
    }

    pub fn said_farewell(&self, agent: &Arc<str>, at: u64) {
        self.table().farewells.insert(agent.clone(), at);
    }

    /// When the agent last said good-bye.
    pub fn farewell(&self, agent: &str) -> u64 {
        self.table().farewells.get(agent).copied().unwrap_or(0)
    }

    pub fn remember(&self, agent: &Arc<str>, past: Past) {
        let mut table = self.table();
        let history = table.histories.entry(agent.clone()).or_default();
        if history.len() >= HISTORY_MAX {
            history.pop_front();
        }
        history.push_back(past);
    }

    /// The newest first.
    pub fn history(&self, agent: &str) -> Vec<Past> {
        self.table().histories.get(agent).map(|history| history.iter().rev().cloned().collect()).unwrap_or_default()
    }

    /// Tells all seats how their colleagues are, at most once a second.
    pub async fn keep_roster(self: Arc<Seats>) {
        loop {
            self.stirred.notified().await;
            let Some(ports) = self.ports() else { return };
            let Some(now) = ports.dispatch.ask(panel::colleagues).await else { return };
            self.roster.send_if_modified(|known| {
                let is_news = **known != now;
                if is_news {
                    *known = Arc::new(now);
                }
                is_news
            });
            drop(ports);
            tokio::time::sleep(ROSTER_EVERY).await;
        }
    }
}
