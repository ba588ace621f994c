//! What a dialogue says of flows: which one serves the call, what it plays and asks, and what it is told.

use super::engine::Desk;
use super::world::World;
use offhook::base::cause::Cause;
use offhook::domain::call::interface::CallOutput;
use offhook::domain::call::interface::{CallInput, Led, News, Script, Slip};
use offhook::domain::flow::act::{
    Act, Ask, Collect, Dial, DialTimeout, LoopPrompts, Play, QueueOf, RecordMessage, Recorded, Reply, Request, Role,
    SoundSpec, Webhook,
};
use offhook::domain::flow::check;
use offhook::domain::flow::definition::{AnswerMode, Flow, FlowOptions, Flows, Kind, Outcome};
use offhook::domain::flow::draft::{FlowDraft, StepDraft};
use offhook::domain::flow::interface::{Answer, FetchFault, FetchFrom, Question};
use offhook::domain::flow::key::Key;
use offhook::domain::flow::memory::QueueName;
use offhook::domain::flow::template::Template;
use offhook::domain::flow::value::Value;
use offhook::domain::queue::queues::Queues;
use offhook::domain::queue::settings::Settings;
use offhook::media::prompt::{Prompt, Prompts};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Questions that nobody has answered yet, and what was said of flows.
#[derive(Default)]
pub struct Floor {
    script: Option<String>,
    /// All stages fail first.
    is_last: bool,
    fetches: Vec<(Slip, String)>,
    speeches: Vec<(Slip, u16, String)>,
    pub tapes: Vec<String>,
    logged: Vec<String>,
    pub queues: Option<Queues>,
    /// What the queues are, for engines that name them.
    pub settings: Arc<Settings>,
    pub desk: Desk,
}

impl Floor {
    pub fn script(&self) -> Option<Box<Script>> {
        let book = Arc::new(Flows::new(flows().into_iter().map(Arc::new)));
        let flow = match (&self.script, self.desk.flow()) {
            (Some(name), _) => Arc::clone(book.find(name).unwrap_or_else(|| panic!("no flow {name}"))),
            (None, Some(flow)) => Arc::new(flow),
            (None, None) => return None,
        };
        let (engines, queues) = (self.desk.engines(), Arc::clone(&self.settings));
        Some(Box::new(Script { flow, book, prompts: prompts(), engines, queues, toward: None }))
    }

    /// Where a party is sent: `flow:NAME`, or `agent:NAME` by a flow that takes calls to agents.
    pub fn led(&self, name: &str) -> Option<Led> {
        let book = Arc::new(Flows::new(flows().into_iter().map(Arc::new)));
        let (flow, toward) = match name.split_once(':')? {
            ("flow", name) => (name, None),
            (_, name) => ("to-agent", Some(QueueName::Agent(name.into()))),
        };
        let flow = Arc::clone(book.find(flow).unwrap_or_else(|| panic!("no flow {flow}")));
        let (engines, queues) = (self.desk.engines(), Arc::clone(&self.settings));
        let script = Script { flow, book, prompts: prompts(), engines, queues, toward };
        Some(Led { stages: Vec::new(), script: Some(Box::new(script)) })
    }

    /// A flow that serves at once has no stages before it.
    pub fn is_first(&self) -> bool {
        (self.script.is_some() || self.desk.flow().is_some()) && !self.is_last
    }

    /// Takes what waits for a line of the dialogue; what can be said at once is said.
    pub fn take(&mut self, output: CallOutput) -> Option<CallInput> {
        let news = |slip, news| Some(CallInput::News { slip, news: Box::new(news) });
        match output {
            CallOutput::Fetch { slip, order } => {
                let FetchFrom::Url(url) = order.to else { panic!("no engine here") };
                self.fetches.push((slip, url.to_string()));
                None
            }
            CallOutput::CancelFetch { slip } => {
                self.fetches.retain(|(own, _)| *own != slip);
                None
            }
            CallOutput::Speak { slip, part, speech } => {
                self.speeches.push((slip, part, speech.text.to_string()));
                None
            }
            CallOutput::Ask { slip, question } => {
                let answer = match *question {
                    Question::Hours(_) => Some(Answer::Hours { is_open: true }),
                    _ => None,
                };
                news(slip, News::Told(answer))
            }
            CallOutput::Encrypt { slip, .. } => news(slip, News::Encrypted(None)),
            CallOutput::Tape { slip, tap, what, .. } => {
                self.tapes.push(format!("{what:?}"));
                news(slip, News::Taping { tap, place: Some(format!("tape-{}", tap.0).into()) })
            }
            CallOutput::FlowLog(entry) => {
                let outcome = entry.outcome.map_or("", |outcome| outcome.name());
                self.logged.push(format!("{} {} {outcome}", entry.flow, entry.step));
                None
            }
            other => panic!("not for a flow: {other:?}"),
        }
    }
}

impl World {
    pub fn set_flow(&mut self, words: &[&str]) -> Result<(), String> {
        match words {
            [name] => self.floor.script = Some((*name).to_owned()),
            [name, "last"] => {
                self.floor.script = Some((*name).to_owned());
                self.floor.is_last = true;
            }
            _ => return Err("no such setting".into()),
        }
        Ok(())
    }

    pub fn on_flow(&mut self, words: &[&str]) -> Result<(), String> {
        let holds = |is_so: bool, told: String| is_so.then_some(()).ok_or(format!("but {told}"));
        match words {
            ["plays", wanted @ ..] => {
                let told = self.audio.plane.playing().unwrap_or_else(|| "nothing".into());
                holds(told == wanted.join(" "), told)
            }
            ["played"] => {
                let event = self.audio.plane.play_to_its_end().ok_or("nothing is played")?;
                self.tell(CallInput::Media(Box::new(event)));
                Ok(())
            }
            ["asks", url] => {
                let told: Vec<String> = self.floor.fetches.iter().map(|(_, url)| url.clone()).collect();
                holds(told.iter().any(|own| own == url), format!("{told:?}"))
            }
            ["answers", "fault"] => self.answer_fetch(Err(FetchFault::Unreachable)),
            ["answers", pairs @ ..] => {
                let pairs = pairs.iter().filter_map(|pair| pair.split_once('='));
                let map = pairs.map(|(name, value)| (name.into(), Value::text(value))).collect();
                self.answer_fetch(Ok(Value::Map(map)))
            }
            ["speaks", wanted @ ..] => {
                let told = self.floor.speeches.first().map(|(_, _, text)| text.clone()).unwrap_or_default();
                holds(told == wanted.join(" "), told)
            }
            ["spoken", what] => {
                let (slip, part, _) = self.floor.speeches.pop().ok_or("nothing is to be spoken")?;
                let prompt = (*what != "badly").then(|| Arc::new(Prompt::new(what, 8_000, &[0; 800]).expect("a rate")));
                self.tell(CallInput::News { slip, news: Box::new(News::Spoken { part, prompt }) });
                Ok(())
            }
            ["tapes", wanted @ ..] => {
                let told = self.floor.tapes.join("; ");
                holds(told.contains(&wanted.join(" ")), told)
            }
            ["logged", wanted @ ..] => {
                let told = self.floor.logged.join("; ");
                holds(self.floor.logged.contains(&wanted.join(" ")), told)
            }
            _ => Err("not a line of a dialogue".into()),
        }
    }

    fn answer_fetch(&mut self, outcome: Result<Value, FetchFault>) -> Result<(), String> {
        let (slip, _) = self.floor.fetches.pop().ok_or("nothing is asked")?;
        self.tell(CallInput::News { slip, news: Box::new(News::Fetched(outcome)) });
        Ok(())
    }
}

fn prompts() -> Prompts {
    let names = ["welcome", "menu", "digits", "goodbye", "sorry", "music"];
    let one = |name: &str| (name.into(), Arc::new(Prompt::new(name, 8_000, &[0; 800]).expect("a rate")));
    Prompts::new(names.into_iter().map(one).collect::<BTreeMap<_, _>>())
}

fn text(text: &str) -> Template {
    Template::parse(text).expect("a template")
}

fn prompt(name: &str) -> Vec<SoundSpec> {
    vec![SoundSpec::Prompt(Template::plain(name))]
}

fn play(sounds: Vec<SoundSpec>) -> Act {
    Act::Play(Play { sounds, is_interruptible: false })
}

fn keys(text: &str) -> Vec<Key> {
    Key::all(text).expect("keys")
}

fn ask(sounds: &str, choices: &str) -> Act {
    Act::Ask(Ask {
        sounds: prompt(sounds),
        again: Vec::new(),
        choices: keys(choices),
        timeout: Duration::from_secs(5),
        retries: 0,
        barge_in: true,
        drops_keys: false,
    })
}

fn dial(to: &str, resumes: bool, digits: Option<&str>) -> Act {
    Act::Dial(Dial {
        to: text(to),
        timeout: DialTimeout::Fixed(Duration::from_secs(20)),
        resumes,
        digits: digits.map(text),
        caller_number: None,
        caller_name: None,
        via: None,
    })
}

type Wire<'a> = (Outcome, &'a str);

fn step(name: &str, act: Act, wires: &[Wire<'_>]) -> StepDraft {
    let wires = wires.iter().map(|(outcome, to)| (*outcome, Box::from(*to))).collect();
    StepDraft { name: name.into(), act, wires, is_sensitive: false }
}

fn flow(name: &str, answer: AnswerMode, steps: Vec<StepDraft>) -> Flow {
    let start = steps[0].name.clone();
    let mut steps = steps;
    steps.push(step("bye", Act::HangUp(Cause::Normal), &[]));
    check::build(FlowDraft {
        name: name.into(),
        kind: Kind::Inbound,
        start,
        steps,
        on_error: Some("bye".into()),
        version: "1".into(),
        options: FlowOptions { answer, ..FlowOptions::default() },
    })
    .unwrap_or_else(|faults| panic!("{name}: {faults:?}"))
}

/// An agent has sent the call to another one.
fn to_agent() -> Flow {
    check::build(FlowDraft {
        name: "to-agent".into(),
        kind: Kind::TransferToAgent,
        start: "word".into(),
        steps: vec![
            step("word", play(prompt("welcome")), &[(Outcome::Success, "give"), (Outcome::Error, "give")]),
            step("give", Act::TransferToAgent(None), &[]),
        ],
        on_error: None,
        version: "1".into(),
        options: FlowOptions::default(),
    })
    .expect("a flow without fault")
}

fn heard_in_line() -> Vec<(Role, Template)> {
    vec![
        (Role::CustomerQueue, text("hold-line")),
        (Role::AgentWhisper, text("for-agent")),
        (Role::CustomerWhisper, text("for-caller")),
    ]
}

/// A flow of one prompt: music that goes on where somebody waits.
fn heard(name: &str, kind: Kind, sound: &str) -> Flow {
    let act = match kind {
        Kind::CustomerQueue => Act::LoopPrompts(LoopPrompts { sounds: prompt(sound), interrupt: None }),
        _ => play(prompt(sound)),
    };
    let first = match kind {
        Kind::CustomerQueue => step("hear", act, &[]),
        _ => step("hear", act, &[(Outcome::Success, "done")]),
    };
    check::build(FlowDraft {
        name: name.into(),
        kind,
        start: "hear".into(),
        steps: vec![first, step("done", Act::End, &[])],
        on_error: Some("done".into()),
        version: "1".into(),
        options: FlowOptions::default(),
    })
    .unwrap_or_else(|faults| panic!("{name}: {faults:?}"))
}

/// The flows that dialogues may name.
fn flows() -> Vec<Flow> {
    use Outcome::{AtCapacity, CallFailed, Choice, Default, Error, Success, Timeout};
    let (explicit, implied) = (AnswerMode::Explicit, AnswerMode::Implied);
    vec![
        // Answered by its first prompt.
        flow("greet", implied, vec![step("hello", play(prompt("welcome")), &[(Success, "bye")])]),
        // A menu in early media; 1 takes the call.
        flow(
            "menu",
            explicit,
            vec![
                step(
                    "menu",
                    ask("menu", "12"),
                    &[(Choice(0), "take"), (Choice(1), "busy"), (Timeout, "busy"), (Default, "menu")],
                ),
                step("take", Act::Answer, &[(Success, "hello")]),
                step("hello", play(prompt("welcome")), &[(Success, "bye")]),
                step("busy", Act::HangUp(Cause::Busy), &[]),
            ],
        ),
        // A key in one step, several in the next: none of them may be lost.
        flow(
            "ahead",
            implied,
            vec![
                step("menu", ask("menu", "1"), &[(Choice(0), "number"), (Timeout, "bye"), (Default, "bye")]),
                step(
                    "number",
                    Act::Collect(Collect {
                        sounds: prompt("digits"),
                        digits_max: 4,
                        first_timeout: Duration::from_secs(5),
                        next_timeout: Duration::from_secs(5),
                        terminator: keys("#"),
                        has_cancel_key: true,
                        number: None,
                        encrypt: None,
                        confirm: None,
                        drops_keys: false,
                    }),
                    &[(Success, "say")],
                ),
                step("say", play(vec![SoundSpec::Text(text("You keyed $.StoredCustomerInput"))]), &[(Success, "bye")]),
            ],
        ),
        flow(
            "order",
            implied,
            vec![
                step(
                    "ask",
                    Act::Webhook(Webhook {
                        url: text("https://orders.example/of?number=$.CustomerEndpoint.Address"),
                        request: Request {
                            parameters: Vec::new(),
                            timeout: Duration::from_secs(3),
                            reply: Reply::StringMap,
                            comfort: prompt("music"),
                        },
                    }),
                    &[(Success, "tell"), (Error, "sorry")],
                ),
                step("tell", play(vec![SoundSpec::Text(text("You bought $.External.item"))]), &[(Success, "bye")]),
                step("sorry", play(prompt("sorry")), &[(Success, "bye")]),
            ],
        ),
        flow(
            "desk",
            implied,
            vec![
                step("hello", play(prompt("welcome")), &[(Success, "record")]),
                step("record", Act::SetRecording(Recorded::Both), &[(Success, "call")]),
                step(
                    "call",
                    dial("+81312345678", true, Some("12,3")),
                    &[(Success, "after"), (CallFailed, "sorry"), (Timeout, "sorry")],
                ),
                step("after", play(prompt("goodbye")), &[(Success, "bye")]),
                step("sorry", play(prompt("sorry")), &[(Success, "bye")]),
            ],
        ),
        // Dialled before the answer, without coming back; what follows the talk is another flow.
        flow(
            "hand-over",
            explicit,
            vec![
                step("chosen", Act::SetFlows(vec![(Role::Disconnect, text("survey"))]), &[(Success, "call")]),
                step("call", dial("bob", false, None), &[]),
            ],
        ),
        flow("survey", implied, vec![step("thanks", play(prompt("goodbye")), &[(Success, "bye")])]),
        // Waits for an agent, with a flow for each who listens.
        flow(
            "line",
            implied,
            vec![
                step("chosen", Act::SetFlows(heard_in_line()), &[(Success, "choose")]),
                step("choose", Act::SetQueue(QueueOf::Queue(text("orders"))), &[(Success, "wait")]),
                step("wait", Act::Queue(None), &[(AtCapacity, "bye")]),
            ],
        ),
        // Waits for an agent, and nobody hears anything but ringing.
        flow(
            "plain",
            implied,
            vec![
                step("choose", Act::SetQueue(QueueOf::Queue(text("orders"))), &[(Success, "wait")]),
                step("wait", Act::Queue(None), &[(AtCapacity, "bye")]),
            ],
        ),
        to_agent(),
        heard("hold-line", Kind::CustomerQueue, "music"),
        heard("for-agent", Kind::AgentWhisper, "menu"),
        heard("for-caller", Kind::CustomerWhisper, "welcome"),
        flow(
            "mailbox",
            implied,
            vec![
                step(
                    "record",
                    Act::Record(RecordMessage { limit: Duration::from_secs(30), silence: None, terminator: keys("#") }),
                    &[(Success, "thanks")],
                ),
                step("thanks", play(prompt("goodbye")), &[(Success, "bye")]),
            ],
        ),
    ]
}
