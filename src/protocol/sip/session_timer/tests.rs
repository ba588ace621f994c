//! Negotiations and waits, message by message and event by event.

use super::*;
use std::time::SystemTime;

fn now() -> Now {
    Now { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH }
}

fn timer() -> SessionTimer {
    SessionTimer::new(true, Duration::from_secs(1800), Duration::from_secs(90))
}

fn message(first_line: &str, lines: &[&str]) -> Message {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let text = format!(
        "{first_line}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=2\r\nCall-ID: c\r\n\
         CSeq: 1 INVITE\r\n{lines}Content-Length: 0\r\n\r\n"
    );
    Message::parse(text.as_bytes()).unwrap()
}

fn invite(lines: &[&str]) -> Message {
    message("INVITE sip:b@x SIP/2.0", lines)
}

fn ok(lines: &[&str]) -> Message {
    message("SIP/2.0 200 OK", lines)
}

/// Everything that becomes due, with its second.
fn dues(timer: &mut SessionTimer, start: Now) -> Vec<(u64, SessionDue)> {
    let mut dues = Vec::new();
    while let Some(when) = timer.deadline() {
        let due = timer.handle_deadline(Now { instant: when, ..start });
        dues.extend(due.map(|due| ((when - start.instant).as_secs(), due)));
    }
    dues
}

/// What we answer to a peer's INVITE with these lines, as it would be written.
fn answer(lines: &[&str]) -> String {
    match timer().on_request(&invite(lines)) {
        Ok(None) => "none".into(),
        Ok(Some(terms)) => format!("{}{}", terms.expires, if terms.require { " required" } else { "" }),
        Err(TooSmall { min_se }) => format!("422 {min_se}"),
    }
}

#[test]
fn as_uas_we_answer_by_the_table_of_rfc_4028_9() {
    let timer = "Supported: timer";
    for (lines, expected) in [
        (vec![], "1800;refresher=uas"),
        (vec![timer], "1800;refresher=uas required"),
        (vec![timer, "Session-Expires: 600;refresher=uac"], "600;refresher=uac required"),
        (vec![timer, "x: 600;refresher=uas"], "600;refresher=uas required"),
        (vec![timer, "Session-Expires: 4000"], "1800;refresher=uas required"),
        (vec![timer, "Session-Expires: 4000", "Min-SE: 3600"], "3600;refresher=uas required"),
        (vec![timer, "Session-Expires: 60"], "422 90"),
        (vec!["Session-Expires: 60"], "90;refresher=uas"),
        (vec!["Session-Expires: 600;refresher=uac"], "600;refresher=uas"),
        (vec![timer, "Session-Expires: many"], "1800;refresher=uas required"),
    ] {
        assert_eq!(answer(&lines), expected, "{lines:?}");
    }
}

#[test]
fn as_uac_we_refresh_at_half_time_by_update_where_the_peer_has_it() {
    for (allow, method) in [("Allow: INVITE, UPDATE", Method::Update), ("Allow: INVITE, ACK", Method::Invite)] {
        let (start, mut timer) = (now(), timer());
        let terms = timer.request_terms().unwrap();
        assert_eq!((terms.expires.to_string().as_str(), terms.min_se), ("1800", 90));
        timer.on_answer(start, &ok(&[allow, "Session-Expires: 600;refresher=uac"]));
        assert_eq!(dues(&mut timer, start), [(300, SessionDue::Refresh(method)), (568, SessionDue::Expired)]);
    }
}

#[test]
fn as_refreshee_we_hang_up_a_little_before_the_end() {
    for (seconds, expected) in [(600, 568), (90, 60), (96, 64)] {
        let (start, mut timer) = (now(), timer());
        timer.on_answer(start, &ok(&[&format!("Session-Expires: {seconds};refresher=uas")]));
        assert_eq!(dues(&mut timer, start), [(expected, SessionDue::Expired)]);
    }
}

#[test]
fn a_refresh_starts_the_time_anew_and_keeps_the_roles() {
    let (start, mut timer) = (now(), timer());
    timer.on_answer(start, &ok(&["Session-Expires: 600;refresher=uac"]));
    let half = start.after(Duration::from_secs(300));
    assert_eq!(timer.handle_deadline(half), Some(SessionDue::Refresh(Method::Invite)));
    assert_eq!(timer.handle_deadline(half), None, "once");
    assert_eq!(timer.request_terms().unwrap().expires.to_string(), "600;refresher=uac");
    timer.on_answer(half, &ok(&["Session-Expires: 600;refresher=uac"]));
    assert_eq!(dues(&mut timer, half)[0].0, 300);
}

#[test]
fn the_peers_refresh_is_answered_and_counts() {
    let (start, mut timer) = (now(), timer());
    timer.on_answer(start, &ok(&["Session-Expires: 600;refresher=uas"]));
    assert_eq!(
        timer.request_terms().unwrap().expires.to_string(),
        "600;refresher=uas",
        "our re-INVITE leaves it the role"
    );
    let later = start.after(Duration::from_secs(300));
    let terms = timer.on_request(&invite(&["Supported: timer", "Session-Expires: 600;refresher=uac"])).unwrap();
    timer.on_answered(later, terms);
    assert_eq!(dues(&mut timer, later), [(568, SessionDue::Expired)]);
}

#[test]
fn a_peer_without_the_extension_is_refreshed_by_us() {
    let (start, mut timer) = (now(), timer());
    let terms = timer.on_request(&invite(&[])).unwrap();
    timer.on_answered(start, terms);
    assert_eq!(dues(&mut timer, start)[0], (900, SessionDue::Refresh(Method::Invite)));
}

#[test]
fn a_peer_that_agrees_to_nothing_is_asked_all_the_same_whether_it_lives() {
    let (mut timer, start) = (timer(), now());
    timer.on_answer(start, &ok(&["Session-Expires: 600;refresher=uas"]));
    timer.on_answer(start, &ok(&[]));
    let running = timer.request_terms().map(|terms| terms.expires);
    assert_eq!(running.and_then(|expires| expires.refresher), Some(Refresher::Uac));
    let due = timer.deadline().expect("a refresh");
    let later = start.after(due.saturating_duration_since(start.instant));
    assert!(matches!(timer.handle_deadline(later), Some(SessionDue::Refresh(_))));
    // Its refusal shows that it lives: the next is due a whole interval later.
    timer.on_refresh_refused(later);
    assert!(timer.deadline().is_some_and(|next| next - later.instant == due - start.instant));
}

#[test]
fn a_422_raises_what_we_ask_for_and_is_obeyed_three_times() {
    let mut timer = timer();
    let refusal = |min| message("SIP/2.0 422 Session Interval Too Small", &[&format!("Min-SE: {min}")]);
    assert!(timer.on_too_small(&refusal(3600)));
    let terms = timer.request_terms().unwrap();
    assert_eq!((terms.expires.seconds, terms.min_se), (3600, 3600));
    assert!(!timer.on_too_small(&refusal(3600)), "the same again is no reason to try again");
    assert!(!timer.on_too_small(&message("SIP/2.0 422 x", &[])));
    assert!(timer.on_too_small(&refusal(3601)) && timer.on_too_small(&refusal(3602)));
    assert!(!timer.on_too_small(&refusal(3603)), "a peer that always wants more");
}

#[test]
fn a_failed_refresh_is_tried_again_until_the_session_expires() {
    let (start, mut timer) = (now(), timer());
    timer.on_answer(start, &ok(&["Session-Expires: 90;refresher=uac"]));
    let mut at = Vec::new();
    while let Some(when) = timer.deadline() {
        let now = Now { instant: when, ..start };
        let due = timer.handle_deadline(now);
        at.push(((when - start.instant).as_secs(), due.unwrap()));
        timer.on_refresh_failed(now);
    }
    let refresh = SessionDue::Refresh(Method::Invite);
    assert_eq!(at, [(45, refresh), (55, refresh), (60, SessionDue::Expired)]);
}

#[test]
fn a_peer_cannot_have_us_refresh_without_pause() {
    let (start, mut timer) = (now(), timer());
    timer.on_answer(start, &ok(&["Session-Expires: 0;refresher=uac"]));
    assert_eq!(dues(&mut timer, start)[0].0, 45);
}

#[test]
fn switched_off_it_says_and_does_nothing() {
    let (start, mut timer) = (now(), SessionTimer::new(false, Duration::from_secs(1800), Duration::from_secs(90)));
    assert_eq!(timer.request_terms(), None);
    assert_eq!(timer.on_request(&invite(&["Supported: timer", "Session-Expires: 5"])), Ok(None));
    timer.on_answer(start, &ok(&["Session-Expires: 600;refresher=uac"]));
    assert_eq!(timer.deadline(), None);
}

#[test]
fn session_expires_is_read_in_its_odd_forms() {
    for (text, seconds, refresher) in [
        ("1800", 1800, None),
        ("1800 ; Refresher = UAC", 1800, Some(Refresher::Uac)),
        ("1800;x=y;refresher=uas", 1800, Some(Refresher::Uas)),
        ("1800;refresher=me", 1800, None),
    ] {
        assert_eq!(SessionExpires::parse(text), Some(SessionExpires { seconds, refresher }), "{text}");
    }
    for bad in ["", "-1", "+1", "1.5", "99999999999", ";refresher=uac"] {
        assert_eq!(SessionExpires::parse(bad), None, "{bad}");
    }
}
