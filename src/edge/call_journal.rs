//! What remains of a finished call: one line of JSON in the journal, one line in the log, and the metrics move.

use crate::base::secret::Masked;
use crate::domain::contact::{Record, RecordLeg, RecordParty};
use crate::edge::events::tell;
use crate::edge::media_line::MediaLine;
use crate::edge::ports::Ports;
use serde::Serialize;
use std::collections::BTreeMap;

/// Room that most records need no more of.
const LINE_BYTES_USUAL: usize = 1_024;

/// The durable form of a record. Keys are documented in docs/records.md and only ever added to.
#[derive(Serialize)]
struct Line<'a> {
    call: String,
    started_at: u64,
    ringing_at: Option<u64>,
    answered_at: Option<u64>,
    ended_at: u64,
    duration_ms: Option<u64>,
    cause: &'static str,
    fault: &'static str,
    status: Option<u16>,
    caller: PartyLine<'a>,
    dialled: &'a str,
    dialled_e164: Option<&'a str>,
    legs: Vec<LegLine<'a>>,
    callback: Option<CallbackLine<'a>>,
    goes_on_in: Option<String>,
    attributes: BTreeMap<&'static str, &'a str>,
    steps: &'a [Box<str>],
    noted: BTreeMap<&'a str, &'a str>,
    recordings: &'a [Box<str>],
    trail: &'a [Box<str>],
    trail_lost: u32,
}

#[derive(Serialize)]
struct CallbackLine<'a> {
    callback: &'a str,
    promised_in: String,
}

#[derive(Serialize)]
struct PartyLine<'a> {
    party: &'a str,
    number: &'a str,
    display: &'a str,
}

#[derive(Serialize)]
struct LegLine<'a> {
    party: &'a str,
    number: &'a str,
    started_at: u64,
    ringing_at: Option<u64>,
    answered_at: Option<u64>,
    ended_at: u64,
    cause: &'static str,
    status: Option<u16>,
    sip_call_id: &'a str,
    media: Option<MediaLine>,
}

/// Called once for each call.
pub fn write(record: Record, ports: &Ports) {
    let duration_ms = record.answered_at.map(|answered| record.ended_at.saturating_sub(answered));
    tracing::info!(
        cause = record.cause.name(), fault = record.fault.name(), status = record.status,
        duration_ms, dialled = %Masked(&record.dialled), "call ended"
    );
    ports.metrics.call_ended(&record);
    ports.events.tell(tell::ended(&record));
    let mut json = Vec::with_capacity(LINE_BYTES_USUAL);
    match serde_json::to_writer(&mut json, &line(&record, duration_ms)) {
        Ok(()) => ports.journal.append(json),
        Err(error) => tracing::error!(%error, "a record could not be written as JSON"),
    }
}

fn line(record: &Record, duration_ms: Option<u64>) -> Line<'_> {
    Line {
        call: record.call.to_string(),
        started_at: record.started_at,
        ringing_at: record.ringing_at,
        answered_at: record.answered_at,
        ended_at: record.ended_at,
        duration_ms,
        cause: record.cause.name(),
        fault: record.fault.name(),
        status: record.status,
        caller: party(&record.caller),
        dialled: &record.dialled,
        dialled_e164: record.dialled_e164.as_deref(),
        legs: record.legs.iter().map(leg).collect(),
        callback: record
            .callback
            .as_ref()
            .map(|callback| CallbackLine { callback: &callback.name, promised_in: callback.promised_in.to_string() }),
        goes_on_in: record.goes_on_in.map(|call| call.to_string()),
        attributes: record.attributes.iter().map(|(name, value)| (*name, &**value)).collect(),
        steps: &record.steps,
        noted: record.noted.iter().map(|(name, value)| (&**name, &**value)).collect(),
        recordings: &record.recordings,
        trail: &record.trail,
        trail_lost: record.trail_lost,
    }
}

fn party(party: &RecordParty) -> PartyLine<'_> {
    PartyLine { party: &party.party, number: &party.number, display: &party.display }
}

fn leg(leg: &RecordLeg) -> LegLine<'_> {
    LegLine {
        party: &leg.party,
        number: &leg.number,
        started_at: leg.started_at,
        ringing_at: leg.ringing_at,
        answered_at: leg.answered_at,
        ended_at: leg.ended_at,
        cause: leg.cause.name(),
        status: leg.status,
        sip_call_id: &leg.sip_call_id,
        media: leg.media.as_ref().map(|media| MediaLine::new(media.codec, &media.quality)),
    }
}
