//! What we tell the service manager: ready, reloading, ending, how we are, and that work really goes on. Silent without one.

use sd_notify::NotifyState;
use std::time::{Duration, Instant};

/// Speaks to the manager that started us, if there is one.
#[derive(Clone, Copy, Debug)]
pub struct ServiceManager {
    /// How often it wants a sign of life; `None` without `WatchdogSec=`.
    watchdog: Option<Duration>,
}

impl ServiceManager {
    pub fn from_environment() -> ServiceManager {
        ServiceManager { watchdog: sd_notify::watchdog_enabled() }
    }

    /// All listeners are bound, calls are taken. Also ends a reload.
    pub fn ready(&self, status: &str) {
        self.tell(&[NotifyState::Ready, NotifyState::Status(&one_line(status))]);
    }

    /// A reload has begun (sd_notify(3): with the time, so that the manager can order it).
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(time) => self.tell(&[NotifyState::Reloading, time]),
            Err(error) => tracing::warn!(%error, "the monotonic clock cannot be read, so the reload is not announced"),
        }
    }

    pub fn stopping(&self, status: &str) {
        self.tell(&[NotifyState::Stopping, NotifyState::Status(&one_line(status))]);
    }

    /// What `systemctl status` shows.
    pub fn status(&self, status: &str) {
        self.tell(&[NotifyState::Status(&one_line(status))]);
    }

    /// How often to call `watchdog`: half of what the manager waits; `None` when it does not watch.
    pub fn watchdog_every(&self) -> Option<Duration> {
        self.watchdog.map(|longest| longest / 2)
    }

    /// Gives a sign of life only if every loop has gone on since `longest` ago. Says which has not.
    pub fn watchdog(&self, progress: &[(String, Instant)], now: Instant) -> Progress {
        let stuck = stuck(progress, now, self.watchdog.unwrap_or(WITHOUT_MANAGER));
        if stuck.is_empty() {
            self.tell(&[NotifyState::Watchdog]);
            return Progress::Alive;
        }
        tracing::error!(loops = stuck.join(","), "loops have stopped, so the watchdog is not fed");
        Progress::Stuck(stuck)
    }

    fn tell(&self, states: &[NotifyState<'_>]) {
        // Without a manager `notify` does nothing and succeeds.
        if let Err(error) = sd_notify::notify(states) {
            tracing::warn!(%error, "the service manager could not be told");
        }
    }
}

/// How long a loop may be silent where no manager says so: the health page uses the same bound.
pub const WITHOUT_MANAGER: Duration = Duration::from_secs(30);

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress {
    Alive,
    /// The loops that have not gone on.
    Stuck(Vec<String>),
}

/// The names of the loops whose last sign of life is older than `longest`.
pub fn stuck(progress: &[(String, Instant)], now: Instant, longest: Duration) -> Vec<String> {
    let late = progress.iter().filter(|(_, at)| now.saturating_duration_since(*at) >= longest);
    late.map(|(name, _)| name.clone()).collect()
}

/// A status is one line: a line end would begin a variable of its own.
fn one_line(status: &str) -> String {
    status.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loops_that_went_on_feed_the_watchdog() {
        let start = Instant::now();
        let now = start + Duration::from_secs(10);
        let progress = [("udp".to_owned(), now), ("journal".to_owned(), start)];
        assert_eq!(stuck(&progress, now, Duration::from_secs(11)), Vec::<String>::new());
        assert_eq!(stuck(&progress, now, Duration::from_secs(10)), ["journal"]);
        let manager = ServiceManager { watchdog: Some(Duration::from_secs(5)) };
        assert_eq!(manager.watchdog(&progress, now), Progress::Stuck(vec!["journal".to_owned()]));
        assert_eq!(manager.watchdog_every(), Some(Duration::from_millis(2_500)));
        assert_eq!(manager.watchdog(&progress[..1], now), Progress::Alive);
    }

    #[test]
    fn a_status_cannot_carry_a_second_variable() {
        assert_eq!(one_line("3 calls\nMAINPID=1"), "3 calls MAINPID=1");
    }
}
