//! What configuration says of one phone, already validated. Holds no state.

use crate::domain::trunk::media::MediaSettings;
use crate::domain::trunk::settings::{Credentials, NumberRules, SrtpPolicy};
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, PartialEq, Debug)]
pub struct Phone {
    /// The user part of its address of record.
    pub name: Arc<str>,
    pub profile: Arc<str>,
    pub digest: Credentials,
    /// Shown to those whom it calls; empty shows none.
    pub display: Box<str>,
    /// The number shown when it calls out over a trunk; empty shows its name.
    pub caller_number: Box<str>,
    pub numbers: NumberRules,
    pub contacts_max: u16,
    pub expires_min: Duration,
    pub expires_max: Duration,
    pub codecs: Vec<Box<str>>,
    pub srtp: SrtpPolicy,
    pub media: MediaSettings,
    pub calls_max: u32,
    pub max_duration: Duration,
}
