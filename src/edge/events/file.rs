//! The files of the event log: segments named for their first event, of which the oldest goes when there are enough. Whole
//! lines only, also after a crash. Knows nothing of what events mean beyond what they can be filtered by.

use bytes::Bytes;
use serde::Deserialize;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Segments that are kept, the one that is written included.
const SEGMENTS: u64 = 8;
/// Bytes that are read from a file at once for a follower.
const PAGE_BYTES: u64 = 256 * 1_024;

/// One event, as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub seq: u64,
    /// With its line end.
    pub line: Bytes,
    /// Read from the line when the first follower asks: most events are followed by nobody.
    keys: OnceLock<Box<Keys>>,
}

/// What a follower can choose by.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Keys {
    pub event: Box<str>,
    pub call: Option<Box<str>>,
    pub trunk: Option<Box<str>>,
    pub queue: Option<Box<str>>,
    pub agent: Option<Box<str>>,
    party: Option<Box<str>>,
    caller: Option<Box<str>>,
}

#[derive(Deserialize)]
struct Numbered {
    seq: u64,
}

impl Entry {
    pub fn new(seq: u64, line: Bytes) -> Entry {
        Entry { seq, line, keys: OnceLock::new() }
    }

    /// Reads a line of ours.
    pub fn read(line: Bytes) -> Option<Entry> {
        let Numbered { seq } = serde_json::from_slice(&line).ok()?;
        Some(Entry::new(seq, line))
    }

    /// What it can be filtered by.
    pub fn keys(&self) -> &Keys {
        self.keys.get_or_init(|| {
            let mut keys: Keys = serde_json::from_slice(&self.line).unwrap_or_default();
            // Whoever follows a trunk follows the calls on it.
            let party = keys.party.take().or(keys.caller.take());
            let of_party = party.as_deref().and_then(|party| party.strip_prefix("trunk:")).map(Box::from);
            keys.trunk = keys.trunk.or(of_party);
            Box::new(keys)
        })
    }
}

/// The folder of segments, and the newest one to append to.
pub struct Segments {
    folder: PathBuf,
    bytes_max: u64,
    current: Option<File>,
    length: u64,
}

/// What was found at the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The number of the next event.
    pub next: u64,
    /// The last one says that the daemon ended in order.
    pub is_clean: bool,
}

impl Segments {
    /// Opens the folder for at most so many bytes, and repairs a torn end.
    pub fn open(folder: &Path, bytes_max: u64) -> io::Result<(Segments, Found)> {
        std::fs::create_dir_all(folder)?;
        let mut segments = Segments { folder: folder.to_owned(), bytes_max, current: None, length: 0 };
        let Some((first, path)) = list(folder)?.pop() else { return Ok((segments, Found { next: 1, is_clean: true })) };
        let mut file = OpenOptions::new().append(true).read(true).open(&path)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let whole = memchr::memrchr(b'\n', &text).map_or(0, |at| at + 1);
        text.truncate(whole);
        segments.length = u64::try_from(whole).unwrap_or_default();
        file.set_len(segments.length)?;
        segments.current = Some(file);
        let last = text.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let found = match Entry::read(Bytes::copy_from_slice(last)) {
            Some(last) => Found { next: last.seq + 1, is_clean: &*last.keys().event == "daemon.stopped" },
            None => Found { next: first, is_clean: false },
        };
        Ok((segments, found))
    }

    /// Appends whole lines, the first of which has this number.
    pub fn append(&mut self, lines: &[u8], first: u64) -> io::Result<()> {
        if self.length >= self.bytes_max / SEGMENTS {
            self.sync()?;
            self.current = None;
        }
        let file = match &mut self.current {
            Some(file) => file,
            None => {
                let path = self.folder.join(format!("events-{first:020}.jsonl"));
                let file = OpenOptions::new().create(true).append(true).open(path)?;
                self.length = file.metadata()?.len();
                forget(&self.folder)?;
                self.current.insert(file)
            }
        };
        if let Err(error) = file.write_all(lines) {
            // What cannot be taken back is repaired at the next start.
            let _ = file.set_len(self.length);
            return Err(error);
        }
        self.length += u64::try_from(lines.len()).unwrap_or_default();
        Ok(())
    }

    pub fn sync(&self) -> io::Result<()> {
        self.current.as_ref().map_or(Ok(()), File::sync_data)
    }
}

/// Deletes the oldest segments beyond what is kept.
fn forget(folder: &Path) -> io::Result<()> {
    let all = list(folder)?;
    let kept = usize::try_from(SEGMENTS).unwrap_or(usize::MAX);
    for (_, path) in all.iter().take(all.len().saturating_sub(kept)) {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

/// Segments by their first numbers, oldest first.
fn list(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.strip_prefix("events-").and_then(|rest| rest.strip_suffix(".jsonl"));
        all.extend(number.and_then(|number| number.parse().ok()).map(|number: u64| (number, path.clone())));
    }
    all.sort();
    Ok(all)
}

/// Where a reader of segments stands: the segment by its first number, and the byte in it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mark {
    segment: u64,
    offset: u64,
}

/// Some events with this number or later ones, in order. Empty: none is written.
pub fn page(folder: &Arc<Path>, from: u64, mark: Option<Mark>) -> io::Result<(Vec<Entry>, Option<Mark>)> {
    let all = list(folder)?;
    let by_mark = mark.and_then(|mark| all.iter().position(|(first, _)| *first == mark.segment));
    let by_number = all.iter().rposition(|(first, _)| *first <= from).or((!all.is_empty()).then_some(0));
    let Some(start) = by_mark.or(by_number) else { return Ok((Vec::new(), None)) };
    let mut offset = mark.filter(|_| by_mark.is_some()).map_or(0, |mark| mark.offset);
    for (first, path) in all.iter().skip(start) {
        let mut file = File::open(path)?;
        loop {
            file.seek(SeekFrom::Start(offset))?;
            let mut text = Vec::new();
            Read::by_ref(&mut file).take(PAGE_BYTES).read_to_end(&mut text)?;
            let Some(end) = memchr::memrchr(b'\n', &text) else { break };
            text.truncate(end + 1);
            offset += u64::try_from(text.len()).unwrap_or_default();
            let text = Bytes::from(text);
            let lines = memchr::memchr_iter(b'\n', &text).scan(0, |from, end| {
                let line = text.slice(std::mem::replace(from, end + 1)..=end);
                Some(line)
            });
            let entries: Vec<Entry> = lines.filter_map(Entry::read).filter(|entry| entry.seq >= from).collect();
            if !entries.is_empty() {
                return Ok((entries, Some(Mark { segment: *first, offset })));
            }
        }
        offset = 0;
    }
    Ok((Vec::new(), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64) -> Vec<u8> {
        format!("{{\"seq\":{seq},\"at\":1,\"event\":\"leg.started\",\"call\":\"00\",\"party\":\"trunk:a\"}}\n")
            .into_bytes()
    }

    struct Folder(Arc<Path>);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("offhook-events-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            Folder(path.into())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn all(folder: &Folder, from: u64) -> Vec<u64> {
        let (mut numbers, mut from, mut mark) = (Vec::new(), from, None);
        loop {
            let (entries, next) = page(&folder.0, from, mark).unwrap();
            let Some(last) = entries.last() else { return numbers };
            from = last.seq + 1;
            numbers.extend(entries.iter().map(|entry| entry.seq));
            mark = next;
        }
    }

    #[test]
    fn what_is_kept_is_bounded_and_read_in_order_across_segments() {
        let folder = Folder::new("bounded");
        let (mut segments, found) = Segments::open(&folder.0, 80_000).unwrap();
        assert_eq!(found, Found { next: 1, is_clean: true });
        for seq in 1..=3_000 {
            segments.append(&line(seq), seq).unwrap();
        }
        let bytes: u64 = list(&folder.0).unwrap().iter().map(|(_, path)| path.metadata().unwrap().len()).sum();
        assert!((60_000..90_000).contains(&bytes), "{bytes}");
        let numbers = all(&folder, 1);
        assert_eq!(*numbers.last().unwrap(), 3_000);
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1) && numbers[0] > 1, "{:?}", numbers.first());
        assert_eq!(all(&folder, 2_990), (2_990..=3_000).collect::<Vec<_>>());
        assert!(all(&folder, 3_001).is_empty());
    }

    #[test]
    fn a_torn_line_is_cut_off_and_the_number_after_the_last_whole_one_is_next() {
        let folder = Folder::new("torn");
        let (mut segments, _) = Segments::open(&folder.0, 80_000).unwrap();
        segments.append(&[line(1), line(2), b"{\"seq\":3,\"ev".to_vec()].concat(), 1).unwrap();
        let (mut segments, found) = Segments::open(&folder.0, 80_000).unwrap();
        assert_eq!(found, Found { next: 3, is_clean: false });
        segments.append(b"{\"seq\":3,\"at\":1,\"event\":\"daemon.stopped\"}\n", 3).unwrap();
        assert_eq!(Segments::open(&folder.0, 80_000).unwrap().1, Found { next: 4, is_clean: true });
        assert_eq!(all(&folder, 1), [1, 2, 3]);
    }

    #[test]
    fn whoever_follows_a_trunk_finds_the_legs_on_it() {
        let entry = Entry::read(line(7).into()).unwrap();
        assert_eq!((entry.seq, entry.keys().trunk.as_deref()), (7, Some("a")));
    }
}
