//! A source: plays prompts, tones and silence one after the other without a gap between them. Hears nothing.

use super::command::{Part, Playlist};
use super::mouth::samples_of;
use super::tap::FeedIn;
use crate::protocol::audio::resample::Resampler;
use crate::protocol::audio::tone::ToneSource;
use std::time::Duration;

/// Frames of the lower rates are made here before they are brought to a higher one.
const FRAME_MAX: usize = 320;

/// Where audio of a source comes from.
#[derive(Debug)]
pub enum Player {
    Playlist(Box<Playing>),
    Feed(Fed),
}

impl Player {
    pub fn of(playlist: Playlist) -> Player {
        Player::Playlist(Box::new(Playing::new(playlist)))
    }

    pub fn fed(from: FeedIn) -> Player {
        Player::Feed(Fed { from, filter: None })
    }

    /// Above this rate it has nothing to give.
    pub fn best_rate(&self) -> u32 {
        match self {
            Player::Playlist(playing) => playing.best,
            Player::Feed(fed) => fed.from.rate(),
        }
    }

    /// Fills one frame of 20 ms; silence where there is nothing.
    pub fn fill(&mut self, rate: u32, frame: &mut [i16]) {
        match self {
            Player::Playlist(playing) => playing.fill(rate, frame),
            Player::Feed(fed) => fed.fill(rate, frame),
        }
    }

    pub fn has_ended(&self) -> bool {
        match self {
            Player::Playlist(playing) => playing.has_ended,
            Player::Feed(fed) => fed.from.has_ended(),
        }
    }
}

/// A playlist under way.
#[derive(Debug)]
pub struct Playing {
    parts: Vec<Part>,
    /// How often the whole is still played after this time; `None` for ever.
    left: Option<u16>,
    part: usize,
    /// Samples of the part that were played, at `rate`.
    position: usize,
    best: u32,
    rate: u32,
    filter: Option<Box<Resampler>>,
    /// The tone that sounds, when the part is one.
    tone: Option<ToneSource>,
    /// Something was played since the playlist began anew; else it would turn for ever without a sample.
    gave: bool,
    has_ended: bool,
}

impl Playing {
    fn new(playlist: Playlist) -> Playing {
        let prompts = playlist.parts.iter().filter_map(|part| match part {
            Part::Prompt(prompt) => Some(prompt.best_rate()),
            Part::Tone(_) | Part::Silence(_) => None,
        });
        // All parts are played at one rate, so that none begins with the filter of the one before.
        let best = prompts.min().unwrap_or(8_000);
        let left = playlist.times.map(|times| times.saturating_sub(1));
        let has_ended = playlist.parts.is_empty() || playlist.times == Some(0);
        let parts = playlist.parts;
        Playing {
            parts,
            left,
            part: 0,
            position: 0,
            best,
            rate: best,
            filter: None,
            tone: None,
            gave: false,
            has_ended,
        }
    }

    fn fill(&mut self, rate: u32, frame: &mut [i16]) {
        self.work_at(rate.min(self.best));
        if rate == self.rate {
            return self.render(frame);
        }
        if self.filter.is_none() {
            self.filter = Resampler::new(self.rate, rate).map(Box::new);
        }
        let mut narrow = [0; FRAME_MAX];
        let length = frame.len() * samples_of(20, self.rate) / samples_of(20, rate).max(1);
        let narrow = narrow.get_mut(..length).unwrap_or_default();
        self.render(narrow);
        let written = self.filter.as_mut().map_or(0, |filter| filter.process(narrow, frame));
        frame.iter_mut().skip(written).for_each(|sample| *sample = 0);
    }

    fn work_at(&mut self, rate: u32) {
        if rate != self.rate {
            let position = self.position as u64 * u64::from(rate) / u64::from(self.rate.max(1));
            (self.position, self.rate, self.filter) = (usize::try_from(position).unwrap_or(0), rate, None);
            // A tone begins anew: only a call that grows wider hears that.
            self.tone = None;
        }
    }

    fn render(&mut self, frame: &mut [i16]) {
        let mut rest = frame;
        while !rest.is_empty() && !self.has_ended {
            let given = self.give(rest);
            self.position += given;
            self.gave |= given > 0;
            if given < rest.len() {
                self.turn_over();
            }
            rest = rest.split_at_mut(given).1;
        }
        rest.fill(0);
        // Ended with its last sample, not a frame later.
        if !self.has_ended && self.is_at_end() {
            self.turn_over();
        }
    }

    /// Fills from the current part what it still has.
    fn give(&mut self, room: &mut [i16]) -> usize {
        match self.parts.get(self.part) {
            Some(Part::Prompt(prompt)) => {
                let samples = prompt.samples_at(self.rate).get(self.position..).unwrap_or_default();
                room.iter_mut().zip(samples).map(|(to, from)| *to = *from).count()
            }
            Some(Part::Silence(lasts)) => {
                let run = samples_in(*lasts, self.rate).saturating_sub(self.position).min(room.len());
                room.iter_mut().take(run).map(|sample| *sample = 0).count()
            }
            Some(Part::Tone(tone)) => {
                let source = self.tone.get_or_insert_with(|| ToneSource::new(tone, self.rate));
                source.fill(room)
            }
            None => 0,
        }
    }

    fn is_at_end(&self) -> bool {
        let length = match self.parts.get(self.part) {
            Some(Part::Prompt(prompt)) => prompt.samples_at(self.rate).len(),
            Some(Part::Silence(lasts)) => samples_in(*lasts, self.rate),
            Some(Part::Tone(tone)) => tone.lasts.map_or(usize::MAX, |lasts| samples_in(lasts, self.rate)),
            None => 0,
        };
        self.position >= length
    }

    /// The next part, or the first one again.
    fn turn_over(&mut self) {
        (self.part, self.position, self.tone) = (self.part + 1, 0, None);
        if self.part < self.parts.len() {
            return;
        }
        self.part = 0;
        self.has_ended = !self.gave || self.left == Some(0);
        self.gave = false;
        self.left = self.left.map(|left| left.saturating_sub(1));
    }
}

fn samples_in(lasts: Duration, rate: u32) -> usize {
    usize::try_from(lasts.as_millis() * u128::from(rate) / 1_000).unwrap_or(usize::MAX)
}

/// Audio from outside under way.
#[derive(Debug)]
pub struct Fed {
    from: FeedIn,
    filter: Option<(u32, Box<Resampler>)>,
}

impl Fed {
    fn fill(&mut self, rate: u32, frame: &mut [i16]) {
        let own = self.from.rate();
        let written = if own == rate {
            self.from.read(frame)
        } else {
            let mut raw = [0; 960];
            let raw = raw.get_mut(..samples_of(20, own)).unwrap_or_default();
            let read = self.from.read(raw);
            raw.iter_mut().skip(read).for_each(|sample| *sample = 0);
            if self.filter.as_ref().is_none_or(|(to, _)| *to != rate) {
                self.filter = Resampler::new(own, rate).map(|filter| (rate, Box::new(filter)));
            }
            self.filter.as_mut().map_or(0, |(_, filter)| filter.process(raw, frame))
        };
        frame.iter_mut().skip(written).for_each(|sample| *sample = 0);
    }
}
