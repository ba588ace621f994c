//! Trials of a small flow: keys with times, answers from outside, and what is told of a script that does not fit.

use super::coverage::Coverage;
use super::*;
use crate::domain::flow::act::{Ask, Play, Reply as Kept, Request, SoundSpec, Webhook};
use crate::domain::flow::check;
use crate::domain::flow::definition::{FlowOptions, Kind};
use crate::domain::flow::draft::{FlowDraft, StepDraft};
use crate::domain::flow::template::Template;
use std::time::SystemTime;

fn say(text: &str) -> Vec<SoundSpec> {
    vec![SoundSpec::Text(Template::parse(text).unwrap())]
}

fn step(name: &str, act: Act, wires: &[(Outcome, &str)]) -> StepDraft {
    let wires = wires.iter().map(|(outcome, to)| (*outcome, (*to).into())).collect();
    StepDraft { name: name.into(), act, wires, is_sensitive: false }
}

/// Looks the caller up, says what was found, asks for a key.
fn flows() -> Arc<Flows> {
    let webhook = Webhook {
        url: Template::parse("https://crm.example.net/?of=$.CustomerEndpoint.Address").unwrap(),
        request: Request {
            parameters: Vec::new(),
            timeout: Duration::from_secs(3),
            reply: Kept::StringMap,
            comfort: Vec::new(),
        },
    };
    let ask = Ask {
        sounds: say("One or two"),
        again: Vec::new(),
        choices: Key::all("12").unwrap(),
        timeout: Duration::from_secs(5),
        retries: 0,
        barge_in: true,
        drops_keys: false,
    };
    let found = Play { sounds: say("You ordered $.External.item"), is_interruptible: false };
    let steps = vec![
        step("look-up", Act::Webhook(webhook), &[(Outcome::Success, "found"), (Outcome::Error, "menu")]),
        step("found", Act::Play(found), &[(Outcome::Success, "quiet"), (Outcome::Error, "menu")]),
        step("quiet", Act::SetLog(false), &[(Outcome::Success, "menu")]),
        step(
            "menu",
            Act::Ask(ask),
            &[
                (Outcome::Choice(0), "menu"),
                (Outcome::Choice(1), "bye"),
                (Outcome::Timeout, "bye"),
                (Outcome::Default, "bye"),
                (Outcome::Error, "bye"),
            ],
        ),
        step("bye", Act::HangUp(crate::base::cause::Cause::Normal), &[]),
    ];
    let draft = FlowDraft {
        name: "desk".into(),
        kind: Kind::Inbound,
        start: "look-up".into(),
        steps,
        on_error: None,
        version: "1".into(),
        options: FlowOptions::default(),
    };
    loud(&Flows::new([Arc::new(check::build(draft).unwrap())]))
}

fn script(answer: Option<Reply>, events: Vec<Event>) -> Script {
    let origin = Origin { customer: "+819012345678".into(), initiation: "INBOUND", ..Origin::default() };
    let answers = answer.map(|answer| ("look-up".into(), vec![answer])).into_iter().collect();
    Script {
        origin,
        attributes: Map::new(),
        queue: None,
        answers,
        events,
        seed: 1,
        limit: Duration::from_secs(3_600),
        sound: Duration::from_secs(2),
    }
}

fn try_out(script: &Script) -> Account {
    let flows = flows();
    let flow = flows.find("desk").unwrap().clone();
    let now = Now { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH };
    run(&flows, &flow, (&HoursBook::default(), script), now)
}

fn keys(entry: u32, after: u64, keys: &str) -> Event {
    let when = When::Step { name: "menu".into(), entry, after: Duration::from_secs(after) };
    Event { when, what: Happening::Keys(Key::all(keys).unwrap()) }
}

fn names(account: &Account) -> Vec<&str> {
    account.passed.iter().map(|passed| &*passed.step).collect()
}

fn found() -> Reply {
    Reply::Values(Value::map([("item", Value::text("a hoodie"))]))
}

#[test]
fn keys_are_pressed_at_the_step_and_time_that_the_script_says() {
    let account = try_out(&script(Some(found()), vec![keys(1, 3, "1"), keys(2, 1, "2")]));
    assert_eq!(names(&account), ["look-up", "found", "quiet", "menu", "menu", "bye"]);
    assert_eq!(account.heard, ["say You ordered a hoodie", "say One or two", "say One or two"]);
    assert_eq!(account.asked, ["https://crm.example.net/?of=%2B819012345678"]);
    assert_eq!((account.end.as_str(), account.is_answered), ("hang-up normal", true));
    // 200 ms for the answer, 2 s for the text, 3 s until one key and 1 s until the other.
    assert_eq!(account.lasted, Duration::from_millis(6_200));
    assert_eq!(account.faults, Vec::<String>::new());
}

#[test]
fn an_answer_that_does_not_come_costs_its_time() {
    let account = try_out(&script(Some(Reply::Word("timed-out".into())), Vec::new()));
    assert_eq!(names(&account), ["look-up", "menu", "bye"]);
    assert!(account.lasted >= Duration::from_secs(3 + 2 + 5), "{:?}", account.lasted);
}

#[test]
fn a_caller_may_hang_up_at_any_time() {
    let event = Event { when: When::Since(Duration::from_secs(1)), what: Happening::HangsUp };
    let account = try_out(&script(Some(found()), vec![event]));
    assert_eq!((names(&account), account.end.as_str()), (vec!["look-up", "found"], "caller-gone"));
}

#[test]
fn a_script_that_does_not_fit_is_told() {
    let account = try_out(&script(None, vec![keys(2, 0, "1")]));
    let told = ["nobody answers `look-up`: add it to `answers`", "the call did not wait at `menu` for the 2. time"];
    assert_eq!(account.faults, told);
    let account = try_out(&script(Some(Reply::Word("closed".into())), Vec::new()));
    assert!(
        account.faults[0].starts_with("`closed` is no answer to `look-up`; there is a table"),
        "{:?}",
        account.faults
    );
}

#[test]
fn coverage_counts_outcomes_of_all_trials_together() {
    let flows = flows();
    let mut coverage = Coverage::default();
    coverage.note(&try_out(&script(Some(found()), vec![keys(1, 0, "2")])).passed);
    coverage.note(&try_out(&script(Some(Reply::Word("fails".into())), Vec::new())).passed);
    let share = coverage.of(flows.find("desk").unwrap());
    assert_eq!((share.met, share.all), (6, 10));
    assert_eq!(share.missing, ["found on.error", "menu keys.1", "menu on.default", "menu on.error"]);
}
