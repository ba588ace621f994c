//! Whether what a leg hears comes back in what it says: a suspicion from loudness over time. Removes nothing.

/// Beats that an echo may take: 600 ms, a call over a satellite and a slow phone.
const LAGS: usize = 30;
/// Loudness below which a beat says nothing, in decibels above the quietest sample.
const FLOOR: f32 = 25.0;
/// Beats of speech that must have been sent before there is an opinion: four seconds.
const BEATS_NEEDED: f32 = 200.0;
/// Loudness that moves together to this degree is no chance.
const LIKENESS: f32 = 0.8;
/// Old beats lose their weight: half of it in some twenty seconds.
const KEPT: f32 = 0.9993;

/// Compares the loudness of what is sent with that of what comes back, at each delay.
#[derive(Clone, Debug)]
pub struct EchoWatch {
    /// What was sent in the last beats, loudness each, newest at `newest`.
    sent: [f32; LAGS],
    newest: usize,
    weight: f32,
    spoke: f32,
    returned: Sums,
    at: [Lag; LAGS],
}

#[derive(Clone, Copy, Default, Debug)]
struct Sums {
    sum: f32,
    squares: f32,
}

impl Sums {
    fn add(&mut self, value: f32) {
        self.sum = self.sum * KEPT + value;
        self.squares = self.squares * KEPT + value * value;
    }

    fn spread(&self, weight: f32) -> f32 {
        (self.squares * weight - self.sum * self.sum).max(0.0)
    }
}

#[derive(Clone, Copy, Default, Debug)]
struct Lag {
    sent: Sums,
    product: f32,
}

impl Default for EchoWatch {
    fn default() -> EchoWatch {
        let nothing = Lag::default();
        EchoWatch {
            sent: [0.0; LAGS],
            newest: 0,
            weight: 0.0,
            spoke: 0.0,
            returned: Sums::default(),
            at: [nothing; LAGS],
        }
    }
}

impl EchoWatch {
    /// One beat: the mean squares of what was sent to the leg and of what came from it.
    pub fn beat(&mut self, sent: f32, returned: f32) {
        let (sent, returned) = (loudness(sent), loudness(returned));
        self.newest = (self.newest + 1) % LAGS;
        if let Some(place) = self.sent.get_mut(self.newest) {
            *place = sent;
        }
        self.weight = self.weight * KEPT + 1.0;
        self.spoke = self.spoke * KEPT + if sent > 0.0 { 1.0 } else { 0.0 };
        self.returned.add(returned);
        for (delay, lag) in self.at.iter_mut().enumerate() {
            let before = self.sent.get((self.newest + LAGS - delay) % LAGS).copied().unwrap_or(0.0);
            lag.sent.add(before);
            lag.product = lag.product * KEPT + before * returned;
        }
    }

    /// `None` until enough was said to have an opinion.
    pub fn is_suspected(&self) -> Option<bool> {
        (self.spoke >= BEATS_NEEDED).then(|| self.at.iter().any(|lag| self.likeness(lag) > LIKENESS))
    }

    fn likeness(&self, lag: &Lag) -> f32 {
        let spread = (lag.sent.spread(self.weight) * self.returned.spread(self.weight)).sqrt();
        // A voice that never pauses has no shape to compare.
        if spread < self.weight * self.weight {
            0.0
        } else {
            (lag.product * self.weight - lag.sent.sum * self.returned.sum) / spread
        }
    }
}

/// Decibels above the floor: zero for silence.
fn loudness(mean_square: f32) -> f32 {
    (10.0 * mean_square.max(1.0).log10() - FLOOR).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entropy::Entropy;

    /// Mean squares of somebody who talks in bursts of words with pauses between them.
    fn talk(seed: u64, beats: usize) -> Vec<f32> {
        let mut entropy = Entropy::from_number(seed);
        let mut tape = Vec::new();
        while tape.len() < beats {
            let loud = 1e5 + entropy.below(3_000_000) as f32;
            tape.extend(std::iter::repeat_n(loud, usize::try_from(entropy.below(20)).expect("small") + 5));
            tape.extend(std::iter::repeat_n(2.0, usize::try_from(entropy.below(30)).expect("small") + 3));
        }
        tape.truncate(beats);
        tape
    }

    fn suspicion(sent: &[f32], returned: &[f32]) -> Option<bool> {
        let mut watch = EchoWatch::default();
        sent.iter().zip(returned).for_each(|(sent, returned)| watch.beat(*sent, *returned));
        watch.is_suspected()
    }

    fn delayed(tape: &[f32], beats: usize, share: f32) -> Vec<f32> {
        let silence = std::iter::repeat_n(1.0, beats);
        silence.chain(tape.iter().map(|value| value * share)).take(tape.len()).collect()
    }

    #[test]
    fn a_voice_that_comes_back_is_suspected_at_each_delay_and_loudness() {
        for seed in 0..10 {
            let sent = talk(seed, 1_500);
            for (beats, share) in [(0, 1.0), (3, 0.1), (10, 0.05), (25, 0.02)] {
                assert_eq!(suspicion(&sent, &delayed(&sent, beats, share)), Some(true), "{seed} {beats} {share}");
            }
        }
    }

    #[test]
    fn two_who_talk_each_for_himself_are_not() {
        for seed in 0..50 {
            let (one, other) = (talk(seed, 3_000), talk(seed + 1_000, 3_000));
            assert_eq!(suspicion(&one, &other), Some(false), "{seed}");
        }
    }

    #[test]
    fn taking_turns_is_no_echo_either() {
        let sent = talk(3, 3_000);
        let answers: Vec<f32> = sent.iter().map(|value| if *value > 100.0 { 2.0 } else { 1e6 }).collect();
        assert_eq!(suspicion(&sent, &answers), Some(false));
    }

    #[test]
    fn music_without_a_pause_and_silence_give_no_false_alarm() {
        let steady = vec![1e6; 2_000];
        assert_eq!(suspicion(&steady, &steady), Some(false));
        assert_eq!(suspicion(&talk(1, 2_000), &vec![0.0; 2_000]), Some(false));
    }

    #[test]
    fn without_enough_said_there_is_no_opinion() {
        assert_eq!(suspicion(&talk(1, 100), &talk(1, 100)), None);
    }
}
