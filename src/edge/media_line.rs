//! How a stream fared, as records and operators read it: JSON of what was measured, and nothing of what was not.

use crate::media::event::{Direction, Quality};
use crate::protocol::audio::codec::Codec;
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MediaLine {
    #[serde(skip_serializing_if = "Option::is_none")]
    codec: Option<&'static str>,
    received: DirectionLine,
    sent: DirectionLine,
    round_trip_ms: Option<u64>,
    refused: RefusedLine,
    level_below_full: Option<u8>,
    talked_ms: Option<u64>,
    echo_suspected: Option<bool>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
struct DirectionLine {
    packets: u64,
    bytes: u64,
    lost: Option<u64>,
    lost_in_bursts: Option<u64>,
    discarded: Option<u64>,
    jitter_ms: Option<f64>,
    mos: Option<f32>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
struct RefusedLine {
    stranger: u64,
    strange_reports: u64,
    not_authentic: u64,
    not_ours: u64,
}

impl MediaLine {
    pub fn new(codec: Option<Codec>, quality: &Quality) -> MediaLine {
        MediaLine {
            codec: codec.map(name),
            received: direction(&quality.received),
            sent: direction(&quality.sent),
            round_trip_ms: quality.round_trip.map(millis),
            refused: RefusedLine {
                stranger: quality.refused.stranger,
                strange_reports: quality.refused.strange_reports,
                not_authentic: quality.refused.not_authentic,
                not_ours: quality.refused.not_ours,
            },
            level_below_full: quality.level,
            talked_ms: quality.talked.map(millis),
            echo_suspected: quality.echo_suspected,
        }
    }
}

fn direction(one: &Direction) -> DirectionLine {
    DirectionLine {
        packets: one.packets,
        bytes: one.bytes,
        lost: one.lost,
        lost_in_bursts: one.lost_in_bursts,
        discarded: one.discarded,
        jitter_ms: one.jitter.map(|jitter| (jitter.as_secs_f64() * 10_000.0).round() / 10.0),
        mos: one.mos.map(|mos| (mos * 100.0).round() / 100.0),
    }
}

fn name(codec: Codec) -> &'static str {
    match codec {
        Codec::Pcmu => "PCMU",
        Codec::Pcma => "PCMA",
        Codec::G722 => "G722",
        Codec::Opus => "opus",
        Codec::L16 { .. } => "L16",
        Codec::Opaque => "other",
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
