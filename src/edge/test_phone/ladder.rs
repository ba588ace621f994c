//! What a test phone sent and received, as a person reads it.

use crate::protocol::sip::message::Message;
use std::fmt;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    Sent,
    Received,
}

/// One message of a call.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    pub at: Duration,
    pub direction: Direction,
    pub words: String,
}

impl Step {
    pub fn of(at: Duration, direction: Direction, message: &Message) -> Step {
        let sdp = if message.body().is_empty() { "" } else { " (with SDP)" };
        let words = if message.is_request() {
            format!("{}{sdp}", message.method_text())
        } else {
            format!("{} {}{sdp}", message.status(), message.reason())
        };
        Step { at, direction, words }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = match self.direction {
            Direction::Sent => "->",
            Direction::Received => "<-",
        };
        write!(f, "{:>8.1} ms  {arrow} {}", self.at.as_secs_f64() * 1000.0, self.words)
    }
}
