//! What a test phone says, in which codecs, and which keys it presses, as written on a command line. Moves no audio.

use crate::domain::trunk::media::DtmfForm;
use crate::media::command::{Part, Playlist, Prompt, SentDigit, Tone};
use crate::protocol::audio::codec::Codec;
use crate::protocol::audio::recording;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a key is down, and how long none is after it.
const KEY_LASTS: Duration = Duration::from_millis(120);
const KEY_PAUSE: Duration = Duration::from_millis(100);
/// What a comma stands for.
const COMMA: Duration = Duration::from_secs(1);
/// After the answer, so that the first key meets somebody who listens.
const KEYS_AFTER: Duration = Duration::from_millis(300);
const KEYS_MAX: usize = 64;
/// Of each frequency of a tone, below full scale.
const TONE_LEVEL: u8 = 16;
/// Longest file that is said.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Everything about the audio of a test phone.
#[derive(Clone, Debug)]
pub struct Sound {
    pub says: Says,
    /// In order of preference.
    pub codecs: Vec<Codec>,
    pub keys: Vec<Press>,
    pub keys_as: DtmfForm,
    /// What was heard becomes a WAV file there.
    pub record: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub enum Says {
    /// It sends audio in which there is nothing.
    Silence,
    Tone([u16; 4]),
    /// Once, then silence.
    Recording(Arc<Prompt>),
}

/// One key, so long after the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Press {
    pub after: Duration,
    pub key: SentDigit,
}

impl Default for Sound {
    fn default() -> Sound {
        Sound {
            says: Says::Silence,
            codecs: vec![Codec::Pcmu, Codec::Pcma],
            keys: Vec::new(),
            keys_as: DtmfForm::Rfc4733,
            record: None,
        }
    }
}

impl Sound {
    /// The time that it takes to say all that is to be said; `None` for what has no end of its own.
    pub fn lasts(&self) -> Option<Duration> {
        let said = match &self.says {
            Says::Recording(prompt) => {
                let samples = u64::try_from(prompt.samples_at(8_000).len()).unwrap_or(0);
                Some(Duration::from_millis(samples / 8))
            }
            Says::Silence | Says::Tone(_) => None,
        };
        said.max(self.keys.last().map(|press| press.after + press.key.lasts + COMMA))
    }

    pub fn playlist(&self) -> Playlist {
        let quiet = Part::Silence(Duration::from_secs(3_600));
        let (parts, times) = match &self.says {
            Says::Silence => (vec![quiet], None),
            Says::Tone(frequencies) => (vec![Part::Tone(Tone::steady(*frequencies, TONE_LEVEL))], None),
            Says::Recording(prompt) => (vec![Part::Prompt(prompt.clone()), quiet], Some(1)),
        };
        Playlist { parts, times }
    }
}

impl Says {
    /// `440` and `440+480` are tones in hertz; all else is the name of a file.
    pub fn parse(text: &str) -> Result<Says, String> {
        let is_tone = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'+');
        if is_tone { tone(text) } else { read(Path::new(text)) }
    }
}

fn tone(text: &str) -> Result<Says, String> {
    let mut frequencies = [0; 4];
    let mut slots = frequencies.iter_mut();
    for part in text.split('+') {
        let hertz: u16 = part.parse().ok().filter(|hertz| (20..=20_000).contains(hertz)).ok_or_else(|| {
            format!("{text}: a tone is one to four frequencies of 20 to 20000 Hz with + between them")
        })?;
        let slot = slots.next().ok_or_else(|| format!("{text}: a tone has four frequencies at most"))?;
        *slot = hertz;
    }
    Ok(Says::Tone(frequencies))
}

fn read(path: &Path) -> Result<Says, String> {
    let told = |fault: &dyn std::fmt::Display| format!("{}: {fault}", path.display());
    let length = std::fs::metadata(path).map_err(|error| told(&error))?.len();
    if length > FILE_BYTES_MAX {
        return Err(told(&"larger than 64 MB"));
    }
    let bytes = std::fs::read(path).map_err(|error| told(&error))?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let recording = recording::read(extension, &bytes).map_err(|fault| told(&fault))?;
    let prompt = Prompt::new("said", recording.rate, &recording.samples);
    let prompt = prompt.ok_or_else(|| told(&format_args!("{} samples per second cannot be played", recording.rate)))?;
    Ok(Says::Recording(Arc::new(prompt)))
}

/// Keys in the order in which they are pressed; a comma waits a second.
pub fn keys(text: &str) -> Result<Vec<Press>, String> {
    let mut presses = Vec::new();
    let mut after = KEYS_AFTER;
    for letter in text.chars() {
        match letter.to_ascii_uppercase() {
            ',' => after += COMMA,
            key @ ('0'..='9' | '*' | '#' | 'A'..='D') => {
                let digit = u8::try_from(key).unwrap_or(b'0');
                presses.push(Press { after, key: SentDigit { digit, lasts: KEY_LASTS, pause_after: KEY_PAUSE } });
                after += KEY_LASTS + KEY_PAUSE;
            }
            _ => return Err(format!("{letter:?} is no key; 0 to 9, *, #, A to D are, and a comma waits a second")),
        }
    }
    if presses.len() > KEYS_MAX {
        return Err(format!("{KEYS_MAX} keys are the most"));
    }
    Ok(presses)
}

/// Names with commas between them, such as `opus,pcmu`.
pub fn codecs(text: &str) -> Result<Vec<Codec>, String> {
    let codec = |name: &str| match name.trim().to_ascii_lowercase().as_str() {
        "pcmu" => Ok(Codec::Pcmu),
        "pcma" => Ok(Codec::Pcma),
        "g722" => Ok(Codec::G722),
        "opus" => Ok(Codec::Opus),
        other => Err(format!("{other:?} is none of pcmu, pcma, g722, opus")),
    };
    text.split(',').map(codec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_each_other_and_a_comma_waits() {
        let presses = keys("1,2#").unwrap();
        let told: Vec<(char, u128)> =
            presses.iter().map(|press| (char::from(press.key.digit), press.after.as_millis())).collect();
        assert_eq!(told, [('1', 300), ('2', 1_520), ('#', 1_740)]);
        assert_eq!(keys("a").unwrap()[0].key.digit, b'A');
        assert!(keys("12x").unwrap_err().contains("'x'"));
        assert!(keys(&"1".repeat(65)).is_err());
    }

    #[test]
    fn what_is_said_is_a_tone_or_a_file() {
        assert!(matches!(Says::parse("440+480"), Ok(Says::Tone([440, 480, 0, 0]))));
        for (text, why) in [("5", "20 to"), ("1+2", "20 to"), ("300+300+300+300+300", "four"), ("440+", "20 to")] {
            assert!(Says::parse(text).unwrap_err().contains(why), "{text}");
        }
        assert!(Says::parse("/nowhere/hello.wav").unwrap_err().starts_with("/nowhere/hello.wav: "));
    }

    #[test]
    fn codecs_are_named_in_order() {
        assert_eq!(codecs("opus, PCMU").unwrap(), [Codec::Opus, Codec::Pcmu]);
        assert!(codecs("pcmu,g729").unwrap_err().contains("g729"));
    }

    #[test]
    fn a_recording_and_keys_say_how_long_they_take() {
        let prompt = Prompt::new("said", 8_000, &[0; 16_000]).unwrap();
        let recording = Sound { says: Says::Recording(Arc::new(prompt)), ..Sound::default() };
        assert_eq!(recording.lasts(), Some(Duration::from_secs(2)));
        let pressing = Sound { keys: keys(",,,7").unwrap(), ..recording };
        assert_eq!(pressing.lasts(), Some(Duration::from_millis(3_300 + 120 + 1_000)));
        assert_eq!(Sound::default().lasts(), None);
    }
}
