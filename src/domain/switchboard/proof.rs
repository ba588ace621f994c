//! Who is it really? Digest for those whom no network tells, and our own answers to carriers' challenges.

use crate::base::entropy::Entropy;
use crate::base::now::Now;
use crate::domain::call::interface::Party;
use crate::domain::profile::{DigestPolicy, Profile};
use crate::domain::switchboard::board::Switchboard;
use crate::domain::switchboard::index::Login as Known;
use crate::protocol::sip::digest::server::{Authenticator, Verdict};
use crate::protocol::sip::message::{HeaderName, Message};
use crate::protocol::sip::path::Path;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a request proves.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Proof {
    Proven(Party),
    /// Nothing yet, or with a nonce that is no longer good.
    Missing {
        stale: bool,
    },
    /// A wrong key or an unknown user: nobody learns which.
    Wrong,
}

/// How long a nonce is good: a phone refreshes several things with one.
const NONCE_LIFETIME: Duration = Duration::from_secs(300);

/// One doorkeeper per realm and kind of challenge.
#[derive(Default)]
pub(super) struct Prover {
    realms: BTreeMap<(Box<str>, DigestPolicy), Authenticator>,
}

impl Prover {
    fn of(&mut self, profile: &Profile, entropy: &mut Entropy) -> &mut Authenticator {
        let algorithms = profile.digest.algorithms();
        self.realms
            .entry((profile.realm.clone(), profile.digest))
            .or_insert_with(|| Authenticator::new(&profile.realm, NONCE_LIFETIME, algorithms, entropy))
    }
}

impl Switchboard {
    pub(super) fn prove(&mut self, now: Now, from: &Path, message: &Message) -> Proof {
        let index = self.index.clone();
        let (Some(number), Some((profile, _))) = (index.profile_number(from.listener), index.listener(from.listener))
        else {
            return Proof::Missing { stale: false };
        };
        let keeper = self.prover.of(profile, &mut self.entropy);
        let verdict = keeper.verify(now, from.remote, message, |user| {
            index.login(number, user).and_then(|known| match known {
                Known::Phone(phone) => Some(&phone.digest.password),
                Known::Trunk(trunk) => trunk.inbound_digest.as_ref().map(|login| &login.password),
            })
        });
        match verdict {
            Verdict::Missing => Proof::Missing { stale: false },
            Verdict::Stale => Proof::Missing { stale: true },
            Verdict::Wrong => Proof::Wrong,
            Verdict::Granted { user } => match index.login(number, &user) {
                Some(Known::Phone(phone)) => self.proven(from, Party::Phone(phone.clone())),
                Some(Known::Trunk(trunk)) => self.proven(from, Party::Trunk(trunk.clone())),
                None => Proof::Wrong,
            },
        }
    }

    fn proven(&mut self, from: &Path, party: Party) -> Proof {
        self.door.forgive(from.remote.ip());
        Proof::Proven(party)
    }

    /// 401 with what it takes to prove oneself; the same for everybody.
    pub(super) fn challenge(&mut self, now: Now, from: Path, message: &Message, stale: bool) {
        let challenges = self.challenges(now, from, stale);
        self.reply(from, message, (401, "Unauthorized"), |writer| {
            for challenge in challenges {
                writer.header(HeaderName::WwwAuthenticate, challenge);
            }
        });
    }

    pub(super) fn challenges(&mut self, now: Now, from: Path, stale: bool) -> Vec<String> {
        let index = self.index.clone();
        let Some((profile, _)) = index.listener(from.listener) else { return Vec::new() };
        self.prover.of(profile, &mut self.entropy).challenges(now, from.remote, stale)
    }
}
