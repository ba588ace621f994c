//! What lives with each trunk: its places, the health of its targets, our registration with it. By name, across reloads.

use crate::base::entropy::Entropy;
use crate::base::now::Now;
use crate::domain::trunk::health::Health;
use crate::domain::trunk::limits::Places;
use crate::domain::trunk::registration::Registering;
use crate::domain::trunk::settings::Trunk;
use crate::protocol::sip::stamp;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// One trunk while the daemon lives.
#[derive(Clone, Debug)]
pub struct TrunkState {
    pub name: Arc<str>,
    /// `None` once a reload has removed it; its places still come back.
    pub settings: Option<Arc<Trunk>>,
    pub places: Places,
    pub health: Vec<Health>,
    pub registering: Option<Registering>,
    /// A registration that the configuration no longer has, while it is being ended.
    pub departing: Option<(Registering, Arc<Trunk>)>,
}

/// All trunks; a slot stays with its name.
#[derive(Clone, Debug, Default)]
pub struct Trunks {
    states: Vec<TrunkState>,
    slots: BTreeMap<Arc<str>, u32>,
}

impl Trunks {
    pub fn slot(&self, name: &str) -> Option<u32> {
        self.slots.get(name).copied()
    }

    pub fn get(&self, slot: u32) -> Option<&TrunkState> {
        self.states.get(usize::try_from(slot).ok()?)
    }

    pub fn get_mut(&mut self, slot: u32) -> Option<&mut TrunkState> {
        self.states.get_mut(usize::try_from(slot).ok()?)
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, &TrunkState)> {
        (0u32..).zip(&self.states)
    }

    /// The trunk of this name whose registrar has this address, while we are registered there.
    pub fn registered_from<'a>(&'a self, address: IpAddr, profile: &'a str) -> Option<&'a Arc<Trunk>> {
        self.states.iter().find_map(|state| {
            let comes = state.registering.as_ref().is_some_and(|registering| registering.comes_from(address));
            state.settings.as_ref().filter(|trunk| comes && *trunk.profile == *profile)
        })
    }

    /// Takes over a configuration: counters stay with their names, health and registrations where nothing of them changed.
    /// Gives the slots whose registration must be ended.
    pub fn adopt(&mut self, trunks: &[Arc<Trunk>], now: Now, entropy: &mut Entropy) -> Vec<u32> {
        let mut departing = Vec::new();
        for (slot, state) in (0u32..).zip(&mut self.states) {
            if !trunks.iter().any(|trunk| trunk.name == state.name) && state.retire() {
                departing.push(slot);
            }
        }
        for trunk in trunks {
            match self.slot(&trunk.name) {
                Some(slot) => {
                    if self.get_mut(slot).is_some_and(|state| state.change(trunk, now, entropy)) {
                        departing.push(slot);
                    }
                }
                None => {
                    let slot = u32::try_from(self.states.len()).unwrap_or(u32::MAX);
                    self.slots.insert(trunk.name.clone(), slot);
                    self.states.push(TrunkState::new(trunk, now, entropy));
                }
            }
        }
        departing
    }
}

impl TrunkState {
    fn new(trunk: &Arc<Trunk>, now: Now, entropy: &mut Entropy) -> TrunkState {
        TrunkState {
            name: trunk.name.clone(),
            settings: Some(trunk.clone()),
            places: Places::new(trunk.limits, now.instant),
            health: healths(trunk, now, entropy),
            registering: registering(trunk, now, entropy),
            departing: None,
        }
    }

    /// New settings for a trunk that stays. True if an old registration must be ended.
    fn change(&mut self, trunk: &Arc<Trunk>, now: Now, entropy: &mut Entropy) -> bool {
        self.places.set_limits(trunk.limits, now.instant);
        let Some(old) = self.settings.replace(trunk.clone()) else {
            self.health = healths(trunk, now, entropy);
            self.registering = registering(trunk, now, entropy);
            return false;
        };
        if old.targets != trunk.targets || old.health != trunk.health {
            self.health = healths(trunk, now, entropy);
        }
        let same = old.registration == trunk.registration
            && old.targets == trunk.targets
            && old.outbound_digest == trunk.outbound_digest
            && old.profile == trunk.profile;
        if same {
            return false;
        }
        let before = std::mem::replace(&mut self.registering, registering(trunk, now, entropy));
        let replaced = matches!((&old.registration, &trunk.registration), (Some(old), Some(new))
            if old.user == new.user && old.domain == new.domain);
        // Registering the same address anew replaces the old one at the carrier; ending it might end both.
        self.departing = before.filter(|_| !replaced).map(|registering| (registering, old));
        self.departing.is_some()
    }

    /// The configuration has it no more. True if a registration must be ended.
    fn retire(&mut self) -> bool {
        let Some(old) = self.settings.take() else { return false };
        self.health.clear();
        self.departing = self.registering.take().map(|registering| (registering, old));
        self.departing.is_some()
    }

    /// Whether the trunk can take calls at all: registered, if it is to register.
    pub fn is_ready(&self) -> bool {
        self.registering.as_ref().is_none_or(Registering::is_registered)
    }
}

fn healths(trunk: &Trunk, now: Now, entropy: &mut Entropy) -> Vec<Health> {
    trunk.targets.iter().map(|_| Health::new(trunk.health, now.instant, entropy)).collect()
}

fn registering(trunk: &Trunk, now: Now, entropy: &mut Entropy) -> Option<Registering> {
    let settings = trunk.registration.clone()?;
    let target_count = u16::try_from(trunk.targets.len()).unwrap_or(u16::MAX);
    let call_id = stamp::call_id(entropy).into();
    let from_tag = format!("{:016x}", entropy.number()).into();
    (target_count > 0).then(|| Registering::new(settings, target_count, (call_id, from_tag), now))
}
