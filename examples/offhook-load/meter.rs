//! What a run measures: delays in a histogram, the processor time and memory of a process.

/// Delays by microsecond, up to a second.
pub struct Delays {
    by_micros: Vec<u32>,
    beyond: u64,
    count: u64,
}

impl Delays {
    pub fn new() -> Delays {
        Delays { by_micros: vec![0; 1_000_000], beyond: 0, count: 0 }
    }

    pub fn add(&mut self, nanos: u64) {
        self.count += 1;
        match usize::try_from(nanos / 1_000).ok().and_then(|at| self.by_micros.get_mut(at)) {
            Some(count) => *count += 1,
            None => self.beyond += 1,
        }
    }

    /// Microseconds below which this share of all lies; a second when it lies beyond.
    pub fn percentile(&self, share: f64) -> usize {
        let wanted = (self.count as f64 * share).ceil() as u64;
        let mut sum = 0;
        for (micros, count) in self.by_micros.iter().enumerate() {
            sum += u64::from(*count);
            if sum >= wanted && wanted > 0 {
                return micros;
            }
        }
        self.by_micros.len()
    }
}

/// Seconds that all threads of a process have run, finer than the ticks of its stat.
pub fn run_seconds(pid: u32) -> f64 {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return 0.0 };
    let nanos = tasks.flatten().filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    nanos.sum::<f64>() / 1e9
}

/// Kilobytes of memory that are this process's own.
pub fn resident_kilobytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}
