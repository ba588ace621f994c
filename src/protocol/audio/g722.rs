//! G.722 at 64 kbit/s: two bands of 8 kHz, each by its own adaptive quantiser. Knows no other mode of it.

use super::sample::narrow;

/// Half of the quadrature mirror filter (G.722 table 11); the other half is its mirror.
const MIRROR: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];
/// Decision levels of the lower band's 60-level quantiser (table 14).
const LEVELS: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339,
    1458, 1612, 1765, 1980, 2195, 2557, 2919,
];
/// Output of the lower band by its six bits, and by the upper four of them, which alone drive the adaptation (table 17).
const SIX_BITS: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576,
    -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040,
    -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
    4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
];
const FOUR_BITS: [i32; 16] =
    [0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0];
const TWO_BITS: [i32; 4] = [-7408, -1616, 7408, 1616];
/// How far each code moves the logarithm of the step (tables 15 and 20).
const LOWER_MOVES: [i32; 16] = [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60];
const UPPER_MOVES: [i32; 4] = [798, -214, 798, -214];
/// Two to the power of 0 to 31 thirty-seconds, times 2048 (table 18).
const POWERS: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025,
    3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];

fn limit(value: i32) -> i32 {
    i32::from(narrow(value))
}

fn fifteen_bits(value: i32) -> i32 {
    value.clamp(-16_384, 16_383)
}

/// Of two fractions of fifteen bits.
fn product(a: i32, b: i32) -> i32 {
    (a * b) >> 15
}

/// One band's predictor (two poles, six zeros) and step size. The same in encoder and decoder (G.722 6.1, blocks 3 and 4).
#[derive(Debug)]
struct Band {
    poles: [i32; 2],
    zeros: [i32; 6],
    /// Quantised differences, newest first.
    differences: [i32; 6],
    reconstructed: [i32; 2],
    partial: [i32; 2],
    zero_part: i32,
    predicted: i32,
    logarithm: i32,
    step: i32,
}

impl Band {
    fn new(step: i32) -> Band {
        Band {
            poles: [0; 2],
            zeros: [0; 6],
            differences: [0; 6],
            reconstructed: [0; 2],
            partial: [0; 2],
            zero_part: 0,
            predicted: 0,
            logarithm: 0,
            step,
        }
    }

    /// LOGSCL and SCALEL, or their twins of the upper band.
    fn rescale(&mut self, moved: i32, most: i32, shift: i32) {
        self.logarithm = (((self.logarithm * 127) >> 7) + moved).clamp(0, most);
        let power = POWERS[((self.logarithm >> 6) & 31) as usize];
        let down = shift - (self.logarithm >> 11);
        self.step = if down < 0 { power << -down } else { power >> down } << 2;
    }

    /// Takes one quantised difference and predicts the next sample.
    fn adapt(&mut self, difference: i32) {
        let reconstructed = limit(self.predicted + difference);
        let partial = limit(self.zero_part + difference);
        let same = |other: i32| (partial < 0) == (other < 0);

        // UPPOL2, UPPOL1
        let leap = limit(self.poles[0] << 2);
        let leap = if same(self.partial[0]) { limit(-leap) } else { leap };
        let kept = product(self.poles[1], 32_512);
        let second = (leap >> 7) + kept + if same(self.partial[1]) { 128 } else { -128 };
        let second = second.clamp(-12_288, 12_288);
        let first = product(self.poles[0], 32_640) + if same(self.partial[0]) { 192 } else { -192 };
        let bound = 15_360 - second;
        self.poles = [first.clamp(-bound, bound), second];

        // UPZERO, then FILTEZ over the differences that are one older by then
        let nudge = if difference == 0 { 0 } else { 128 };
        for (zero, old) in self.zeros.iter_mut().zip(&self.differences) {
            let same = (*old < 0) == (difference < 0);
            *zero = limit(product(*zero, 32_640) + if same { nudge } else { -nudge });
        }
        self.differences.copy_within(..5, 1);
        self.differences[0] = difference;
        self.reconstructed = [reconstructed, self.reconstructed[0]];
        self.partial = [partial, self.partial[0]];

        // Each sum is limited on its own, the oldest first: the standard's sequences tell the difference.
        let zeros = self.zeros.iter().zip(&self.differences).rev();
        self.zero_part = zeros.fold(0, |sum, (zero, old)| limit(sum + product(*zero, limit(old * 2))));
        let poles = self.poles.iter().zip(&self.reconstructed);
        let pole_part = limit(poles.map(|(pole, old)| product(*pole, limit(old * 2))).sum());
        self.predicted = limit(pole_part + self.zero_part);
    }

    fn adapt_lower(&mut self, code: usize) {
        let short = (code >> 2) & 15;
        let difference = product(self.step, FOUR_BITS[short]);
        self.rescale(LOWER_MOVES[short], 18_432, 8);
        self.adapt(difference);
    }

    fn adapt_upper(&mut self, code: usize) {
        let difference = product(self.step, TWO_BITS[code & 3]);
        self.rescale(UPPER_MOVES[code & 3], 22_528, 10);
        self.adapt(difference);
    }
}

/// The last 24 values of the mirror filter.
type Line = [i32; 24];

/// Even and odd half of the filter, after two more values have come in.
fn mirror(line: &mut Line, first: i32, second: i32) -> (i32, i32) {
    line.copy_within(2.., 0);
    line[22] = first;
    line[23] = second;
    let (mut even, mut odd) = (0, 0);
    for (at, pair) in line.chunks_exact(2).enumerate() {
        even += pair[0] * MIRROR[at];
        odd += pair[1] * MIRROR[11 - at];
    }
    (even, odd)
}

#[derive(Debug)]
pub struct G722Encoder {
    line: Line,
    lower: Band,
    upper: Band,
}

impl G722Encoder {
    pub fn new() -> G722Encoder {
        G722Encoder { line: [0; 24], lower: Band::new(32), upper: Band::new(8) }
    }

    /// One byte for each pair of samples at 16 kHz. An odd last sample stays unsaid.
    pub fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> usize {
        let pairs = samples.chunks_exact(2).zip(payload.iter_mut());
        pairs.map(|(pair, code)| *code = self.code(pair[0], pair[1])).count()
    }

    fn code(&mut self, first: i16, second: i16) -> u8 {
        let (even, odd) = mirror(&mut self.line, i32::from(first), i32::from(second));
        let low = fifteen_bits((odd + even) >> 14);
        let high = fifteen_bits((odd - even) >> 14);

        let error = limit(low - self.lower.predicted);
        let magnitude = if error < 0 { !error } else { error };
        let step = self.lower.step;
        let level = LEVELS.partition_point(|level| (level * step) >> 12 <= magnitude);
        let lower = match (error < 0, level) {
            (true, 0 | 1) => 63 - level,
            (true, _) => 33 - level,
            (false, _) => 61 - level,
        };
        self.lower.adapt_lower(lower);

        let error = limit(high - self.upper.predicted);
        let magnitude = if error < 0 { !error } else { error };
        let outer = magnitude >= (564 * self.upper.step) >> 12;
        let upper: usize = match (error < 0, outer) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        };
        self.upper.adapt_upper(upper);
        ((upper << 6) | lower) as u8
    }
}

impl Default for G722Encoder {
    fn default() -> G722Encoder {
        G722Encoder::new()
    }
}

#[derive(Debug)]
pub struct G722Decoder {
    line: Line,
    lower: Band,
    upper: Band,
}

impl G722Decoder {
    pub fn new() -> G722Decoder {
        G722Decoder { line: [0; 24], lower: Band::new(32), upper: Band::new(8) }
    }

    /// Two samples at 16 kHz for each byte; as many as fit.
    pub fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize {
        let pairs = payload.iter().zip(samples.chunks_exact_mut(2));
        2 * pairs.map(|(code, pair)| pair.copy_from_slice(&self.pair(usize::from(*code)))).count()
    }

    fn pair(&mut self, code: usize) -> [i16; 2] {
        let (lower, upper) = (code & 63, code >> 6);
        let low = self.lower.predicted + product(self.lower.step, SIX_BITS[lower]);
        let low = fifteen_bits(low);
        self.lower.adapt_lower(lower);
        let high = self.upper.predicted + product(self.upper.step, TWO_BITS[upper & 3]);
        let high = fifteen_bits(high);
        self.upper.adapt_upper(upper);
        let (even, odd) = mirror(&mut self.line, low + high, low - high);
        [narrow(odd >> 11), narrow(even >> 11)]
    }
}

impl Default for G722Decoder {
    fn default() -> G722Decoder {
        G722Decoder::new()
    }
}

#[cfg(test)]
mod tests;
