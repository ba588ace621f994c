//! One stream's account: what each part of it has measured, put together for events, records and reports. Measures nothing.

use crate::media::desk::Fared;
use crate::media::event::{Direction, Quality, Refused};
use crate::media::quality::{Loss, measured};
use crate::protocol::audio::codec::Codec;
use crate::protocol::rtp::rtcp::VoipMetrics;
use crate::protocol::rtp::rtcp::reporter::Remote;
use crate::protocol::rtp::sequence::{Reception, Totals};
use std::time::Duration;

/// What has passed in one direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    pub packets: u64,
    pub bytes: u64,
}

/// Everything that was measured of one stream.
pub struct Parts<'a> {
    pub lasted: Duration,
    pub received: Traffic,
    pub sent: Traffic,
    pub refused: Refused,
    pub reception: &'a Reception,
    pub remote: Option<&'a Remote>,
    pub round_trip: Option<Duration>,
    /// Ticks per second of what we send.
    pub clock: u32,
    pub codec: Codec,
    pub fared: Fared,
}

impl Parts<'_> {
    pub fn quality(&self) -> Quality {
        let mut quality = Quality {
            lasted: self.lasted,
            round_trip: self.round_trip,
            refused: self.refused,
            sent: self.sent(),
            ..Quality::default()
        };
        self.fared.tell(&mut quality);
        quality.received = self.received();
        quality
    }

    fn received(&self) -> Direction {
        let totals = self.reception.totals();
        let loss = (totals.packets > 0).then(|| Loss::received(&totals, &self.fared));
        let mut direction = Direction {
            packets: self.received.packets,
            bytes: self.received.bytes,
            jitter: self.reception.jitter(),
            ..Direction::default()
        };
        measured(&mut direction, loss.as_ref(), self.delay(), self.codec);
        direction
    }

    /// What the peer says of what we send.
    fn sent(&self) -> Direction {
        let lost = |remote: &Remote| u64::try_from(remote.lost).unwrap_or(0);
        let loss = self.remote.map(|remote| Loss::reported(self.sent.packets, lost(remote)));
        let jitter = self.remote.map(|remote| {
            let nanos = u64::from(remote.jitter) * 1_000_000_000 / u64::from(self.clock.max(1));
            Duration::from_nanos(nanos)
        });
        let mut direction =
            Direction { packets: self.sent.packets, bytes: self.sent.bytes, jitter, ..Direction::default() };
        measured(&mut direction, loss.as_ref(), self.delay(), self.codec);
        direction
    }

    fn delay(&self) -> Option<Duration> {
        self.round_trip.map(|trip| trip / 2)
    }

    /// The same for a peer that speaks extended reports (RFC 3611 4.7).
    pub fn metrics(&self, ssrc: u32) -> VoipMetrics {
        let Totals { packets, lost, bursts, .. } = self.reception.totals();
        let received = self.received();
        VoipMetrics {
            loss_rate: of_256(lost, packets + lost),
            discard_rate: of_256(self.fared.discarded.unwrap_or(0), packets + lost),
            burst_density: of_256(bursts.burst_lost, bursts.burst_packets),
            gap_density: of_256(
                bursts.lost.saturating_sub(bursts.burst_lost),
                bursts.settled.saturating_sub(bursts.burst_packets),
            ),
            round_trip: self.round_trip.map_or(0, |trip| u16::try_from(trip.as_millis()).unwrap_or(u16::MAX)),
            signal_level: self.fared.level.and_then(|level| i8::try_from(level).ok()).map_or(127, |level| -level),
            listening: received.mos.map_or(127, tenths),
            ..VoipMetrics::unknown(ssrc)
        }
    }
}

fn of_256(part: u64, whole: u64) -> u8 {
    let share = part.saturating_mul(256).checked_div(whole).unwrap_or(0);
    u8::try_from(share).unwrap_or(u8::MAX)
}

fn tenths(mos: f32) -> u8 {
    (10..=50).rev().find(|tenths: &u8| f32::from(*tenths) <= mos * 10.0 + 0.5).unwrap_or(10)
}
