//! The runs: thousands of calls in any weather, peers that vanish, and seeds that once found something.

use super::wire::Weather;
use super::{Report, Scene, Tally, run};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

/// Calls that run at once in one simulated world.
const AT_ONCE: usize = 40;
/// Seeds tried without being asked for more.
const SEEDS: u64 = 50;

const ANY_WEATHER: Scene = Scene { calls: AT_ONCE, vanishing: 5, transfers: 0, weather: None };
/// In every second world phones send each other on, blind and attended.
const SENT_ON: Scene = Scene { transfers: 30, ..ANY_WEATHER };

fn scene(seed: u64) -> Scene {
    if seed.is_multiple_of(2) { SENT_ON } else { ANY_WEATHER }
}

/// A seed that breaks anything, a panic included, is named with what it broke.
fn try_seed(seed: u64, scene: Scene) -> Result<Tally, String> {
    let report: Report =
        catch_unwind(AssertUnwindSafe(|| run(seed, scene))).map_err(|_| format!("OFFHOOK_SEED={seed} panics"))?;
    match report.faults.is_empty() {
        true => Ok(report.tally),
        false => Err(format!("OFFHOOK_SEED={seed} breaks: {:#?}", report.faults)),
    }
}

fn hold(seed: u64, scene: Scene) -> Tally {
    try_seed(seed, scene).unwrap_or_else(|fault| panic!("{fault}"))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// The seeds of this run: one by `OFFHOOK_SEED`, or from `OFFHOOK_SIM_FIRST` on as many as `OFFHOOK_SIM_CALLS` needs.
fn seeds() -> std::ops::Range<u64> {
    let at_once = u64::try_from(AT_ONCE).expect("few");
    match (number("OFFHOOK_SEED"), number("OFFHOOK_SIM_CALLS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(calls)) => {
            let first = number("OFFHOOK_SIM_FIRST").unwrap_or(1);
            first..first + calls.div_ceil(at_once)
        }
        (None, None) => 1..SEEDS + 1,
    }
}

fn total() -> &'static Tally {
    static TOTAL: OnceLock<Tally> = OnceLock::new();
    TOTAL.get_or_init(|| {
        let (mut total, mut faults) = (Tally::default(), Vec::new());
        for seed in seeds() {
            match try_seed(seed, scene(seed)) {
                Ok(tally) => total.add(&tally),
                Err(fault) => faults.push(fault),
            }
        }
        println!("seeds {:?}: {total:#?}", seeds());
        assert!(faults.is_empty(), "{} seeds: {}", faults.len(), faults.join("\n"));
        total
    })
}

#[test]
fn in_any_weather_every_call_ends_with_one_record_and_leaves_nothing() {
    assert!(total().records > 0);
}

#[test]
fn the_simulation_reaches_what_it_is_for() {
    if number("OFFHOOK_SEED").is_some() {
        return;
    }
    let unreached: Vec<_> = total().numbers().into_iter().filter(|(_, count)| *count == 0).collect();
    assert!(unreached.is_empty(), "never happened: {unreached:?}");
}

/// Seeds in which faults that the simulation once found show themselves when they are planted again.
const FOUND: &[(&str, u64)] = &[
    ("a re-INVITE was passed on to a caller that had not acknowledged, and so not heard, its 200", 37),
    ("a callee that agreed to no session interval was not missed when it vanished", 16),
    ("a callee's offer that the caller never answered got no ACK before the callee gave up", 220),
    ("a target that was given up for its silence answered, and nobody acknowledged or ended its call", 1446),
    ("a target that was given up for its silence went on ringing and answering", 461),
    ("a twin that vanished was taken for the one who talks", 434),
    ("seven INVITEs that never arrived were expected to be answered", 2458),
];

#[test]
fn seeds_that_once_found_something_find_nothing_now() {
    for (what, seed) in FOUND {
        println!("{what}: {seed}");
        hold(*seed, ANY_WEATHER);
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let (once, again) = (run(7, ANY_WEATHER), run(7, ANY_WEATHER));
    assert_eq!(once, again);
    assert_ne!(once.fingerprint, run(8, ANY_WEATHER).fingerprint);
}

#[test]
fn peers_that_vanish_are_noticed_and_leave_nothing() {
    let fair = Scene { calls: AT_ONCE, vanishing: 60, transfers: 0, weather: Some(Weather::FAIR) };
    let mut total = hold(1_000_001, fair);
    total.add(&hold(1_000_002, Scene { weather: None, ..fair }));
    assert!(total.callers_vanished > 10 && total.callees_vanished > 10, "{total:#?}");
}

#[test]
fn on_a_fair_network_a_broken_target_costs_no_call() {
    let tally = hold(1_000_003, Scene { vanishing: 0, weather: Some(Weather::FAIR), ..ANY_WEATHER });
    assert!(tally.failed_over > 3 && tally.answered > 10 && tally.lost == 0, "{tally:#?}");
}

#[test]
fn on_a_fair_network_phones_send_each_other_on() {
    let fair = Scene { vanishing: 0, weather: Some(Weather::FAIR), ..SENT_ON };
    let mut total = hold(1_000_004, fair);
    total.add(&hold(1_000_005, fair));
    assert!(total.referred > 10 && total.transferred > 3 && total.handed_over > 1, "{total:#?}");
}

impl Tally {
    fn numbers(&self) -> [(&'static str, usize); 20] {
        [
            ("calls", self.calls),
            ("records", self.records),
            ("datagrams", self.datagrams),
            ("lost", self.lost),
            ("answered", self.answered),
            ("refused", self.refused),
            ("cancelled", self.cancelled),
            ("failed_over", self.failed_over),
            ("changed", self.changed),
            ("glares", self.glares),
            ("refreshed", self.refreshed),
            ("rang_reliably", self.rang_reliably),
            ("forked", self.forked),
            ("callers_vanished", self.callers_vanished),
            ("callees_vanished", self.callees_vanished),
            ("expired", self.expired),
            ("too_long", self.too_long),
            ("referred", self.referred),
            ("transferred", self.transferred),
            ("handed_over", self.handed_over),
        ]
    }

    fn add(&mut self, other: &Tally) {
        let Tally { calls, records, datagrams, lost, answered, refused, cancelled, failed_over, .. } = self;
        let Tally { changed, glares, refreshed, rang_reliably, forked, .. } = self;
        let Tally { callers_vanished, callees_vanished, expired, too_long, .. } = self;
        let Tally { referred, transferred, handed_over, .. } = self;
        let sums = [calls, records, datagrams, lost, answered, refused, cancelled, failed_over, changed, glares]
            .into_iter()
            .chain([refreshed, rang_reliably, forked, callers_vanished, callees_vanished, expired, too_long])
            .chain([referred, transferred, handed_over]);
        for (sum, (_, count)) in sums.zip(other.numbers()) {
            *sum += count;
        }
    }
}
