//! From wide arithmetic back to one 16-bit sample. Wraps nothing.

/// Full scale where it does not fit.
#[inline]
pub fn narrow(value: i32) -> i16 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

/// The nearest sample; full scale where it does not fit, zero for what is no number.
#[inline]
pub fn round(value: f32) -> i16 {
    // A cast from a float saturates; adding half before it costs less than a call of `round`.
    (value + if value < 0.0 { -0.5 } else { 0.5 }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_becomes_full_scale() {
        for (value, sample) in [(40_000, 32_767), (-40_000, -32_768), (0, 0), (-32_768, -32_768)] {
            assert_eq!(narrow(value), sample);
        }
        for (value, sample) in [(40_000.0, 32_767), (-1e9, -32_768), (0.6, 1), (-0.6, -1), (f32::NAN, 0), (-0.2, 0)] {
            assert_eq!(round(value), sample, "{value}");
        }
    }
}
