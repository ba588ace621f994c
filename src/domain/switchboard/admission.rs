//! May another call begin? Draining, lateness, the number of calls and their rate. Refuses cheaply and never an emergency call.

use crate::base::bucket::TokenBucket;
use crate::base::entropy::Entropy;
use crate::domain::switchboard::interface::{AdmissionPolicy, RefusalReason};
use std::time::{Duration, Instant};

/// The state of admission.
#[derive(Clone, Debug)]
pub struct Admission {
    policy: AdmissionPolicy,
    bucket: TokenBucket,
    draining: bool,
    /// Share of new calls to refuse, in 1/1024.
    shed: u64,
}

const WHOLE: u64 = 1_024;
/// While overload has been declared but lateness is back below the onset: one in sixteen, until it is quiet again.
const SHED_LEAST: u64 = WHOLE / 16;

impl Admission {
    pub fn new(policy: AdmissionPolicy, now: Instant) -> Admission {
        Admission {
            policy,
            bucket: TokenBucket::new(policy.calls_per_second, policy.burst, now),
            draining: false,
            shed: 0,
        }
    }

    pub fn policy(&self) -> &AdmissionPolicy {
        &self.policy
    }

    pub fn set_policy(&mut self, policy: AdmissionPolicy, now: Instant) {
        self.bucket.set(policy.calls_per_second, policy.burst, now);
        self.policy = policy;
    }

    pub fn drain(&mut self) {
        self.draining = true;
    }

    pub fn is_draining(&self) -> bool {
        self.draining
    }

    /// How late the loops are. Refusals begin at half of the bound, grow with lateness up to all at the bound, and end only
    /// below a quarter of it, so that the gate does not flutter.
    pub fn lateness(&mut self, late: Duration) {
        let bound = self.policy.lateness_max.as_micros().max(1);
        let late = late.as_micros();
        let share = (late.saturating_mul(2).saturating_sub(bound)).saturating_mul(u128::from(WHOLE)) / bound;
        let share = u64::try_from(share).unwrap_or(WHOLE).min(WHOLE);
        let quiet = late < bound / 4;
        self.shed = match (self.shed, quiet) {
            (_, true) => 0,
            (0, false) => share,
            (_, false) => share.max(SHED_LEAST),
        };
    }

    /// Whether the loops are so late that new calls are refused at all.
    pub fn is_overloaded(&self) -> bool {
        self.shed > 0
    }

    /// The first question to a new call, before anything that costs: draining, lateness, number of calls.
    pub fn glance(&self, calls: usize, entropy: &mut Entropy) -> Result<(), RefusalReason> {
        if self.draining {
            return Err(RefusalReason::Draining);
        }
        if self.shed > 0 && entropy.below(WHOLE) < self.shed {
            return Err(RefusalReason::Overload);
        }
        if calls >= usize::try_from(self.policy.calls_max).unwrap_or(usize::MAX) {
            return Err(RefusalReason::CallsMax);
        }
        Ok(())
    }

    /// The last question: the rate. Asked only for calls that will really begin.
    pub fn take(&mut self, now: Instant) -> Result<(), RefusalReason> {
        if self.bucket.take(now) { Ok(()) } else { Err(RefusalReason::CallsPerSecond) }
    }

    /// Counts an emergency call, which is never refused.
    pub fn take_anyway(&mut self, now: Instant) {
        self.bucket.take_anyway(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission() -> Admission {
        let policy = AdmissionPolicy { lateness_max: Duration::from_millis(200), calls_max: 10, ..Default::default() };
        Admission::new(policy, Instant::now())
    }

    fn refused_of_1000(admission: &Admission) -> usize {
        let mut entropy = Entropy::from_number(3);
        (0..1_000).filter(|_| admission.glance(0, &mut entropy).is_err()).count()
    }

    #[test]
    fn refusals_grow_with_lateness_up_to_all() {
        let mut admission = admission();
        let mut last = 0;
        for (late, least, most) in [(0, 0, 0), (99, 0, 0), (125, 200, 300), (150, 450, 550), (200, 1_000, 1_000)] {
            admission.lateness(Duration::from_millis(late));
            let refused = refused_of_1000(&admission);
            assert!((least..=most).contains(&refused) && refused >= last, "{late} ms: {refused}");
            last = refused;
        }
        admission.lateness(Duration::from_secs(100_000));
        assert_eq!(refused_of_1000(&admission), 1_000);
    }

    #[test]
    fn overload_ends_only_when_it_is_quiet_again() {
        let mut admission = admission();
        admission.lateness(Duration::from_millis(80));
        assert!(!admission.is_overloaded(), "not declared yet");
        admission.lateness(Duration::from_millis(180));
        admission.lateness(Duration::from_millis(80));
        assert!(admission.is_overloaded(), "declared and not quiet");
        admission.lateness(Duration::from_millis(49));
        assert!(!admission.is_overloaded());
    }

    #[test]
    fn each_refusal_has_its_own_reason() {
        let mut entropy = Entropy::from_number(1);
        let mut admission = admission();
        assert_eq!(admission.glance(10, &mut entropy), Err(RefusalReason::CallsMax));
        admission.lateness(Duration::from_secs(1));
        assert_eq!(admission.glance(10, &mut entropy), Err(RefusalReason::Overload));
        admission.drain();
        assert_eq!(admission.glance(10, &mut entropy), Err(RefusalReason::Draining));
    }
}
