//! One step of a flow file: what it does, and where its outcomes lead. Knows no other step.

use crate::domain::flow::act::{Act, outcomes};
use crate::domain::flow::definition::{Kind, Outcome};
use crate::domain::flow::draft::StepDraft;
use crate::edge::config::fields::{Fields, printable};
use crate::edge::config::flow::{connect, decide, hear, outside, set};
use crate::edge::config::reading::Item;
use crate::edge::config::suggest;
use std::cell::RefCell;

/// One step under the eyes of its readers.
pub struct StepFields<'a> {
    pub fields: Fields<'a>,
    pub kind: Kind,
    wires: RefCell<Vec<(Outcome, Item)>>,
}

impl StepFields<'_> {
    /// Where an outcome leads that is wired in the step's own list.
    pub fn wire(&self, outcome: Outcome, to: Item) {
        self.wires.borrow_mut().push((outcome, to));
    }

    /// A list longer than outcomes can be numbered.
    pub fn choice(&self, index: usize) -> Outcome {
        Outcome::Choice(u8::try_from(index).unwrap_or(u8::MAX))
    }
}

type Reader = fn(&StepFields<'_>) -> Option<Act>;

/// Every word after `do =`.
const ACTS: &[(&str, Reader)] = &[
    ("answer", |_| Some(Act::Answer)),
    ("play", hear::play),
    ("loop-prompts", hear::loop_prompts),
    ("ask", hear::ask),
    ("collect", hear::collect),
    ("record", hear::record),
    ("wait", hear::wait),
    ("check", decide::check),
    ("check-hours", decide::check_hours),
    ("check-queue", decide::check_queue),
    ("check-staffing", decide::check_staffing),
    ("queue-metrics", decide::queue_metrics),
    ("distribute", decide::distribute),
    ("loop", decide::repeat),
    ("set-attributes", set::attributes),
    ("set-queue", set::queue),
    ("set-priority", set::priority),
    ("set-criteria", set::criteria),
    ("set-callback-number", set::callback_number),
    ("set-flows", set::flows),
    ("set-recording", set::recording),
    ("set-voice", set::voice),
    ("set-log", set::log),
    ("set-tags", set::tags),
    ("webhook", outside::webhook),
    ("function", outside::function),
    ("queue", connect::queue),
    ("callback", connect::callback),
    ("dial", connect::dial),
    ("call-out", connect::call_out),
    ("transfer-to-flow", connect::transfer_to_flow),
    ("transfer-to-agent", connect::transfer_to_agent),
    ("module", connect::module),
    ("return", |_| Some(Act::Return)),
    ("hold", connect::hold),
    ("stream-start", outside::stream_start),
    ("stream-stop", |_| Some(Act::StreamStop)),
    ("send-digits", outside::send_digits),
    ("hang-up", connect::hang_up),
    ("end", |_| Some(Act::End)),
    ("route", outside::route),
];

/// Faults stay in the reading; `None` when what the step does could not be understood.
pub fn step(name: &Item, fields: Fields<'_>, kind: Kind) -> Option<StepDraft> {
    let is_sensitive = fields.flag("sensitive", false);
    let written = fields.required("do")?;
    let Some((_, reader)) = ACTS.iter().find(|(word, _)| *word == written.text) else {
        let meant = suggest::did_you_mean(&written.text, ACTS.iter().map(|(word, _)| *word), "steps");
        fields.error("do", format!("no step does `{}`", printable(&written.text)), meant);
        return None;
    };
    let step = StepFields { fields, kind, wires: RefCell::default() };
    let act = reader(&step);
    if let Some(act) = &act {
        read_outcomes(&step, act);
    } else {
        // Asked for, so that they are not told as unknown where the act itself is the fault.
        step.fields.pairs("on");
        step.fields.text("next", "none");
    }
    let StepFields { fields, wires, .. } = step;
    fields.finish();
    let wires = wires.into_inner().into_iter().map(|(outcome, to)| (outcome, to.text.into())).collect();
    Some(StepDraft { name: name.text.as_str().into(), act: act?, wires, is_sensitive })
}

/// `on.OUTCOME`, and `next` for `on.success`.
fn read_outcomes(step: &StepFields<'_>, act: &Act) {
    let own = outcomes(act, step.kind == Kind::CustomerQueue);
    let words: Vec<&str> =
        own.iter().filter(|outcome| !matches!(outcome, Outcome::Choice(_))).map(|one| one.name()).collect();
    for (word, to) in step.fields.pairs("on") {
        match Outcome::named(&word.text).filter(|outcome| own.contains(outcome)) {
            Some(outcome) => step.wire(outcome, to),
            None => {
                let problem = format!("`{}` has no outcome `{}`", act.name(), printable(&word.text));
                let meant = suggest::did_you_mean(&word.text, words.iter().copied(), "outcomes");
                let meant = meant.or_else(|| Some("nothing comes after it".to_owned()));
                step.fields.reading.error(word.at, &word.path, problem, meant);
            }
        }
    }
    let Some(next) = step.fields.text("next", "none") else { return };
    let is_wired = step.wires.borrow().iter().any(|(outcome, _)| *outcome == Outcome::Success);
    if !own.contains(&Outcome::Success) {
        let problem = format!("`{}` has no outcome `success`, so nothing is next", act.name());
        let meant = if words.is_empty() { "nothing comes after it".to_owned() } else { outcomes_as_keys(&words) };
        step.fields.error("next", problem, Some(meant));
    } else if is_wired {
        step.fields.error("next", "means the same as `on.success`: only one of them may stand here", None);
    } else {
        step.wire(Outcome::Success, next);
    }
}

fn outcomes_as_keys(words: &[&str]) -> String {
    let keys: Vec<String> = words.iter().map(|word| format!("on.{word}")).collect();
    format!("write {}", keys.join(", "))
}
