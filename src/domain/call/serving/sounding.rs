//! What a flow plays to a leg: pieces from the library, spoken texts that are still being made, tones, silence. Makes no audio.

use crate::base::limits;
use crate::base::now::Now;
use crate::domain::call::interface::CallOutput;
use crate::domain::call::parts::Parts;
use crate::domain::call::serving::news::{Slip, Speech};
use crate::domain::flow::act::Tone as ToneName;
use crate::domain::flow::interface::{Sound, Ticket};
use crate::domain::flow::say::say;
use crate::media::command::{Part, Playlist, SourceId, Tone};
use crate::media::event::SourceOutcome;
use crate::media::prompt::{Prompt, Prompts};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The end of a wish to play.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heard {
    pub ticket: Ticket,
    pub ok: bool,
}

#[derive(Default)]
pub enum Sounding {
    #[default]
    Silent,
    /// Some of it is still being spoken.
    Gathering(Box<Gathering>),
    Playing {
        ticket: Ticket,
        source: SourceId,
    },
}

pub struct Gathering {
    ticket: Ticket,
    parts: Vec<Piece>,
    times: Option<u16>,
    when_given_up: Instant,
}

enum Piece {
    Ready(Part),
    Awaited,
}

impl Sounding {
    /// Instead of all that sounds now. `Some`: it cannot be had.
    pub fn begin(
        &mut self,
        parts: &mut Parts,
        prompts: &Prompts,
        slip: Slip,
        (sounds, times): (Vec<Sound>, Option<u16>),
    ) -> Option<Heard> {
        self.stop(parts);
        let mut pieces = Vec::with_capacity(sounds.len());
        let mut speeches = Vec::new();
        let known = sounds.into_iter().all(|sound| gather(prompts, sound, &mut pieces, &mut speeches).is_some());
        if !known {
            return Some(Heard { ticket: slip.ticket, ok: false });
        }
        for (part, speech) in speeches {
            parts.outputs.push_back(CallOutput::Speak { slip, part, speech: Box::new(speech) });
        }
        let when_given_up = parts.wire.now.instant + limits::SPEECH_PATIENCE;
        let gathering = Gathering { ticket: slip.ticket, parts: pieces, times, when_given_up };
        *self = Sounding::Gathering(Box::new(gathering));
        self.start_when_whole(parts);
        None
    }

    fn start_when_whole(&mut self, parts: &mut Parts) {
        let Sounding::Gathering(gathering) = self else { return };
        if gathering.parts.iter().any(|piece| matches!(piece, Piece::Awaited)) {
            return;
        }
        let ready = std::mem::take(&mut gathering.parts).into_iter().filter_map(|piece| match piece {
            Piece::Ready(part) => Some(part),
            Piece::Awaited => None,
        });
        let playlist = Playlist { parts: ready.collect(), times: gathering.times };
        let ticket = gathering.ticket;
        let source = parts.play(playlist);
        *self = Sounding::Playing { ticket, source };
    }

    /// A text has been spoken, or cannot be.
    pub fn on_spoken(
        &mut self,
        parts: &mut Parts,
        ticket: Ticket,
        (part, prompt): (u16, Option<Arc<Prompt>>),
    ) -> Option<Heard> {
        let Sounding::Gathering(gathering) = self else { return None };
        if gathering.ticket != ticket {
            return None;
        }
        let Some(prompt) = prompt else {
            parts.say("a text could not be spoken");
            *self = Sounding::Silent;
            return Some(Heard { ticket, ok: false });
        };
        if let Some(piece) = gathering.parts.get_mut(usize::from(part)) {
            *piece = Piece::Ready(Part::Prompt(prompt));
        }
        self.start_when_whole(parts);
        None
    }

    pub fn on_source(&mut self, ended: SourceId, outcome: SourceOutcome) -> Option<Heard> {
        match self {
            Sounding::Playing { ticket, source } if *source == ended => {
                let heard = Heard { ticket: *ticket, ok: outcome == SourceOutcome::Finished };
                *self = Sounding::Silent;
                Some(heard)
            }
            _ => None,
        }
    }

    /// At once, and nobody is told.
    pub fn stop(&mut self, parts: &mut Parts) {
        if let Sounding::Playing { source, .. } = std::mem::take(self) {
            parts.stop_playing(source);
        }
    }

    pub fn is_of(&self, wish: Ticket) -> bool {
        match self {
            Sounding::Silent => false,
            Sounding::Gathering(gathering) => gathering.ticket == wish,
            Sounding::Playing { ticket, .. } => *ticket == wish,
        }
    }

    pub fn source(&self) -> Option<SourceId> {
        match self {
            Sounding::Playing { source, .. } => Some(*source),
            Sounding::Silent | Sounding::Gathering(_) => None,
        }
    }

    /// What is not spoken by now will not be.
    pub fn handle_deadline(&mut self, now: Now) -> Option<Heard> {
        let Sounding::Gathering(gathering) = self else { return None };
        let ticket = gathering.ticket;
        if gathering.when_given_up > now.instant {
            return None;
        }
        *self = Sounding::Silent;
        Some(Heard { ticket, ok: false })
    }

    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Sounding::Gathering(gathering) => Some(gathering.when_given_up),
            Sounding::Silent | Sounding::Playing { .. } => None,
        }
    }
}

/// The pieces of one sound. `None`: it is not in the library.
fn gather(prompts: &Prompts, sound: Sound, pieces: &mut Vec<Piece>, speeches: &mut Vec<(u16, Speech)>) -> Option<()> {
    let speech = match sound {
        Sound::Prompt(name) => return add_prompt(prompts, &name, pieces),
        Sound::Silence(lasts) => {
            pieces.push(Piece::Ready(Part::Silence(lasts)));
            return Some(());
        }
        Sound::Tone(tone) => {
            pieces.push(Piece::Ready(Part::Tone(tone_of(tone))));
            return Some(());
        }
        Sound::Say { how, value, language, voice, is_secret } => {
            let said = say(&how, &value, &language);
            let is_known = |sound: &Sound| match sound {
                Sound::Prompt(name) => prompts.find(name).is_some(),
                _ => true,
            };
            if let Some(said) = said.filter(|said| said.iter().all(is_known)) {
                return said.into_iter().try_for_each(|sound| gather(prompts, sound, pieces, speeches));
            }
            // A library without its words: as text, which an engine reads as well as it can.
            Speech { text: value, is_ssml: false, language, voice, is_secret }
        }
        Sound::Text { text, is_ssml, language, voice, is_secret } => {
            Speech { text, is_ssml, language, voice, is_secret }
        }
    };
    speeches.push((u16::try_from(pieces.len()).ok()?, speech));
    pieces.push(Piece::Awaited);
    Some(())
}

fn add_prompt(prompts: &Prompts, name: &str, pieces: &mut Vec<Piece>) -> Option<()> {
    let prompt = prompts.find(name)?;
    pieces.push(Piece::Ready(Part::Prompt(Arc::clone(prompt))));
    Some(())
}

/// As Japan knows them; one round of those that go on.
fn tone_of(name: ToneName) -> Tone {
    match name {
        ToneName::Beep => Tone::once([1_000, 0, 0, 0], 13, 500),
        ToneName::Ringing => Tone { lasts: Some(Duration::from_secs(3)), ..RINGING },
        ToneName::Busy => {
            Tone { lasts: Some(Duration::from_secs(3)), ..Tone::repeated([400, 0, 0, 0], 13, [500, 500]) }
        }
        ToneName::Reorder => {
            Tone { lasts: Some(Duration::from_secs(3)), ..Tone::repeated([400, 0, 0, 0], 13, [250, 250]) }
        }
    }
}

/// What a caller hears while somebody is called for it.
pub const RINGING: Tone = Tone::repeated([400, 0, 0, 0], 16, [1_000, 2_000]);

/// Rings until it is stopped.
pub fn ring(parts: &mut Parts) -> SourceId {
    parts.play(Playlist { parts: vec![Part::Tone(RINGING)], times: None })
}
