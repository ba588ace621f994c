//! Flows that chance has drawn and that no check has seen, with callers and owners that do anything at any moment.

use super::rig::{ask, collect, dial, origin, say, seconds, set, text, ticket_of, webhook};
use crate::base::cause::Cause;
use crate::base::entropy::Entropy;
use crate::base::limits;
use crate::base::machine::Machine;
use crate::base::now::Now;
use crate::domain::flow::act::*;
use crate::domain::flow::definition::*;
use crate::domain::flow::interface::*;
use crate::domain::flow::key::Key;
use crate::domain::flow::memory::{Memory, QueueName};
use crate::domain::flow::run::FlowRun;
use crate::domain::flow::value::Value;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

fn act(chance: &mut Entropy) -> Act {
    let acts = [
        Act::Answer,
        super::rig::play("Hello"),
        Act::Play(Play { sounds: say("Skip me"), is_interruptible: true }),
        Act::LoopPrompts(LoopPrompts { sounds: say("Music"), interrupt: Some(seconds(30)) }),
        Act::Ask(Ask { retries: 1, ..ask("12") }),
        Act::Ask(Ask { barge_in: false, sounds: Vec::new(), ..ask("1#") }),
        Act::Collect(collect()),
        Act::Collect(Collect { terminator: vec![Key::HASH; 2], encrypt: Some("k".into()), ..collect() }),
        Act::Collect(Collect { number: Some(NumberMode::International), digits_max: 3, ..collect() }),
        Act::Record(RecordMessage { limit: seconds(20), silence: None, terminator: vec![Key::HASH] }),
        Act::Wait(seconds(3)),
        Act::CheckHours(CheckHours { hours: Some(text("office")) }),
        Act::CheckStaffing(CheckStaffing { queue: None, state: Staffing::Online }),
        Act::QueueMetrics(None),
        Act::Distribute(vec![50]),
        Act::Loop(Count::Fixed(2)),
        set("a", "$.StoredCustomerInput"),
        set("b", "1"),
        Act::SetQueue(QueueOf::Queue(text("sales"))),
        Act::SetCallbackNumber(text("1")),
        Act::SetLog(false),
        Act::Webhook(webhook()),
        Act::Queue(None),
        Act::Callback(Callback { queue: None, delay: seconds(1), retries: 1, gap: seconds(9) }),
        Act::Dial(dial(true)),
        Act::Dial(dial(false)),
        Act::TransferToFlow(text("other")),
        Act::Module(text("module")),
        Act::Return,
        Act::Hold(HoldWho::Customer),
        Act::SendDigits(text("1,2")),
        Act::HangUp(Cause::Busy),
        Act::End,
    ];
    acts[usize::try_from(chance.below(acts.len() as u64)).unwrap()].clone()
}

fn drawn(name: &str, kind: Kind, chance: &mut Entropy) -> Arc<Flow> {
    let count = 1 + chance.below(12);
    let place = |chance: &mut Entropy| StepId(u16::try_from(chance.below(count)).unwrap());
    let steps = (0..count).map(|at| {
        let act = act(chance);
        let next = outcomes(&act, kind == Kind::CustomerQueue).into_iter().map(|outcome| (outcome, place(chance)));
        let next = next.collect();
        Step { name: format!("s{at}").into(), act, next, is_sensitive: false }
    });
    let steps = steps.collect();
    let version = "1".into();
    let start = place(chance);
    Arc::new(Flow { name: name.into(), kind, start, steps, version, options: FlowOptions::default() })
}

/// What an owner may answer to a wish.
fn reply(wish: &FlowWish, chance: &mut Entropy) -> Option<FlowInput> {
    let ok = chance.below(3) > 0;
    let ticket = ticket_of(wish)?;
    Some(match wish {
        FlowWish::Play { times: None, .. } => return None,
        FlowWish::Play { .. } => FlowInput::Played { ticket, ok },
        FlowWish::Fetch { .. } => {
            let fetched = if ok { Ok(Value::map([("a", Value::text("1"))])) } else { Err(FetchFault::Unreachable) };
            FlowInput::Fetched { ticket, outcome: fetched }
        }
        FlowWish::Ask { question, .. } => FlowInput::Told { ticket, answer: answer(question).filter(|_| ok) },
        FlowWish::Dial { .. } => {
            let outcomes = [DialOutcome::Joined, DialOutcome::Ended, DialOutcome::Failed, DialOutcome::TimedOut];
            FlowInput::Dialled { ticket, outcome: outcomes[usize::try_from(chance.below(4)).unwrap()] }
        }
        FlowWish::Queue { .. } | FlowWish::Callback { .. } => {
            let outcomes = [QueueOutcome::Accepted, QueueOutcome::AtCapacity, QueueOutcome::Refused];
            FlowInput::Queued { ticket, outcome: outcomes[usize::try_from(chance.below(3)).unwrap()] }
        }
        FlowWish::Record { .. } => FlowInput::Recorded { ticket, place: ok.then(|| "x".into()) },
        FlowWish::Encrypt { .. } => FlowInput::Encrypted { ticket, envelope: ok.then(|| "x".into()) },
        _ => FlowInput::Done { ticket, ok },
    })
}

fn answer(question: &Question) -> Option<Answer> {
    match question {
        Question::Hours(_) => Some(Answer::Hours { is_open: true }),
        Question::Queue(_) => Some(Answer::Queue(QueueFigures::default())),
        Question::Number { .. } => Some(Answer::Number(Dialability::Invalid)),
    }
}

struct Caller {
    run: FlowRun,
    now: Now,
    /// Wishes that could still be answered.
    open: Vec<FlowWish>,
    ends: u32,
    /// Wishes after the end.
    late: u32,
}

impl Caller {
    fn new(seed: u64, chance: &mut Entropy) -> Caller {
        let kinds = [Kind::Inbound, Kind::CustomerQueue, Kind::Disconnect, Kind::CustomerHold];
        let kind = kinds[usize::try_from(seed % 4).unwrap()];
        let first = drawn("first", kind, chance);
        let others = [drawn("other", Kind::Inbound, chance), drawn("module", Kind::Module, chance)];
        let book = Arc::new(Flows::new(others.into_iter().chain([Arc::clone(&first)])));
        let mut memory = Memory::new(&origin());
        memory.queue = Some(QueueName::Queue("sales".into()));
        let run = FlowRun::new(book, &first, memory, chance.split());
        let now = Now { instant: Instant::now(), wall: UNIX_EPOCH };
        Caller { run, now, open: Vec::new(), ends: 0, late: 0 }
    }

    fn tell(&mut self, input: FlowInput) {
        self.run.handle_input(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(wish) = self.run.poll_output() {
            self.late += u32::from(self.ends > 0);
            self.ends += u32::from(matches!(wish, FlowWish::Ended(_)));
            if ticket_of(&wish).is_some() {
                self.open.push(wish);
            }
        }
        // Who flows on is always waiting for something: time, an answer, or music and talk without end.
        if !self.run.has_ended() {
            let lasts =
                self.open.iter().any(|wish| matches!(wish, FlowWish::Dial { .. } | FlowWish::Play { times: None, .. }));
            assert!(self.run.deadline().is_some() || lasts, "waits for nothing at {:?}", self.run.position());
        }
    }

    fn something(&mut self, chance: &mut Entropy) {
        match chance.below(12) {
            0..4 if !self.open.is_empty() => {
                let at = usize::try_from(chance.below(self.open.len() as u64)).unwrap();
                // Some answers come twice, and some for what is long over.
                let lasts = matches!(self.open[at], FlowWish::Dial { .. } | FlowWish::Play { times: None, .. });
                let stays = lasts || chance.below(4) == 0;
                let wish = if stays { self.open[at].clone() } else { self.open.remove(at) };
                if let Some(input) = reply(&wish, chance) {
                    self.tell(input);
                }
            }
            4..7 => self.tell(FlowInput::Key(Key::from_event(u8::try_from(chance.below(12)).unwrap()).unwrap())),
            7 => self.tell(FlowInput::Offer { is_open: chance.below(2) == 0 }),
            _ => {
                self.now = self.now.after(Duration::from_millis(chance.below(8_000)));
                self.run.handle_deadline(self.now);
                self.drain();
            }
        }
        let old = self.open.len().saturating_sub(100);
        self.open.drain(..old);
    }
}

fn seeds() -> u64 {
    4_000
}

#[test]
fn whatever_happens_a_flow_ends_once_and_says_nothing_after_its_end() {
    for seed in 0..seeds() {
        let mut chance = Entropy::from_number(seed);
        let mut play = Caller::new(seed, &mut chance);
        play.tell(FlowInput::Begin);
        for _ in 0..chance.below(120) {
            play.something(&mut chance);
        }
        play.tell(FlowInput::CallerGone);
        play.tell(FlowInput::Stop);
        play.something(&mut chance);
        assert_eq!((play.ends, play.late), (1, 0), "seed {seed}");
        assert!(play.run.memory().keys.len() <= limits::FLOW_KEYS_MAX, "seed {seed}");
    }
}

#[test]
fn with_a_caller_who_never_hangs_up_a_flow_ends_within_its_limits() {
    for seed in 0..60 {
        let mut chance = Entropy::from_number(seed);
        let mut play = Caller::new(seed, &mut chance);
        play.tell(FlowInput::Begin);
        let mut turns = 0_u32;
        while !play.run.has_ended() && turns < 40 * limits::FLOW_STEPS_PER_CALL {
            play.something(&mut chance);
            turns += 1;
        }
        assert!(play.run.has_ended(), "seed {seed} is still at {:?}", play.run.position());
        assert!(play.run.memory().steps <= limits::FLOW_STEPS_PER_CALL + 1, "seed {seed}");
    }
}
