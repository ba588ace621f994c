//! From one sample rate to another by a polyphase filter, block by block. Allocates nothing between rates of calls.

use super::sample::round;
use std::borrow::Cow;

/// Taps that each output sample sees, counted in samples of the lower rate. Passes 0.85 of the lower rate's band and
/// stops what would fold into it: 3.4 of 4 kHz, with 4.6 kHz at 76 dB down.
const SPAN: usize = 32;
/// Shape of the Kaiser window; more stops deeper and passes less.
const BETA: f64 = 7.3;
/// Longest filter: from 48 kHz to 8 kHz.
const TAPS_MAX: usize = 6 * SPAN;
/// Samples that are worked on at a time.
const PIECE: usize = 320;
/// Above this many phases a pair of rates is not for us.
const PHASES_MAX: u32 = 640;

static DOUBLE: [f32; 2 * SPAN] = design(2);
static TRIPLE: [f32; 3 * SPAN] = design(3);
static SIXFOLD: [f32; 6 * SPAN] = design(6);

/// Turns a stream of one rate into one of another.
#[derive(Debug)]
pub struct Resampler {
    /// By phase, each in the order in which the samples lie.
    taps: Cow<'static, [f32]>,
    taps_per_phase: usize,
    phases: usize,
    /// Phases that one output sample moves on.
    step: usize,
    phase: usize,
    gain: f32,
    /// The end of the samples before, of which the last `taps_per_phase - 1` count.
    history: [f32; TAPS_MAX],
    /// Samples to pass over before the next output, when it lies beyond the samples so far.
    skip: usize,
}

impl Resampler {
    /// `None` when nothing is to be done, or between rates without a common step.
    pub fn new(from: u32, to: u32) -> Option<Resampler> {
        if from == to || !(4_000..=48_000).contains(&from) || !(4_000..=48_000).contains(&to) {
            return None;
        }
        let common = greatest_common(from, to);
        let (up, down) = (to / common, from / common);
        // Rates that are far apart would need a filter that does not fit.
        if up.max(down) > PHASES_MAX || from > 6 * to || to > 6 * from {
            return None;
        }
        let (phases, step) = (up as usize, down as usize);
        let taps_per_phase = SPAN.max((SPAN * step).div_ceil(phases)).min(TAPS_MAX);
        let taps = filter(phases, step, taps_per_phase);
        // The shared filters sum up to one; an upward one spreads that over its phases.
        let gain = if matches!(taps, Cow::Borrowed(_)) { phases as f32 } else { 1.0 };
        let history = [0.0; TAPS_MAX];
        Some(Resampler { taps, taps_per_phase, phases, step, phase: 0, gain, history, skip: 0 })
    }

    /// Samples that `process` makes of so many at the most.
    pub fn room_for(&self, samples: usize) -> usize {
        (samples * self.phases).div_ceil(self.step) + 1
    }

    /// By how much the output lags, in samples of the input.
    pub fn delay(&self) -> usize {
        self.taps_per_phase / 2
    }

    /// Samples written. What has no room in `output` is lost.
    pub fn process(&mut self, input: &[i16], output: &mut [i16]) -> usize {
        let mut written = 0;
        for piece in input.chunks(PIECE) {
            written += self.piece(piece, output.get_mut(written..).unwrap_or_default());
        }
        written
    }

    fn piece(&mut self, input: &[i16], output: &mut [i16]) -> usize {
        let before = self.taps_per_phase - 1;
        let mut line = [0.0; TAPS_MAX + PIECE];
        let Some(line) = line.get_mut(..before + input.len()) else { return 0 };
        line[..before].copy_from_slice(&self.history[..before]);
        line[before..].iter_mut().zip(input).for_each(|(value, sample)| *value = f32::from(*sample));

        let mut room = output.iter_mut();
        let (mut at, mut written) = (self.skip, 0);
        while at < input.len() {
            let taps = &self.taps[self.phase * self.taps_per_phase..][..self.taps_per_phase];
            if let Some(sample) = room.next() {
                *sample = round(self.gain * dot(taps, &line[at..]));
                written += 1;
            }
            self.phase += self.step;
            at += self.phase / self.phases;
            self.phase %= self.phases;
        }
        self.skip = at - input.len();
        let kept = line.len() - before;
        self.history[..before].copy_from_slice(&line[kept..]);
        written
    }
}

/// Eight sums side by side, so that the compiler may use wide registers.
fn dot(taps: &[f32], line: &[f32]) -> f32 {
    let mut sums = [0.0; 8];
    let (taps, taps_rest) = taps.as_chunks::<8>();
    let (values, values_rest) = line.as_chunks::<8>();
    for (taps, values) in taps.iter().zip(values) {
        for ((sum, tap), value) in sums.iter_mut().zip(taps).zip(values) {
            *sum += tap * value;
        }
    }
    // Where the taps do not end at a multiple of eight, the line goes on in its next chunk.
    let next = values.get(taps.len()).map_or(values_rest, |chunk| chunk.as_slice());
    let rest: f32 = taps_rest.iter().zip(next).map(|(tap, value)| tap * value).sum();
    sums.iter().sum::<f32>() + rest
}

fn greatest_common(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common(b, a % b) }
}

/// The filter by phases. Those between 8, 16 and 48 kHz are shared by all calls.
fn filter(phases: usize, step: usize, taps_per_phase: usize) -> Cow<'static, [f32]> {
    match (phases, step) {
        (2, 1) => return Cow::Borrowed(const { &by_phase(2, DOUBLE) }),
        (3, 1) => return Cow::Borrowed(const { &by_phase(3, TRIPLE) }),
        (6, 1) => return Cow::Borrowed(const { &by_phase(6, SIXFOLD) }),
        (1, 2) => return Cow::Borrowed(&DOUBLE),
        (1, 3) => return Cow::Borrowed(&TRIPLE),
        (1, 6) => return Cow::Borrowed(&SIXFOLD),
        _ => {}
    }
    let length = phases * taps_per_phase;
    let mut taps: Vec<f64> = (0..length).map(|at| tap(at, length, phases.max(step))).collect();
    let sum: f64 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap *= phases as f64 / sum);
    let at = |phase: usize, tap: usize| phase + (taps_per_phase - 1 - tap) * phases;
    let order = (0..phases).flat_map(|phase| (0..taps_per_phase).map(move |tap| at(phase, tap)));
    order.map(|at| taps[at] as f32).collect()
}

/// A low-pass at the band's edge of the lower rate, for rates that are `ratio` apart. Its taps sum up to one.
const fn design<const N: usize>(ratio: usize) -> [f32; N] {
    let mut taps = [0.0; N];
    let (mut sum, mut at) = (0.0, 0);
    while at < N {
        taps[at] = tap(at, N, ratio);
        sum += taps[at];
        at += 1;
    }
    let mut narrow = [0.0; N];
    at = 0;
    while at < N {
        narrow[at] = (taps[at] / sum) as f32;
        at += 1;
    }
    narrow
}

/// The same taps sorted by phase.
const fn by_phase<const N: usize>(phases: usize, taps: [f32; N]) -> [f32; N] {
    let mut sorted = [0.0; N];
    let mut at = 0;
    while at < N {
        let (phase, tap) = (at % phases, at / phases);
        sorted[phase * SPAN + SPAN - 1 - tap] = taps[at];
        at += 1;
    }
    sorted
}

/// One tap of a sinc under a Kaiser window, its cut-off at one part in `ratio` of the band.
const fn tap(at: usize, length: usize, ratio: usize) -> f64 {
    let middle = (length as f64 - 1.0) / 2.0;
    let x = (at as f64 - middle) / ratio as f64;
    let place = (at as f64 - middle) / (length as f64 / 2.0);
    let angle = std::f64::consts::PI * x;
    let sinc = if angle < 1e-9 && angle > -1e-9 { 1.0 } else { sine(angle) / angle };
    sinc * bessel(BETA * BETA * (1.0 - place * place)) / bessel(BETA * BETA)
}

/// Bessel's I0 of the root of `square`.
const fn bessel(square: f64) -> f64 {
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while k < 40.0 {
        term *= square / (4.0 * k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

/// The library's sine is not for constants.
pub(super) const fn sine(angle: f64) -> f64 {
    let turn = 2.0 * std::f64::consts::PI;
    let turns = (angle / turn) as i64;
    let x = angle - turns as f64 * turn;
    let (mut sum, mut term, mut k) = (x, x, 1.0);
    while k < 25.0 {
        term *= -x * x / (2.0 * k * (2.0 * k + 1.0));
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests;
