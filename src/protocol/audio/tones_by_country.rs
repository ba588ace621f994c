//! What a caller expects to hear in each country, as tones one after the other. Plays nothing.

use super::tone::Tone;

/// What is signalled to a caller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Signal {
    Dial,
    Ringback,
    Busy,
    /// No way through: congestion, or "fast busy".
    Reorder,
    /// Three rising tones before an announcement (E.180).
    SpecialInformation,
    /// A recording begins.
    Beep,
}

/// Whose tones. Where nothing is known of a country, those that E.180 recommends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Country {
    #[default]
    Itu,
    Australia,
    France,
    Germany,
    Japan,
    UnitedKingdom,
    UnitedStates,
}

impl Country {
    /// By the two letters of ISO 3166; those whose tones are the same as another's by that other.
    pub fn parse(letters: &str) -> Country {
        match letters.to_ascii_uppercase().as_str() {
            "AU" => Country::Australia,
            "FR" => Country::France,
            "DE" => Country::Germany,
            "JP" => Country::Japan,
            "GB" | "UK" => Country::UnitedKingdom,
            "US" | "CA" => Country::UnitedStates,
            _ => Country::Itu,
        }
    }

    /// To be played one after the other; those that end are played again from the first while the signal lasts.
    pub fn tones(self, signal: Signal) -> &'static [Tone] {
        match signal {
            Signal::SpecialInformation => &SPECIAL_INFORMATION,
            Signal::Beep => &[BEEP],
            Signal::Dial => self.plan().dial.as_slice(),
            Signal::Ringback => self.plan().ringback.as_slice(),
            Signal::Busy => self.plan().busy.as_slice(),
            Signal::Reorder => self.plan().reorder.as_slice(),
        }
    }

    fn plan(self) -> &'static Plan {
        match self {
            Country::Itu => &ITU,
            Country::Australia => &AUSTRALIA,
            Country::France => &FRANCE,
            Country::Germany => &GERMANY,
            Country::Japan => &JAPAN,
            Country::UnitedKingdom => &UNITED_KINGDOM,
            Country::UnitedStates => &UNITED_STATES,
        }
    }
}

/// Each a list of one, so that all signals are lists.
struct Plan {
    dial: [Tone; 1],
    ringback: [Tone; 1],
    busy: [Tone; 1],
    reorder: [Tone; 1],
}

/// Each frequency, below full scale: -10 dBm0 for one, a little less for two at once (E.180 4).
const ONE: u8 = 13;
const TWO: u8 = 16;
/// -19 and -24 dBm0, as North America has ringback and busy.
const US_RINGBACK: u8 = 22;
const US_BUSY: u8 = 27;

const BEEP: Tone = Tone::once([1_000, 0, 0, 0], ONE, 200);

static SPECIAL_INFORMATION: [Tone; 4] = [
    Tone::once([950, 0, 0, 0], ONE, 330),
    Tone::once([1_400, 0, 0, 0], ONE, 330),
    Tone::once([1_800, 0, 0, 0], ONE, 330),
    Tone::once([0; 4], 0, 1_000),
];

static ITU: Plan = Plan {
    dial: [Tone::steady([425, 0, 0, 0], ONE)],
    ringback: [Tone::repeated([425, 0, 0, 0], ONE, [1_000, 4_000])],
    busy: [Tone::repeated([425, 0, 0, 0], ONE, [500, 500])],
    reorder: [Tone::repeated([425, 0, 0, 0], ONE, [250, 250])],
};

static GERMANY: Plan = Plan {
    dial: [Tone::steady([425, 0, 0, 0], ONE)],
    ringback: [Tone::repeated([425, 0, 0, 0], ONE, [1_000, 4_000])],
    busy: [Tone::repeated([425, 0, 0, 0], ONE, [480, 480])],
    reorder: [Tone::repeated([425, 0, 0, 0], ONE, [240, 240])],
};

static FRANCE: Plan = Plan {
    dial: [Tone::steady([440, 0, 0, 0], ONE)],
    ringback: [Tone::repeated([440, 0, 0, 0], ONE, [1_500, 3_500])],
    busy: [Tone::repeated([440, 0, 0, 0], ONE, [500, 500])],
    reorder: [Tone::repeated([440, 0, 0, 0], ONE, [250, 250])],
};

/// Ringback is 400 Hz in beats of 32 a second: its two side bands.
static JAPAN: Plan = Plan {
    dial: [Tone::steady([400, 0, 0, 0], ONE)],
    ringback: [Tone::repeated([384, 416, 0, 0], TWO, [1_000, 2_000])],
    busy: [Tone::repeated([400, 0, 0, 0], ONE, [500, 500])],
    reorder: [Tone::repeated([400, 0, 0, 0], ONE, [250, 250])],
};

static UNITED_KINGDOM: Plan = Plan {
    dial: [Tone::steady([350, 450, 0, 0], TWO)],
    ringback: [twice([400, 450, 0, 0])],
    busy: [Tone::repeated([400, 0, 0, 0], ONE, [375, 375])],
    reorder: [Tone { frequencies: [400, 0, 0, 0], cadence: [400, 350, 225, 525, 0, 0, 0, 0], level: ONE, lasts: None }],
};

static AUSTRALIA: Plan = Plan {
    dial: [Tone::steady([413, 438, 0, 0], TWO)],
    ringback: [twice([413, 438, 0, 0])],
    busy: [Tone::repeated([425, 0, 0, 0], ONE, [375, 375])],
    reorder: [Tone::repeated([425, 0, 0, 0], ONE, [250, 250])],
};

static UNITED_STATES: Plan = Plan {
    dial: [Tone::steady([350, 440, 0, 0], TWO)],
    ringback: [Tone::repeated([440, 480, 0, 0], US_RINGBACK, [2_000, 4_000])],
    busy: [Tone::repeated([480, 620, 0, 0], US_BUSY, [500, 500])],
    reorder: [Tone::repeated([480, 620, 0, 0], US_BUSY, [250, 250])],
};

/// Rings twice, then rests.
const fn twice(frequencies: [u16; 4]) -> Tone {
    Tone { frequencies, cadence: [400, 200, 400, 2_000, 0, 0, 0, 0], level: TWO, lasts: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Country; 7] = [
        Country::Itu,
        Country::Australia,
        Country::France,
        Country::Germany,
        Country::Japan,
        Country::UnitedKingdom,
        Country::UnitedStates,
    ];

    #[test]
    fn in_each_country_busy_reorder_and_ringback_are_told_apart() {
        for country in ALL {
            let signals = [Signal::Dial, Signal::Ringback, Signal::Busy, Signal::Reorder, Signal::SpecialInformation];
            let tones = signals.map(|signal| country.tones(signal));
            for (at, tone) in tones.iter().enumerate() {
                assert!(tones.iter().skip(at + 1).all(|other| other != tone), "{country:?}: {:?}", signals[at]);
            }
        }
    }

    #[test]
    fn a_country_is_found_by_its_letters() {
        let by_letters =
            [("jp", Country::Japan), ("GB", Country::UnitedKingdom), ("zz", Country::Itu), ("", Country::Itu)];
        for (letters, country) in by_letters {
            assert_eq!(Country::parse(letters), country);
        }
    }
}
