//! The contract of every deterministic part: inputs and time go in, outputs and the next deadline come out.

use super::now::Now;
use std::time::Instant;

/// After every `handle_*` the owner drains `poll_output` to `None`, then reads `deadline`.
///
/// A spurious `handle_deadline` is harmless. The order of outputs is part of the behaviour.
pub trait Machine {
    type Input;
    type Output;
    fn handle_input(&mut self, now: Now, input: Self::Input);
    fn handle_deadline(&mut self, now: Now);
    #[must_use]
    fn poll_output(&mut self) -> Option<Self::Output>;
    #[must_use]
    fn deadline(&self) -> Option<Instant>;
}
