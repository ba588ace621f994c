//! A flow under test with a clock of its own, and short ways to write flows down. Hides no wish.

use super::super::FlowRun;
use crate::base::entropy::Entropy;
use crate::base::machine::Machine;
use crate::base::now::Now;
use crate::domain::flow::act::*;
use crate::domain::flow::check::build;
use crate::domain::flow::definition::*;
use crate::domain::flow::draft::{FlowDraft, StepDraft};
use crate::domain::flow::interface::*;
use crate::domain::flow::key::Key;
use crate::domain::flow::log::Entry;
use crate::domain::flow::memory::{Memory, Origin};
use crate::domain::flow::template::{Reference, Template};
use crate::domain::flow::value::Value;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn text(text: &str) -> Template {
    Template::parse(text).unwrap()
}

pub fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

pub fn say(what: &str) -> Vec<SoundSpec> {
    vec![SoundSpec::Text(text(what))]
}

pub fn play(what: &str) -> Act {
    Act::Play(Play { sounds: say(what), is_interruptible: false })
}

pub fn ask(keys: &str) -> Ask {
    Ask {
        sounds: say("Which?"),
        again: Vec::new(),
        choices: Key::all(keys).unwrap(),
        timeout: seconds(5),
        retries: 0,
        barge_in: true,
        drops_keys: false,
    }
}

pub fn collect() -> Collect {
    Collect {
        sounds: say("Your number?"),
        digits_max: 20,
        first_timeout: seconds(8),
        next_timeout: seconds(5),
        terminator: vec![Key::HASH],
        has_cancel_key: true,
        number: None,
        encrypt: None,
        confirm: None,
        drops_keys: false,
    }
}

pub fn set(name: &str, value: &str) -> Act {
    set_in(Scope::Call, &[(name, value)])
}

pub fn set_in(scope: Scope, pairs: &[(&str, &str)]) -> Act {
    let pairs = pairs.iter().map(|(name, value)| ((*name).into(), Argument::Text(text(value)))).collect();
    Act::SetAttributes(SetAttributes { scope, pairs })
}

pub fn webhook() -> Webhook {
    let request = Request { parameters: Vec::new(), timeout: seconds(3), reply: Reply::Json, comfort: Vec::new() };
    Webhook { url: text("https://crm.example.net/look"), request }
}

pub fn route(engine: &str) -> Route {
    Route { engine: text(engine), timeout: seconds(8), comfort: Vec::new(), why: None, fallback: None }
}

pub fn dial(resumes: bool) -> Dial {
    Dial {
        to: text("+81312345678"),
        timeout: DialTimeout::Fixed(seconds(30)),
        resumes,
        digits: None,
        caller_number: None,
        caller_name: None,
        via: None,
    }
}

pub fn step(name: &str, act: Act, wires: &[(Outcome, &str)]) -> StepDraft {
    let wires = wires.iter().map(|(outcome, to)| (*outcome, (*to).into())).collect();
    StepDraft { name: name.into(), act, wires, is_sensitive: false }
}

pub fn bye(name: &str) -> StepDraft {
    step(name, Act::End, &[])
}

/// Errors lead to `error`, which is there already.
pub fn flow(name: &str, kind: Kind, steps: Vec<StepDraft>) -> FlowDraft {
    let start = steps.first().unwrap().name.clone();
    FlowDraft {
        name: name.into(),
        kind,
        start,
        steps,
        on_error: None,
        version: "1".into(),
        options: FlowOptions::default(),
    }
}

/// One step, and each of its outcomes leads to a step of the outcome's name that ends the flow.
pub fn one(kind: Kind, act: Act) -> FlowDraft {
    let all = outcomes(&act, kind == Kind::CustomerQueue);
    let name = |outcome: &Outcome| match outcome {
        Outcome::Choice(at) => format!("choice{at}"),
        outcome => outcome.name().to_owned(),
    };
    let wires = all.iter().map(|outcome| (*outcome, name(outcome).into())).collect();
    let mut steps = vec![StepDraft { name: "it".into(), act, wires, is_sensitive: false }];
    steps.extend(all.iter().map(|outcome| bye(&name(outcome))));
    if kind == Kind::Module {
        steps.iter_mut().skip(1).for_each(|step| step.act = Act::Return);
    }
    flow("test", kind, steps)
}

pub fn built(draft: FlowDraft) -> Arc<Flow> {
    Arc::new(build(draft).unwrap_or_else(|faults| panic!("{faults:?}")))
}

pub fn origin() -> Origin {
    Origin {
        contact: "c-1".into(),
        customer: "+819012345678".into(),
        dialled: "+81312340000".into(),
        initiation: "INBOUND",
        headers: vec![("From".into(), "sip:+819012345678@carrier".into())],
        language: None,
    }
}

pub struct Rig {
    pub run: FlowRun,
    pub now: Now,
    /// Not looked at yet, without lines of the log.
    pub wishes: Vec<FlowWish>,
    pub log: Vec<Entry>,
}

impl Rig {
    pub fn new(draft: FlowDraft) -> Rig {
        Rig::with(vec![draft], Memory::new(&origin()))
    }

    /// The first flow is begun; the others can be gone on to.
    pub fn with(drafts: Vec<FlowDraft>, memory: Memory) -> Rig {
        let flows: Vec<Arc<Flow>> = drafts.into_iter().map(built).collect();
        let book = Arc::new(Flows::new(flows.iter().cloned()));
        let run = FlowRun::new(book, &flows[0], memory, Entropy::from_number(1));
        let mut now = Now { instant: Instant::now(), wall: UNIX_EPOCH + seconds(1_800_000_000) };
        now.instant += seconds(1);
        let mut rig = Rig { run, now, wishes: Vec::new(), log: Vec::new() };
        rig.tell(FlowInput::Begin);
        rig
    }

    pub fn tell(&mut self, input: FlowInput) {
        self.run.handle_input(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(wish) = self.run.poll_output() {
            match wish {
                FlowWish::Log(entry) => self.log.push(*entry),
                wish => self.wishes.push(wish),
            }
        }
    }

    /// Time goes by, and every deadline in it is met when it comes.
    pub fn wait(&mut self, time: Duration) {
        let end = self.now.after(time);
        while let Some(deadline) = self.run.deadline().filter(|deadline| *deadline <= end.instant) {
            let step = deadline.saturating_duration_since(self.now.instant);
            self.now = self.now.after(step);
            self.run.handle_deadline(self.now);
            self.drain();
        }
        self.now = end;
    }

    pub fn press(&mut self, keys: &str) {
        for key in Key::all(keys).unwrap() {
            self.tell(FlowInput::Key(key));
        }
    }

    /// What was wished since the last look.
    pub fn take(&mut self) -> Vec<FlowWish> {
        std::mem::take(&mut self.wishes)
    }

    /// The ticket of the last wish that has one.
    pub fn ticket(&self) -> Ticket {
        self.wishes.iter().rev().find_map(ticket_of).expect("a wish with a ticket")
    }

    pub fn played(&mut self) {
        self.heard(true);
    }

    pub fn heard(&mut self, ok: bool) {
        let ticket = self.ticket();
        self.tell(FlowInput::Played { ticket, ok });
    }

    pub fn done(&mut self, ok: bool) {
        let ticket = self.ticket();
        self.tell(FlowInput::Done { ticket, ok });
    }

    pub fn told(&mut self, answer: Option<Answer>) {
        let ticket = self.ticket();
        self.tell(FlowInput::Told { ticket, answer });
    }

    pub fn fetched(&mut self, outcome: Result<Value, FetchFault>) {
        let asked = |wish: &FlowWish| match wish {
            FlowWish::Fetch { ticket, .. } => Some(*ticket),
            _ => None,
        };
        let ticket = self.wishes.iter().rev().find_map(asked).expect("a question to the outside");
        self.tell(FlowInput::Fetched { ticket, outcome });
    }

    pub fn dialled(&mut self, ticket: Ticket, outcome: DialOutcome) {
        self.tell(FlowInput::Dialled { ticket, outcome });
    }

    pub fn queued(&mut self, outcome: QueueOutcome) {
        let ticket = self.ticket();
        self.tell(FlowInput::Queued { ticket, outcome });
    }

    /// The step that the flow is at, or was at when it ended.
    pub fn at(&self) -> &str {
        self.run.position().1
    }

    pub fn ended(&self) -> Option<&FlowEnd> {
        self.wishes.iter().find_map(|wish| match wish {
            FlowWish::Ended(end) => Some(end),
            _ => None,
        })
    }

    pub fn value(&self, path: &str) -> Option<&Value> {
        self.run.memory().look_up(&reference(path))
    }

    pub fn stored(&self) -> &str {
        self.value("$.StoredCustomerInput").and_then(Value::as_text).unwrap_or("-")
    }

    /// The texts that are to be spoken, of all plays not looked at.
    pub fn spoken(&self) -> Vec<&str> {
        let plays = self.wishes.iter().filter_map(|wish| match wish {
            FlowWish::Play { sounds, .. } => Some(sounds),
            _ => None,
        });
        let texts = plays.flatten().filter_map(|sound| match sound {
            Sound::Text { text, .. } => Some(&**text),
            _ => None,
        });
        texts.collect()
    }
}

pub fn ticket_of(wish: &FlowWish) -> Option<Ticket> {
    match wish {
        FlowWish::Answer { ticket }
        | FlowWish::Play { ticket, .. }
        | FlowWish::Fetch { ticket, .. }
        | FlowWish::Ask { ticket, .. }
        | FlowWish::Route { ticket, .. }
        | FlowWish::Dial { ticket, .. }
        | FlowWish::CallOut { ticket, .. }
        | FlowWish::Queue { ticket, .. }
        | FlowWish::Callback { ticket, .. }
        | FlowWish::TransferToAgent { ticket, .. }
        | FlowWish::Hold { ticket, .. }
        | FlowWish::Stream { ticket, .. }
        | FlowWish::Record { ticket, .. }
        | FlowWish::SendDigits { ticket, .. }
        | FlowWish::Encrypt { ticket, .. } => Some(*ticket),
        _ => None,
    }
}
