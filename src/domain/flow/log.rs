//! One line of a flow's log: which step did what, for how long and with what outcome. Writes nothing.

use super::definition::{Kind, Outcome};
use std::sync::Arc;
use std::time::Duration;

/// Written when a step is left.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Counts through the whole call, so that a line which arrives twice is seen.
    pub sequence: u32,
    pub flow: Arc<str>,
    pub kind: Kind,
    pub step: Box<str>,
    /// The word after `do =`.
    pub act: &'static str,
    /// When the step was entered.
    pub at_unix_millis: u64,
    pub duration: Duration,
    /// `None` where the step ended the flow.
    pub outcome: Option<Outcome>,
    /// What the step was about, references filled in; masked where the step is sensitive.
    pub parameters: Vec<(&'static str, Box<str>)>,
    /// What came of it, masked likewise.
    pub result: Option<Box<str>>,
}
