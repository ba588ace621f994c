//! One agent's seat: his pages, his phone inside of the daemon, and what they know of each other. One task owns it.

mod orders;
mod phoning;
mod telling;

use super::handset::{self, Handset};
use super::lines::Offered;
use super::panel::View;
use super::reception::Proven;
use super::seats::{SeatDoor, Seats};
use super::socket::News;
use super::wire::{self, Colleague, ContactLine, Order, Refusal};
use crate::domain::queue::interface::AgentCommand;
use crate::edge::clock;
use crate::edge::ports::Ports;
use crate::protocol::sip::path::Path;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Pages of one agent at once: the oldest gives way.
const SOCKETS_MAX: usize = 16;
/// Offers that are remembered for the contacts that they brought.
const OFFERS_MAX: usize = 16;
/// A call that nobody has work after is shown for so long once it is over.
const SHOWN: Duration = Duration::from_secs(2);
/// What has been asked is answered by then; the last messages of a phone go out meanwhile.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long a seat with nothing to do sleeps.
const IDLE: Duration = Duration::from_secs(3_600);

/// A page that has said hello.
pub struct Joining {
    pub socket: u64,
    pub news: mpsc::Sender<News>,
    /// What its hello is answered under.
    pub id: String,
    pub media: bool,
    pub path: Path,
    pub proven: Proven,
}

/// What a seat hears.
pub enum Saying {
    Joined {
        joining: Box<Joining>,
        token: String,
        resume: String,
    },
    Ordered {
        socket: u64,
        id: String,
        order: Box<Order>,
    },
    Misunderstood {
        socket: u64,
        id: Option<String>,
        refusal: Refusal,
    },
    Left {
        socket: u64,
    },
    /// A contact was put to the agent.
    Offered(Offered),
    /// The daemon ends.
    Ending,
}

struct Page {
    socket: u64,
    news: mpsc::Sender<News>,
    media: bool,
}

/// What an order has come to so far.
enum Answer {
    Done(Map<String, Value>),
    /// The exchange will say.
    Waits,
}

type Obeyed = Result<Answer, Refusal>;

fn nothing() -> Answer {
    Answer::Done(Map::new())
}

struct Seat {
    agent: Arc<str>,
    number: u64,
    ports: Arc<Ports>,
    seats: Arc<Seats>,
    pages: Vec<Page>,
    /// Whose page the audio is at.
    owner: Option<u64>,
    view: Option<View>,
    /// As they were told last.
    contacts: Vec<ContactLine>,
    roster: watch::Receiver<Arc<Vec<Colleague>>>,
    /// Nobody is here since.
    alone_since: Option<Instant>,
    /// No page has the audio since.
    silent_since: Option<Instant>,
    phone: Option<Handset>,
    /// Which page waits for which order of the phone.
    waiting: BTreeMap<u64, (u64, String)>,
    last_ticket: u64,
    offers: Vec<Offered>,
}

/// Serves until the last page has been gone for longer than it may be.
pub async fn run(agent: Arc<str>, door: SeatDoor, mut sayings: mpsc::Receiver<Saying>, ports: Arc<Ports>) {
    let seats = Arc::clone(&ports.seats);
    let roster = seats.roster();
    let mut seat = Seat {
        agent,
        number: door.number,
        ports,
        seats,
        pages: Vec::new(),
        owner: None,
        view: None,
        contacts: Vec::new(),
        roster,
        alone_since: Some(clock::now().instant),
        silent_since: None,
        phone: None,
        waiting: BTreeMap::new(),
        last_ticket: 0,
        offers: Vec::new(),
    };
    let bell = Arc::clone(&door.bell);
    drop(door);
    seat.ports.metrics.softphone_seats(1);
    seat.seats.changed(&seat.agent);
    seat.look().await;
    loop {
        let until = seat.deadline();
        tokio::select! {
            saying = sayings.recv() => match saying {
                Some(saying) => seat.hear(saying).await,
                None => break,
            },
            said = handset::hear(&mut seat.phone) => seat.hear_exchange(said),
            () = bell.notified() => seat.look().await,
            changed = seat.roster.changed() => if changed.is_ok() { seat.tell_roster() },
            () = tokio::time::sleep_until(until.into()) => seat.due(),
        }
        seat.work();
        if seat.is_over() && seat.seats.stand_up(&seat.agent, &mut sayings) {
            break;
        }
    }
    seat.ports.metrics.softphone_seats(-1);
}

impl Seat {
    async fn hear(&mut self, saying: Saying) {
        match saying {
            Saying::Joined { joining, token, resume } => self.join(*joining, (token, resume)).await,
            Saying::Ordered { socket, id, order } => {
                let is_farewell = *order == Order::Logout {};
                match self.obey((socket, &id), *order).await {
                    Ok(Answer::Done(more)) => {
                        self.write(socket, wire::done(&id, more));
                        if is_farewell {
                            self.bye("logout");
                        }
                    }
                    Ok(Answer::Waits) => {}
                    Err(refusal) => self.write(socket, wire::refused(Some(&id), &refusal)),
                }
            }
            Saying::Misunderstood { socket, id, refusal } => self.write(socket, wire::refused(id.as_deref(), &refusal)),
            Saying::Left { socket } => self.left(socket),
            Saying::Offered(offered) => {
                self.offers.retain(|known| known.contact != offered.contact);
                if self.offers.len() >= OFFERS_MAX {
                    self.offers.remove(0);
                }
                self.offers.push(offered);
                self.tell_contacts();
            }
            Saying::Ending => self.bye("drain"),
        }
    }

    async fn join(&mut self, joining: Joining, (token, resume): (String, String)) {
        let Joining { socket, news, id, media, path, proven } = joining;
        if self.pages.len() >= SOCKETS_MAX {
            let oldest = self.pages.first().map(|page| page.socket);
            oldest.into_iter().for_each(|oldest| self.send_away(oldest, "replaced"));
        }
        if self.view.is_none() {
            self.look().await;
        }
        let is_offline = self.view.as_ref().is_some_and(|view| view.agent.status_kind == "offline");
        if is_offline && self.pages.is_empty() {
            drop(self.command(AgentCommand::SignIn).await);
            self.look().await;
        }
        self.alone_since = None;
        if media {
            self.pick_up(path).await;
            self.give_audio_to(socket);
            // Before the page is told anything: the answer to its hello comes first, and says all.
            self.work();
        }
        self.pages.push(Page { socket, news, media });
        self.ports.metrics.softphone_sockets(1);
        let welcome = self.welcome(&id, (token, resume, proven.until)).await;
        self.write(socket, welcome);
    }

    /// The newest page that wants it has the audio.
    fn give_audio_to(&mut self, socket: u64) {
        self.silent_since = None;
        if let Some(phone) = &mut self.phone {
            phone.machine.heard(clock::now(), true);
            phone.machine.register(clock::now(), true);
        }
        if let Some(before) = self.owner.replace(socket).filter(|before| *before != socket) {
            self.write(before, telling::audio(false));
        }
    }

    fn left(&mut self, socket: u64) {
        let before = self.pages.len();
        self.pages.retain(|page| page.socket != socket);
        if self.pages.len() < before {
            self.ports.metrics.softphone_sockets(-1);
        }
        if self.owner == Some(socket) {
            self.owner = None;
            let heir = self.pages.iter().rev().find(|page| page.media).map(|page| page.socket);
            match heir {
                Some(heir) => {
                    self.give_audio_to(heir);
                    self.write(heir, telling::audio(true));
                }
                None => self.fall_silent(),
            }
        }
        if self.pages.is_empty() {
            self.alone_since = Some(clock::now().instant);
        }
    }

    fn send_away(&mut self, socket: u64, why: &str) {
        if let Some(page) = self.pages.iter().find(|page| page.socket == socket) {
            drop(page.news.try_send(News::Bye(telling::bye(why))));
        }
        self.left(socket);
    }

    /// The last word to every page.
    fn bye(&mut self, why: &str) {
        for socket in self.pages.iter().rev().map(|page| page.socket).collect::<Vec<_>>() {
            self.send_away(socket, why);
        }
    }

    fn deadline(&self) -> Instant {
        let now = clock::now().instant;
        let resume = self.seats.settings.resume;
        let alone = self.alone_since.map(|since| since + resume + FAREWELL);
        let silent = self.silent_since.map(|since| since + resume);
        let phone = self.phone.as_ref().and_then(|phone| phone.machine.deadline());
        let shown = self.phone.as_ref().filter(|phone| phone.has_over()).map(|_| now + SHOWN);
        [alone, silent, phone, shown].into_iter().flatten().min().unwrap_or(now + IDLE)
    }

    fn due(&mut self) {
        let now = clock::now();
        let mut is_changed = false;
        if let Some(phone) = &mut self.phone {
            phone.machine.handle_deadline(now);
            let slots = self.view.as_ref().map_or(&[][..], |view| &view.slots);
            let shown = now.unix_millis().saturating_sub(u64::try_from(SHOWN.as_millis()).unwrap_or(0));
            is_changed = phone.forget_where(|talk| {
                talk.since <= shown && !slots.iter().any(|slot| slot.call.is_some() && slot.call == talk.call)
            });
        }
        if is_changed {
            self.tell_contacts();
        }
        // The phone is there as long as a page may come back to it.
        let is_lost = self.silent_since.is_some_and(|since| since + self.seats.settings.resume <= now.instant);
        if is_lost {
            self.silent_since = None;
            self.phone.iter_mut().for_each(|phone| phone.machine.register(now, false));
        }
    }

    fn is_over(&self) -> bool {
        let now = clock::now().instant;
        let is_idle = self.phone.as_ref().is_none_or(|phone| phone.machine.is_idle());
        is_idle && self.alone_since.is_some_and(|since| since + self.seats.settings.resume + FAREWELL <= now)
    }
}
