//! What is in the journal after whatever happens to the process or the disk.

use super::*;
use std::path::Path;

/// A folder of its own for each test, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("offhook-journal-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn settings(&self) -> JournalSettings {
        JournalSettings { path: self.0.join("records.jsonl"), rotate_bytes: 0, rotate_daily: false }
    }

    fn others(&self) -> Vec<PathBuf> {
        let mut names: Vec<PathBuf> = std::fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.retain(|name| name.file_name().unwrap() != "records.jsonl");
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn start(settings: &JournalSettings) -> (Journal, Metrics) {
    let metrics = Metrics::new(Duration::ZERO).unwrap();
    (Journal::start(settings, metrics.clone()).unwrap(), metrics)
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn every_record_taken_is_on_disk_after_stop_in_order() {
    let folder = Folder::new("order");
    let (journal, metrics) = start(&folder.settings());
    let expected: Vec<String> = (0..1_000).map(|number| format!("{{\"number\":{number}}}")).collect();
    for line in &expected {
        journal.append(line.clone().into_bytes());
    }
    assert!(journal.stop(PATIENCE));
    assert_eq!(lines(&folder.settings().path), expected);
    assert!(metrics.render(&[]).contains("offhook_journal_records_total 1000"));
}

#[test]
fn a_torn_last_line_is_put_aside_and_the_next_record_stands_alone() {
    let folder = Folder::new("torn");
    let path = folder.settings().path;
    let long = "x".repeat(200_000);
    std::fs::write(&path, format!("{{\"a\":1}}\n{{\"torn\":\"{long}")).unwrap();
    let (journal, _) = start(&folder.settings());
    journal.append(b"{\"b\":2}".to_vec());
    assert!(journal.stop(PATIENCE));
    assert_eq!(lines(&path), ["{\"a\":1}", "{\"b\":2}"]);
    assert_eq!(std::fs::read_to_string(&folder.others()[0]).unwrap(), format!("{{\"torn\":\"{long}"));
}

#[test]
fn a_file_of_one_torn_line_becomes_empty() {
    let folder = Folder::new("one-torn");
    std::fs::write(folder.settings().path, "{\"torn").unwrap();
    let (journal, _) = start(&folder.settings());
    assert!(journal.stop(PATIENCE));
    assert_eq!(lines(&folder.settings().path), Vec::<String>::new());
    assert_eq!(folder.others().len(), 1);
}

#[test]
fn a_full_disk_refuses_new_calls_and_loses_no_record() {
    let folder = Folder::new("full");
    let path = folder.settings().path;
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let (journal, metrics) = start(&folder.settings());
    assert!(!journal.full());
    journal.append(b"{\"kept\":1}".to_vec());
    wait_until(|| journal.full());
    journal.append(b"{\"kept\":2}".to_vec());
    assert_eq!(journal.queued(), 2);
    std::fs::remove_file(&path).unwrap();
    journal.reopen();
    wait_until(|| !journal.full());
    assert!(journal.stop(PATIENCE));
    assert_eq!(lines(&path), ["{\"kept\":1}", "{\"kept\":2}"]);
    assert!(!metrics.render(&[]).contains("offhook_journal_errors_total 0"));
}

#[test]
fn stopping_on_a_full_disk_ends_and_says_so() {
    let folder = Folder::new("full-stop");
    std::os::unix::fs::symlink("/dev/full", folder.settings().path).unwrap();
    let (journal, _) = start(&folder.settings());
    journal.append(b"{}".to_vec());
    assert!(!journal.stop(PATIENCE));
}

#[test]
fn long_files_are_put_aside_whole() {
    let folder = Folder::new("rotate");
    let settings = JournalSettings { rotate_bytes: 100, ..folder.settings() };
    let (journal, _) = start(&settings);
    for number in 0..20 {
        journal.append(format!("{{\"number\":{number},\"text\":\"{}\"}}", "x".repeat(60)).into_bytes());
        wait_until(|| journal.queued() == 0);
    }
    assert!(journal.stop(PATIENCE));
    let mut all: Vec<String> = folder.others().iter().flat_map(|path| lines(path)).collect();
    all.extend(lines(&settings.path));
    assert!(folder.others().len() >= 2, "{:?}", folder.others());
    assert_eq!(all.len(), 20);
    assert!(all.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}

#[test]
fn a_new_day_begins_a_new_file() {
    let folder = Folder::new("day");
    let settings = JournalSettings { rotate_daily: true, ..folder.settings() };
    let mut file = JournalFile::open(&settings).unwrap();
    file.append(b"{}\n").unwrap();
    let today = clock::now();
    assert!(!file.is_due(&settings, today));
    let tomorrow = today.after(Duration::from_secs(86_400));
    assert!(file.is_due(&settings, tomorrow));
    file.rotate(&settings, tomorrow).unwrap();
    file.append(b"{\"next\":1}\n").unwrap();
    assert_eq!(lines(&folder.others()[0]), ["{}"]);
    assert_eq!(lines(&settings.path), ["{\"next\":1}"]);
    assert!(!file.is_due(&settings, tomorrow));
}

#[test]
fn a_file_moved_away_is_begun_anew_on_reopen() {
    let folder = Folder::new("reopen");
    let path = folder.settings().path;
    let (journal, _) = start(&folder.settings());
    journal.append(b"{\"old\":1}".to_vec());
    wait_until(|| journal.queued() == 0);
    std::fs::rename(&path, folder.0.join("moved.jsonl")).unwrap();
    journal.reopen();
    wait_until(|| path.exists());
    journal.append(b"{\"new\":1}".to_vec());
    assert!(journal.stop(PATIENCE));
    assert_eq!(lines(&folder.0.join("moved.jsonl")), ["{\"old\":1}"]);
    assert_eq!(lines(&path), ["{\"new\":1}"]);
}

#[test]
fn records_of_a_round_are_written_when_it_is_over() {
    let folder = Folder::new("round");
    let path = folder.settings().path;
    let (journal, _) = start(&folder.settings());
    journal.append(b"{\"before\":1}".to_vec());
    wait_until(|| journal.queued() == 0);
    journal.gather();
    journal.gather();
    journal.append(b"{\"in\":1}".to_vec());
    journal.append(b"{\"in\":2}".to_vec());
    journal.settle();
    wait_until(|| journal.queued() == 0);
    journal.settle();
    assert_eq!(lines(&path), ["{\"before\":1}", "{\"in\":1}", "{\"in\":2}"]);
}

#[test]
fn a_line_end_inside_a_record_cannot_make_two_lines() {
    let folder = Folder::new("inject");
    let (journal, _) = start(&folder.settings());
    journal.append(b"{\"a\":\n1}\n".to_vec());
    assert!(journal.stop(PATIENCE));
    assert_eq!(lines(&folder.settings().path), ["{\"a\":1}"]);
}

/// Waits for what another thread brings about.
fn wait_until(holds: impl Fn() -> bool) {
    let until = clock::now().instant + PATIENCE;
    while !holds() {
        assert!(clock::now().instant < until, "it never came true");
        std::thread::yield_now();
    }
}
