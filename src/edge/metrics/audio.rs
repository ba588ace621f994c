//! How the audio of ended legs was, as histograms. What was not measured moves none of them.

use super::Builder;
use super::table;
use crate::media::event::{Direction, Quality};
use prometheus::Histogram;

#[derive(Debug)]
pub(super) struct Audio {
    received: Way,
    sent: Way,
    round_trip: Histogram,
}

/// One direction.
#[derive(Debug)]
struct Way {
    loss: Histogram,
    jitter: Histogram,
    mos: Histogram,
}

impl Audio {
    pub(super) fn new(build: &Builder<'_>) -> Result<Audio, prometheus::Error> {
        let loss = build.histograms(table::MEDIA_LOSS)?;
        let jitter = build.histograms(table::MEDIA_JITTER)?;
        let mos = build.histograms(table::MEDIA_MOS)?;
        let way = |direction: &str| -> Result<Way, prometheus::Error> {
            Ok(Way {
                loss: loss.get_metric_with_label_values(&[direction])?,
                jitter: jitter.get_metric_with_label_values(&[direction])?,
                mos: mos.get_metric_with_label_values(&[direction])?,
            })
        };
        Ok(Audio {
            received: way("received")?,
            sent: way("sent")?,
            round_trip: build.histogram(table::MEDIA_ROUND_TRIP)?,
        })
    }

    /// A leg has ended.
    pub(super) fn ended(&self, quality: &Quality) {
        // What came is counted without what did not; what was sent includes it.
        let expected = |one: &Direction| one.packets.saturating_add(one.lost.unwrap_or(0));
        self.received.take(&quality.received, expected(&quality.received));
        self.sent.take(&quality.sent, quality.sent.packets);
        if let Some(trip) = quality.round_trip {
            self.round_trip.observe(trip.as_secs_f64());
        }
    }
}

impl Way {
    fn take(&self, measured: &Direction, expected: u64) {
        if let Some(lost) = measured.lost.filter(|_| expected > 0) {
            self.loss.observe((lost as f64 / expected as f64).min(1.0));
        }
        if let Some(jitter) = measured.jitter {
            self.jitter.observe(jitter.as_secs_f64());
        }
        if let Some(mos) = measured.mos {
            self.mos.observe(f64::from(mos));
        }
    }
}
