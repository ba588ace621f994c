//! The library of prompts: every file of a folder decoded once and shared by all calls. Plays nothing.

use crate::media::prompt::{Prompt, Prompts};
use crate::protocol::audio::recording::{self, RecordingFault};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Folders within folders that are looked into.
const DEPTH_MAX: usize = 8;
/// One file: half an hour of wide audio.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// All prompts together, decoded.
const LIBRARY_BYTES_MAX: usize = 1 << 30;

/// Prompts by name: the path below the folder, without its extension, such as `en/welcome`.
#[derive(Debug, Default)]
pub struct PromptLibrary {
    prompts: BTreeMap<String, Arc<Prompt>>,
    /// Of the files, for telling what a reload changes.
    digests: BTreeMap<String, String>,
    bytes: usize,
}

/// The same files under the same names.
impl PartialEq for PromptLibrary {
    fn eq(&self, other: &PromptLibrary) -> bool {
        self.digests == other.digests
    }
}

/// Why one file is no prompt. The others are.
#[derive(Debug)]
pub struct PromptFault {
    pub path: PathBuf,
    pub reason: PromptReason,
}

#[derive(Debug)]
pub enum PromptReason {
    Unreadable(io::Error),
    NotAudio(RecordingFault),
    /// No filter takes its rate.
    Rate(u32),
    TooLarge,
    /// The library is full.
    Full,
    /// Another file differs only in its extension.
    SameName,
    Name,
}

impl PromptFault {
    /// Without the path.
    pub fn reason_in_words(&self) -> String {
        self.reason.to_string()
    }
}

impl fmt::Display for PromptFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl fmt::Display for PromptReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PromptReason::Unreadable(error) => write!(f, "cannot be read: {error}"),
            PromptReason::NotAudio(fault) => write!(f, "{fault}"),
            PromptReason::Rate(rate) => write!(f, "{rate} samples per second cannot be played"),
            PromptReason::TooLarge => write!(f, "larger than {} MB", FILE_BYTES_MAX >> 20),
            PromptReason::Full => write!(f, "all prompts together are larger than {} MB", LIBRARY_BYTES_MAX >> 20),
            PromptReason::SameName => f.write_str("another file has the same name with another extension"),
            PromptReason::Name => f.write_str("its name is not UTF-8"),
        }
    }
}

impl PromptLibrary {
    /// Reads a whole folder. What cannot be played is told, all at once, and the rest is there.
    pub fn load(folder: &Path) -> (PromptLibrary, Vec<PromptFault>) {
        let (mut library, mut faults) = (PromptLibrary::default(), Vec::new());
        let mut files = Vec::new();
        list(folder, 0, &mut files, &mut faults);
        files.sort();
        for path in files {
            if let Err(reason) = library.add(folder, &path) {
                faults.push(PromptFault { path, reason });
            }
        }
        (library, faults)
    }

    fn add(&mut self, folder: &Path, path: &Path) -> Result<(), PromptReason> {
        let below = path.strip_prefix(folder).unwrap_or(path).with_extension("");
        let name = below.to_str().ok_or(PromptReason::Name)?.to_owned();
        if self.prompts.contains_key(&name) {
            return Err(PromptReason::SameName);
        }
        let meta = std::fs::metadata(path).map_err(PromptReason::Unreadable)?;
        if meta.len() > FILE_BYTES_MAX {
            return Err(PromptReason::TooLarge);
        }
        let bytes = std::fs::read(path).map_err(PromptReason::Unreadable)?;
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let recording = recording::read(extension, &bytes).map_err(PromptReason::NotAudio)?;
        let prompt = Prompt::new(&name, recording.rate, &recording.samples);
        let prompt = prompt.ok_or(PromptReason::Rate(recording.rate))?;
        if self.bytes + prompt.bytes() > LIBRARY_BYTES_MAX {
            return Err(PromptReason::Full);
        }
        self.bytes += prompt.bytes();
        let digest = Sha256::digest(&bytes);
        self.digests.insert(name.clone(), digest.iter().map(|byte| format!("{byte:02x}")).collect());
        self.prompts.insert(name, Arc::new(prompt));
        Ok(())
    }

    /// For calls to play.
    pub fn to_prompts(&self) -> Prompts {
        Prompts::new(self.prompts.iter().map(|(name, prompt)| (name.as_str().into(), prompt.clone())).collect())
    }

    pub fn find(&self, name: &str) -> Option<Arc<Prompt>> {
        self.prompts.get(name).cloned()
    }

    /// SHA-256 of the file, in hexadecimal.
    pub fn digest(&self, name: &str) -> Option<&str> {
        self.digests.get(name).map(String::as_str)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.prompts.keys().map(String::as_str)
    }

    /// Memory of all prompts.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// All files below a folder but hidden ones.
fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>, faults: &mut Vec<PromptFault>) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            return faults.push(PromptFault { path: folder.to_owned(), reason: PromptReason::Unreadable(error) });
        }
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        match path.is_dir() {
            true if depth < DEPTH_MAX => list(&path, depth + 1, files, faults),
            true => {}
            false => files.push(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::audio::testing::sine;

    fn write_wav(path: &Path, rate: u32) {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(path, spec).expect("a file");
        sine(rate, 440.0, 0.3, rate as usize).iter().for_each(|sample| writer.write_sample(*sample).expect("room"));
        writer.finalize().expect("written");
    }

    #[test]
    fn a_folder_becomes_a_library_and_every_fault_is_told_at_once() {
        let folder = std::env::temp_dir().join(format!("offhook-prompts-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("en")).expect("a folder for the test");
        write_wav(&folder.join("en/welcome.wav"), 16_000);
        write_wav(&folder.join("beep.wav"), 8_000);
        std::fs::write(folder.join("beep.ul"), [0xff; 800]).expect("a file");
        std::fs::write(folder.join("hold.al"), [0xd5; 8_000]).expect("a file");
        std::fs::write(folder.join("notes.txt"), b"no audio").expect("a file");
        std::fs::write(folder.join(".hidden"), b"").expect("a file");
        let (library, faults) = PromptLibrary::load(&folder);
        assert_eq!(library.names().collect::<Vec<_>>(), ["beep", "en/welcome", "hold"]);
        let welcome = library.find("en/welcome").expect("it was read");
        assert_eq!((welcome.best_rate(), welcome.samples_at(8_000).len()), (16_000, 8_000));
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("beep.wav: another file") && told[1].contains("notes.txt: neither"), "{told:?}");
        std::fs::remove_dir_all(&folder).expect("clean");
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let (library, faults) = PromptLibrary::load(Path::new("/nowhere/at/all"));
        assert_eq!((library.names().count(), faults.len()), (0, 1));
    }
}
