//! A whole exchange among simulated phones and carriers, on a virtual clock: the same seed gives the same bytes.

mod callee;
mod caller;
pub mod chance;
mod dialog;
pub mod exchange;
mod judge;
mod ledger;
mod runs;
pub mod setup;
mod text;
mod wire;

use callee::Callee;
use caller::{Caller, Plan, Transfer};
use chance::Chance;
pub use exchange::Running;
use ledger::Ledger;
use offhook::base::now::Now;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};
use text::Text;
use wire::{Datagram, Weather};

/// Virtual time after which nothing may be left: calls begin in the first half minute, may take their eight minutes
/// after half a minute of ringing at each target, and then the longest transactions.
const END: Duration = Duration::from_secs(30 + 120 + 480 + 200);

/// What is simulated besides what the seed says.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    pub calls: usize,
    /// Per cent of callers and callees that fall silent.
    pub vanishing: u64,
    /// Per cent of callers that send their callees elsewhere, and of half as many callees that do.
    pub transfers: u64,
    /// `None`: as the seed says.
    pub weather: Option<Weather>,
}

/// What a run showed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Report {
    pub tally: Tally,
    /// Of all bytes in order: equal for equal seeds.
    pub fingerprint: u64,
    pub faults: Vec<String>,
}

/// What happened, so that a simulation which no longer reaches something is noticed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tally {
    pub calls: usize,
    pub records: usize,
    pub datagrams: usize,
    pub lost: usize,
    pub answered: usize,
    pub refused: usize,
    pub cancelled: usize,
    pub failed_over: usize,
    pub changed: usize,
    pub glares: usize,
    pub refreshed: usize,
    pub rang_reliably: usize,
    /// Second 200s from another place.
    pub forked: usize,
    pub callers_vanished: usize,
    pub callees_vanished: usize,
    pub expired: usize,
    pub too_long: usize,
    pub referred: usize,
    pub transferred: usize,
    /// Legs that went over to another call.
    pub handed_over: usize,
}

pub struct World {
    base: Instant,
    now: Duration,
    chance: Chance,
    weather: Weather,
    exchange: Running,
    ledger: Ledger,
    callers: Vec<Caller>,
    starts: Vec<Duration>,
    callees: Vec<Callee>,
    sky: BinaryHeap<Reverse<(Duration, u64)>>,
    flying: BTreeMap<u64, (SocketAddr, Datagram)>,
    number: u64,
    report: Report,
    /// Datagrams with this word in them are printed: `OFFHOOK_SIM_WATCH`, for reading what a seed did.
    watched: Option<String>,
}

/// Runs one seed to its end and reports every broken invariant.
pub fn run(seed: u64, scene: Scene) -> Report {
    let mut world = World::new(seed, scene);
    world.run_to_end();
    world.judge();
    world.report
}

impl World {
    fn new(seed: u64, scene: Scene) -> World {
        let mut chance = Chance(seed);
        let base = Instant::now();
        let drawn = Weather::draw(&mut chance);
        let mut whims = Chance(seed ^ 0x7af1);
        let callers = (0..scene.calls)
            .map(|number| {
                let dialled = setup::dialled(&mut chance);
                let plan = Plan::draw(&mut chance, scene.vanishing);
                Caller::new(number, dialled, Plan { transfer: Transfer::draw(&mut whims, scene.transfers), ..plan })
            })
            .collect();
        let starts = (0..scene.calls).map(|_| Duration::from_millis(chance.below(30_000))).collect();
        let callees = setup::CALLEES
            .iter()
            .map(|(host, broken)| {
                Callee::new(host, Chance(chance.number()), *broken, (scene.vanishing, scene.transfers))
            })
            .collect();
        World {
            base,
            now: Duration::ZERO,
            weather: scene.weather.unwrap_or(drawn),
            exchange: Running::new(setup::exchange(), chance.number(), moment(base, Duration::ZERO)),
            ledger: Ledger::default(),
            chance,
            callers,
            starts,
            callees,
            sky: BinaryHeap::new(),
            flying: BTreeMap::new(),
            number: 0,
            report: Report { fingerprint: 0xcbf2_9ce4_8422_2325, ..Report::default() },
            watched: std::env::var("OFFHOOK_SIM_WATCH").ok(),
        }
    }

    fn run_to_end(&mut self) {
        self.collect();
        while let Some(next) = self.next_time().filter(|next| *next < END) {
            self.now = next.max(self.now);
            self.deliver();
            self.begin_calls();
            self.wake_peers();
            let now = moment(self.base, self.now);
            if self.exchange.deadline().is_some_and(|at| at <= now.instant) {
                self.exchange.wake(now);
                self.collect();
            }
        }
    }

    fn wake_peers(&mut self) {
        for index in 0..self.callers.len() {
            if self.callers[index].wants_partner(self.now) {
                let partner = self.callers.iter().find(|other| other.may_be_replaced());
                let partner = partner.map(|other| other.dialog().replaces());
                let sent = self.callers[index].hand_to(self.now, partner.as_deref());
                self.sent_by_peer(&self.callers[index].host.clone(), sent);
            }
            if self.callers[index].deadline().is_some_and(|at| at <= self.now) {
                let sent = self.callers[index].wake(self.now);
                self.sent_by_peer(&self.callers[index].host.clone(), sent);
            }
        }
        for index in 0..self.callees.len() {
            if self.callees[index].deadline().is_some_and(|at| at <= self.now) {
                let sent = self.callees[index].wake(self.now);
                self.sent_by_peer(&self.callees[index].host.clone(), sent);
            }
        }
    }

    fn next_time(&self) -> Option<Duration> {
        let sky = self.sky.peek().map(|Reverse((at, _))| *at);
        let starts = self.starts.iter().copied().filter(|at| *at < Duration::MAX).min();
        let callers = self.callers.iter().filter_map(Caller::deadline).min();
        let callees = self.callees.iter().filter_map(Callee::deadline).min();
        let exchange = self.exchange.deadline().map(|at| at.saturating_duration_since(self.base));
        [sky, starts, callers, callees, exchange].into_iter().flatten().min()
    }

    fn begin_calls(&mut self) {
        for index in 0..self.starts.len() {
            if self.starts[index] <= self.now {
                self.starts[index] = Duration::MAX;
                let sent = self.callers[index].begin(self.now);
                self.sent_by_peer(&self.callers[index].host.clone(), sent);
            }
        }
    }

    fn sent_by_peer(&mut self, host: &str, sent: Vec<Vec<u8>>) {
        for bytes in sent {
            self.fly(address(host), Datagram { to: address(setup::OFFHOOK), bytes });
        }
    }

    /// What the exchange says goes under scrutiny before it flies.
    fn collect(&mut self) {
        for datagram in std::mem::take(&mut self.exchange.out) {
            let text = Text::read(&datagram.bytes);
            self.ledger.sent(self.now, &text);
            let foreign = if datagram.to.ip().to_string().starts_with("10.1.") { "10.2." } else { "10.1." };
            if let Some(complaint) = text.complaint() {
                self.report.faults.push(format!("{complaint} in {}", text.first));
            }
            if text.names(foreign) || text.header("call-id").contains("of-the-caller") != (foreign == "10.2.") {
                self.report.faults.push(format!("the other side shows in {} to {}", text.first, datagram.to));
            }
            self.fly(address(setup::OFFHOOK), datagram);
        }
    }

    fn fly(&mut self, from: SocketAddr, datagram: Datagram) {
        self.report.tally.datagrams += 1;
        for byte in &datagram.bytes {
            self.report.fingerprint = (self.report.fingerprint ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let arrivals = self.weather.arrivals(self.now, &mut self.chance);
        if let Some(word) = &self.watched
            && String::from_utf8_lossy(&datagram.bytes).contains(word)
        {
            let text = String::from_utf8_lossy(&datagram.bytes);
            println!("{:?} {from} -> {} arrives {arrivals:?}\n{text}", self.now, datagram.to);
        }
        self.report.tally.lost += usize::from(arrivals.is_empty());
        for at in arrivals {
            self.number += 1;
            self.sky.push(Reverse((at, self.number)));
            self.flying.insert(self.number, (from, datagram.clone()));
        }
    }

    fn deliver(&mut self) {
        while self.sky.peek().is_some_and(|Reverse((at, _))| *at <= self.now) {
            let Some(Reverse((_, number))) = self.sky.pop() else { return };
            let Some((from, datagram)) = self.flying.remove(&number) else { continue };
            if datagram.to == address(setup::OFFHOOK) {
                self.ledger.arrived(self.now, from, &datagram.bytes);
                self.exchange.receive(moment(self.base, self.now), from, &datagram.bytes);
                self.collect();
            } else if let Some(index) = self.callees.iter().position(|c| address(&c.host) == datagram.to) {
                let sent = self.callees[index].receive(self.now, &datagram.bytes);
                self.sent_by_peer(&self.callees[index].host.clone(), sent);
            } else if let Some(index) = self.callers.iter().position(|c| address(&c.host) == datagram.to) {
                let sent = self.callers[index].receive(self.now, &datagram.bytes);
                self.sent_by_peer(&self.callers[index].host.clone(), sent);
            } else {
                self.report.faults.push(format!("a datagram to {} which nobody proved", datagram.to));
            }
        }
    }
}

fn moment(base: Instant, passed: Duration) -> Now {
    let wall = SystemTime::UNIX_EPOCH + setup::EPOCH + passed;
    Now { instant: base + passed, wall }
}

fn address(host: &str) -> SocketAddr {
    host.parse().expect("an address")
}
