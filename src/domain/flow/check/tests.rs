//! Ways to break a flow, each with the step, the key and the words of its fault.

use super::{FlowFault, book, build, mentions};
use crate::domain::flow::act::*;
use crate::domain::flow::definition::*;
use crate::domain::flow::draft::FlowDraft;
use crate::domain::flow::key::Key;
use crate::domain::flow::run::tests::rig::*;
use std::sync::Arc;
use std::time::Duration;

/// `step key: words`, in the order in which they are told.
fn told(draft: FlowDraft) -> Vec<String> {
    let faults = build(draft).err().unwrap_or_default();
    faults.iter().map(in_words).collect()
}

fn in_words(fault: &FlowFault) -> String {
    format!("{} {}: {}", fault.step.as_deref().unwrap_or("flow"), fault.key, fault.kind)
}

fn inbound(act: Act) -> FlowDraft {
    one(Kind::Inbound, act)
}

#[track_caller]
fn breaks(draft: FlowDraft, expected: &str) {
    assert_eq!(told(draft), [expected]);
}

fn change(mut draft: FlowDraft, change: impl FnOnce(&mut FlowDraft)) -> FlowDraft {
    change(&mut draft);
    draft
}

fn hello() -> FlowDraft {
    inbound(play("Hello"))
}

#[test]
fn a_flow_without_fault_is_built() {
    let flow = build(hello()).unwrap();
    assert_eq!((flow.start, flow.steps.len()), (StepId(0), 3));
    assert_eq!(flow.steps[0].next, [(Outcome::Success, StepId(1)), (Outcome::Error, StepId(2))]);
}

#[test]
fn names() {
    breaks(change(hello(), |draft| draft.name = "a.b".into()), "flow name: a name has no `.`");
    breaks(change(hello(), |draft| draft.name = " ".into()), "flow name: a name has at least one letter");
    let long = "x".repeat(51);
    breaks(change(hello(), |draft| draft.name = long.into()), "flow name: a name has at most 50 letters");
    let odd = change(hello(), |draft| {
        draft.steps[0].name = "a%b".into();
        draft.start = "a%b".into();
    });
    breaks(odd, "a%b : a name has no `%`");
    let control = change(hello(), |draft| draft.name = "a\nb".into());
    breaks(control, "flow name: a name has no `\\n`");
    let twice = change(hello(), |draft| draft.steps[2].name = "success".into());
    assert_eq!(told(twice), ["success : there is another step of this name", "it on.error: there is no step `error`"]);
}

#[test]
fn steps_and_wires() {
    let empty = FlowDraft { steps: Vec::new(), start: "x".into(), ..hello() };
    assert_eq!(told(empty), ["flow : a flow has at least one step", "flow start: there is no step `x`"]);
    let many = change(hello(), |draft| draft.steps.resize(1_001, bye("success")));
    assert!(told(many)[0].contains("a flow has at most 1000 steps; put some into a module"));
    breaks(change(hello(), |draft| draft.start = "hello".into()), "flow start: there is no step `hello`");
    let wire = |at: usize, outcome: Outcome, to: &'static str| {
        change(hello(), move |draft| draft.steps[0].wires[at] = (outcome, to.into()))
    };
    breaks(wire(0, Outcome::Success, "nowhere"), "it on.success: there is no step `nowhere`");
    assert_eq!(
        told(wire(0, Outcome::Timeout, "success")),
        [
            "it on.timeout: no such outcome; this step has success, error",
            "it on.success: the outcome `success` leads nowhere; name a step"
        ]
    );
    breaks(
        change(hello(), |draft| drop(draft.steps[0].wires.pop())),
        "it on.error: the outcome `error` leads nowhere; name a step",
    );
    breaks(
        change(hello(), |draft| draft.steps[0].wires.push((Outcome::Success, "error".into()))),
        "it on.success: the outcome `success` leads to two places",
    );
    breaks(
        change(hello(), |draft| draft.steps[1].wires.push((Outcome::Success, "error".into()))),
        "success on.success: this step has no outcomes",
    );
    breaks(
        change(hello(), |draft| draft.on_error = Some("nowhere".into())),
        "flow on.error: there is no step `nowhere`",
    );
    breaks(
        change(hello(), |draft| draft.steps.push(bye("island"))),
        "island : no step leads here; wire it or take it out",
    );
}

#[test]
fn where_errors_lead_is_said_once_and_for_that_step_itself_again() {
    let draft = change(hello(), |draft| {
        draft.steps[0].wires.truncate(1);
        draft.on_error = Some("sorry".into());
        draft.steps[2] = step("sorry", play("Sorry"), &[(Outcome::Success, "success")]);
    });
    breaks(draft.clone(), "sorry on.error: the outcome `error` leads nowhere; name a step");
    let draft = change(draft, |draft| draft.steps[2].wires.push((Outcome::Error, "success".into())));
    let flow = build(draft).unwrap();
    assert_eq!(flow.steps[0].after(Outcome::Error), Some(StepId(2)));
}

#[test]
fn choices_are_told_where_they_stand() {
    let at = |act: Act, place: u8| {
        change(inbound(act), |draft| {
            let wire = draft.steps[0].wires.iter_mut().find(|(outcome, _)| *outcome == Outcome::Choice(place));
            wire.unwrap().1 = "nowhere".into();
            draft.steps.retain(|step| *step.name != *format!("choice{place}"));
        })
    };
    let condition = |value: &str| Condition { operator: Operator::Equals, value: text(value) };
    let check = Check { what: reference("$.Channel"), conditions: vec![condition("a"), condition("b")] };
    breaks(at(Act::Ask(ask("1#")), 1), "it keys.#: there is no step `nowhere`");
    breaks(at(Act::Check(check), 1), "it when[1].to: there is no step `nowhere`");
    breaks(at(Act::Distribute(vec![5, 6]), 0), "it shares[0].to: there is no step `nowhere`");
}

#[test]
fn what_a_kind_of_flow_may_not_do() {
    for (kind, act, words) in [
        (Kind::Inbound, Act::Return, "`return` is not for flows of kind inbound"),
        (Kind::CustomerHold, play("x"), "`play` is not for flows of kind customer-hold"),
        (Kind::AgentWhisper, Act::Collect(collect()), "`collect` is not for flows of kind agent-whisper"),
        (Kind::CustomerWhisper, Act::Queue(None), "`queue` is not for flows of kind customer-whisper"),
        (Kind::OutboundWhisper, Act::Ask(ask("1")), "`ask` is not for flows of kind outbound-whisper"),
        (Kind::CustomerQueue, Act::Module(text("x")), "`module` is not for flows of kind customer-queue"),
        (Kind::Disconnect, Act::TransferToAgent(None), "`transfer-to-agent` is not for flows of kind disconnect"),
        (
            Kind::CustomerQueue,
            Act::SetQueue(QueueOf::Agent(text("x"))),
            "`set-queue` is not for flows of kind customer-queue",
        ),
    ] {
        assert_eq!(told(one(kind, act))[0], format!("it do: {words}"));
    }
    let music = LoopPrompts { sounds: say("x"), interrupt: None };
    breaks(
        change(inbound(play("x")), |draft| {
            draft.steps[1] = step("success", Act::LoopPrompts(music), &[(Outcome::Error, "error")]);
        }),
        "success do: `loop-prompts` is not for flows of kind inbound",
    );
    breaks(
        inbound(Act::Queue(Some(QueueOf::Queue(text("x"))))),
        "it queue: only a flow of kind customer-queue names the queue here; elsewhere `set-queue` comes before",
    );
    breaks(
        one(Kind::CustomerQueue, Act::SetFlows(vec![(Role::CustomerQueue, text("x"))])),
        "it do: `set-flows` is not for flows of kind customer-queue",
    );
}

#[test]
fn circles_and_ends() {
    let round = vec![
        step("a", Act::SetLog(true), &[(Outcome::Success, "b")]),
        step("b", Act::Distribute(vec![50]), &[(Outcome::Choice(0), "a"), (Outcome::Default, "end")]),
        bye("end"),
    ];
    breaks(
        flow("test", Kind::Inbound, round.clone()),
        "a : this goes round without waiting for anything: a, b; put a wait or a loop in",
    );
    let counted = change(flow("test", Kind::Inbound, round), |draft| {
        draft.steps[0] = step("a", Act::Loop(Count::Fixed(3)), &[(Outcome::Looping, "b"), (Outcome::Complete, "end")]);
    });
    assert_eq!(told(counted), Vec::<String>::new());
    let sorry = step("it", play("x"), &[(Outcome::Success, "end"), (Outcome::Error, "it")]);
    breaks(
        flow("test", Kind::Inbound, vec![sorry, bye("end")]),
        "it : this goes round without waiting for anything: it; put a wait or a loop in",
    );
    let redial = |name: &str| (Outcome::CallFailed, name.to_owned());
    let (failed, to) = redial("it");
    let redials = change(inbound(Act::Dial(dial(true))), |draft| {
        draft.steps[0]
            .wires
            .iter_mut()
            .filter(|(outcome, _)| *outcome == failed)
            .for_each(|wire| wire.1 = (*to).into());
        draft.steps.retain(|step| &*step.name != "call_failed");
    });
    breaks(redials, "it : this goes round without waiting for anything: it; put a wait or a loop in");
    let module = change(inbound(Act::Module(text("pin"))), |draft| {
        draft.steps[0].wires[0].1 = "it".into();
        draft.steps.retain(|step| &*step.name != "success");
    });
    assert_eq!(told(module), Vec::<String>::new());
    let for_ever = step("it", Act::Wait(seconds(1)), &[(Outcome::Success, "it")]);
    breaks(
        flow("test", Kind::Inbound, vec![for_ever.clone()]),
        "flow : no step ends this flow; let one lead to `hang-up`, `end`, `queue` or a transfer",
    );
    assert!(build(flow("test", Kind::CustomerQueue, vec![for_ever])).is_ok());
    let module = flow("test", Kind::Module, vec![bye("it")]);
    breaks(module, "flow : no step that is reached is a `return`");
}

#[test]
fn what_is_heard() {
    let sounds = |sounds: Vec<SoundSpec>| inbound(Act::Play(Play { sounds, is_interruptible: false }));
    breaks(sounds(Vec::new()), "it sounds: at least one sound: say, prompt, ssml or sounds");
    breaks(sounds(say("")), "it sounds[0]: a text with something in it");
    breaks(sounds(vec![SoundSpec::Prompt(text(""))]), "it sounds[0]: a text with something in it");
    breaks(sounds(say(&"x".repeat(6_001))), "it sounds[0]: at most 6000 letters");
    let silence = |time| SoundSpec::Silence(time);
    breaks(sounds(vec![SoundSpec::Tone(Tone::Beep), silence(seconds(61))]), "it sounds[1]: from 0s to 60s");
    let music = |interrupt| {
        one(Kind::CustomerQueue, Act::LoopPrompts(LoopPrompts { sounds: say("x"), interrupt: Some(interrupt) }))
    };
    breaks(music(seconds(20)), "it interrupt: from 21s to 604800s");
}

#[test]
fn what_is_keyed() {
    let asks = |ask: Ask| inbound(Act::Ask(ask));
    breaks(asks(Ask { timeout: seconds(180), ..ask("1") }), "it timeout: from 1s to 179s");
    breaks(asks(Ask { timeout: Duration::ZERO, ..ask("1") }), "it timeout: from 1s to 179s");
    breaks(asks(Ask { retries: 10, ..ask("1") }), "it retries: from 0 to 9");
    breaks(asks(ask("")), "it keys: at least one key");
    breaks(asks(ask("11")), "it keys: the key 1 is there twice");
    let collects = |collect: Collect| inbound(Act::Collect(collect));
    breaks(collects(Collect { digits_max: 0, ..collect() }), "it digits_max: from 1 to 1024");
    breaks(collects(Collect { first_timeout: seconds(0), ..collect() }), "it first_timeout: from 1s to 179s");
    breaks(collects(Collect { next_timeout: seconds(21), ..collect() }), "it next_timeout: from 1s to 20s");
    breaks(collects(Collect { terminator: vec![Key::HASH; 6], ..collect() }), "it terminator: at most 5 letters");
    breaks(
        collects(Collect { terminator: vec![Key::STAR], ..collect() }),
        "it terminator: `*` erases what was keyed: a terminator with it needs `cancel_key = false`",
    );
    for country in ["jp", "JPN", "日本"] {
        breaks(
            collects(Collect { number: Some(NumberMode::Local(country.into())), ..collect() }),
            "it country: a country is two capital letters, as in \"JP\"",
        );
    }
    breaks(collects(Collect { encrypt: Some("".into()), ..collect() }), "it encrypt: a name has at least one letter");
    let confirm = Confirm { sounds: Vec::new(), accept: Key::HASH, timeout: seconds(5), retries: 0 };
    breaks(
        collects(Collect { confirm: Some(confirm.clone()), ..collect() }),
        "it confirm.sounds: at least one sound: say, prompt, ssml or sounds",
    );
    let confirm = Confirm { sounds: say("x"), ..confirm };
    breaks(
        collects(Collect { confirm: Some(confirm), encrypt: Some("k".into()), ..collect() }),
        "it confirm: what is encrypted cannot be read back; take out `confirm` or `encrypt`",
    );
}

#[test]
fn settings_of_other_steps() {
    let record = RecordMessage { limit: seconds(601), silence: None, terminator: Vec::new() };
    breaks(inbound(Act::Record(record)), "it limit: from 1s to 600s");
    breaks(inbound(Act::Wait(Duration::ZERO)), "it time: from 1s to 604800s");
    let check = Check { what: reference("$.Channel"), conditions: Vec::new() };
    breaks(inbound(Act::Check(check)), "it when: at least one condition");
    breaks(
        inbound(Act::CheckQueue(CheckQueue { queue: None, conditions: Vec::new() })),
        "it when: at least one condition",
    );
    breaks(inbound(Act::Distribute(Vec::new())), "it shares: at least one share");
    breaks(inbound(Act::Distribute(vec![0])), "it shares[0].percent: from 1 to 100");
    breaks(inbound(Act::Distribute(vec![60, 41])), "it shares: the shares are 101 per cent together; at most 100");
    breaks(inbound(Act::Loop(Count::Fixed(101))), "it times: from 0 to 100");
    breaks(inbound(set_in(Scope::Call, &[])), "it attributes: at least one attribute");
    let bad = "the name of an attribute has neither `$` nor `.`, and at least one letter";
    for name in ["$one", "a.b", ""] {
        breaks(inbound(set(name, "1")), &format!("it attributes.{name}: {bad}"));
    }
    breaks(
        inbound(set_in(Scope::System, &[("ContactId", "1")])),
        "it attributes.ContactId: a flow may set LanguageCode, CustomerId, Name, Description only",
    );
    let priority = |priority, age| inbound(Act::SetPriority(SetPriority { priority, age }));
    breaks(priority(None, None), "it : at least one of priority and age");
    breaks(priority(Some(0), None), "it priority: from 1 to 99");
    breaks(priority(None, Some(-604_801)), "it age: from 0s to 604800s");
    breaks(inbound(Act::SetFlows(Vec::new())), "it : at least one flow to set");
    let voice = |language| inbound(Act::SetVoice(SetVoice { language, voice: None }));
    breaks(voice(None), "it : at least one of language and voice");
    breaks(voice(Some(text("Japanese"))), "it language: a language is written as in \"ja-JP\"");
    breaks(
        change(hello(), |draft| draft.options.voice = Some("-f/etc/passwd".into())),
        "flow voice: a voice has letters, digits, `-`, `_`, `+`, `.` and spaces, 64 at most",
    );
    let tags = |count: u32| (0..count).map(|at| (format!("t{at}").into(), text("x"))).collect();
    breaks(inbound(Act::SetTags(SetTags { tags: tags(7), remove: Vec::new() })), "it tags: from 1 to 6");
    let odd = SetTags { tags: vec![("a$".into(), text("x"))], remove: Vec::new() };
    breaks(inbound(Act::SetTags(odd)), &format!("it tags.a$: {bad}"));
    breaks(
        change(hello(), |draft| draft.options.language = Some("x".into())),
        "flow language: a language is written as in \"ja-JP\"",
    );
}

#[test]
fn what_is_outside() {
    let url = |url: &str| inbound(Act::Webhook(Webhook { url: text(url), ..webhook() }));
    let words = "it url: an address begins with http:// or https:// and a host that is written out";
    for broken in [
        "",
        "ftp://a/",
        "https://",
        "https://$.Attributes.host/",
        "https://a.$.Attributes.host/",
        "http://u@h/",
        "$.Attributes.url",
        "https://a b/",
    ] {
        breaks(url(broken), words);
    }
    for right in ["https://a", "http://a:80/$.Attributes.x", "https://a?x=$.Attributes.x"] {
        assert_eq!(told(url(right)), Vec::<String>::new(), "{right}");
    }
    let slow = Request { timeout: seconds(9), ..webhook().request };
    breaks(inbound(Act::Webhook(Webhook { request: slow, ..webhook() })), "it timeout: from 0s to 8s");
    let stream = StreamWhat { from_customer: false, to_customer: false };
    breaks(inbound(Act::StreamStart(stream)), "it : at least one of from_customer and to_customer");
    breaks(inbound(Act::SendDigits(text("12x"))), "it digits: only 0 to 9, *, #, A to D and, for a pause, the comma");
    breaks(inbound(Act::Dial(Dial { to: text(""), ..dial(true) })), "it to: a number");
    breaks(
        inbound(Act::Dial(Dial { timeout: DialTimeout::Fixed(seconds(601)), ..dial(true) })),
        "it timeout: from 1s to 600s",
    );
    let digits = Some(text(&",".repeat(51)));
    breaks(inbound(Act::Dial(Dial { digits, ..dial(true) })), "it digits: at most 50 letters");
    let callback = |delay, retries, gap| inbound(Act::Callback(Callback { queue: None, delay, retries, gap }));
    breaks(callback(seconds(604_801), 0, seconds(1)), "it delay: from 0s to 604800s");
    breaks(callback(seconds(1), 21, seconds(1)), "it retries: from 0 to 20");
    breaks(callback(seconds(1), 1, seconds(0)), "it gap: from 1s to 604800s");
}

#[test]
fn references() {
    for (reference, words) in [
        ("$.Customer.Name", "nothing is called $.Customer.Name; there is Agent, Attributes, Channel"),
        ("$.CustomerEndpoint.Adress", "nothing is called $.CustomerEndpoint.Adress; there is Address, Type"),
        ("$.Media.Sip.Headers.Diversion", "nothing is called $.Media.Sip.Headers.Diversion; there is P-Asserted"),
        ("$.Metrics.Queue.Length", "nothing is called $.Metrics.Queue.Length; there is Queue.Name"),
        ("$.Agent.UserName", "$.Agent.UserName is not known in flows of kind inbound"),
        ("$.FlowAttributes.x", "nothing in this flow sets $.FlowAttributes.x; set-attributes with scope"),
        ("$.ContactId.x", "nothing is called $.ContactId.x"),
        ("$.Attributes", "nothing is called $.Attributes"),
        ("$.System.Nothing", "nothing is called $.System.Nothing; there is"),
    ] {
        let told = told(inbound(play(reference)));
        assert!(told.len() == 1 && told[0].starts_with(&format!("it sounds[0]: {words}")), "{told:?}");
    }
    for kind in [Kind::AgentWhisper, Kind::CustomerWhisper] {
        let words = format!("it sounds[0]: $.InitiationMethod is not known in flows of kind {}", kind.name());
        breaks(one(kind, play("$.InitiationMethod")), &words);
    }
    for (reference, by) in
        [("$.External.x", "webhook"), ("$.StoredCustomerInput", "collect"), ("$.Recording.Location", "record")]
    {
        let words = format!("it sounds[0]: nothing in this flow sets {reference}; {by} does");
        breaks(one(Kind::Module, play(reference)), &words);
        assert_eq!(told(inbound(play(reference))), Vec::<String>::new());
    }
    for right in [
        "$.System.CustomerEndpoint.Address",
        "$['Media']['Sip']['Headers']['JIP']",
        "$.Queue.Name",
        "$.Tags.x",
        "a $ b",
    ] {
        assert_eq!(told(inbound(play(right))), Vec::<String>::new(), "{right}");
    }
}

#[test]
fn all_faults_of_a_flow_are_told_at_once() {
    let steps =
        vec![step("a", play("$.Nothing"), &[(Outcome::Success, "x")]), step("b", Act::Wait(Duration::ZERO), &[])];
    assert_eq!(told(flow("a.b", Kind::Inbound, steps)).len(), 6);
}

fn book_of(drafts: Vec<FlowDraft>) -> Vec<String> {
    let flows: Vec<Arc<Flow>> = drafts.into_iter().map(built).collect();
    book(&flows).iter().map(|(flow, fault)| format!("{flow} {}", in_words(fault))).collect()
}

#[test]
fn flows_name_each_other() {
    let named = |name: &str, kind: Kind, act: Act| change(one(kind, act), |draft| draft.name = name.into());
    let go = |to: &str| Act::TransferToFlow(text(to));
    let other = |kind: Kind| named("other", kind, Act::SetLog(true));
    assert_eq!(book_of(vec![named("a", Kind::Inbound, go("other")), other(Kind::Inbound)]), Vec::<String>::new());
    assert_eq!(book_of(vec![named("a", Kind::Inbound, go("other"))]), ["a it flow: there is no flow `other`"]);
    assert_eq!(
        book_of(vec![named("a", Kind::Inbound, go("other")), other(Kind::CustomerQueue)]),
        [
            "a it flow: the flow `other` is of kind customer-queue, and this needs inbound or transfer-to-agent or transfer-to-queue"
        ]
    );
    assert_eq!(
        book_of(vec![named("a", Kind::Inbound, Act::Module(text("other"))), other(Kind::Inbound)]),
        ["a it module: the flow `other` is of kind inbound, and this needs module"]
    );
    let roles = Act::SetFlows(vec![(Role::CustomerHold, text("other"))]);
    assert_eq!(
        book_of(vec![named("a", Kind::Inbound, roles), other(Kind::AgentHold)]),
        ["a it customer_hold: the flow `other` is of kind agent-hold, and this needs customer-hold"]
    );
    assert_eq!(
        book_of(vec![other(Kind::Inbound), other(Kind::Inbound)]),
        ["other flow name: there is another flow of this name"]
    );
    assert_eq!(book_of(vec![named("a", Kind::Inbound, go("$.Attributes.x"))]), Vec::<String>::new());
}

#[test]
fn what_a_flow_needs_from_the_world_is_mentioned_with_its_place() {
    let play =
        Play { sounds: vec![SoundSpec::Tone(Tone::Beep), SoundSpec::Prompt(text("en/hi"))], is_interruptible: false };
    let steps = vec![
        step("a", Act::Play(play), &[(Outcome::Success, "b"), (Outcome::Error, "end")]),
        step(
            "b",
            Act::CheckHours(CheckHours { hours: Some(text("office")) }),
            &[(Outcome::InHours, "c"), (Outcome::OutOfHours, "end"), (Outcome::Error, "end")],
        ),
        step("c", Act::SetQueue(QueueOf::Queue(text("sales"))), &[(Outcome::Success, "d"), (Outcome::Error, "end")]),
        step(
            "d",
            Act::Collect(Collect { encrypt: Some("cards".into()), ..collect() }),
            &[(Outcome::Success, "e"), (Outcome::Error, "end")],
        ),
        step(
            "e",
            Act::SetQueue(QueueOf::Queue(text("$.Attributes.q"))),
            &[(Outcome::Success, "end"), (Outcome::Error, "end")],
        ),
        bye("end"),
    ];
    let flow = built(flow("test", Kind::Inbound, steps));
    let all: Vec<String> =
        mentions(&flow).iter().map(|all| format!("{} {} {:?} {}", all.step, all.key, all.what, all.name)).collect();
    assert_eq!(all, ["a sounds[1] Prompt en/hi", "b hours Hours office", "c queue Queue sales", "d encrypt Key cards"]);
}
