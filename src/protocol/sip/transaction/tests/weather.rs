//! Many short lives over a bad network: seeded loss, duplication, reordering and delay, and owners that do anything.

use super::world::*;
use crate::base::entropy::Entropy;
use crate::base::limits;
use crate::protocol::sip::path::Transport;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// One seed, replayed by its number. Whatever happens, each thing is told once and nothing is left.
fn live(seed: u64) -> usize {
    let mut entropy = Entropy::from_number(seed);
    let transport = if entropy.below(3) == 0 { Transport::Tcp } else { Transport::Udp };
    let mut world = World::new(transport);
    let mut told: BTreeMap<String, Instant> = BTreeMap::new();
    let mut cseq = 0;
    let mut age_millis = 0;
    for _ in 0..entropy.below(60) {
        act(&mut world, &mut entropy, &mut cseq, &mut age_millis);
        let news = world.told();
        for line in &news {
            note(&mut told, line, &world, seed);
            if let Some(name) = line.strip_prefix("B ").filter(|name| name.contains(' ') && !name.starts_with("stray"))
            {
                answer(&mut world, &mut entropy, name);
            }
            if let Some(number) = line.strip_prefix("A 200 INVITE ") {
                world.acknowledge(A, number.parse().unwrap(), "tagB");
            }
        }
    }
    // An INVITE that its owner leaves ringing is bounded by an hour, everything else by 64*T1.
    world.pass(limits::INVITE_PENDING_MAX);
    world.ends();
    for line in world.told() {
        note(&mut told, &line, &world, seed);
    }
    told.len()
}

/// A straggler that comes after 64*T1 may pass for new (RFC 3261 17.2.2, timer J); nothing else is told again.
fn note(told: &mut BTreeMap<String, Instant>, line: &str, world: &World, seed: u64) {
    let is_final = line.starts_with("A 200") || line.starts_with("A 486");
    let is_request = line.starts_with("B INVITE") || line.starts_with("B INFO");
    let before = told.insert(line.into(), world.now.instant).filter(|_| is_final || is_request);
    let memory = Duration::from_secs(32);
    let is_again = before.is_some_and(|before| is_final || world.now.instant - before < memory);
    assert!(!is_again, "seed {seed}: {line} told twice");
}

fn act(world: &mut World, entropy: &mut Entropy, cseq: &mut u32, age_millis: &mut u64) {
    let under_way = world.wire.len();
    let is_datagram = !world.path().transport.is_reliable();
    match entropy.below(10) {
        0 | 1 => {
            *cseq += 1;
            let method = if entropy.below(2) == 0 { "INVITE" } else { "INFO" };
            world.request(A, &format!("{method} {cseq}"));
        }
        2 => pass(world, entropy.below(12_000), age_millis),
        3 if under_way > 0 && is_datagram => drop(world.lose()),
        4 if under_way > 0 && is_datagram => {
            let copy = world.wire[0].clone();
            world.wire.push_back(copy);
        }
        5 if under_way > 1 && is_datagram => world.wire.rotate_left(1),
        _ if under_way > 0 => world.deliver(),
        _ => pass(world, entropy.below(700), age_millis),
    }
}

/// Time passes; nothing stays under way for longer than T4 (RFC 3261 17.1.1.2: how long a message may live in the network).
fn pass(world: &mut World, millis: u64, age_millis: &mut u64) {
    *age_millis = if world.wire.is_empty() { 0 } else { *age_millis + millis };
    if *age_millis > 5_000 {
        world.wire.clear();
        *age_millis = 0;
    }
    world.pass_millis(millis);
}

fn answer(world: &mut World, entropy: &mut Entropy, name: &str) {
    match entropy.below(5) {
        0 => {}
        1 => world.respond(B, name, 180),
        2 => world.respond(B, name, 486),
        _ => {
            world.respond(B, name, 100);
            world.respond(B, name, 200);
        }
    }
}

#[test]
fn every_seed_ends_with_nothing_left_and_nothing_told_twice() {
    let lines: usize = (0..300).map(live).sum();
    assert!(lines > 1_500, "only {lines} different things happened");
}
