//! What we tell the service manager: ready, reloading, ending, how we are, and that work really goes on. Silent without one.

use sd_notify::NotifyState;
use std::time::Duration;

/// Speaks to the manager that started us, if there is one.
#[derive(Clone, Copy, Debug)]
pub struct Supervisor {
    /// How long it waits for a sign of life; `None` without `WatchdogSec=`.
    watchdog: Option<Duration>,
}

impl Supervisor {
    pub fn from_environment() -> Supervisor {
        Supervisor { watchdog: sd_notify::watchdog_enabled() }
    }

    /// All listeners are bound, calls are taken. Also ends a reload.
    pub fn ready(&self) {
        tell(&[NotifyState::Ready]);
    }

    /// A reload has begun (sd_notify(3): with the time, so that the manager can order it).
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(time) => tell(&[NotifyState::Reloading, time]),
            Err(error) => tracing::warn!(%error, "the monotonic clock cannot be read, so the reload is not announced"),
        }
    }

    pub fn stopping(&self) {
        tell(&[NotifyState::Stopping]);
    }

    /// How often to call `beat`: half of what the manager waits; `None` when it does not watch.
    pub fn watchdog_every(&self) -> Option<Duration> {
        self.watchdog.map(|longest| longest / 2)
    }

    /// Tells how we are, and gives a sign of life only if no loop is stalled.
    pub fn beat(&self, stalled: &[String], status: &str) {
        let (status, lives) = sign_of_life(stalled, status);
        match lives {
            true => tell(&[NotifyState::Status(&status), NotifyState::Watchdog]),
            false => tell(&[NotifyState::Status(&status)]),
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    // Without a manager `notify` does nothing and succeeds.
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

/// The status line, and whether the watchdog is fed.
fn sign_of_life(stalled: &[String], status: &str) -> (String, bool) {
    match stalled.is_empty() {
        true => (one_line(status), true),
        false => (one_line(&format!("{status}; without progress: {}", stalled.join(", "))), false),
    }
}

/// A status is one line: a line end would begin a variable of its own.
fn one_line(status: &str) -> String {
    status.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_cannot_carry_a_second_variable() {
        assert_eq!(one_line("3 calls\nMAINPID=1"), "3 calls MAINPID=1");
    }

    #[test]
    fn a_stalled_loop_starves_the_watchdog_and_is_named() {
        assert_eq!(sign_of_life(&[], "serving, 3 calls"), ("serving, 3 calls".to_owned(), true));
        let told = sign_of_life(&["switchboard".to_owned()], "serving, 3 calls");
        assert_eq!(told, ("serving, 3 calls; without progress: switchboard".to_owned(), false));
    }

    #[test]
    fn the_watchdog_is_fed_twice_as_often_as_it_wants() {
        let supervisor = Supervisor { watchdog: Some(Duration::from_secs(5)) };
        assert_eq!(supervisor.watchdog_every(), Some(Duration::from_millis(2_500)));
        assert_eq!(Supervisor { watchdog: None }.watchdog_every(), None);
    }
}
