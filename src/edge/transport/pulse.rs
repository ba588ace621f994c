//! How late the loops are and when each last showed life. Measures; never acts on what it finds.

use crate::base::now::Now;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// How often lateness is looked at while there is work: a quarter of what is refused by default.
const PROBE: Duration = Duration::from_millis(50);
/// How often while there is hardly any: a thousand silent calls should leave the daemon asleep.
const PROBE_AT_REST: Duration = Duration::from_millis(500);
/// Messages in one such time that do not disturb the rest.
const REST_MESSAGES: u64 = 4;
/// How often a loop that has nothing to do shows that it could.
pub const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// When lateness is to be looked at next: often while messages come, seldom at rest. Whoever looks does so at the same
/// moments by the wall clock, so that one wake-up serves all.
#[derive(Default)]
pub struct Pace {
    messages: u64,
}

impl Pace {
    /// `messages`: how many have come so far.
    pub fn next(&mut self, messages: u64, now: Now) -> Instant {
        let fresh = messages.saturating_sub(std::mem::replace(&mut self.messages, messages));
        let every = if fresh > REST_MESSAGES { PROBE } else { PROBE_AT_REST };
        let since = now.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let over = u64::try_from(since.as_micros() % every.as_micros()).unwrap_or_default();
        now.instant + every - Duration::from_micros(over)
    }
}

/// One listening loop's sign of life.
pub struct Beat {
    name: String,
    started: Instant,
    /// Microseconds after `started`.
    last: AtomicU64,
    /// What is taken now came no earlier, in the same microseconds; zero while the loop waits for something to do.
    busy_since: AtomicU64,
    lap: Lap,
}

/// How junk is kept from looking like lateness: a queue that holds so many and out of which as many have been taken holds
/// nothing that is older. Written by the loop alone.
#[derive(Default)]
struct Lap {
    length: AtomicU32,
    junk: AtomicU32,
    began: AtomicU64,
}

impl Beat {
    fn micros(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }

    pub fn alive(&self) {
        self.last.store(self.micros(), Ordering::Relaxed);
    }

    /// There is something on the socket, at most so many datagrams.
    pub fn busy(&self, waiting_max: u32) {
        let now = self.micros();
        self.last.store(now, Ordering::Relaxed);
        if self.busy_since.load(Ordering::Relaxed) == 0 {
            self.busy_since.store(now, Ordering::Relaxed);
            self.lap.length.store(waiting_max, Ordering::Relaxed);
            self.lap.junk.store(0, Ordering::Relaxed);
            self.lap.began.store(now, Ordering::Relaxed);
        }
    }

    /// A datagram was dropped unread. A flood of them that is drained as fast as it comes must not look like calls that wait;
    /// messages make no laps, so that more of them than can be worked through always looks like what it is.
    pub fn junk(&self) {
        let junk = self.lap.junk.load(Ordering::Relaxed) + 1;
        if junk < self.lap.length.load(Ordering::Relaxed) {
            self.lap.junk.store(junk, Ordering::Relaxed);
            return;
        }
        self.lap.junk.store(0, Ordering::Relaxed);
        self.busy_since.store(self.lap.began.swap(self.micros(), Ordering::Relaxed), Ordering::Relaxed);
    }

    /// The socket is empty: nothing waits.
    pub fn empty(&self) {
        self.busy_since.store(0, Ordering::Relaxed);
    }

    fn behind(&self) -> Duration {
        match self.busy_since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_micros(self.micros().saturating_sub(since)),
        }
    }
}

/// The beats of all loops, and a probe of the runtime that carries them.
pub struct Pulse {
    started: Instant,
    late_micros: AtomicU64,
    beats: Mutex<Vec<Arc<Beat>>>,
}

impl Pulse {
    pub fn new(started: Instant) -> Pulse {
        Pulse { started, late_micros: AtomicU64::new(0), beats: Mutex::default() }
    }

    /// A beat for a new loop; it is forgotten when the loop drops it.
    pub fn beat(&self, name: &str) -> Arc<Beat> {
        let beat = Arc::new(Beat {
            name: name.to_owned(),
            started: self.started,
            last: AtomicU64::new(0),
            busy_since: AtomicU64::new(0),
            lap: Lap::default(),
        });
        beat.alive();
        if let Ok(mut beats) = self.beats.lock() {
            beats.retain(|beat| Arc::strong_count(beat) > 1);
            beats.push(Arc::clone(&beat));
        }
        beat
    }

    /// The probe timer fired so late. What was measured before fades by half in about 90 ms of work.
    pub fn probed(&self, late: Duration) {
        let before = self.late_micros.load(Ordering::Relaxed);
        let late = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        self.late_micros.store(late.max(before - before.div_ceil(3)), Ordering::Relaxed);
    }

    /// The worst of all: of the timer, and of each loop that has not seen its socket empty for so long.
    pub fn lateness(&self) -> Duration {
        let timer = Duration::from_micros(self.late_micros.load(Ordering::Relaxed));
        let Ok(beats) = self.beats.lock() else { return timer };
        beats.iter().filter(|beat| Arc::strong_count(beat) > 1).map(|beat| beat.behind()).fold(timer, Duration::max)
    }

    pub fn progress(&self) -> Vec<(String, Instant)> {
        let Ok(beats) = self.beats.lock() else { return Vec::new() };
        beats
            .iter()
            .filter(|beat| Arc::strong_count(beat) > 1)
            .map(|beat| (beat.name.clone(), self.started + Duration::from_micros(beat.last.load(Ordering::Relaxed))))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lateness_is_looked_at_often_only_while_messages_come() {
        let mut pace = Pace::default();
        let now = Now { instant: Instant::now(), wall: UNIX_EPOCH + PROBE_AT_REST * 7_777 };
        assert_eq!(pace.next(3, now), now.instant + PROBE_AT_REST);
        assert_eq!(pace.next(100, now), now.instant + PROBE);
        assert_eq!(pace.next(100, now), now.instant + PROBE_AT_REST);
    }

    #[test]
    fn all_look_at_the_same_moments() {
        let (mut one, mut other) = (Pace::default(), Pace::default());
        let now = Now { instant: Instant::now(), wall: UNIX_EPOCH + PROBE * 1_000 };
        let (early, late) = (now.after(Duration::from_millis(3)), now.after(Duration::from_millis(41)));
        assert_eq!(one.next(100, early), other.next(100, late));
    }

    #[test]
    fn a_late_timer_shows_at_once_and_fades() {
        let pulse = Pulse::new(Instant::now());
        pulse.probed(Duration::from_millis(300));
        assert_eq!(pulse.lateness(), Duration::from_millis(300));
        for _ in 0..2 {
            pulse.probed(Duration::ZERO);
        }
        assert!(pulse.lateness() < Duration::from_millis(150));
        for _ in 0..80 {
            pulse.probed(Duration::ZERO);
        }
        assert_eq!(pulse.lateness(), Duration::ZERO);
    }

    #[test]
    fn a_loop_that_never_empties_its_socket_is_late_until_it_does() {
        let pulse = Pulse::new(Instant::now().checked_sub(Duration::from_secs(1)).unwrap());
        let beat = pulse.beat("udp");
        assert_eq!(pulse.lateness(), Duration::ZERO);
        beat.busy_since.store(1, Ordering::Relaxed);
        beat.busy(100);
        assert!(pulse.lateness() >= Duration::from_millis(999));
        beat.empty();
        assert_eq!(pulse.lateness(), Duration::ZERO);
    }

    #[test]
    fn a_flood_of_junk_looks_no_later_than_the_socket_is_deep() {
        let pulse = Pulse::new(Instant::now().checked_sub(Duration::from_secs(1)).unwrap());
        let beat = pulse.beat("udp");
        beat.busy(100);
        beat.busy_since.store(1, Ordering::Relaxed);
        beat.lap.began.store(1, Ordering::Relaxed);
        (0..150).for_each(|_| beat.junk());
        assert!(pulse.lateness() >= Duration::from_millis(999), "what came with the first may wait still");
        (0..50).for_each(|_| beat.junk());
        assert!(pulse.lateness() < Duration::from_millis(500));
    }

    #[test]
    fn a_loop_that_ended_is_watched_no_more() {
        let pulse = Pulse::new(Instant::now());
        let beat = pulse.beat("udp");
        assert_eq!(pulse.progress().len(), 1);
        drop(beat);
        assert!(pulse.progress().is_empty());
    }
}
