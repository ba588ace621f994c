//! What the system says of our own process. Reads `/proc/self`; absent figures are left out, never invented.

use super::Reading;
use super::table;

/// Memory, open files and CPU time, as far as the system tells them.
pub fn readings() -> Vec<Reading> {
    let memory = resident_bytes().map(|bytes| Reading::count(table::MEMORY, &[], bytes));
    let files = open_files().map(|files| Reading::count(table::FILES, &[], files));
    let cpu = cpu_seconds().map(|seconds| Reading::new(table::CPU, &[], seconds));
    memory.into_iter().chain(files).chain(cpu).collect()
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1_024)
}

fn open_files() -> Option<u64> {
    let files = std::fs::read_dir("/proc/self/fd").ok()?.count();
    // One of them is the folder that is being read.
    u64::try_from(files.saturating_sub(1)).ok()
}

/// User and system time of the process, which Linux tells in hundredths of a second whatever its own tick is.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name stands in parentheses and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / 100.0)
}
