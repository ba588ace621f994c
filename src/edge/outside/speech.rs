//! Texts spoken by an engine of the house, a command or an HTTP server; what was spoken once is kept under its content's name.

use crate::domain::call::interface::Speech;
use crate::edge::metrics::Metrics;
use crate::edge::outside::http::{Answered, HttpClient};
use crate::edge::outside::settings::{SpeechEngine, SpeechSettings};
use crate::media::prompt::Prompt;
use crate::protocol::audio::recording;
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Five minutes of wide audio, which is longer than anybody listens to a machine.
const BYTES_MAX: usize = 30 << 20;

/// Every name of an outcome.
pub const OUTCOMES: [&str; 3] = ["spoken", "kept", "failed"];

pub struct Speaker {
    settings: SpeechSettings,
    client: HttpClient,
    places: Semaphore,
    /// Bytes in the folder, roughly.
    kept: AtomicU64,
    metrics: Metrics,
}

impl Speaker {
    pub fn start(settings: &SpeechSettings, client: HttpClient, metrics: Metrics) -> io::Result<Speaker> {
        let mut kept = 0;
        if settings.engine != SpeechEngine::None {
            std::fs::create_dir_all(&settings.folder)?;
            kept = files(&settings.folder).iter().map(|(_, length, _)| length).sum();
        }
        let places = Semaphore::new(settings.at_once);
        Ok(Speaker { settings: settings.clone(), client, places, kept: AtomicU64::new(kept), metrics })
    }

    /// The spoken text; `None` where that fails, for a reason that the log has.
    pub async fn speak(&self, speech: &Speech) -> Option<Arc<Prompt>> {
        let path = self.settings.folder.join(name(&self.settings.engine, speech));
        if !speech.is_secret
            && let Some(prompt) = load(&path).await
        {
            self.metrics.speech("kept");
            return Some(prompt);
        }
        match tokio::time::timeout(self.settings.timeout, self.make(speech, &path)).await {
            Ok(Ok(prompt)) => {
                self.metrics.speech("spoken");
                Some(prompt)
            }
            Ok(Err(error)) => self.failed(&error),
            Err(_) => self.failed("it took too long"),
        }
    }

    fn failed(&self, error: &str) -> Option<Arc<Prompt>> {
        self.metrics.speech("failed");
        tracing::warn!(error, "a text could not be spoken");
        None
    }

    async fn make(&self, speech: &Speech, path: &Path) -> Result<Arc<Prompt>, String> {
        let _place = self.places.acquire().await.map_err(|_| "no engine")?;
        let text = match (speech.is_ssml, self.settings.reads_ssml) {
            (true, false) => words_of(&speech.text).ok_or("the SSML is not well formed")?,
            _ => speech.text.to_string(),
        };
        let audio = match &self.settings.engine {
            SpeechEngine::None => return Err("no speech engine is configured".to_owned()),
            SpeechEngine::Command(argv) => run(argv, speech, text).await?,
            SpeechEngine::Url(url) => self.ask(url, speech, &text).await?,
        };
        let (path, is_secret) = (path.to_owned(), speech.is_secret);
        let made = tokio::task::spawn_blocking(move || match is_secret {
            true => decode(Path::new("secret"), &audio).map(|prompt| (prompt, 0)),
            false => keep(&path, &audio),
        });
        let (prompt, length) = made.await.map_err(|_| "decoding was cut short")??;
        if self.kept.fetch_add(length, Ordering::Relaxed) + length > self.settings.folder_bytes_max {
            let (folder, most) = (self.settings.folder.clone(), self.settings.folder_bytes_max);
            let left = tokio::task::spawn_blocking(move || forget(&folder, most / 4 * 3)).await;
            self.kept.store(left.unwrap_or_default(), Ordering::Relaxed);
        }
        Ok(prompt)
    }

    async fn ask(&self, url: &str, speech: &Speech, text: &str) -> Result<Vec<u8>, String> {
        let body = serde_json::json!({
            "text": text, "ssml": speech.is_ssml && self.settings.reads_ssml,
            "language": &*speech.language, "voice": speech.voice.as_deref(),
        });
        match self.client.post(url, body.to_string().into_bytes(), BYTES_MAX).await {
            Ok(Answered { status: 200..300, body }) => Ok(body),
            Ok(Answered { status, .. }) => Err(format!("the speech server answered {status}")),
            Err(fault) => Err(format!("the speech server: {fault:?}")),
        }
    }
}

/// The same words by the same engine have the same name.
fn name(engine: &SpeechEngine, speech: &Speech) -> String {
    let mut digest = Sha256::new();
    let parts = [&*speech.text, &speech.language, speech.voice.as_deref().unwrap_or_default()];
    for part in [format!("{engine:?}{}", speech.is_ssml).as_str()].into_iter().chain(parts) {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    let hex: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}.wav")
}

async fn load(path: &Path) -> Option<Arc<Prompt>> {
    let path = path.to_owned();
    let read = move || {
        let bytes = std::fs::read(&path).ok()?;
        // Said again, so that it is among the last to be forgotten.
        let _ = std::fs::File::open(&path).and_then(|file| file.set_modified(std::time::SystemTime::now()));
        decode(&path, &bytes).ok()
    };
    tokio::task::spawn_blocking(read).await.ok().flatten()
}

fn decode(path: &Path, bytes: &[u8]) -> Result<Arc<Prompt>, String> {
    let recording =
        recording::read("wav", bytes).map_err(|fault| format!("what was spoken cannot be played: {fault}"))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let prompt = Prompt::new(&name, recording.rate, &recording.samples);
    prompt.map(Arc::new).ok_or_else(|| format!("{} samples per second cannot be played", recording.rate))
}

/// Whole or not at all: another call may read it at the same time.
fn keep(path: &Path, audio: &[u8]) -> Result<(Arc<Prompt>, u64), String> {
    let prompt = decode(path, audio)?;
    let beside = path.with_extension(format!("{:?}", std::thread::current().id()));
    let written = std::fs::write(&beside, audio).and_then(|()| std::fs::rename(&beside, path));
    if let Err(error) = written {
        tracing::warn!(%error, "a spoken text could not be kept");
    }
    Ok((prompt, u64::try_from(audio.len()).unwrap_or(u64::MAX)))
}

/// Path, length and age of every kept text.
fn files(folder: &Path) -> Vec<(PathBuf, u64, std::time::SystemTime)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let told = entries.filter_map(|entry| {
        let meta = entry.metadata().ok()?;
        meta.is_file().then(|| (entry.path(), meta.len(), meta.modified().unwrap_or(std::time::UNIX_EPOCH)))
    });
    told.collect()
}

/// Forgets the oldest until so much is left; gives what is left.
fn forget(folder: &Path, most: u64) -> u64 {
    let mut files = files(folder);
    files.sort_by_key(|(_, _, changed)| *changed);
    let mut left: u64 = files.iter().map(|(_, length, _)| length).sum();
    for (path, length, _) in files {
        if left <= most {
            break;
        }
        if std::fs::remove_file(&path).is_ok() {
            left = left.saturating_sub(length);
        }
    }
    left
}

/// A process that is ended with whoever waits for it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        // It has been killed: this does not wait.
        let _ = self.0.wait();
    }
}

async fn run(argv: &[Box<str>], speech: &Speech, text: String) -> Result<Vec<u8>, String> {
    let fill = |argument: &str| {
        let voice = harmless(speech.voice.as_deref().unwrap_or_default());
        argument.replace("{language}", &harmless(&speech.language)).replace("{voice}", &voice)
    };
    let mut arguments = argv.iter().map(|argument| fill(argument));
    let program = arguments.next().ok_or("the command is empty")?;
    let mut command = Command::new(&program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let child = command.spawn().map_err(|error| format!("{program}: {error}"))?;
    let mut running = Running(child);
    let (stdin, stdout) = (running.0.stdin.take(), running.0.stdout.take());
    let talk = tokio::task::spawn_blocking(move || {
        // A text is shorter than what a pipe holds, so that nobody waits for anybody here.
        if let Some(mut stdin) = stdin {
            // Who answers without reading has said all that it will.
            stdin.write_all(text.as_bytes()).or_else(|error| match error.kind() {
                io::ErrorKind::BrokenPipe => Ok(()),
                _ => Err(error),
            })?;
        }
        let mut audio = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(u64::try_from(BYTES_MAX).unwrap_or(u64::MAX)).read_to_end(&mut audio)?;
        }
        io::Result::Ok(audio)
    });
    let audio = talk.await.map_err(|_| "the command's output was lost")?;
    let audio = audio.map_err(|error| format!("{program}: {error}"))?;
    loop {
        match running.0.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(audio),
            Ok(Some(status)) => return Err(format!("{program} ended with {status}")),
            // It has said everything, so it is about to end.
            Ok(None) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => return Err(format!("{program}: {error}")),
        }
    }
}

/// A name from a flow as one argument, or part of one: it may come from an attribute, and is neither option nor path.
fn harmless(name: &str) -> String {
    let plain = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+'));
    plain.collect::<String>().trim_start_matches(['-', '+']).to_owned()
}

/// The words of a text with SSML in it, for an engine that reads none. `None`: it is not well formed.
fn words_of(ssml: &str) -> Option<String> {
    let mut words = String::with_capacity(ssml.len());
    let mut open = 0_u32;
    let mut rest = ssml;
    while let Some((before, tag)) = rest.split_once('<') {
        unescape(before, &mut words)?;
        let (tag, after) = tag.split_once('>')?;
        match (tag.strip_prefix('/'), tag.strip_suffix('/')) {
            (Some(_), _) => open = open.checked_sub(1)?,
            (None, Some(_)) => {}
            (None, None) if tag.starts_with(['!', '?']) => {}
            (None, None) => open += 1,
        }
        // A pause is at least one between words.
        words.push(' ');
        rest = after;
    }
    unescape(rest, &mut words)?;
    (open == 0).then(|| words.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn unescape(text: &str, words: &mut String) -> Option<()> {
    let mut rest = text;
    while let Some((before, entity)) = rest.split_once('&') {
        words.push_str(before);
        let (name, after) = entity.split_once(';')?;
        words.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => return None,
        });
        rest = after;
    }
    words.push_str(rest);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_without_ssml_gets_the_words() {
        let ssml = "<speak>One <break time=\"1s\"/>two &amp; <prosody rate=\"slow\">three</prosody></speak>";
        assert_eq!(words_of(ssml).as_deref(), Some("One two & three"));
        for broken in ["<speak>one", "one</speak>", "a & b", "a < b", "&unknown;"] {
            assert_eq!(words_of(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_voice_is_no_option_and_no_path() {
        assert_eq!(harmless("en-us+f3"), "en-us+f3");
        assert_eq!(harmless("--path=/etc/passwd"), "pathetcpasswd");
        assert_eq!(harmless("../../x y"), "xy");
    }

    #[test]
    fn the_same_words_have_the_same_name_and_others_another() {
        let speech = |text: &str, voice: Option<&str>| Speech {
            text: text.into(),
            is_ssml: false,
            language: "en-US".into(),
            voice: voice.map(Into::into),
            is_secret: false,
        };
        let engine = SpeechEngine::Url("http://x/".into());
        let of = |speech: &Speech| name(&engine, speech);
        assert_eq!(of(&speech("a", None)), of(&speech("a", None)));
        assert_ne!(of(&speech("a", None)), of(&speech("b", None)));
        assert_ne!(of(&speech("a", None)), of(&speech("a", Some("v"))));
    }

    #[test]
    fn the_oldest_texts_are_forgotten() {
        let folder = std::env::temp_dir().join(format!("offhook-speech-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the test");
        for (age, name) in ["new", "old", "oldest"].into_iter().enumerate() {
            std::fs::write(folder.join(name), [0; 100]).expect("a file");
            let when = std::time::SystemTime::now() - std::time::Duration::from_secs(60 * age as u64);
            std::fs::File::open(folder.join(name)).and_then(|file| file.set_modified(when)).expect("a time");
        }
        assert_eq!(forget(&folder, 150), 100);
        assert!(folder.join("new").exists() && !folder.join("old").exists());
        std::fs::remove_dir_all(&folder).expect("clean");
    }
}
