//! Audio that is decoded once and played by many calls: ready at each rate that a desk works at. Reads no file.

use crate::protocol::audio::resample::Resampler;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Rates that a desk may work at.
pub const RATES: [u32; 3] = [8_000, 16_000, 48_000];

/// Decoded audio, one channel.
pub struct Prompt {
    pub name: Box<str>,
    /// Lowest rate first; the last one keeps all that the recording has.
    renditions: Box<[Rendition]>,
}

struct Rendition {
    rate: u32,
    samples: Box<[i16]>,
}

/// Names it: a million samples tell nobody anything.
impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prompt({})", self.name)
    }
}

/// All prompts of a configuration, by name; shared by every call that was begun under it.
#[derive(Clone, Default)]
pub struct Prompts(Arc<BTreeMap<Box<str>, Arc<Prompt>>>);

impl Prompts {
    pub fn new(prompts: BTreeMap<Box<str>, Arc<Prompt>>) -> Prompts {
        Prompts(Arc::new(prompts))
    }

    pub fn find(&self, name: &str) -> Option<&Arc<Prompt>> {
        self.0.get(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|name| &**name)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The same library, not one that sounds the same.
impl PartialEq for Prompts {
    fn eq(&self, other: &Prompts) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Prompts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prompts({})", self.len())
    }
}

impl Prompt {
    /// `None` for a rate that no filter of ours takes.
    pub fn new(name: &str, rate: u32, samples: &[i16]) -> Option<Prompt> {
        let best = RATES.into_iter().find(|best| *best >= rate).unwrap_or(48_000);
        let wanted = RATES.into_iter().filter(|each| *each <= best);
        let renditions = wanted.map(|to| Some(Rendition { rate: to, samples: rendition(rate, to, samples)? }));
        Some(Prompt { name: name.into(), renditions: renditions.collect::<Option<Box<[Rendition]>>>()? })
    }

    /// Above this rate it has nothing more to give.
    pub fn best_rate(&self) -> u32 {
        self.renditions.last().map_or(8_000, |rendition| rendition.rate)
    }

    pub fn lasts(&self) -> Duration {
        let rendition = self.renditions.first();
        let samples = rendition.map_or(0, |one| u64::try_from(one.samples.len()).unwrap_or(u64::MAX));
        Duration::from_millis(samples.saturating_mul(1_000) / u64::from(rendition.map_or(8_000, |one| one.rate).max(1)))
    }

    /// All its samples at one rate; nothing at a rate above its best.
    pub fn samples_at(&self, rate: u32) -> &[i16] {
        let rendition = self.renditions.iter().find(|rendition| rendition.rate == rate);
        rendition.map_or(&[], |rendition| &rendition.samples)
    }

    /// Bytes of samples that it holds.
    pub fn bytes(&self) -> usize {
        self.renditions.iter().map(|rendition| rendition.samples.len() * 2).sum()
    }
}

/// The whole recording at another rate, as long as before: the filter's lag is cut off, so that two prompts join on time.
fn rendition(from: u32, to: u32, samples: &[i16]) -> Option<Box<[i16]>> {
    if from == to {
        return Some(samples.into());
    }
    let mut filter = Resampler::new(from, to)?;
    let scaled = |count: usize| {
        usize::try_from((count as u64 * u64::from(to) + u64::from(from / 2)) / u64::from(from)).unwrap_or(0)
    };
    let (lag, length) = (scaled(filter.delay()), scaled(samples.len()));
    let tail = vec![0; filter.delay() + 1];
    let mut turned = vec![0; filter.room_for(samples.len()) + filter.room_for(tail.len())];
    let mut written = filter.process(samples, &mut turned);
    written += filter.process(&tail, turned.get_mut(written..).unwrap_or_default());
    turned.truncate(written);
    turned.drain(..lag.min(written));
    turned.resize(length, 0);
    Some(turned.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hertz: f64, samples: usize) -> Vec<i16> {
        let turn = std::f64::consts::TAU * hertz / f64::from(rate);
        (0..samples).map(|at| (8_000.0 * (turn * at as f64).sin()).round() as i16).collect()
    }

    #[test]
    fn a_recording_is_ready_at_each_rate_up_to_its_own() {
        for (rate, best) in
            [(8_000, 8_000), (11_025, 16_000), (16_000, 16_000), (22_050, 48_000), (44_100, 48_000), (48_000, 48_000)]
        {
            let prompt = Prompt::new("greeting", rate, &tone(rate, 440.0, rate as usize)).expect("a usual rate");
            assert_eq!(prompt.best_rate(), best, "{rate}");
            for each in RATES.into_iter().filter(|each| *each <= best) {
                assert_eq!(prompt.samples_at(each).len(), each as usize, "a second stays a second: {rate} to {each}");
            }
        }
        assert!(Prompt::new("odd", 7, &[0; 100]).is_none());
    }

    #[test]
    fn a_rendition_begins_and_ends_with_the_recording() {
        for (from, to) in [(16_000, 8_000), (48_000, 8_000), (44_100, 16_000), (11_025, 8_000)] {
            let prompt = Prompt::new("tone", from, &tone(from, 400.0, from as usize)).expect("a usual rate");
            let expected = tone(to, 400.0, to as usize);
            let inner = 200..to as usize - 200;
            let worst = prompt.samples_at(to)[inner.clone()].iter().zip(&expected[inner]);
            let worst = worst.map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs()).max();
            assert!(worst < Some(850), "{from} to {to}: {worst:?}: in phase within a third of a sample");
        }
    }
}
