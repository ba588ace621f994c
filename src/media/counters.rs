//! What one worker has counted, as plain numbers. The edge copies and shows them.

use crate::protocol::ice::responder::Refused as Unchecked;

/// Why a packet was not taken. One variant, one label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// From an address that nothing proved.
    Stranger,
    /// SRTP: not authentic, or seen before.
    NotAuthentic,
    /// A payload type that was not agreed.
    NotAgreed,
    Stun,
    Dtls,
    /// Nothing that belongs on a media port, or broken.
    Junk,
    /// Nobody here any more, or not yet.
    NoStream,
}

impl Refusal {
    pub const ALL: [Refusal; 7] = [
        Refusal::Stranger,
        Refusal::NotAuthentic,
        Refusal::NotAgreed,
        Refusal::Stun,
        Refusal::Dtls,
        Refusal::Junk,
        Refusal::NoStream,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Refusal::Stranger => "stranger",
            Refusal::NotAuthentic => "not-authentic",
            Refusal::NotAgreed => "not-agreed",
            Refusal::Stun => "stun",
            Refusal::Dtls => "dtls",
            Refusal::Junk => "junk",
            Refusal::NoStream => "no-stream",
        }
    }
}

/// Since the worker's start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    pub packets_in: u64,
    pub bytes_in: u64,
    pub packets_out: u64,
    pub bytes_out: u64,
    /// Sent on without a look at their payload.
    pub forwarded: u64,
    pub control_in: u64,
    pub control_out: u64,
    pub refused: [u64; Refusal::ALL.len()],
    /// Connectivity checks of browsers that were taken, and that were not.
    pub checks: u64,
    pub checks_refused: [u64; Unchecked::ALL.len()],
    /// Browsers whose consent ran out.
    pub consents_lost: u64,
}

impl Counters {
    pub fn refuse(&mut self, why: Refusal) {
        let at = Refusal::ALL.iter().position(|known| *known == why);
        if let Some(count) = at.and_then(|at| self.refused.get_mut(at)) {
            *count += 1;
        }
    }

    pub fn checked(&mut self, outcome: Result<(), Unchecked>) {
        let Err(why) = outcome else {
            self.checks += 1;
            return;
        };
        let at = Unchecked::ALL.iter().position(|known| *known == why);
        if let Some(count) = at.and_then(|at| self.checks_refused.get_mut(at)) {
            *count += 1;
        }
    }

    pub fn refused(&self, why: Refusal) -> u64 {
        let at = Refusal::ALL.iter().position(|known| *known == why);
        at.and_then(|at| self.refused.get(at)).copied().unwrap_or(0)
    }
}
