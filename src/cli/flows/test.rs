//! `offhook flows test`: the tests beside flows, run in virtual time, and which branches they have met. Calls nobody.

use super::{Folder, Told, read};
use crate::base::now::Now;
use crate::cli::outcome::{Answer, Failure, USAGE, plain};
use crate::domain::flow::definition::{Flow, Flows};
use crate::domain::flow::trial::coverage::Coverage;
use crate::domain::flow::trial::{self, Account, Passed};
use crate::domain::hours::HoursBook;
use crate::edge::clock;
use crate::edge::config::flow::trials::{self, Expect, Trial};
use clap::Args;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    pub folder: Folder,
    /// Only the tests of these flows.
    pub flows: Vec<String>,
    /// Fail where the tests of a flow meet less than this part of its branches, in per cent.
    #[arg(long, value_name = "PERCENT")]
    pub branches: Option<usize>,
}

/// One test that was run.
pub struct Done {
    pub trial: Trial,
    pub account: Account,
    pub faults: Vec<String>,
}

pub fn test(arguments: &Arguments) -> Result<Told, Failure> {
    let configuration = read(&arguments.folder.config)?;
    let trials = trials::read(&configuration.folder).map_err(|faults| Failure {
        exit: USAGE,
        details: faults.iter().map(ToString::to_string).collect(),
        ..Failure::failed("bad_tests", "the tests of flows have faults")
    })?;
    let exchange = &configuration.exchange;
    let flows = trial::loud(&exchange.flows);
    let is_wanted = |name: &str| arguments.flows.is_empty() || arguments.flows.iter().any(|one| one == name);
    if let Some(missing) = arguments.flows.iter().find(|name| flows.find(name).is_none()) {
        return Err(Failure::usage("no_such_flow", format!("there is no flow `{missing}`")));
    }
    let wanted = trials.into_iter().filter(|trial| is_wanted(&trial.flow));
    let done: Vec<Done> = wanted.map(|trial| run(&flows, &exchange.hours, trial)).collect();
    let mut coverage = Coverage::default();
    done.iter().for_each(|one| coverage.note(&one.account.passed));
    let told: Vec<&Arc<Flow>> = flows.iter().filter(|flow| is_wanted(&flow.name)).collect();
    let meets = |flow: &Flow| {
        let share = coverage.of(flow);
        arguments.branches.is_none_or(|least| share.met * 100 >= least * share.all)
    };
    let is_good = done.iter().all(|one| one.faults.is_empty()) && told.iter().all(|flow| meets(flow));
    let answer = Answer { words: words(&told, &done, &coverage), json: in_json(&told, &done, &coverage, is_good) };
    Ok(Told { answer, is_good })
}

fn run(flows: &Arc<Flows>, hours: &HoursBook, trial: Trial) -> Done {
    let Some(flow) = flows.find(&trial.flow) else {
        let faults = vec![format!("there is no flow `{}`", trial.flow)];
        return Done { trial, account: Account::default(), faults };
    };
    let since = Duration::from_secs(trial.at.unsigned_abs());
    let wall = if trial.at < 0 { SystemTime::UNIX_EPOCH - since } else { SystemTime::UNIX_EPOCH + since };
    let now = Now { instant: clock::now().instant, wall };
    let account = trial::run(flows, flow, (hours, &trial.script), now);
    let faults = differences(&trial, &account);
    Done { trial, account, faults }
}

/// Everything that is not as expected, one line each.
pub fn differences(trial: &Trial, account: &Account) -> Vec<String> {
    let Expect { steps, heard, asked, dialled, end, is_answered, lasts, attributes } = &trial.expect;
    let mut faults = account.faults.clone();
    let passed: Vec<String> = account.passed.iter().map(|passed| step_name(passed, &trial.flow)).collect();
    let lists = [
        ("steps", steps, &passed),
        ("heard", heard, &account.heard),
        ("asked", asked, &account.asked),
        ("dialled", dialled, &account.dialled),
    ];
    for (what, expected, found) in lists {
        let Some(expected) = expected else { continue };
        let is_same = expected.len() == found.len() && expected.iter().zip(found).all(|(a, b)| is_as(a, b));
        if !is_same {
            faults.push(format!("{what}: expected {}; came {}", shown(expected), shown(found)));
        }
    }
    if let Some(end) = end.as_ref().filter(|end| !is_as(end, &account.end)) {
        faults.push(format!("end: expected {end}; came {}", account.end));
    }
    if let Some(answered) = is_answered.filter(|answered| *answered != account.is_answered) {
        let words = |answered: bool| if answered { "answered" } else { "not answered" };
        faults.push(format!("expected to be {}; was {}", words(answered), words(account.is_answered)));
    }
    if let Some(lasts) = lasts.filter(|lasts| *lasts != account.lasted) {
        faults.push(format!("lasts: expected {lasts:?}; came {:?}", account.lasted));
    }
    for (name, expected) in attributes {
        let found = account.attributes.get(name.as_str()).and_then(|value| value.as_text());
        if found != Some(expected) {
            faults.push(format!("attribute {name}: expected `{expected}`; came `{}`", found.unwrap_or("nothing")));
        }
    }
    faults
}

/// `prompt en/*` is every prompt of a folder.
fn is_as(expected: &str, found: &str) -> bool {
    expected.strip_suffix('*').map_or(expected == found, |start| found.starts_with(start))
}

fn shown(list: &[String]) -> String {
    if list.is_empty() { "nothing".to_owned() } else { list.join(" | ") }
}

/// A step of another flow with the name of its flow.
fn step_name(passed: &Passed, flow: &str) -> String {
    if *passed.flow == *flow { passed.step.to_string() } else { format!("{}/{}", passed.flow, passed.step) }
}

fn words(flows: &[&Arc<Flow>], done: &[Done], coverage: &Coverage) -> String {
    let mut text = String::new();
    for flow in flows {
        text += &format!("{}\n", flow.name);
        let own: Vec<&Done> = done.iter().filter(|one| one.trial.flow == *flow.name).collect();
        for one in &own {
            let mark = if one.faults.is_empty() { "ok  " } else { "FAIL" };
            text += &format!("  {mark} {} ({:?})\n", plain(&one.trial.name), one.account.lasted);
            for fault in &one.faults {
                text += &format!("         {}\n", plain(fault).replace('\n', " "));
            }
            if !one.faults.is_empty() {
                text += &format!("         at {}\n", one.trial.place);
            }
        }
        let share = coverage.of(flow);
        text += &format!("  branches {}/{}", share.met, share.all);
        let never =
            if share.missing.is_empty() { String::new() } else { format!("; never: {}", share.missing.join(", ")) };
        text += &format!("{never}\n");
    }
    let failed = done.iter().filter(|one| !one.faults.is_empty()).count();
    let shares: Vec<(usize, usize)> =
        flows.iter().map(|flow| coverage.of(flow)).map(|one| (one.met, one.all)).collect();
    let sum = |part: fn(&(usize, usize)) -> usize| shares.iter().map(part).sum::<usize>();
    text + &format!("{} tests, {failed} failed; branches {}/{}\n", done.len(), sum(|one| one.0), sum(|one| one.1))
}

fn in_json(flows: &[&Arc<Flow>], done: &[Done], coverage: &Coverage, is_good: bool) -> Value {
    let tests: Vec<Value> = done
        .iter()
        .map(|one| {
            let steps: Vec<Value> = one
                .account
                .passed
                .iter()
                .map(|passed| {
                    let outcome = passed.outcome.map(|outcome| outcome.name());
                    json!({ "flow": &*passed.flow, "step": &*passed.step, "outcome": outcome })
                })
                .collect();
            json!({
                "flow": one.trial.flow, "test": one.trial.name, "place": one.trial.place, "ok": one.faults.is_empty(),
                "faults": one.faults, "steps": steps, "heard": one.account.heard, "asked": one.account.asked,
                "dialled": one.account.dialled, "end": one.account.end, "answered": one.account.is_answered,
                "seconds": one.account.lasted.as_secs_f64(),
            })
        })
        .collect();
    let branches: Vec<Value> = flows
        .iter()
        .map(|flow| {
            let share = coverage.of(flow);
            json!({ "flow": &*flow.name, "met": share.met, "all": share.all, "never": share.missing })
        })
        .collect();
    json!({ "ok": is_good, "tests": tests, "branches": branches })
}
