//! Configuration as the switchboard asks it: by name, by address, by login, by number. Built once, never changed.

use crate::domain::call::interface::Profiles;
use crate::domain::dialplan::lookup::DialplanIndex;
use crate::domain::phone::settings::Phone;
use crate::domain::profile::{Listener, Profile};
use crate::domain::switchboard::interface::Exchange;
use crate::domain::trunk::identify::TrunkFinder;
use crate::domain::trunk::settings::Trunk;
use crate::protocol::sip::path::ListenerId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whom a digest user name stands for.
#[derive(Clone, PartialEq, Debug)]
pub enum Login {
    Phone(Arc<Phone>),
    Trunk(Arc<Trunk>),
}

/// The exchange with its indexes.
#[derive(Clone, Debug, Default)]
pub struct Index {
    pub exchange: Arc<Exchange>,
    pub finder: TrunkFinder,
    pub dialplan: DialplanIndex,
    trunks: BTreeMap<Arc<str>, u32>,
    phones: BTreeMap<Arc<str>, u32>,
    logins: BTreeMap<(u16, Box<str>), Login>,
}

impl Index {
    pub fn new(exchange: Arc<Exchange>) -> Index {
        let profiles = &exchange.profiles.profiles;
        let names: BTreeMap<&str, u16> =
            (0u16..).zip(profiles).map(|(number, profile)| (&*profile.name, number)).collect();
        let mut logins = BTreeMap::new();
        for trunk in &exchange.trunks {
            if let (Some(login), Some(profile)) = (&trunk.inbound_digest, names.get(&*trunk.profile)) {
                logins.entry((*profile, login.user.clone())).or_insert_with(|| Login::Trunk(trunk.clone()));
            }
        }
        for phone in &exchange.phones {
            if let Some(profile) = names.get(&*phone.profile) {
                let login = (*profile, phone.digest.user.clone());
                logins.entry(login).or_insert_with(|| Login::Phone(phone.clone()));
            }
        }
        Index {
            finder: TrunkFinder::new(&exchange.trunks, |name| names.get(name).copied()),
            dialplan: DialplanIndex::new(exchange.dialplan.clone()),
            trunks: (0u32..).zip(&exchange.trunks).map(|(number, trunk)| (trunk.name.clone(), number)).collect(),
            phones: (0u32..).zip(&exchange.phones).map(|(number, phone)| (phone.name.clone(), number)).collect(),
            logins,
            exchange,
        }
    }

    pub fn profiles(&self) -> &Arc<Profiles> {
        &self.exchange.profiles
    }

    pub fn trunk_at(&self, number: u32) -> Option<&Arc<Trunk>> {
        self.exchange.trunks.get(usize::try_from(number).ok()?)
    }

    pub fn trunk(&self, name: &str) -> Option<&Arc<Trunk>> {
        self.trunks.get(name).and_then(|number| self.trunk_at(*number))
    }

    pub fn phone(&self, name: &str) -> Option<&Arc<Phone>> {
        let number = *self.phones.get(name)?;
        self.exchange.phones.get(usize::try_from(number).ok()?)
    }

    /// The number of the profile that a listener belongs to.
    pub fn profile_number(&self, listener: ListenerId) -> Option<u16> {
        self.exchange.profiles.listeners.get(usize::from(listener.0)).map(|(profile, _)| *profile)
    }

    pub fn listener(&self, id: ListenerId) -> Option<(&Arc<Profile>, &Listener)> {
        self.exchange.profiles.listener(id)
    }

    pub fn login(&self, profile: u16, user: &str) -> Option<&Login> {
        self.logins.get(&(profile, Box::from(user)))
    }

    /// Whether anybody at all can prove by digest who it is on this profile.
    pub fn has_logins(&self, profile: u16) -> bool {
        self.logins.range((profile, Box::from(""))..).next().is_some_and(|((other, _), _)| *other == profile)
    }
}
