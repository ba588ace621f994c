//! What a flow file becomes, and the exact words for each broken one: `tests/data/config/flows-broken/`.

use crate::domain::flow::act::{Act, NumberMode, SoundSpec};
use crate::domain::flow::definition::{Flow, Kind, Outcome};
use crate::edge::config::tests::{Folder, repository};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A folder in which a flow finds hours, prompts and other flows.
fn folder() -> Folder {
    let folder = Folder::sample();
    folder.write("dialplans/hours/office.toml", "[hours]\nzone = \"Asia/Tokyo\"\n[week]\nweekdays = \"09:00-17:00\"\n");
    for (name, kind) in [("night", "inbound"), ("waiting", "customer-queue"), ("pin", "module")] {
        let end = if kind == "module" { "return" } else { "end" };
        let text = format!("[flow]\nkind = \"{kind}\"\nstart = \"done\"\n[step.done]\ndo = \"{end}\"\n");
        folder.write(&format!("dialplans/flows/{name}.toml"), &text);
    }
    folder.write("prompts/en/hello.ul", &"~".repeat(800));
    folder
}

fn flow(text: &str) -> Arc<Flow> {
    let folder = folder();
    folder.write("dialplans/flows/desk.toml", text);
    folder.read().exchange.flows.find("desk").unwrap().clone()
}

#[test]
fn a_flow_is_read_with_its_steps_and_wires() {
    let flow = flow(
        r#"
        [flow]
        kind = "inbound"
        start = "menu"
        on.error = "bye"
        [step.menu]
        do = "ask"
        sounds = ["en/hello", { say = "You ordered $.Attributes.item." }, { money = "5", currency = "JPY" }]
        keys = { 2 = "number", "*" = "menu" }
        on.timeout = "bye"
        on.default = "menu"
        [step.number]
        do = "collect"
        say = "Your number"
        number = "local"
        country = "JP"
        next_timeout = "4s"
        sensitive = true
        next = "bye"
        on.invalid_number = "menu"
        [step.bye]
        do = "hang-up"
        cause = "busy"
        "#,
    );
    assert_eq!((flow.kind, flow.steps.len(), flow.version.len()), (Kind::Inbound, 3, 16));
    let menu = flow.step(flow.start).unwrap();
    let Act::Ask(ask) = &menu.act else { panic!("{menu:?}") };
    assert!(matches!(ask.sounds.as_slice(), [SoundSpec::Prompt(_), SoundSpec::Text(_), SoundSpec::Say(..)]));
    let after = |outcome: Outcome| flow.step(menu.after(outcome).unwrap()).unwrap().name.to_string();
    let led: Vec<String> = [Outcome::Choice(0), Outcome::Choice(1), Outcome::Timeout, Outcome::Default, Outcome::Error]
        .into_iter()
        .map(after)
        .collect();
    assert_eq!(led, ["number", "menu", "bye", "menu", "bye"]);
    let number = &flow.steps[1];
    let Act::Collect(collect) = &number.act else { panic!("{number:?}") };
    assert_eq!((&collect.number, number.is_sensitive), (&Some(NumberMode::Local("JP".into())), true));
    assert_eq!((collect.next_timeout, collect.first_timeout), (Duration::from_secs(4), Duration::from_secs(5)));
}

#[test]
fn what_a_flow_names_may_stand_in_other_files() {
    let flow = flow(
        r#"
        [flow]
        kind = "inbound"
        start = "open"
        on.error = "bye"
        [step.open]
        do = "check-hours"
        hours = "office"
        on.in_hours = "roles"
        on.out_of_hours = "other"
        [step.roles]
        do = "set-flows"
        customer_queue = "waiting"
        disconnect = "night"
        next = "module"
        [step.module]
        do = "module"
        module = "$.Attributes.any"
        next = "other"
        [step.other]
        do = "transfer-to-flow"
        flow = "night"
        [step.bye]
        do = "hang-up"
        "#,
    );
    assert_eq!(flow.steps.len(), 5);
}

#[test]
fn changed_flows_and_prompts_are_part_of_the_plan() {
    let folder = folder();
    let before = folder.read();
    folder.write("prompts/en/hello.ul", &"}".repeat(800));
    folder.edit("dialplans/flows/night.toml", "do = \"end\"", "do = \"hang-up\"");
    folder.remove("dialplans/flows/pin.toml");
    let after = folder.read();
    let lines = crate::edge::config::plan::plan(&before, &after, &|_| 0);
    assert!(lines[0].starts_with("flow night: version "), "{lines:?}");
    assert_eq!(lines[1..], ["flow pin: removed (new calls)", "prompt en/hello: new contents (new calls)"]);
    assert_ne!(before.hash, after.hash);
}

#[test]
fn tests_that_stand_beside_flows_are_no_flows() {
    let folder = folder();
    folder.write("dialplans/flows/night.test.toml", "nothing = \"of a flow\"\n");
    assert_eq!(folder.read().exchange.flows.iter().count(), 3);
}

/// Every file of the folder of broken flows, with the file of words beside it.
fn broken() -> Vec<(PathBuf, PathBuf)> {
    let folder = repository().join("tests/data/config/flows-broken");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files.into_iter().map(|file| (file.clone(), file.with_extension("txt"))).collect()
}

/// What is told of a folder with this flow, as `offhook check` prints it.
fn told(text: &str) -> String {
    let folder = folder();
    folder.write("dialplans/flows/desk.toml", text);
    let faults = folder.try_read(&[]).err().unwrap_or_default();
    let own = format!("{}/", folder.path().display());
    faults.iter().map(|fault| format!("{fault}\n").replace(&own, "")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_broken_flow_is_told_in_its_exact_words() {
    let cases = broken();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for (file, words) in cases {
        let told = told(&std::fs::read_to_string(&file).unwrap());
        assert!(told.contains("dialplans/flows/desk.toml:"), "{} is told nowhere: {told}", file.display());
        if std::env::var_os("OFFHOOK_BLESS").is_some() {
            std::fs::write(&words, &told).unwrap();
        }
        if std::fs::read_to_string(&words).ok().as_deref() != Some(&told) {
            wrong.push(format!("== {}\n{told}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "told otherwise (OFFHOOK_BLESS=1 writes it down):\n{}", wrong.join("\n"));
}
