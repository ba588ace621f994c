//! The buffers that all desks of one worker share, and the arithmetic of a mix on them. Nothing here outlives a beat.

use crate::media::recipe::{Recipe, Recipes, Share};
use crate::protocol::audio::coder::SAMPLES_MAX;
use crate::protocol::audio::mix::{self, Gain};

/// 20 ms at 48 kHz.
pub const FRAME_MAX: usize = 960;

/// One voice or one mix during a beat.
#[derive(Clone, Debug)]
pub struct Frame {
    pub samples: [i16; FRAME_MAX],
    /// Something is to be heard; else its samples mean nothing.
    pub sounds: bool,
}

const SILENT: Frame = Frame { samples: [0; FRAME_MAX], sounds: false };

#[derive(Debug)]
pub struct Workbench {
    /// As on the desk's table of voices.
    pub voices: Vec<Frame>,
    /// As the desk's seats. What is heard whole is not copied here: `heard_at` finds it.
    mixes: Vec<Frame>,
    hub: [i32; FRAME_MAX],
    sum: [i32; FRAME_MAX],
    pub decoded: Box<[i16; SAMPLES_MAX]>,
    /// Samples of one frame in this beat.
    pub frame: usize,
}

impl Default for Workbench {
    fn default() -> Workbench {
        Workbench {
            voices: Vec::new(),
            mixes: Vec::new(),
            hub: [0; FRAME_MAX],
            sum: [0; FRAME_MAX],
            decoded: Box::new([0; SAMPLES_MAX]),
            frame: 160,
        }
    }
}

impl Workbench {
    /// Room for a beat with so many voices and ears.
    pub fn lay_out(&mut self, voices: usize, ears: usize, frame: usize) {
        if self.voices.len() < voices {
            self.voices.resize(voices, SILENT);
        }
        if self.mixes.len() < ears {
            self.mixes.resize(ears, SILENT);
        }
        self.frame = frame.min(FRAME_MAX);
    }

    /// Makes what all ears hear, each mix once.
    pub fn mix(&mut self, recipes: &Recipes) {
        if !recipes.hub.is_empty() {
            let frame = self.frame;
            let hub = self.hub.get_mut(..frame).unwrap_or_default();
            hub.fill(0);
            for voice in &recipes.hub {
                add(hub, self.voices.get(usize::from(*voice)), 0);
            }
        }
        for (ear, recipe) in recipes.ears.iter().enumerate() {
            match recipe {
                Recipe::Sum(shares) => self.add_up(ear, shares),
                Recipe::HubLess(lacking) => self.take_off(ear, lacking),
                Recipe::Silence | Recipe::Whole(_) | Recipe::SameAs(_) => {}
            }
        }
    }

    fn add_up(&mut self, ear: usize, shares: &[Share]) {
        let (frame, Some(mix)) = (self.frame, self.mixes.get_mut(ear)) else { return };
        let sum = self.sum.get_mut(..frame).unwrap_or_default();
        sum.fill(0);
        mix.sounds = false;
        for share in shares {
            mix.sounds |= add(sum, self.voices.get(usize::from(share.voice)), share.gain);
        }
        mix::settle(sum, &mut mix.samples);
    }

    fn take_off(&mut self, ear: usize, lacking: &[u16]) {
        let (frame, Some(mix)) = (self.frame, self.mixes.get_mut(ear)) else { return };
        let sum = self.sum.get_mut(..frame).unwrap_or_default();
        sum.iter_mut().zip(&self.hub).for_each(|(sum, hub)| *sum = *hub);
        for voice in lacking {
            if let Some(voice) = self.voices.get(usize::from(*voice)).filter(|voice| voice.sounds) {
                mix::subtract(sum, &voice.samples, Gain::UNITY);
            }
        }
        mix.sounds = true;
        mix::settle(sum, &mut mix.samples);
    }

    /// What an ear hears in this beat; `None` when nothing is to be heard.
    pub fn heard_at(&self, recipes: &Recipes, ear: usize) -> Option<&[i16]> {
        let frame = match recipes.ears.get(ear)? {
            Recipe::Silence => return None,
            Recipe::Whole(voice) => self.voices.get(usize::from(*voice)),
            Recipe::Sum(_) | Recipe::HubLess(_) => self.mixes.get(ear),
            Recipe::SameAs(twin) => self.mixes.get(usize::from(*twin)),
        };
        frame.filter(|frame| frame.sounds)?.samples.get(..self.frame)
    }

    /// The sum of the first voices, as a tap of the whole call hears them.
    pub fn all_of(&self, voices: usize) -> Vec<i16> {
        let mut sum = [0; FRAME_MAX];
        self.voices.iter().take(voices).for_each(|voice| {
            add(&mut sum, Some(voice), 0);
        });
        let mut mixed = vec![0; self.frame];
        mix::settle(&sum, &mut mixed);
        mixed
    }

    /// What a voice says in this beat; `None` when it says nothing.
    pub fn said_by(&self, voice: usize) -> Option<&[i16]> {
        self.voices.get(voice).filter(|frame| frame.sounds)?.samples.get(..self.frame)
    }
}

/// Adds a voice that sounds; says whether it did.
fn add(sum: &mut [i32], voice: Option<&Frame>, gain: i8) -> bool {
    let Some(voice) = voice.filter(|voice| voice.sounds) else { return false };
    mix::add(sum, &voice.samples, if gain == 0 { Gain::UNITY } else { Gain::decibels(gain) });
    true
}
