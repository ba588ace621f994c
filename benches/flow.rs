//! What one step of a flow costs without I/O, and what loading costs. Prints a table beside its goals; opens nothing.

// These see the world from outside: clocks and waiting are theirs.
#![allow(clippy::disallowed_methods)]

use offhook::base::entropy::Entropy;
use offhook::base::machine::Machine;
use offhook::base::now::Now;
use offhook::domain::flow::act::*;
use offhook::domain::flow::check::build;
use offhook::domain::flow::definition::*;
use offhook::domain::flow::draft::{FlowDraft, StepDraft};
use offhook::domain::flow::interface::{FlowInput, FlowWish};
use offhook::domain::flow::key::Key;
use offhook::domain::flow::memory::{Memory, Origin};
use offhook::domain::flow::run::FlowRun;
use offhook::domain::flow::template::{Reference, Template};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Steps of the flow that is run through: as many as the reference system exports at most.
const STEPS: usize = 100;

/// The best of several rounds: the machine is shared, and only the floor of its noise says something.
fn best(rounds: u32, mut turn: impl FnMut()) -> Duration {
    let one = || {
        let start = Instant::now();
        turn();
        start.elapsed()
    };
    std::iter::repeat_with(one).take(usize::try_from(rounds).unwrap_or(1)).min().unwrap_or_default()
}

fn text(text: &str) -> Template {
    Template::parse(text).expect("a template")
}

/// In turn what flows are made of: compare, set, count, draw.
fn act(at: usize) -> Act {
    match at % 4 {
        0 => Act::Check(Check {
            what: Reference::parse("$.CustomerEndpoint.Address").expect("a reference"),
            conditions: vec![Condition { operator: Operator::StartsWith, value: text("+81") }],
        }),
        1 => {
            let value = Argument::Text(text("Hello $.CustomerEndpoint.Address of $.SystemEndpoint.Address"));
            Act::SetAttributes(SetAttributes { scope: Scope::Call, pairs: vec![("greeting".into(), value)] })
        }
        2 => Act::Loop(Count::Fixed(100)),
        _ => Act::Distribute(vec![20, 40]),
    }
}

fn draft(name: usize, steps: usize) -> FlowDraft {
    let mut all: Vec<StepDraft> = (0..steps)
        .map(|at| {
            let act = act(at);
            let next: Box<str> = format!("s{}", at + 1).into();
            let wires = outcomes(&act, false).into_iter().map(|outcome| (outcome, next.clone())).collect();
            StepDraft { name: format!("s{at}").into(), act, wires, is_sensitive: false }
        })
        .collect();
    all.push(StepDraft { name: format!("s{steps}").into(), act: Act::End, wires: Vec::new(), is_sensitive: false });
    FlowDraft {
        name: format!("flow-{name}").into(),
        kind: Kind::Inbound,
        start: "s0".into(),
        steps: all,
        on_error: None,
        version: "1".into(),
        options: FlowOptions::default(),
    }
}

fn origin() -> Origin {
    Origin { customer: "+819012345678".into(), dialled: "+81312345678".into(), ..Origin::default() }
}

/// From `Begin` to the end, everything that is wished taken away.
fn run_through(book: &Arc<Flows>, flow: &Arc<Flow>, memory: Memory) -> Duration {
    let now = Now { instant: Instant::now(), wall: SystemTime::now() };
    let mut run = FlowRun::new(Arc::clone(book), flow, memory, Entropy::from_number(1));
    let start = Instant::now();
    run.handle_input(now, FlowInput::Begin);
    while let Some(wish) = run.poll_output() {
        black_box(wish);
    }
    start.elapsed()
}

fn step(logged: bool) -> Duration {
    let flow = Arc::new(build(draft(0, STEPS)).expect("a flow"));
    let book = Arc::new(Flows::new([Arc::clone(&flow)]));
    let mut memory = Memory::new(&origin());
    memory.is_logged = logged;
    let rounds = (0..2_000).map(|_| run_through(&book, &flow, memory.clone()));
    rounds.min().unwrap_or_default() / u32::try_from(STEPS).unwrap_or(1)
}

/// One key of a number that is being keyed.
fn key() -> Duration {
    let collect = Collect {
        sounds: Vec::new(),
        digits_max: 1_024,
        first_timeout: Duration::from_secs(5),
        next_timeout: Duration::from_secs(5),
        terminator: vec![Key::HASH],
        has_cancel_key: true,
        number: None,
        encrypt: None,
        confirm: None,
        drops_keys: false,
    };
    let mut draft = draft(0, 0);
    let wires = [Outcome::Success, Outcome::Error].map(|outcome| (outcome, "s0".into())).to_vec();
    let act = Act::Collect(collect);
    draft.steps.push(StepDraft { name: "c".into(), act, wires, is_sensitive: false });
    draft.start = "c".into();
    let flow = Arc::new(build(draft).expect("a flow"));
    let book = Arc::new(Flows::new([Arc::clone(&flow)]));
    let now = Now { instant: Instant::now(), wall: SystemTime::now() };
    let digit = Key::from_char('7').expect("a key");
    let took = best(200, || {
        let mut run = FlowRun::new(Arc::clone(&book), &flow, Memory::new(&origin()), Entropy::from_number(1));
        run.handle_input(now, FlowInput::Begin);
        (0..1_000).for_each(|_| run.handle_input(now, FlowInput::Key(digit)));
        while let Some(wish) = run.poll_output() {
            black_box::<FlowWish>(wish);
        }
    });
    took / 1_000
}

/// Ten thousand flows of thirty steps, checked one by one and then together.
fn check() -> Duration {
    let drafts: Vec<FlowDraft> = (0..10_000).map(|name| draft(name, 30)).collect();
    best(3, || {
        let flows: Vec<Arc<Flow>> =
            drafts.iter().cloned().map(|draft| Arc::new(build(draft).expect("a flow"))).collect();
        assert!(offhook::domain::flow::check::book(&flows).is_empty());
        black_box(Flows::new(flows));
    })
}

/// The same from ten thousand files, as a daemon reads them when it starts: text, places, names, check.
fn load() -> Duration {
    let folder = std::env::temp_dir().join(format!("offhook-bench-flows-{}", std::process::id()));
    let flows = folder.join("dialplans/flows");
    std::fs::create_dir_all(&flows).expect("a folder");
    std::fs::create_dir_all(folder.join("sip-profiles")).expect("a folder");
    let profile = "[[listener]]\ntransport = \"udp\"\nbind = \"127.0.0.1:5080\"\n";
    std::fs::write(folder.join("sip-profiles/a.toml"), profile).expect("written");
    std::fs::write(folder.join("offhook.toml"), "").expect("written");
    for name in 0..10_000 {
        std::fs::write(flows.join(format!("flow-{name}.toml")), written(10)).expect("written");
    }
    let took = best(2, || {
        let read = offhook::edge::config::read(&folder, std::iter::empty());
        assert!(black_box(read).is_ok());
    });
    let _ = std::fs::remove_dir_all(&folder);
    took
}

/// A flow of so many steps as people write it.
fn written(steps: usize) -> String {
    let mut text = "[flow]\nkind = \"inbound\"\nstart = \"s0\"\non.error = \"bye\"\n".to_owned();
    for at in 0..steps {
        let next = if at + 1 == steps { "bye".to_owned() } else { format!("s{}", at + 1) };
        text += &format!(
            "[step.s{at}]\ndo = \"set-attributes\"\nattributes = {{ greeting = \"Hello $.CustomerEndpoint.Address\" }}\n\
             next = \"{next}\"\n"
        );
    }
    text + "[step.bye]\ndo = \"hang-up\"\n"
}

fn main() {
    let rows = [
        ("a step, with its line in the log", step(true), Duration::from_micros(2)),
        ("a step, without", step(false), Duration::from_micros(2)),
        ("a key", key(), Duration::from_micros(2)),
        ("10,000 flows of 30 steps checked", check(), Duration::from_secs(2)),
        ("10,000 files of 10 steps read and checked", load(), Duration::from_secs(2)),
    ];
    let mut is_met = true;
    for (what, took, goal) in rows {
        println!("{what:<44} {took:>12.2?}   goal {goal:?}");
        is_met &= took <= goal;
    }
    assert!(is_met, "a goal is missed");
}
