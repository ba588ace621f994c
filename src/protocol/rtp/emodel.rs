//! How a call sounds, from what was measured of it: the E-model (ITU-T G.107) with its defaults. Measures nothing.

use std::time::Duration;

/// What a codec loses by itself (Ie) and how well it bears loss (Bpl), as ITU-T G.113 lists them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CodecImpairment {
    pub equipment: f64,
    pub robustness: f64,
}

impl CodecImpairment {
    /// G.711 with loss concealment (G.113 appendix I).
    pub const G711: CodecImpairment = CodecImpairment { equipment: 0.0, robustness: 25.1 };
    /// Codecs of wider bands, heard as narrowband: no loss of their own.
    pub const WIDEBAND: CodecImpairment = CodecImpairment { equipment: 0.0, robustness: 19.0 };
    /// G.729A with its own concealment (G.113 appendix I).
    pub const G729: CodecImpairment = CodecImpairment { equipment: 11.0, robustness: 19.0 };
}

/// What was measured of one direction.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Measured {
    /// From mouth to ear: half the round trip, the jitter buffer and the codec.
    pub delay: Duration,
    /// Share of packets that were not heard, lost or discarded: 0 to 1.
    pub loss: f64,
    /// How much longer the runs of loss are than chance makes them; one for chance.
    pub burst_ratio: f64,
}

/// G.107 clause 7.1 with all defaults: what is left of R when nothing is impaired.
const R_MAX: f64 = 93.2;

/// The transmission rating R, 0 to 93.2.
pub fn rating(measured: &Measured, codec: CodecImpairment) -> f64 {
    let loss = (measured.loss.clamp(0.0, 1.0)) * 100.0;
    let burst_ratio = measured.burst_ratio.max(1.0);
    // G.107 7.5: Ie,eff.
    let equipment = codec.equipment + (95.0 - codec.equipment) * loss / (loss / burst_ratio + codec.robustness);
    (R_MAX - delay_impairment(measured.delay) - equipment).clamp(0.0, R_MAX)
}

/// The mean opinion score, 1 to 4.41 for narrowband (G.107 annex B). `None` when loss was not measured.
pub fn mos(measured: Option<&Measured>, codec: CodecImpairment) -> Option<f32> {
    let r = rating(measured?, codec);
    let mos = 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6;
    // G.107 annex B dips below one for small R.
    let hundredths = (mos.clamp(1.0, 4.5) * 100.0).round();
    (100..=450).find(|whole| f64::from(*whole) >= hundredths).map(|whole: u16| f32::from(whole) / 100.0)
}

/// G.107 7.4.3: Idd, what delay beyond 100 ms takes from a conversation.
fn delay_impairment(delay: Duration) -> f64 {
    let millis = delay.as_secs_f64() * 1_000.0;
    if millis <= 100.0 {
        return 0.0;
    }
    let x = (millis / 100.0).log2();
    25.0 * ((1.0 + x.powi(6)).powf(1.0 / 6.0) - 3.0 * (1.0 + (x / 3.0).powi(6)).powf(1.0 / 6.0) + 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(millis: u64, loss: f64, burst_ratio: f64, codec: CodecImpairment, expected: f32) {
        let measured = Measured { delay: Duration::from_millis(millis), loss, burst_ratio };
        let mos = mos(Some(&measured), codec).expect("measured");
        assert!((mos - expected).abs() <= 0.02, "{measured:?}: {mos}, not {expected}");
    }

    #[test]
    fn quality_falls_as_itu_says() {
        check(0, 0.0, 1.0, CodecImpairment::G711, 4.41);
        check(100, 0.0, 1.0, CodecImpairment::G711, 4.41);
        check(200, 0.0, 1.0, CodecImpairment::G711, 4.35);
        check(300, 0.0, 1.0, CodecImpairment::G711, 3.96);
        check(50, 0.0, 1.0, CodecImpairment::G729, 4.10);
        check(50, 1.0, 1.0, CodecImpairment::G711, 1.18);
    }

    #[test]
    fn more_loss_and_longer_bursts_are_never_better() {
        let of = |loss: f64, burst_ratio| {
            let measured = Measured { delay: Duration::from_millis(80), loss, burst_ratio };
            rating(&measured, CodecImpairment::G711)
        };
        for percent in 0..100 {
            let loss = f64::from(percent) / 100.0;
            assert!(of(loss, 1.0) >= of(loss + 0.01, 1.0));
            assert!(of(loss, 1.0) >= of(loss, 3.0));
        }
    }

    #[test]
    fn what_was_not_measured_has_no_score() {
        assert_eq!(mos(None, CodecImpairment::G711), None);
    }
}
