//! What configuration says of webhooks, speech, recordings, keys and the log of flows. Reads nothing.

use crate::edge::journal::JournalSettings;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, PartialEq, Debug)]
pub struct OutsideSettings {
    pub webhooks: WebhookSettings,
    pub speech: SpeechSettings,
    pub recordings: RecordingSettings,
    pub log: JournalSettings,
    pub keys: Vec<KeySettings>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebhookSettings {
    /// Beginnings of URLs that flows may ask, such as `https://orders.example.com/`.
    pub allow: Vec<Box<str>>,
    /// Under way at the same time; more are refused.
    pub at_once: usize,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpeechSettings {
    pub engine: SpeechEngine,
    /// Whether the engine reads SSML; otherwise it gets the words in it.
    pub reads_ssml: bool,
    pub folder: PathBuf,
    /// The oldest texts are forgotten beyond this.
    pub folder_bytes_max: u64,
    pub timeout: Duration,
    pub at_once: usize,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SpeechEngine {
    None,
    /// The text on its standard input, a WAV file on its standard output. `{language}` and `{voice}` are filled in.
    Command(Vec<Box<str>>),
    /// A POST with JSON, a WAV file in the answer.
    Url(Box<str>),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordingSettings {
    pub folder: PathBuf,
}

/// A public key under which what callers key is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeySettings {
    pub name: Box<str>,
    /// SubjectPublicKeyInfo, DER.
    pub public: Box<[u8]>,
}
