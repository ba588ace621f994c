//! What configuration says of a party's audio, already validated; the same words for trunks and phones. Holds no state.

use crate::base::limits;
use crate::media::command::{Learning, OpusWish};
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct MediaSettings {
    pub route: MediaRoute,
    /// Its codec need not be the other side's.
    pub recode: bool,
    pub dtmf: DtmfForm,
    /// Digits that it sends as tones are listened for.
    pub detect_in_band: bool,
    /// How long it may be silent while it should send; `None`: for ever.
    pub silent_after: Option<Duration>,
    /// Such a silence ends the call; else it is only told.
    pub silence_ends: bool,
    pub learning: LearningPolicy,
    pub opus: OpusWish,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MediaRoute {
    /// Through us: each side has its own stream with us.
    Relay,
    /// The same, and the party is a browser wherever it registers from.
    WebRtc,
    /// From end to end, where both sides say so.
    Pass,
}

/// How digits are sent to a party.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DtmfForm {
    /// As telephone-event where the party has it, else as tones.
    Rfc4733,
    /// As `application/dtmf-relay` in INFO.
    InfoRelay,
    /// As `application/dtmf` in INFO.
    Info,
    /// As tones in the audio.
    InBand,
}

/// Whether its audio may come from another place than it has signalled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LearningPolicy {
    Never,
    /// From another port of the same address.
    Port,
    /// From anywhere: it is behind a translator.
    Anywhere,
}

impl LearningPolicy {
    pub fn learning(self) -> Learning {
        let within = limits::LEARNING_WINDOW;
        match self {
            LearningPolicy::Never => Learning::Never,
            LearningPolicy::Port => Learning::Port { within },
            LearningPolicy::Anywhere => Learning::Anywhere { within },
        }
    }
}

impl MediaSettings {
    /// What a trunk has where nothing is written.
    pub fn of_trunk() -> MediaSettings {
        MediaSettings {
            route: MediaRoute::Relay,
            recode: true,
            dtmf: DtmfForm::Rfc4733,
            detect_in_band: false,
            silent_after: Some(limits::SILENCE_TOLD),
            silence_ends: false,
            learning: LearningPolicy::Never,
            opus: OpusWish::default(),
        }
    }

    /// What a phone has where nothing is written: it may stand behind a translator.
    pub fn of_phone() -> MediaSettings {
        MediaSettings { learning: LearningPolicy::Anywhere, ..MediaSettings::of_trunk() }
    }

    /// End to end, as tests of what passes through want it.
    pub fn passing() -> MediaSettings {
        MediaSettings { route: MediaRoute::Pass, ..MediaSettings::of_trunk() }
    }
}
