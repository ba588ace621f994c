//! What one decision costs among ten thousand agents and ten thousand who wait. Prints a table; fails nothing.

// It measures the world's time: clocks are its own.
#![allow(clippy::disallowed_methods)]

use offhook::base::id::CallId;
use offhook::base::machine::Machine;
use offhook::base::now::Now;
use offhook::domain::queue::criteria::{Criteria, CriteriaStep, Expression, Proficiency};
use offhook::domain::queue::interface::{AgentCommand, Arrival, By, ContactId, Place, QueueInput, QueueOutput, Rank};
use offhook::domain::queue::queues::Queues;
use offhook::domain::queue::settings::{
    AgentSettings, ProfileEntry, QueueSettings, Reach, RoutingProfile, Settings, Status,
};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

const AGENTS: usize = 10_000;
const WAITING: u64 = 10_000;
const QUEUES: usize = 100;
const ROUNDS: u64 = 2_000;

fn proficiency(number: usize, level: u8) -> Proficiency {
    Proficiency { attribute: "skill".into(), value: number.to_string().into(), level }
}

/// A hundred queues, fifty profiles of ten queues each, and agents with ten skills of two hundred.
fn settings() -> Settings {
    let profile = |number: usize| RoutingProfile {
        name: format!("profile{number}").into(),
        entries: (0..10)
            .map(|at| ProfileEntry {
                queue: format!("queue{}", (number * 7 + at * 11) % QUEUES).into(),
                priority: u32::try_from(1 + at / 5).unwrap_or(1),
                delay: Duration::ZERO,
            })
            .collect(),
        slots: 1,
        keeps_place_after_outbound: false,
    };
    let agent = |number: usize| AgentSettings {
        name: format!("agent{number}").into(),
        profile: format!("profile{}", number % 50).into(),
        reach: Reach::Phone("phone".into()),
        auto_accept: false,
        wrap_up: Some(Duration::ZERO),
        password: None,
        proficiencies: (0..10)
            .map(|at| proficiency((number * 13 + at * 17) % 200, u8::try_from(1 + at % 5).unwrap_or(1)))
            .collect(),
        first_status: Status::Offline,
    };
    Settings {
        statuses: Vec::new(),
        queues: (0..QUEUES).map(|number| QueueSettings::named(&format!("queue{number}"))).collect(),
        profiles: (0..50).map(profile).collect(),
        agents: (0..AGENTS).map(agent).collect(),
    }
}

fn arrival(number: u64, asks: bool) -> Arrival {
    let at = usize::try_from(number).unwrap_or(0);
    let conditions = vec![proficiency(at * 3 % 200, 1), proficiency((at * 3 + 17) % 200, 2)];
    let step = CriteriaStep { expression: Expression::All(conditions), expires: None };
    Arrival {
        contact: ContactId::Call(CallId(number)),
        place: Place::Queue(format!("queue{}", at % QUEUES).into()),
        rank: Rank { priority: u8::try_from(1 + number % 5).ok(), age: 0 },
        criteria: asks.then(|| Criteria::new(vec![step]).ok()).flatten(),
        customer: None,
        is_transfer: false,
    }
}

struct Bench {
    queues: Queues,
    now: Now,
}

impl Bench {
    fn new() -> Bench {
        let now = Now { instant: Instant::now(), wall: SystemTime::now() };
        let mut bench = Bench { queues: Queues::new(now, 1), now };
        bench.tell(QueueInput::Settings(Arc::new(settings())));
        bench
    }

    fn tick(&mut self) {
        self.now = self.now.after(Duration::from_millis(1));
    }

    /// Hands one input in and gives how many offers came of it.
    fn tell(&mut self, input: QueueInput) -> usize {
        self.queues.handle_input(self.now, input);
        self.drain()
    }

    fn drain(&mut self) -> usize {
        let mut offers = 0;
        while let Some(output) = self.queues.poll_output() {
            offers += usize::from(matches!(output, QueueOutput::Offer(_)));
        }
        offers
    }

    fn available(&mut self, agent: usize) -> usize {
        let status = AgentCommand::Status(Status::Available);
        let taken = self.queues.handle_command(self.now, &format!("agent{agent}"), status, By::Agent);
        debug_assert!(taken.is_ok());
        self.drain()
    }
}

/// Prints the middle and the slowest of what was measured.
fn print(what: &str, mut times: Vec<Duration>, offers: usize) {
    times.sort();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_nanos() as f64 / 1_000.0;
    println!("{what:<58} {:>9.1} {:>9.1} {:>9.1} {offers:>8}", at(0.5), at(0.99), at(1.0));
}

/// Everybody is idle; a contact comes. It goes away again, so that the next one finds the same.
fn contact_comes(asks: bool) -> (Vec<Duration>, usize) {
    let mut bench = Bench::new();
    for agent in 0..AGENTS {
        bench.tick();
        bench.available(agent);
    }
    let mut offers = 0;
    let mut times = Vec::new();
    for number in 1..=ROUNDS {
        bench.tick();
        let input = QueueInput::Enter(Box::new(arrival(number, asks)));
        let before = Instant::now();
        offers += bench.tell(input);
        times.push(before.elapsed());
        bench.tell(QueueInput::Gone { contact: ContactId::Call(CallId(number)) });
    }
    (times, offers)
}

/// Ten thousand wait; an agent comes.
fn agent_comes(asks: bool) -> (Vec<Duration>, usize) {
    let mut bench = Bench::new();
    for number in 1..=WAITING {
        bench.tick();
        bench.tell(QueueInput::Enter(Box::new(arrival(number, asks))));
    }
    let mut offers = 0;
    let mut times = Vec::new();
    for agent in 0..usize::try_from(ROUNDS).unwrap_or(1) {
        bench.tick();
        let before = Instant::now();
        offers += bench.available(agent);
        times.push(before.elapsed());
    }
    (times, offers)
}

fn main() {
    println!("{AGENTS} agents, {WAITING} waiting, {QUEUES} queues; one decision in microseconds");
    println!("{:<58} {:>9} {:>9} {:>9} {:>8}", "", "median", "p99", "slowest", "offers");
    for (asks, how) in [(false, "anybody will do"), (true, "two proficiencies asked for")] {
        let (times, offers) = contact_comes(asks);
        print(&format!("a contact comes, all agents idle, {how}"), times, offers);
        let (times, offers) = agent_comes(asks);
        print(&format!("an agent comes, all contacts wait, {how}"), times, offers);
    }
}
