//! The account of one stream's quality from what was measured of it. What was not measured is absent, never guessed.

use super::desk::Fared;
use super::event::{Direction, Quality};
use crate::protocol::audio::codec::Codec;
use crate::protocol::rtp::emodel::{self, CodecImpairment, Measured};
use crate::protocol::rtp::sequence::Totals;
use std::time::Duration;

/// What was measured of one direction's packets.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Loss {
    /// Packets that arrived, and that did not.
    pub arrived: u64,
    pub lost: u64,
    pub lost_in_bursts: Option<u64>,
    /// Came, but could not be played.
    pub discarded: Option<u64>,
    /// How much longer the runs of loss are than chance makes them; one when that is not known.
    pub burst_ratio: Option<f64>,
}

impl Loss {
    /// As our own count of what came says.
    pub fn received(totals: &Totals, fared: &Fared) -> Loss {
        Loss {
            arrived: totals.packets,
            lost: totals.lost,
            lost_in_bursts: Some(totals.bursts.lost_in_runs),
            discarded: fared.discarded,
            burst_ratio: Some(totals.bursts.ratio()),
        }
    }

    /// As the peer's reports say of what we sent.
    pub fn reported(sent: u64, lost: u64) -> Loss {
        Loss { arrived: sent.saturating_sub(lost), lost, ..Loss::default() }
    }

    fn share(&self) -> Option<f64> {
        let expected = self.arrived + self.lost;
        let unheard = self.lost + self.discarded.unwrap_or(0);
        (expected > 0).then(|| (unheard as f64 / expected as f64).min(1.0))
    }
}

/// Puts what was measured into one direction. `delay` is from mouth to ear, as far as it is known: half the round trip
/// and the wait in the jitter buffer.
pub fn measured(direction: &mut Direction, loss: Option<&Loss>, delay: Option<Duration>, codec: Codec) {
    let Some(loss) = loss else { return };
    direction.lost = Some(loss.lost);
    direction.lost_in_bursts = loss.lost_in_bursts;
    direction.discarded = loss.discarded;
    let measured = loss.share().map(|share| Measured {
        delay: delay.unwrap_or_default(),
        loss: share,
        burst_ratio: loss.burst_ratio.unwrap_or(1.0),
    });
    direction.mos = impairment(codec).and_then(|codec| emodel::mos(measured.as_ref(), codec));
}

/// `None` for a codec of which nobody has told how it bears loss.
fn impairment(codec: Codec) -> Option<CodecImpairment> {
    match codec {
        Codec::Pcmu | Codec::Pcma | Codec::L16 { .. } => Some(CodecImpairment::G711),
        Codec::G722 | Codec::Opus => Some(CodecImpairment::WIDEBAND),
        Codec::Opaque => None,
    }
}

impl Fared {
    /// Puts what the desk has heard of a leg into its account.
    pub fn tell(&self, quality: &mut Quality) {
        quality.level = self.level;
        quality.talked = self.talked;
        quality.echo_suspected = self.echo_suspected;
        quality.received.discarded = self.discarded;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(loss: Option<Loss>, delay: Option<u64>, codec: Codec) -> Option<f32> {
        let mut direction = Direction::default();
        measured(&mut direction, loss.as_ref(), delay.map(Duration::from_millis), codec);
        direction.mos
    }

    fn loss(arrived: u64, lost: u64) -> Option<Loss> {
        Some(Loss { arrived, lost, ..Loss::default() })
    }

    #[test]
    fn what_was_not_measured_has_no_score() {
        assert_eq!(score(None, Some(100), Codec::Pcmu), None, "no packets were counted");
        assert_eq!(score(loss(0, 0), None, Codec::Pcmu), None, "nothing was expected");
        assert_eq!(score(loss(500, 0), None, Codec::Opaque), None, "nobody knows how this codec sounds");
    }

    #[test]
    fn loss_discards_and_delay_each_lower_the_score() {
        let best = score(loss(1_000, 0), Some(50), Codec::Pcmu);
        assert!(best > Some(4.3), "{best:?}");
        let lossy = score(loss(970, 30), Some(50), Codec::Pcmu);
        let discarded =
            score(Some(Loss { discarded: Some(30), arrived: 1_000, ..Loss::default() }), Some(50), Codec::Pcmu);
        let bursty = score(
            Some(Loss { arrived: 970, lost: 30, burst_ratio: Some(3.0), ..Loss::default() }),
            Some(50),
            Codec::Pcmu,
        );
        let late = score(loss(1_000, 0), Some(400), Codec::Pcmu);
        assert!(
            lossy < best && discarded < best && late < best && bursty < lossy,
            "{lossy:?} {discarded:?} {late:?} {bursty:?}"
        );
        assert_eq!(lossy, discarded, "what comes too late is as good as lost");
    }

    #[test]
    fn what_the_peer_reports_is_told_as_reported() {
        let mut direction = Direction::default();
        measured(&mut direction, Some(&Loss::reported(1_000, 12)), None, Codec::G722);
        assert_eq!((direction.lost, direction.lost_in_bursts, direction.discarded), (Some(12), None, None));
        assert!(direction.mos.is_some());
    }
}
