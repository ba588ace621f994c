//! One agent's seat: his pages, his phone inside of the daemon, and what they know of each other. One task owns it.

use super::panel::{self, View};
use super::seats::{SeatDoor, Seats};
use super::socket::News;
use super::wire::{self, Colleague, ContactLine, Order, Refusal, VERSION};
use super::{ice, words};
use crate::domain::queue::interface::{AgentCommand, By};
use crate::domain::queue::settings::Status;
use crate::edge::clock;
use crate::edge::ports::Ports;
use crate::edge::softphone::reception::Proven;
use crate::protocol::sip::path::Path;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, watch};

/// Pages of one agent at once: the oldest gives way.
const SOCKETS_MAX: usize = 16;

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
    /// The daemon ends.
    Ending,
}

struct Page {
    socket: u64,
    news: mpsc::Sender<News>,
    media: bool,
}

struct Seat {
    agent: Arc<str>,
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
}

/// Serves until the last page has been gone for longer than it may be.
pub async fn run(agent: Arc<str>, door: SeatDoor, mut sayings: mpsc::Receiver<Saying>, ports: Arc<Ports>) {
    let seats = Arc::clone(&ports.seats);
    let roster = seats.roster();
    let mut seat = Seat {
        agent,
        ports,
        seats,
        pages: Vec::new(),
        owner: None,
        view: None,
        contacts: Vec::new(),
        roster,
        alone_since: Some(clock::now().instant),
    };
    let bell = Arc::clone(&door.bell);
    drop(door);
    seat.seats.changed(&seat.agent);
    seat.look().await;
    loop {
        let resume = seat.seats.settings.resume;
        let until = seat.alone_since.map_or(clock::now().instant + resume, |since| since + resume);
        tokio::select! {
            saying = sayings.recv() => match saying {
                Some(saying) => seat.hear(saying).await,
                None => return,
            },
            () = bell.notified() => seat.look().await,
            changed = seat.roster.changed() => if changed.is_ok() { seat.tell_roster() },
            () = tokio::time::sleep_until(until.into()), if seat.alone_since.is_some() => {
                if seat.seats.stand_up(&seat.agent, &mut sayings) {
                    return;
                }
            }
        }
    }
}

impl Seat {
    async fn hear(&mut self, saying: Saying) {
        match saying {
            Saying::Joined { joining, token, resume } => self.join(*joining, (token, resume)).await,
            Saying::Ordered { socket, id, order } => {
                let answer = self.obey(socket, *order).await;
                let text = match &answer {
                    Ok(more) => wire::done(&id, more.clone()),
                    Err(refusal) => wire::refused(Some(&id), refusal),
                };
                self.write(socket, text);
            }
            Saying::Misunderstood { socket, id, refusal } => self.write(socket, wire::refused(id.as_deref(), &refusal)),
            Saying::Left { socket } => self.left(socket),
            Saying::Ending => self.bye("drain"),
        }
    }

    async fn join(&mut self, joining: Joining, (token, resume): (String, String)) {
        let Joining { socket, news, id, media, path: _, proven } = joining;
        if self.pages.len() >= SOCKETS_MAX {
            let oldest = self.pages.remove(0);
            drop(oldest.news.try_send(News::Bye(bye("replaced"))));
        }
        if self.view.is_none() {
            self.look().await;
        }
        let is_offline = self.view.as_ref().is_some_and(|view| view.agent.status_kind == "offline");
        if is_offline && self.pages.is_empty() && self.alone_since.is_some() {
            drop(self.command(AgentCommand::SignIn).await);
            self.look().await;
        }
        self.pages.push(Page { socket, news, media });
        self.alone_since = None;
        if media {
            self.give_audio_to(socket);
        }
        let welcome = self.welcome(&id, (token, resume, proven.until)).await;
        self.write(socket, welcome);
        if !media && let Some(owner) = self.owner {
            self.write(socket, audio(owner == socket));
        }
        self.ports.metrics.softphone_sockets(1);
    }

    /// The newest page that wants it has the audio.
    fn give_audio_to(&mut self, socket: u64) {
        if let Some(before) = self.owner.replace(socket).filter(|before| *before != socket) {
            self.write(before, audio(false));
        }
    }

    fn left(&mut self, socket: u64) {
        let before = self.pages.len();
        self.pages.retain(|page| page.socket != socket);
        if self.pages.len() < before {
            self.ports.metrics.softphone_sockets(-1);
        }
        if self.owner == Some(socket) {
            let heir = self.pages.iter().rev().find(|page| page.media).map(|page| page.socket);
            self.owner = heir;
            if let Some(heir) = heir {
                self.write(heir, audio(true));
            }
        }
        if self.pages.is_empty() {
            self.alone_since = Some(clock::now().instant);
        }
    }

    async fn obey(&mut self, socket: u64, order: Order) -> Result<Map<String, Value>, Refusal> {
        match order {
            Order::SetStatus { status } => self.set_status(&status).await,
            Order::CancelNextStatus {} => self.command(AgentCommand::NextStatus(None)).await,
            Order::Clear { contact: _ } => self.command(AgentCommand::Clear).await,
            Order::Logout {} => self.log_out(socket).await,
            Order::Ping { at } => {
                let pairs = [("at", at.unwrap_or(Value::Null)), ("now", json!(clock::now().unix_millis()))];
                Ok(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }
            Order::Report { .. } => Ok(Map::new()),
            _ => Err(Refusal::new("unknown_contact", "no contact of that name is here").at("/contact")),
        }
    }

    /// While a contact is in hand a status is the next one.
    async fn set_status(&mut self, name: &str) -> Result<Map<String, Value>, Refusal> {
        let wanted = name.to_owned();
        let found = self.ports.dispatch.ask(move |switchboard| switchboard.queues().settings().status(&wanted)).await;
        let Some(status) = found.flatten() else {
            return Err(Refusal::new("bad_request", "no status has this name").at("/status"));
        };
        let is_busy = self.view.as_ref().is_some_and(|view| !view.slots.is_empty());
        match is_busy {
            true => self.command(AgentCommand::NextStatus(Some(status))).await,
            false => match self.command(AgentCommand::Status(status.clone())).await {
                // A contact has come meanwhile.
                Err(refusal) if refusal.code == "wrong_state" => {
                    self.command(AgentCommand::NextStatus(Some(status))).await
                }
                outcome => outcome,
            },
        }
    }

    async fn log_out(&mut self, _socket: u64) -> Result<Map<String, Value>, Refusal> {
        if let Err(refusal) = self.command(AgentCommand::SignOut).await
            && refusal.code == "wrong_state"
        {
            self.command(AgentCommand::NextStatus(Some(Status::Offline))).await?;
        }
        self.seats.said_farewell(&self.agent, clock::now().unix_millis());
        self.bye("logout");
        Ok(Map::new())
    }

    async fn command(&mut self, command: AgentCommand) -> Result<Map<String, Value>, Refusal> {
        let name = self.agent.clone();
        let outcome = self
            .ports
            .dispatch
            .change(move |switchboard| switchboard.handle_agent(clock::now(), &name, command, By::Agent));
        match outcome.await {
            Some(Ok(())) => Ok(Map::new()),
            Some(Err(why)) => Err(words::refusal(why)),
            None => Err(super::reception::ending()),
        }
    }

    /// Looks how the agent stands now, and tells what has changed.
    async fn look(&mut self) {
        let name = self.agent.clone();
        let view = self.ports.dispatch.ask(move |switchboard| panel::view(switchboard, clock::now(), &name)).await;
        let Some(view) = view else { return };
        let Some(view) = view else {
            // Configuration knows the agent no more.
            self.bye("expired");
            return;
        };
        let is_news = self.view.as_ref().is_none_or(|known| known.agent != view.agent);
        self.view = Some(view);
        if is_news && let Some(view) = &self.view {
            let text = told("agent", json!(view.agent));
            self.write_all(&text);
        }
        self.tell_contacts();
    }

    fn tell_contacts(&mut self) {
        let now = self.contact_lines();
        let before = std::mem::take(&mut self.contacts);
        for line in now.iter().filter(|line| !before.contains(line)) {
            self.write_all(&told("contact", json!(line)));
        }
        for gone in before.iter().filter(|gone| !now.iter().any(|line| line.id == gone.id)) {
            self.write_all(&told_as("contact_gone", ("contact", json!(gone.id))));
        }
        self.contacts = now;
    }

    fn contact_lines(&self) -> Vec<ContactLine> {
        Vec::new()
    }

    fn tell_roster(&mut self) {
        let roster = Arc::clone(&self.roster.borrow_and_update());
        self.write_all(&told_as("agents", ("agents", json!(*roster))));
    }

    async fn welcome(&mut self, id: &str, (token, resume, until): (String, String, u64)) -> String {
        let seen = self
            .ports
            .dispatch
            .ask(|switchboard| (panel::statuses(switchboard.queues().settings()), panel::colleagues(switchboard)));
        let (statuses, colleagues) = seen.await.unwrap_or_default();
        let settings = &self.seats.settings;
        let owner = self.pages.last().is_some_and(|page| self.owner == Some(page.socket));
        let quick: Vec<Value> = settings.quick_connects.iter().map(words::quick_connect).collect();
        let answer = json!({
            "version": VERSION, "agent": self.view.as_ref().map(|view| json!(view.agent)),
            "contacts": self.contacts, "token": token, "token_until": until, "resume": resume,
            "resume_for_s": settings.resume.as_secs(), "owner": owner, "statuses": statuses,
            "caller_ids": [], "quick_connects": quick, "agents": colleagues,
            "ice_servers": ice::servers(&settings.ice_servers, &self.agent, clock::now()), "history": [],
        });
        let Value::Object(answer) = answer else { return String::new() };
        wire::done(id, answer)
    }

    /// The last word to every page.
    fn bye(&mut self, why: &str) {
        for page in std::mem::take(&mut self.pages) {
            drop(page.news.try_send(News::Bye(bye(why))));
            self.ports.metrics.softphone_sockets(-1);
        }
        self.owner = None;
        self.alone_since = Some(clock::now().instant);
    }

    fn write(&mut self, socket: u64, text: String) {
        self.write_where(|page| page.socket == socket, &text);
    }

    fn write_all(&mut self, text: &str) {
        self.write_where(|_| true, text);
    }

    /// A page that does not read what it is told is left: it comes back and is told all.
    fn write_where(&mut self, is_meant: impl Fn(&Page) -> bool, text: &str) {
        let stuck: Vec<u64> = self
            .pages
            .iter()
            .filter(|page| is_meant(page) && page.news.try_send(News::Text(text.to_owned())).is_err())
            .map(|page| page.socket)
            .collect();
        for socket in stuck {
            self.left(socket);
        }
    }
}

fn bye(why: &str) -> String {
    told_as("bye", ("reason", json!(why)))
}

fn audio(is_owner: bool) -> String {
    told_as("audio", ("owner", json!(is_owner)))
}

fn told(what: &str, value: Value) -> String {
    told_as(what, (what, value))
}

fn told_as(what: &str, (name, value): (&str, Value)) -> String {
    wire::told(what, [(name.to_owned(), value)].into_iter().collect())
}
