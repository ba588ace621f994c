//! The page that a scraper gets, and the document that tells of it.

use super::*;
use crate::base::id::CallId;
use crate::domain::contact::{RecordLeg, RecordMedia, RecordParty};
use crate::media::event::{Direction as Way, Quality};
use crate::protocol::audio::codec::Codec;
use std::collections::BTreeSet;

fn metrics() -> Metrics {
    Metrics::new(Duration::from_secs(1_795_262_357)).unwrap()
}

fn leg(started_at: u64) -> RecordLeg {
    RecordLeg {
        party: "trunk:a".into(),
        number: "+815012345678".into(),
        started_at,
        ringing_at: None,
        answered_at: None,
        ended_at: started_at,
        cause: Cause::Normal,
        status: None,
        sip_call_id: "x".into(),
        media: None,
    }
}

fn record() -> Record {
    let party = RecordParty { party: "trunk:a".into(), number: "".into(), display: "".into() };
    Record {
        call: CallId(1),
        started_at: 1_000,
        ringing_at: Some(1_600),
        answered_at: Some(4_000),
        ended_at: 64_000,
        cause: Cause::Normal,
        fault: Fault::Nobody,
        status: None,
        caller: party,
        dialled: "1".into(),
        dialled_e164: None,
        legs: vec![leg(1_000), leg(1_004)],
        callback: None,
        attributes: Default::default(),
        trail: Vec::new(),
        steps: Vec::new(),
        noted: Vec::new(),
        goes_on_in: None,
        recordings: Vec::new(),
        trail_lost: 0,
    }
}

fn has(page: &str, line: &str) {
    assert!(page.lines().any(|known| known == line), "no line {line}\n{page}");
}

#[test]
fn a_call_moves_what_it_should_and_nothing_stays() {
    let metrics = metrics();
    metrics.call_started_by("phone");
    has(&metrics.render(&[]), "offhook_calls_active 1");
    metrics.call_ended(&record());
    let page = metrics.render(&[]);
    has(&page, "offhook_calls_active 0");
    has(&page, "offhook_calls_started_total{caller=\"phone\"} 1");
    has(&page, "offhook_calls_ended_total{cause=\"normal\",fault=\"nobody\"} 1");
    has(&page, "offhook_call_duration_seconds_sum 60");
    has(&page, "offhook_answer_seconds_sum 3");
    has(&page, "offhook_post_dial_delay_seconds_sum 0.6");
    has(&page, "offhook_setup_seconds_sum 0.004");
}

#[test]
fn quality_is_observed_where_it_was_measured_and_nowhere_else() {
    let metrics = metrics();
    let measured = Quality {
        received: Way { packets: 980, lost: Some(20), jitter: Some(Duration::from_millis(8)), ..Way::default() },
        sent: Way { packets: 1_000, lost: Some(100), mos: Some(3.5), ..Way::default() },
        ..Quality::default()
    };
    for quality in [measured, Quality::default()] {
        let mut record = record();
        record.legs[0].media = Some(RecordMedia { codec: Some(Codec::Pcmu), quality: Box::new(quality) });
        metrics.call_ended(&record);
    }
    let page = metrics.render(&[]);
    has(&page, "offhook_media_loss_ratio_sum{direction=\"received\"} 0.02");
    has(&page, "offhook_media_loss_ratio_sum{direction=\"sent\"} 0.1");
    has(&page, "offhook_media_loss_ratio_count{direction=\"sent\"} 1");
    has(&page, "offhook_media_jitter_seconds_sum{direction=\"received\"} 0.008");
    has(&page, "offhook_media_jitter_seconds_count{direction=\"sent\"} 0");
    has(&page, "offhook_media_mos_bucket{direction=\"sent\",le=\"3.5\"} 1");
    has(&page, "offhook_media_mos_count{direction=\"received\"} 0");
    has(&page, "offhook_media_round_trip_seconds_count 0");
}

#[test]
fn messages_are_counted_by_what_they_are() {
    let metrics = metrics();
    metrics.count_message(Direction::In, Transport::Udp, Method::Invite, 0);
    metrics.message_out(b"SIP/2.0 100 Trying\r\n\r\n", Transport::Wss);
    metrics.message_out(b"SIP/2.0 699 Odd\r\n\r\n", Transport::Wss);
    metrics.message_out(b"BYE sip:a@b SIP/2.0\r\n\r\n", Transport::Udp);
    metrics.count_message(Direction::Out, Transport::Wss, Method::Invite, 999);
    metrics.count_message(Direction::In, Transport::Tls, Method::Other, 0);
    let page = metrics.render(&[]);
    has(&page, "offhook_sip_messages_total{direction=\"in\",kind=\"INVITE\",transport=\"udp\"} 1");
    has(&page, "offhook_sip_messages_total{direction=\"out\",kind=\"1xx\",transport=\"wss\"} 1");
    has(&page, "offhook_sip_messages_total{direction=\"out\",kind=\"6xx\",transport=\"wss\"} 2");
    has(&page, "offhook_sip_messages_total{direction=\"out\",kind=\"BYE\",transport=\"udp\"} 1");
    has(&page, "offhook_sip_messages_total{direction=\"in\",kind=\"UNKNOWN\",transport=\"tls\"} 1");
}

#[test]
fn trunks_and_configurations_leave_no_old_series() {
    let metrics = metrics();
    metrics.switchboard_event(&SwitchboardEvent::TrunkUp { trunk: "old".into(), target_index: 0 });
    metrics.trunk_calls("old", 3);
    metrics.reloaded("aaaa", Duration::from_secs(1));
    metrics.forget_trunks();
    metrics.switchboard_event(&SwitchboardEvent::TrunkDown { trunk: "new".into(), target_index: 1 });
    metrics.reloaded("bbbb", Duration::from_secs(2));
    let page = metrics.render(&[]);
    assert!(!page.contains("old") && !page.contains("aaaa"), "{page}");
    has(&page, "offhook_trunk_up{target=\"1\",trunk=\"new\"} 0");
    has(&page, "offhook_configuration_info{hash=\"bbbb\"} 1");
    has(&page, "offhook_reloads_total{outcome=\"applied\"} 2");
}

#[test]
fn readings_from_elsewhere_are_grouped_under_one_heading() {
    let page = metrics().render(&[
        Reading::count(table::BYTES, &["in"], 7),
        Reading::count(table::CONNECTIONS, &[], 3),
        Reading::count(table::BYTES, &["out"], 8),
    ]);
    assert_eq!(page.matches("# TYPE offhook_transport_datagram_bytes_total counter").count(), 1);
    has(&page, "offhook_transport_datagram_bytes_total{direction=\"in\"} 7");
    has(&page, "offhook_transport_datagram_bytes_total{direction=\"out\"} 8");
    has(&page, "offhook_transport_connections 3");
}

#[test]
fn every_series_on_the_page_stands_in_the_table() {
    let known: BTreeSet<&str> = table::TABLE.iter().map(|row| row.name).collect();
    assert_eq!(known.len(), table::TABLE.len(), "a name stands twice");
    let page = metrics().render(&[]);
    for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let row = table::TABLE.iter().find(|row| row.name == name);
        assert_eq!(row.map(|row| row.kind.name()), Some(kind), "{name}");
    }
}

#[test]
fn names_follow_the_rules_of_prometheus() {
    for row in table::TABLE {
        assert!(row.name.starts_with("offhook_"), "{}", row.name);
        assert_eq!(row.name.ends_with("_total"), row.kind == Kind::Counter, "{}", row.name);
        assert!(!row.name.contains("_ms") && !row.name.contains("milli"), "{}: base units", row.name);
        if let Kind::Histogram(bounds) = row.kind {
            assert!(bounds.is_sorted(), "{}", row.name);
            let has_unit = ["_seconds", "_bytes", "_ratio", "_mos"].iter().any(|unit| row.name.ends_with(unit));
            assert!(has_unit, "{}", row.name);
        }
        assert!(row.help.ends_with('.'), "{}", row.name);
    }
}

#[test]
fn the_document_tells_of_exactly_these_metrics() {
    let document = include_str!("../../../docs/metrics.md");
    let written: Vec<&str> = document.lines().filter(|line| line.starts_with("| `offhook_")).collect();
    let expected: Vec<String> = table::TABLE.iter().map(document_line).collect();
    assert_eq!(written, expected, "docs/metrics.md should say:\n{}", expected.join("\n"));
}

fn document_line(row: &Row) -> String {
    let labels: Vec<String> = row.labels.iter().map(|label| format!("`{label}`")).collect();
    format!("| `{}` | {} | {} | {} |", row.name, row.kind.name(), labels.join(", "), row.help)
}
