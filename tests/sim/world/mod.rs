//! A whole exchange among simulated phones and carriers, on a virtual clock: the same seed gives the same bytes.

pub mod callee;
pub mod caller;
pub mod chance;
pub mod exchange;
pub mod setup;
pub mod text;
pub mod wire;

use callee::Callee;
use caller::{Caller, Plan};
use chance::Chance;
use exchange::Running;
use offhook::base::now::Now;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};
use wire::{Datagram, Weather};

/// Virtual time after which nothing may be left: the longest call allowed, and twice 64*T1.
const END: Duration = Duration::from_secs(3_600 + 200);

/// What a run showed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Report {
    pub calls: usize,
    pub answered: usize,
    pub datagrams: usize,
    /// Of all bytes in order: equal for equal seeds.
    pub fingerprint: u64,
    pub faults: Vec<String>,
}

pub struct World {
    base: Instant,
    now: Duration,
    chance: Chance,
    weather: Weather,
    exchange: Running,
    callers: Vec<Caller>,
    starts: Vec<Duration>,
    callees: Vec<Callee>,
    sky: BinaryHeap<Reverse<(Duration, u64)>>,
    flying: std::collections::BTreeMap<u64, (SocketAddr, Datagram)>,
    number: u64,
    report: Report,
}

/// Runs one seed with this many calls to its end and reports every broken invariant.
pub fn run(seed: u64, calls: usize) -> Report {
    let mut world = World::new(seed, calls);
    world.run_to_end();
    world.judge(seed, calls);
    world.report
}

impl World {
    fn new(seed: u64, calls: usize) -> World {
        let mut chance = Chance(seed);
        let base = Instant::now();
        let now = Now { instant: base, wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) };
        let weather = Weather::draw(&mut chance);
        let callers = (0..calls)
            .map(|number| Caller::new(number, setup::dialled(&mut chance), Plan::draw(&mut chance), Duration::ZERO))
            .collect();
        let starts = (0..calls).map(|_| Duration::from_millis(chance.below(30_000))).collect();
        let callees = setup::CALLEES
            .iter()
            .map(|(host, broken)| Callee::new(host, Chance(chance.number()), *broken))
            .collect();
        World {
            base,
            now: Duration::ZERO,
            weather,
            exchange: Running::new(setup::exchange(), chance.number(), now),
            chance,
            callers,
            starts,
            callees,
            sky: BinaryHeap::new(),
            flying: std::collections::BTreeMap::new(),
            number: 0,
            report: Report { fingerprint: 0xcbf2_9ce4_8422_2325, ..Report::default() },
        }
    }

    fn now(&self) -> Now {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + self.now;
        Now { instant: self.base + self.now, wall }
    }

    fn run_to_end(&mut self) {
        self.collect();
        while let Some(next) = self.next_time().filter(|next| *next < END) {
            self.now = next.max(self.now);
            self.deliver();
            self.begin_calls();
            for index in 0..self.callers.len() {
                if self.callers[index].deadline().is_some_and(|at| at <= self.now) {
                    let sent = self.callers[index].wake(self.now);
                    self.from_caller(index, sent);
                }
            }
            for index in 0..self.callees.len() {
                if self.callees[index].deadline().is_some_and(|at| at <= self.now) {
                    let sent = self.callees[index].wake(self.now);
                    self.from_callee(index, sent);
                    self.callees[index].forget_finished();
                }
            }
            let now = self.now();
            if self.exchange.deadline().is_some_and(|at| at <= now.instant) {
                self.exchange.wake(now);
                self.collect();
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
                let number = index;
                let plan = self.callers[index].plan.clone();
                let dialled = setup::dialled(&mut self.chance);
                self.callers[index] = Caller::new(number, dialled, plan, self.now);
                let sent = self.callers[index].begin(self.now);
                self.from_caller(index, sent);
            }
        }
    }

    fn from_caller(&mut self, index: usize, sent: Vec<Vec<u8>>) {
        let from = address(&self.callers[index].host);
        for bytes in sent {
            self.fly(from, Datagram { to: setup::OFFHOOK.parse().expect("an address"), bytes });
        }
    }

    fn from_callee(&mut self, index: usize, sent: Vec<Vec<u8>>) {
        let from = address(&self.callees[index].host);
        for bytes in sent {
            self.fly(from, Datagram { to: setup::OFFHOOK.parse().expect("an address"), bytes });
        }
    }

    fn collect(&mut self) {
        let from = setup::OFFHOOK.parse().expect("an address");
        for datagram in std::mem::take(&mut self.exchange.out) {
            self.fly(from, datagram);
        }
    }

    fn fly(&mut self, from: SocketAddr, datagram: Datagram) {
        self.report.datagrams += 1;
        for byte in &datagram.bytes {
            self.report.fingerprint = (self.report.fingerprint ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        for at in self.weather.arrivals(self.now, &mut self.chance) {
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
                let now = self.now();
                self.exchange.receive(now, from, &datagram.bytes);
                self.collect();
            } else if let Some(index) = self.callees.iter().position(|c| address(&c.host) == datagram.to) {
                let sent = self.callees[index].receive(self.now, &datagram.bytes);
                self.from_callee(index, sent);
            } else if let Some(index) = self.callers.iter().position(|c| address(&c.host) == datagram.to) {
                let sent = self.callers[index].receive(self.now, &datagram.bytes);
                self.from_caller(index, sent);
            } else {
                self.report.faults.push(format!("a datagram to {} which nobody proved", datagram.to));
            }
        }
    }

    /// The invariants, at the end of a run.
    fn judge(&mut self, seed: u64, calls: usize) {
        let mut faults = std::mem::take(&mut self.report.faults);
        let exchange = &self.exchange;
        if exchange.running() > 0 {
            faults.push(format!("{} calls are left", exchange.running()));
        }
        if exchange.records.len() != exchange.started {
            faults.push(format!("{} records for {} calls", exchange.records.len(), exchange.started));
        }
        let mut ids: Vec<_> = exchange.records.iter().map(|record| record.call).collect();
        ids.sort();
        ids.dedup();
        if ids.len() != exchange.records.len() {
            faults.push("a call has two records".to_owned());
        }
        for trunk in exchange.switchboard.trunk_states() {
            if trunk.calls > 0 {
                faults.push(format!("trunk {} still counts {} calls", trunk.name, trunk.calls));
            }
        }
        if exchange.switchboard.transaction_count() > 0 {
            faults.push(format!("the switchboard keeps {} transactions", exchange.switchboard.transaction_count()));
        }
        if exchange.unreadable > 0 {
            faults.push(format!("{} unreadable messages", exchange.unreadable));
        }
        for caller in self.callers.iter().filter(|caller| caller.finals.len() > 1) {
            faults.push(format!("caller {} heard several final answers: {:?}", caller.host, caller.finals));
        }
        if self.weather.loss == 0 {
            for caller in self.callers.iter().filter(|c| c.finals.is_empty() && c.plan.vanishes_after.is_none()) {
                faults.push(format!("caller {} heard no final answer on a perfect network", caller.host));
            }
        }
        self.report.calls = calls;
        self.report.answered = self.callers.iter().filter(|c| c.finals.iter().any(|(s, _)| *s < 300)).count();
        self.report.faults = faults.into_iter().map(|fault| format!("seed {seed}: {fault}")).collect();
    }
}

fn address(host: &str) -> SocketAddr {
    host.parse().expect("an address")
}
