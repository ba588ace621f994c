//! Golden dialogues: a ladder as text, what comes in and what must go out, run on one call with virtual time.
//!
//! `docs/dialogues.md` describes the language.

mod audio;
mod engine;
mod flow;
pub mod peer;
mod queue;
mod world;

use peer::{Words, header, headers, method, status};
use std::time::Duration;
use world::World;

/// One line of a dialogue with the indented lines under it.
struct Step<'a> {
    number: usize,
    text: &'a str,
    details: Vec<&'a str>,
}

fn steps(text: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match steps.last_mut() {
            Some(step) if line.starts_with(' ') => step.details.push(line.trim()),
            _ => steps.push(Step { number: index + 1, text: line.trim(), details: Vec::new() }),
        }
    }
    steps
}

/// Runs a dialogue to its end.
fn check(text: &str) {
    let mut world = World::new();
    for step in steps(text) {
        let outcome = run(&mut world, &step);
        if let Err(fault) = outcome {
            panic!("line {}: {}\n{fault}\n\nso far:\n{}", step.number, step.text, world.ladder.join("\n"));
        }
    }
    world.check_nothing_unsaid();
}

fn run(world: &mut World, step: &Step<'_>) -> Result<(), String> {
    let words: Vec<&str> = step.text.split_whitespace().collect();
    match words.as_slice() {
        ["set", "flow", rest @ ..] => world.set_flow(rest),
        ["set", "agents", names @ ..] => {
            world.set_agents(names);
            Ok(())
        }
        ["set", "engine", rest @ ..] => world.set_engine(rest),
        ["set", rest @ ..] => world.set(rest),
        ["after", time] => {
            world.pass(duration(time));
            Ok(())
        }
        ["quiet"] => world.expect_quiet(),
        ["again", name] => {
            world.repeat(name);
            Ok(())
        }
        ["undeliverable", name] => world.undeliverable(name),
        ["lost", name] => {
            world.peer(name).take().ok_or("there is nothing to lose")?;
            Ok(())
        }
        ["hang-up", cause] => world.hang_up(cause),
        ["media" | "stream" | "talking" | "sent-digit", ..] => world.on_audio(&words),
        ["plays" | "played" | "asks" | "answers" | "speaks" | "spoken" | "tapes" | "logged", ..] => {
            world.on_flow(&words)
        }
        ["agent", ..] => world.on_queue(&words),
        ["engine", rest @ ..] => world.on_engine(rest),
        ["ended", caller, rest @ ..] => world.expect_ended(caller, rest),
        ["end", rest @ ..] => world.expect_end(rest),
        ["trail", ..] => world.expect_trail(step.text.trim_start_matches("trail").trim()),
        ["offhook", "->", name, what @ ..] => expect(world, name.trim_end_matches(':'), what, &step.details),
        [name, "->", what, rest @ ..] => {
            let words = read_words(rest, &step.details.iter().map(|line| fill_in(world, line)).collect::<Vec<_>>());
            let peer = world.peer(name);
            let text = match what.parse() {
                Ok(status) => peer.answer(status, &words),
                Err(_) => peer.request(what, &words),
            };
            world.send(name, &text);
            Ok(())
        }
        _ => Err("not a line of a dialogue".into()),
    }
}

/// `{dialog of NAME}` is that party's dialog as a Replaces header names it, `{escaped dialog of NAME}` as a URI holds it.
fn fill_in(world: &World, line: &str) -> String {
    let Some((before, rest)) = line.split_once('{') else { return line.to_owned() };
    let (words, after) = rest.split_once('}').expect("a closing brace");
    let dialog = match words.strip_prefix("escaped dialog of ") {
        Some(name) => world.replaces(name).replace(';', "%3B").replace('=', "%3D"),
        None => world.replaces(words.strip_prefix("dialog of ").expect("dialog of")),
    };
    format!("{before}{dialog}{after}")
}

fn read_words(words: &[&str], details: &[String]) -> Words {
    let mut read = Words { headers: details.to_vec(), ..Words::default() };
    for word in words {
        match word.split_once('=') {
            Some(("tag", tag)) => read.tag = Some(tag.to_owned()),
            Some(("cseq", number)) => read.cseq = number.parse().ok(),
            Some(("to", method)) => read.to = Some(method.to_owned()),
            Some(other) => panic!("no such word: {other:?}"),
            None if *word == "no-contact" => read.no_contact = true,
            None => read.body = Some((*word).to_owned()),
        }
    }
    read
}

/// `offhook -> callee: INVITE`, `offhook -> caller: 200 BYE`, with checks in the indented lines:
/// `Header: part` must be there, `!Header: part` or `!Header` must not, `body: part` and `!body` likewise.
fn expect(world: &mut World, name: &str, what: &[&str], details: &[&str]) -> Result<(), String> {
    let message = world.peer(name).take().ok_or_else(|| format!("nothing was sent to {name}"))?;
    let is_there = match (what.first().and_then(|word| word.parse::<u16>().ok()), what.get(1)) {
        (Some(code), wanted) => {
            status(&message) == Some(code) && wanted.is_none_or(|wanted| method(&message) == *wanted)
        }
        (None, _) => status(&message).is_none() && what.first() == Some(&method(&message)),
    };
    if !is_there {
        return Err(format!("but this was sent:\n{message}"));
    }
    for detail in details {
        let (negative, detail) = match detail.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, *detail),
        };
        let (key, part) = detail.split_once(':').map_or((detail, ""), |(key, part)| (key, part.trim()));
        let found = match key {
            "body" => {
                let body = message.split_once("\r\n\r\n").map_or("", |(_, body)| body);
                !body.is_empty() && body.contains(part)
            }
            "message" => message.contains(part),
            "uri" => message.split(' ').nth(1).is_some_and(|uri| uri.contains(part)),
            _ => header(&message, key).is_some() && headers(&message, key).iter().any(|value| value.contains(part)),
        };
        if found == negative {
            return Err(format!("`{detail}` is {}\n{message}", if negative { "there:" } else { "not there:" }));
        }
    }
    Ok(())
}

fn duration(text: &str) -> Duration {
    if let Some(number) = text.strip_suffix("ms") {
        return Duration::from_millis(number.parse().expect("milliseconds"));
    }
    Duration::from_secs(text.trim_end_matches('s').parse().expect("seconds"))
}

/// A call that has been answered and has nothing under way, as a daemon holds thousands of.
#[test]
fn a_held_call_costs_little() {
    crate::memory::alone(|| {
        let bytes = cost(include_str!("../../data/dialogues/basic_call.txt"));
        // The bar is 6 KB for everything: its task and inbox take 1.4 KB of them.
        assert!(bytes <= 4_600, "a held call costs {bytes} bytes");
    });
}

#[test]
fn a_held_call_whose_audio_goes_through_us_costs_little_more() {
    crate::memory::alone(|| {
        let bytes = cost(include_str!("../../data/dialogues/relay_basic.txt"));
        assert!(bytes <= 5_900, "a held call whose audio goes through us costs {bytes} bytes");
    });
}

fn cost(dialogue: &str) -> usize {
    let begin = dialogue.split("caller -> BYE").next().expect("a beginning");
    let mut first = World::new();
    for step in steps(begin).iter().filter(|step| step.text.starts_with("set ")) {
        run(&mut first, step).expect("a setting");
    }
    first.share();
    let bytes = crate::memory::cost_of_each(|| {
        let mut world = World::beside(&first);
        for step in steps(begin) {
            run(&mut world, &step).expect("the dialogue goes well");
        }
        world.pass(Duration::from_secs(64));
        let call = world.take_call();
        assert_eq!(call.transaction_count(), 0);
        call
    });
    println!("a held call: {bytes} bytes");
    bytes
}

#[test]
fn every_dialogue_is_run() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/dialogues");
    let names = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    let unlisted: Vec<_> =
        names.filter(|path| !RUN.iter().any(|name| path.file_stem().is_some_and(|stem| stem == *name))).collect();
    assert!(unlisted.is_empty(), "{unlisted:?}");
}

macro_rules! dialogues {
    ($($name:ident)*) => {
        const RUN: &[&str] = &[$(stringify!($name)),*];
        $(
        #[test]
        fn $name() {
            check(include_str!(concat!("../../data/dialogues/", stringify!($name), ".txt")));
        }
    )* };
}

dialogues! {
    named_contact named_route large_in_dialog_by_tcp user_to_user callee_out_of_service
    basic_call basic_call_ended_by_callee early_media prack_both_ways cancel_before_ringing cancel_after_ringing
    cancel_crosses_200 busy no_answer redirect failover_on_503 failover_on_silence six_hundred_stops hold_by_sendonly
    hold_by_inactive hold_by_zero offerless offerless_reinvite glare own_glare own_glare_meets_update session_refresh_by_caller session_refresh_by_us
    session_expires forked_200s forked_early_media missing_ack lost_ack bye_crosses bye_before_ack refer_blind refer_fails
    carrier_challenge callee_challenge answer_only_in_183 info_dtmf update_through options_and_unknown late_cseq
    ring_group max_duration drained parallel_busy_and_answer offerless_reliable too_brief_below too_brief_above
    unknown_extension unknown_extension_in_dialog secure_to_plain no_prack dialog_gone_at_reinvite reinvite_before_ack silent_at_reinvite drained_while_ringing refused_outright
    large_by_tcp reinvite_withdrawn reinvite_refused cancel_crosses_answer bye_early phone_forwards transfer_referrer_leaves
    relay_basic relay_early_media relay_hold relay_recodes relay_no_port relay_offerless relay_info relay_failover relay_pass_mixed
    relay_transfer relay_attended relay_silence relay_cancel refer_replaces attended_transfer attended_transfer_from_the_caller attended_transfer_refused attended_transfer_consulted_declines attended_transfer_consulted_leaves attended_transfer_declined_after_hang_up attended_transfer_of_a_stranger
    refer_replaces_elsewhere invite_replaces invite_replaces_offerless invite_replaces_unknown update_early_through update_early_undeliverable update_early_meets_answer update_early_cut_off prack_with_offer update_in_early_dialog busy_after_early_media second_reinvite_too_soon places_of_a_name wrong_password identity_and_headers
    offerless_unanswered offerless_ended_by_callee offerless_callee_cancelled offerless_reinvite_unanswered late_ringing_after_silence late_answer_after_silence
    late_answer_of_a_place
    flow_greets flow_before_answer flow_ends_before_answer flow_type_ahead flow_asks flow_cannot_ask flow_dials_and_returns
    flow_dial_fails flow_hands_over flow_is_left flow_held flow_offerless flow_after_no_answer flow_takes_a_message flow_info
    refer_to_queue agent_sends_to_agent agent_consults_agent
    queue_join queue_missed queue_agent_drops queue_left queue_auto_accept flow_keys_at_ten_a_second
    engine_decides engine_silent engine_absent engine_lost engine_wrong engine_redirects engine_queues engine_offers
    engine_collects engine_dials engine_controls engine_hands_over engine_holder_lost engine_holder_back engine_talks engine_transfers
}
