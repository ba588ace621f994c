//! Who hears whom in one call, as data: a wish sent whole. Moves no audio.

use super::command::SourceId;
use crate::base::id::LegId;

/// Something that can be heard.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Voice {
    Leg(LegId),
    Source(SourceId),
}

/// One voice in one ear.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hears {
    pub ear: LegId,
    pub voice: Voice,
    /// Decibels, -60 to 20; zero leaves it as it is.
    pub gain: i8,
}

/// Every pair that is heard; what is not in it is silence. A muted leg is one that no ear has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Matrix {
    pub pairs: Vec<Hears>,
}

impl Matrix {
    /// Two legs that hear each other and nothing else.
    pub fn of_two(a: LegId, b: LegId) -> Matrix {
        let hears = |ear, voice| Hears { ear, voice: Voice::Leg(voice), gain: 0 };
        Matrix { pairs: vec![hears(a, b), hears(b, a)] }
    }

    /// What one ear hears.
    pub fn heard_by(&self, ear: LegId) -> impl Iterator<Item = &Hears> {
        self.pairs.iter().filter(move |pair| pair.ear == ear)
    }
}
