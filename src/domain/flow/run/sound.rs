//! Steps that are only heard, and how sounds are made ready. Fetches and speaks nothing itself.

use super::fill::Escape;
use super::waiting::Waiting;
use super::{FlowRun, Turn};
use crate::base::limits;
use crate::base::now::Now;
use crate::domain::flow::act::{LoopPrompts, Play, SoundSpec, Spoken};
use crate::domain::flow::definition::{AnswerMode, Outcome};
use crate::domain::flow::interface::{FlowWish, Sound, Ticket};
use crate::domain::flow::template::Template;
use std::time::Duration;

/// Where neither call, flow nor step says what is spoken.
const LANGUAGE: &str = "en-US";

impl FlowRun {
    pub(super) fn play(&mut self, now: Now, play: &Play) -> Turn {
        let Some(sounds) = self.sounds(&play.sounds) else { return Turn::Next(Outcome::Error) };
        if play.is_interruptible && !self.memory.keys.is_empty() {
            return Turn::Next(Outcome::Success);
        }
        let ticket = self.start_playing(sounds, Some(1));
        Turn::Wait(Waiting::Play { ticket, until: now.instant + limits::FLOW_PLAY_MAX })
    }

    pub(super) fn loop_prompts(&mut self, now: Now, prompts: &LoopPrompts) -> Turn {
        let Some(sounds) = self.sounds(&prompts.sounds) else { return Turn::Next(Outcome::Error) };
        self.memory.keys.clear();
        let ticket = self.start_playing(sounds, None);
        let until = prompts.interrupt.map(|after| now.instant + after);
        Turn::Wait(Waiting::Loop { ticket, until, is_due: false })
    }

    /// Everything that is said, references filled in. Nothing where one of them refers to nothing.
    pub(super) fn sounds(&mut self, specs: &[SoundSpec]) -> Option<Vec<Sound>> {
        specs.iter().map(|spec| self.sound(spec)).collect()
    }

    fn sound(&mut self, spec: &SoundSpec) -> Option<Sound> {
        match spec {
            SoundSpec::Prompt(name) => {
                let name = self.fill_name(name)?;
                self.note("PromptId", &name);
                Some(Sound::Prompt(name))
            }
            SoundSpec::Text(text) => self.spoken(text, false),
            SoundSpec::Ssml(text) => self.spoken(text, true),
            SoundSpec::Say(how, value) => {
                let value = self.fill(value)?;
                self.note(spoken_name(how), &value);
                let (language, voice, is_secret) = (self.language(), self.voice(), self.is_secret);
                Some(Sound::Say { how: how.clone(), value, language, voice, is_secret })
            }
            SoundSpec::Tone(tone) => Some(Sound::Tone(*tone)),
            SoundSpec::Silence(length) => Some(Sound::Silence(*length)),
        }
    }

    fn spoken(&mut self, text: &Template, is_ssml: bool) -> Option<Sound> {
        let text = self.fill_escaped(text, if is_ssml { Escape::Xml } else { Escape::None })?;
        if text.chars().count() > limits::SPOKEN_CHARS_MAX {
            return None;
        }
        self.note("Text", &text);
        let (language, voice, is_secret) = (self.language(), self.voice(), self.is_secret);
        Some(Sound::Text { text, is_ssml, language, voice, is_secret })
    }

    fn language(&self) -> Box<str> {
        let of_call = self.memory.text_of("LanguageCode").map(Box::from);
        of_call.or_else(|| self.at.flow.options.language.clone()).unwrap_or_else(|| LANGUAGE.into())
    }

    fn voice(&self) -> Option<Box<str>> {
        let of_call = self.memory.text_of("TextToSpeechVoiceId").map(Box::from);
        of_call.or_else(|| self.at.flow.options.voice.clone())
    }

    /// Something is heard from now on, so questions to the outside may take their time again.
    pub(super) fn start_playing(&mut self, sounds: Vec<Sound>, times: Option<u16>) -> Ticket {
        self.memory.fetching = Duration::ZERO;
        self.play_sounds(sounds, times)
    }

    pub(super) fn play_sounds(&mut self, sounds: Vec<Sound>, times: Option<u16>) -> Ticket {
        self.need_audio();
        let ticket = self.ticket();
        self.wish(FlowWish::Play { ticket, sounds, times });
        ticket
    }

    pub(super) fn stop_playing(&mut self, ticket: Ticket) {
        self.wish(FlowWish::StopPlaying { ticket });
    }

    /// The caller is to hear or to key something: the call is taken, or opened as early media.
    pub(super) fn need_audio(&mut self) {
        if self.memory.is_answered {
            return;
        }
        if self.at.flow.options.answer == AnswerMode::Implied {
            self.memory.is_answered = true;
            let ticket = self.ticket();
            self.wish(FlowWish::Answer { ticket });
        } else if !self.memory.has_early_media {
            self.memory.has_early_media = true;
            self.wish(FlowWish::EarlyMedia);
        }
    }

    pub(super) fn on_loop_interrupt(&mut self, now: Now, ticket: Ticket) {
        if self.memory.is_offered {
            // Nothing may take the call from the queue while an agent decides; the music goes on until then.
            self.waiting = Waiting::Loop { ticket, until: None, is_due: true };
        } else {
            self.stop_playing(ticket);
            self.go(now, Turn::Next(Outcome::Timeout));
        }
    }
}

fn spoken_name(how: &Spoken) -> &'static str {
    match how {
        Spoken::Number => "Number",
        Spoken::Digits => "Digits",
        Spoken::Telephone => "Telephone",
        Spoken::Date => "Date",
        Spoken::Time => "Time",
        Spoken::Money(_) => "Money",
    }
}
