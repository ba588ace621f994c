//! The tools around flows, on a folder with one flow and its tests.

use super::layout::layout;
use super::*;
use std::sync::atomic::{AtomicU32, Ordering};

const DESK: &str = r#"[flow]
kind = "inbound"
start = "open"
on.error = "bye"

[step.open]
do = "check-hours"
hours = "office"
on.in_hours = "menu"
on.out_of_hours = "closed"

[step.menu]
do = "ask"
say = "One to hear it again, two for sales."
keys = { 1 = "menu", 2 = "sales" }
on.timeout = "bye"
on.default = "bye"

[step.sales]
do = "set-queue"
queue = "sales"
next = "wait"

[step.wait]
do = "queue"
on.at_capacity = "menu"

[step.closed]
do = "play"
say = "We are closed."
next = "bye"

[step.bye]
do = "hang-up"
"#;

const TESTS: &str = r#"[[test]]
name = "two is sales"
at = "2026-11-20T10:00:00+09:00"
events = ["menu+3s: 1", "menu#2: 2"]
[test.expect]
steps = ["open", "menu", "menu", "sales", "wait"]
heard = ["say One to hear*", "say One*"]
end = "queued sales"

[[test]]
name = "the queue is full"
at = "2026-11-20T10:00:00+09:00"
events = ["menu: 2"]
answers = { wait = "full" }
[test.expect]
steps = ["open", "menu", "sales", "wait", "menu", "bye"]
answered = true

[[test]]
name = "nobody is there at night"
at = "2026-11-20T20:00:00+09:00"
[test.expect]
heard = ["say We are closed."]
lasts = "2s"
end = "hang-up normal"
"#;

struct Place(PathBuf);

impl Place {
    fn new(tests: &str) -> Place {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("offhook-flows-{}-{number}", std::process::id()));
        let place = Place(path);
        place.write("offhook.toml", "");
        place.write("sip-profiles/a.toml", "[[listener]]\ntransport = \"udp\"\nbind = \"127.0.0.1:5080\"\n");
        let hours = "[hours]\nzone = \"Asia/Tokyo\"\n[week]\nweekdays = \"09:00-17:00\"\n";
        place.write("dialplans/hours/office.toml", hours);
        place.write("dialplans/queues.toml", "[[queue]]\nname = \"sales\"\n");
        place.write("dialplans/flows/desk.toml", DESK);
        place.write("dialplans/flows/desk.test.toml", tests);
        place
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn folder(&self) -> Folder {
        Folder { config: self.0.clone() }
    }

    fn test(&self, branches: Option<usize>) -> Result<Told, Failure> {
        test::test(&test::Arguments { folder: self.folder(), flows: Vec::new(), branches })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn tests_beside_a_flow_pass_and_tell_what_they_have_met() {
    let place = Place::new(TESTS);
    let told = place.test(None).unwrap_or_else(|failure| panic!("{failure:?}"));
    let expected =
        "desk\n  ok   two is sales (3s)\n  ok   the queue is full (7s)\n  ok   nobody is there at night (2s)\n";
    assert!(told.is_good && told.answer.words.starts_with(expected), "{}", told.answer.words);
    assert!(told.answer.words.contains("branches 8/14; never: open on.error, "), "{}", told.answer.words);
    assert_eq!(told.answer.json["tests"][1]["steps"][3]["outcome"], "at_capacity");
    assert!(!place.test(Some(90)).unwrap_or_else(|failure| panic!("{failure:?}")).is_good);
}

#[test]
fn a_test_that_fails_says_what_came_and_where_it_stands() {
    let place = Place::new(&TESTS.replace("\"menu\", \"sales\", \"wait\"]\nheard", "\"sales\", \"wait\"]\nheard"));
    let told = place.test(None).unwrap_or_else(|failure| panic!("{failure:?}"));
    let words = &told.answer.words;
    let fault = "steps: expected open | menu | sales | wait; came open | menu | menu | sales | wait";
    assert!(!told.is_good && words.contains("FAIL two is sales") && words.contains(fault), "{words}");
    assert!(words.contains("dialplans/flows/desk.test.toml:1:"), "{words}");
}

#[test]
fn a_broken_test_is_told_at_its_line() {
    let place = Place::new(&TESTS.replace("menu+3s: 1", "menu+3s 1").replace("lasts = \"2s\"", "last = \"2s\""));
    let failure = place.test(None).err().unwrap();
    assert_eq!((failure.exit, failure.details.len()), (USAGE, 2));
    assert!(failure.details[0].contains("`menu+3s 1` is no event; write"), "{:?}", failure.details);
    assert!(failure.details[1].contains("unknown key `last`; did you mean `lasts`?"), "{:?}", failure.details);
}

#[test]
fn flows_are_listed_and_their_faults_told() {
    let place = Place::new("");
    let told = check::check(&place.folder()).unwrap_or_else(|failure| panic!("{failure:?}"));
    assert!(told.is_good && told.answer.words.contains("desk  inbound  6      14"), "{}", told.answer.words);
    place.write("dialplans/flows/desk.toml", &DESK.replace("\"closed\"\n", "\"close\"\n"));
    let told = check::check(&place.folder()).unwrap_or_else(|failure| panic!("{failure:?}"));
    assert!(!told.is_good && told.answer.words.contains("did you mean `closed`?"), "{}", told.answer.words);
}

#[test]
fn the_tests_of_the_samples_pass() {
    let folder = Folder { config: env!("CARGO_MANIFEST_DIR").into() };
    let told = test::test(&test::Arguments { folder, flows: Vec::new(), branches: None });
    let told = told.unwrap_or_else(|failure| panic!("{failure:?}"));
    assert!(told.is_good && told.answer.words.contains(" tests, 0 failed"), "{}", told.answer.words);
}

#[test]
fn errors_that_lead_to_one_step_are_marks_and_no_lines() {
    let place = Place::new("");
    place.write(
        "dialplans/flows/desk.toml",
        &DESK.replace("say = \"We are closed.\"\nnext = \"bye\"", "say = \"Closed\"\nnext = \"wait\""),
    );
    let picture = graph_of(&place, Some("-")).words;
    assert_eq!(picture.matches("<circle class=\"mark\"").count(), 5);
    assert!(picture.contains("errors of the steps with a mark lead to bye"), "{picture}");
}

fn graph_of(place: &Place, svg: Option<&str>) -> Answer {
    let arguments = graph::Arguments { flow: "desk".to_owned(), svg: svg.map(PathBuf::from), folder: place.folder() };
    graph::graph(&arguments).unwrap()
}

#[test]
fn a_flow_is_drawn_as_text_from_its_start_downwards() {
    let words = graph_of(&Place::new(""), None).words;
    let expected = "desk (inbound), 6 steps\n> open    check-hours\n";
    assert!(words.starts_with(expected), "{words}");
    assert!(words.contains("at_capacity -^ menu\n") && words.contains("timeout, default, error -> bye\n"), "{words}");
}

#[test]
fn a_picture_holds_every_step_and_way_and_goes_down() {
    let place = Place::new("");
    let picture = graph_of(&place, Some("-")).words;
    assert_eq!(picture.matches("class=\"name\"").count(), 6);
    assert_eq!(picture.matches("<path class=").count(), picture.matches("class=\"label\"").count());
    let configuration = read(&place.0).unwrap();
    let flow = configuration.exchange.flows.find("desk").unwrap();
    let layout = layout(flow);
    let layer = |node: usize| layout.nodes[node].layer;
    for edge in &layout.edges {
        assert!(edge.path.windows(2).all(|pair| layer(pair[0]) + 1 == layer(pair[1])), "{edge:?}");
    }
    let wires: usize = flow.steps.iter().map(|step| step.next.len()).sum();
    assert_eq!(layout.edges.iter().map(|edge| edge.labels.len()).sum::<usize>(), wires);
}
