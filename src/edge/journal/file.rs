//! The file behind the journal: whole lines only, also after a crash or on a full disk. Knows nothing of records.

use super::JournalSettings;
use crate::base::now::Now;
use crate::edge::clock::Stamp;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How far back the end of the last whole line is looked for at a time.
const STEP: u64 = 64 * 1_024;

/// The open file, and how much of it is whole lines.
#[derive(Debug)]
pub struct JournalFile {
    file: File,
    length: u64,
    /// Days since 1970 when its first line was written.
    day: u64,
}

impl JournalFile {
    pub fn open(settings: &JournalSettings) -> io::Result<JournalFile> {
        let folder = folder(&settings.path);
        std::fs::create_dir_all(folder)?;
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(&settings.path)?;
        let meta = file.metadata()?;
        let length = if meta.is_file() { repair(&mut file, &settings.path)? } else { 0 };
        // The file's name must survive a power cut as well as its content.
        File::open(folder)?.sync_all()?;
        let changed = meta.modified().map(Stamp::of).map_or(0, |stamp| stamp.unix_millis);
        Ok(JournalFile { file, length, day: changed / 86_400_000 })
    }

    /// Appends whole lines. If the disk takes only a part, the part is taken back.
    pub fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(lines) {
            // What cannot be taken back is repaired at the next start.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += u64::try_from(lines.len()).unwrap_or_default();
        Ok(())
    }

    pub fn sync(&self) -> io::Result<()> {
        match self.file.sync_data() {
            // A pipe or device has nothing to sync.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            other => other,
        }
    }

    /// Whether the file should be put aside.
    pub fn is_due(&self, settings: &JournalSettings, now: Now) -> bool {
        let too_long = settings.rotate_bytes > 0 && self.length >= settings.rotate_bytes;
        let too_old = settings.rotate_daily && self.day < now.unix_millis() / 86_400_000;
        self.length > 0 && (too_long || too_old)
    }

    /// Puts the file aside under the time at which that happens, and begins a new one.
    pub fn rotate(&mut self, settings: &JournalSettings, now: Now) -> io::Result<()> {
        let stamp = Stamp { unix_millis: now.unix_millis() }.to_string().replace([':', '.'], "");
        let aside = (0..1_000).map(|number| beside(&settings.path, &stamp, number)).find(|path| !path.exists());
        let aside = aside.ok_or_else(|| io::Error::other("too many files of one instant"))?;
        std::fs::rename(&settings.path, aside)?;
        *self = JournalFile::open(settings)?;
        self.day = now.unix_millis() / 86_400_000;
        Ok(())
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `records.jsonl` becomes `records-2026-11-21T115917123Z.jsonl`, with a number when that exists.
fn beside(path: &Path, word: &str, number: u32) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
    let number = if number == 0 { String::new() } else { format!("-{number}") };
    path.with_file_name(format!("{stem}-{word}{number}{ending}"))
}

/// Cuts off a last line without an end and keeps it beside the file. Gives the length of what is whole.
fn repair(file: &mut File, path: &Path) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let whole = end_of_last_line(file, length)?;
    if whole == length {
        return Ok(length);
    }
    let mut torn = Vec::new();
    file.seek(SeekFrom::Start(whole))?;
    file.read_to_end(&mut torn)?;
    let aside = (0..1_000).map(|number| beside(path, "torn", number)).find(|path| !path.exists());
    let aside = aside.ok_or_else(|| io::Error::other("too many torn lines have been put aside"))?;
    let mut copy = OpenOptions::new().create_new(true).write(true).open(&aside)?;
    copy.write_all(&torn)?;
    copy.sync_all()?;
    file.set_len(whole)?;
    file.sync_all()?;
    tracing::warn!(bytes = torn.len(), aside = %aside.display(), "the journal's last line was torn and is put aside");
    Ok(whole)
}

fn end_of_last_line(file: &mut File, length: u64) -> io::Result<u64> {
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(STEP);
        file.seek(SeekFrom::Start(start))?;
        let mut block = Vec::new();
        Read::by_ref(file).take(end - start).read_to_end(&mut block)?;
        if let Some(at) = memchr::memrchr(b'\n', &block) {
            return Ok(start + u64::try_from(at).unwrap_or_default() + 1);
        }
        end = start;
    }
    Ok(0)
}
