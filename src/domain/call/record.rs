//! The record of a call, drawn up from what its parts know. Writes nothing anywhere.

use crate::base::cause::{Cause, Fault};
use crate::domain::call::parts::Parts;
use crate::domain::contact::{Record, RecordCallback, RecordLeg, RecordMedia, RecordParty};
use crate::domain::leg::leg::Leg;
use crate::media::event::Quality;

/// Everything that happened, as it stands now.
pub fn draw_up(parts: &Parts) -> Record {
    let story = &parts.story;
    let served = story.served.as_deref();
    let now = parts.wire.now.unix_millis();
    let (cause, fault) = story.outcome.unwrap_or((Cause::Fault, Fault::Ours));
    let caller = parts.leg(parts.served);
    let status = caller.and_then(|leg| leg.line.facts.ended).and_then(|ended| ended.status);
    Record {
        call: parts.wire.call,
        started_at: story.started_at,
        ringing_at: story.ringing_at,
        answered_at: story.answered_at,
        ended_at: parts.legs.iter().filter_map(|leg| leg.line.facts.ended).map(|ended| ended.at).max().unwrap_or(now),
        cause,
        fault,
        status: status.filter(|_| story.answered_at.is_none()),
        caller: RecordParty {
            party: story.caller.name().into(),
            number: story.identity.number.clone(),
            display: story.identity.display.clone(),
        },
        dialled: story.dialled.digits.clone(),
        dialled_e164: parts.e164_text(),
        legs: parts.legs.iter().map(|leg| record_leg(parts, leg, now)).collect(),
        callback: story
            .promised
            .as_deref()
            .map(|(callback, call)| RecordCallback { name: callback.to_string().into(), promised_in: *call }),
        goes_on_in: parts.went_to(),
        attributes: story.attributes.clone(),
        steps: served.map(|served| served.steps.clone()).unwrap_or_default(),
        noted: served.map(|served| served.noted.clone()).unwrap_or_default(),
        recordings: served.map(|served| served.recordings.clone()).unwrap_or_default(),
        trail: parts.trail.lines().to_vec(),
        trail_lost: parts.trail.lost(),
    }
}

fn record_leg(parts: &Parts, leg: &Leg, now: u64) -> RecordLeg {
    let facts = &leg.line.facts;
    RecordLeg {
        party: facts.name.clone(),
        number: facts.number.clone(),
        started_at: facts.started_at,
        ringing_at: facts.ringing_at,
        answered_at: facts.answered_at,
        ended_at: facts.ended.map_or(now, |ended| ended.at),
        cause: facts.ended.map_or(Cause::Fault, |ended| ended.cause),
        status: facts.ended.and_then(|ended| ended.status),
        sip_call_id: facts.sip_call_id.clone(),
        media: parts.streams.quality(leg.id()).map(|quality| record_media(leg, quality)),
    }
}

fn record_media(leg: &Leg, quality: &Quality) -> RecordMedia {
    let agreed = leg.line.media.agreement().and_then(|agreed| agreed.codecs.first());
    RecordMedia { codec: agreed.map(|planned| planned.codec), quality: Box::new(quality.clone()) }
}
