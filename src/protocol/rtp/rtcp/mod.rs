//! RTCP (RFC 3550 section 6, RFC 3611): what reports say, and when to send one. Opens no port.

pub mod read;
pub mod reporter;
pub mod write;

use crate::base::now::Now;
use std::time::{Duration, UNIX_EPOCH};

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
const EXTENDED_REPORT: u8 = 207;
/// Block types of extended reports (RFC 3611 4).
const REFERENCE_TIME: u8 = 4;
const SINCE_REFERENCE_TIME: u8 = 5;
const VOIP_METRICS: u8 = 7;
/// From 1900, where NTP begins, to 1970.
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// What one side says of what it receives from one source (RFC 3550 6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReportBlock {
    pub ssrc: u32,
    pub fraction_lost: u8,
    /// 24 bits with sign: doubled packets may make it negative.
    pub lost: i32,
    pub highest: u32,
    pub jitter: u32,
    /// The middle of the NTP time of the last sender report, and 1/65536 seconds since it came; zero when none did.
    pub last_sender_report: u32,
    pub delay_since: u32,
}

/// RFC 3611 4.7: how a call sounds to the one who receives it. 127 says "not measured" where a score is expected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VoipMetrics {
    pub ssrc: u32,
    /// In 1/256.
    pub loss_rate: u8,
    pub discard_rate: u8,
    pub burst_density: u8,
    pub gap_density: u8,
    /// In milliseconds.
    pub burst_duration: u16,
    pub gap_duration: u16,
    pub round_trip: u16,
    pub end_system_delay: u16,
    /// In dBm0, 127 when not measured.
    pub signal_level: i8,
    pub noise_level: i8,
    pub echo_return_loss: u8,
    pub gap_threshold: u8,
    pub rating: u8,
    pub external_rating: u8,
    /// Tenths of a mean opinion score.
    pub listening: u8,
    pub conversational: u8,
    pub receiver_config: u8,
    pub nominal_delay: u16,
    pub maximum_delay: u16,
    pub absolute_delay: u16,
}

impl VoipMetrics {
    /// Nothing has been measured.
    pub fn unknown(ssrc: u32) -> VoipMetrics {
        VoipMetrics {
            ssrc,
            loss_rate: 0,
            discard_rate: 0,
            burst_density: 0,
            gap_density: 0,
            burst_duration: 0,
            gap_duration: 0,
            round_trip: 0,
            end_system_delay: 0,
            signal_level: 127,
            noise_level: 127,
            echo_return_loss: 127,
            gap_threshold: 16,
            rating: 127,
            external_rating: 127,
            listening: 127,
            conversational: 127,
            receiver_config: 0,
            nominal_delay: 0,
            maximum_delay: 0,
            absolute_delay: 0,
        }
    }
}

/// Seconds since 1900 in the upper half, fractions in the lower (RFC 3550 4). It wraps in 2036, and may.
pub fn ntp(now: Now) -> u64 {
    let since = now.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs().wrapping_add(NTP_TO_UNIX) & 0xffff_ffff;
    (seconds << 32) | ((u64::from(since.subsec_nanos()) << 32) / 1_000_000_000)
}

/// The middle 32 bits of an NTP time: 1/65536 seconds.
pub fn middle(ntp: u64) -> u32 {
    u32::try_from((ntp >> 16) & 0xffff_ffff).unwrap_or_default()
}

/// A duration in 1/65536 seconds.
fn in_units(duration: Duration) -> u32 {
    let units = duration.as_nanos().saturating_mul(65_536) / 1_000_000_000;
    u32::try_from(units).unwrap_or(u32::MAX)
}

fn from_units(units: u32) -> Duration {
    Duration::from_nanos(u64::from(units) * 1_000_000_000 / 65_536)
}

#[cfg(test)]
mod tests;
