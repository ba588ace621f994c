//! How each ear's mix is made with the least work: worked out once per matrix, used 50 times a second. Touches no sample.

use super::matrix::{Matrix, Voice};
use crate::base::id::LegId;

/// One voice in a mix, by its place on the desk's table of voices.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Share {
    pub voice: u16,
    pub gain: i8,
}

/// Where a mix comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Recipe {
    Silence,
    /// One voice as it is: nothing is copied.
    Whole(u16),
    Sum(Vec<Share>),
    /// The sum of all that the hub hears, less its own voices: what each of many members of a conference hears.
    HubLess(Vec<u16>),
    /// The same as an ear before it, by its place among the ears.
    SameAs(u16),
}

/// The recipes of all ears of a desk, in the order of its seats.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Recipes {
    /// Voices whose plain sum is made once per tick; empty when no recipe needs it.
    pub hub: Vec<u16>,
    pub ears: Vec<Recipe>,
}

/// Below this many voices in a mix, adding them up is no dearer than taking one from the whole.
const HUB_MIN: usize = 4;

impl Recipes {
    /// `voices` is the desk's table: legs and sources that can be heard now. `ears` are its seats.
    pub fn new(matrix: &Matrix, voices: &[Voice], ears: &[LegId]) -> Recipes {
        let sets: Vec<Vec<Share>> = ears.iter().map(|ear| shares(matrix, voices, *ear)).collect();
        let hub = hub(&sets);
        let mut recipes = Recipes { hub: Vec::new(), ears: Vec::with_capacity(sets.len()) };
        for (place, set) in sets.iter().enumerate() {
            let twin = sets.iter().take(place).position(|other| other == set).and_then(|twin| u16::try_from(twin).ok());
            let recipe = match (set.as_slice(), twin) {
                ([], _) => Recipe::Silence,
                ([Share { voice, gain: 0 }], _) => Recipe::Whole(*voice),
                (_, Some(twin)) => Recipe::SameAs(twin),
                _ => less_than_hub(set, &hub).map_or_else(|| Recipe::Sum(set.clone()), Recipe::HubLess),
            };
            recipes.ears.push(recipe);
        }
        if recipes.ears.iter().any(|recipe| matches!(recipe, Recipe::HubLess(_))) {
            recipes.hub = hub;
        }
        recipes
    }
}

/// What one ear hears, sorted; a voice named twice counts once.
fn shares(matrix: &Matrix, voices: &[Voice], ear: LegId) -> Vec<Share> {
    let mut shares: Vec<Share> = Vec::new();
    for pair in matrix.heard_by(ear) {
        let place = voices.iter().position(|voice| *voice == pair.voice).and_then(|place| u16::try_from(place).ok());
        if let Some(voice) = place.filter(|voice| shares.iter().all(|share| share.voice != *voice)) {
            shares.push(Share { voice, gain: pair.gain });
        }
    }
    shares.sort_unstable();
    shares
}

/// All voices that more than half of the large mixes have untouched.
fn hub(sets: &[Vec<Share>]) -> Vec<u16> {
    let large = || sets.iter().filter(|set| set.len() >= HUB_MIN);
    let ears = large().count();
    let mut all: Vec<u16> = large().flatten().filter(|share| share.gain == 0).map(|share| share.voice).collect();
    all.sort_unstable();
    let mut hub: Vec<u16> = Vec::new();
    for run in all.chunk_by(|a, b| a == b) {
        if run.len() * 2 > ears {
            hub.extend(run.first());
        }
    }
    hub
}

/// The voices of the hub that a set lacks, when taking them off is less work than adding up the set.
fn less_than_hub(set: &[Share], hub: &[u16]) -> Option<Vec<u16>> {
    if set.len() < HUB_MIN || !set.iter().all(|share| share.gain == 0 && hub.contains(&share.voice)) {
        return None;
    }
    let lacking: Vec<u16> = hub.iter().copied().filter(|voice| set.iter().all(|share| share.voice != *voice)).collect();
    (lacking.len() * 2 < set.len()).then_some(lacking)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::command::SourceId;
    use crate::media::matrix::Hears;

    fn legs(count: u8) -> Vec<LegId> {
        (0..count).map(LegId).collect()
    }

    fn voices(count: u8) -> Vec<Voice> {
        legs(count).into_iter().map(Voice::Leg).collect()
    }

    fn everybody_hears_everybody_else(count: u8) -> Matrix {
        let mut matrix = Matrix::default();
        for ear in legs(count) {
            let others = legs(count).into_iter().filter(|voice| *voice != ear);
            matrix.pairs.extend(others.map(|voice| Hears { ear, voice: Voice::Leg(voice), gain: 0 }));
        }
        matrix
    }

    #[test]
    fn two_who_talk_need_no_mix() {
        let recipes = Recipes::new(&everybody_hears_everybody_else(2), &voices(2), &legs(2));
        assert_eq!(recipes.ears, [Recipe::Whole(1), Recipe::Whole(0)]);
        assert!(recipes.hub.is_empty());
    }

    #[test]
    fn of_thirty_two_each_hears_all_less_itself_and_the_sum_is_made_once() {
        let recipes = Recipes::new(&everybody_hears_everybody_else(32), &voices(32), &legs(32));
        assert_eq!(recipes.hub.len(), 32);
        for (own, recipe) in (0..32).zip(&recipes.ears) {
            assert_eq!(*recipe, Recipe::HubLess(vec![own]));
        }
    }

    #[test]
    fn those_who_only_listen_share_one_mix() {
        let mut matrix = everybody_hears_everybody_else(3);
        for ear in 3..10 {
            matrix.pairs.extend(voices(3).into_iter().map(|voice| Hears { ear: LegId(ear), voice, gain: 0 }));
        }
        let recipes = Recipes::new(&matrix, &voices(10), &legs(10));
        assert!(matches!(recipes.ears[3], Recipe::Sum(_)));
        assert!(recipes.ears[4..].iter().all(|recipe| *recipe == Recipe::SameAs(3)), "{recipes:?}");
    }

    #[test]
    fn a_whisper_is_added_for_one_ear_only() {
        let mut matrix = everybody_hears_everybody_else(2);
        let coach = Voice::Leg(LegId(2));
        matrix.pairs.push(Hears { ear: LegId(1), voice: coach, gain: -6 });
        let recipes = Recipes::new(&matrix, &voices(3), &legs(3));
        assert_eq!(recipes.ears[0], Recipe::Whole(1), "the customer hears the agent alone");
        assert_eq!(
            recipes.ears[1],
            Recipe::Sum(vec![Share { voice: 0, gain: 0 }, Share { voice: 2, gain: -6 }]),
            "the agent hears both"
        );
        assert_eq!(recipes.ears[2], Recipe::Silence);
    }

    #[test]
    fn what_has_ended_is_in_no_mix_and_what_is_named_twice_is_in_it_once() {
        let gone = Hears { ear: LegId(0), voice: Voice::Source(SourceId(9)), gain: 0 };
        let twice = Hears { ear: LegId(0), voice: Voice::Leg(LegId(1)), gain: 0 };
        let matrix = Matrix { pairs: vec![gone, twice, twice] };
        assert_eq!(Recipes::new(&matrix, &voices(2), &legs(2)).ears, [Recipe::Whole(1), Recipe::Silence]);
    }

    #[test]
    fn every_recipe_gives_exactly_the_voices_that_the_matrix_names() {
        let mut entropy = crate::base::entropy::Entropy::from_number(7);
        for _ in 0..500 {
            let count = u8::try_from(entropy.below(12) + 1).expect("small");
            let mut matrix = everybody_hears_everybody_else(count);
            matrix.pairs.retain(|_| entropy.below(8) > 0);
            for pair in &mut matrix.pairs {
                pair.gain = if entropy.below(12) == 0 { -3 } else { 0 };
            }
            let recipes = Recipes::new(&matrix, &voices(count), &legs(count));
            for ear in 0..count {
                let expected = shares(&matrix, &voices(count), LegId(ear));
                assert_eq!(heard(&recipes, usize::from(ear)), expected, "{matrix:?}");
            }
        }
    }

    fn heard(recipes: &Recipes, ear: usize) -> Vec<Share> {
        match &recipes.ears[ear] {
            Recipe::Silence => Vec::new(),
            Recipe::Whole(voice) => vec![Share { voice: *voice, gain: 0 }],
            Recipe::Sum(shares) => shares.clone(),
            Recipe::HubLess(lacking) => {
                let kept = recipes.hub.iter().filter(|voice| !lacking.contains(voice));
                kept.map(|voice| Share { voice: *voice, gain: 0 }).collect()
            }
            Recipe::SameAs(twin) => heard(recipes, usize::from(*twin)),
        }
    }
}
