//! Who is at the other end of a leg, and what is asked of everybody alike. Reaches nobody.

use crate::domain::phone::settings::Phone;
use crate::domain::trunk::settings::Trunk;
use std::sync::Arc;

/// Who is at the other end of a leg.
#[derive(Clone, PartialEq, Debug)]
pub enum Party {
    Trunk(Arc<Trunk>),
    Phone(Arc<Phone>),
}

impl Party {
    /// "trunk:carrier-a" or "phone:alice".
    pub fn name(&self) -> String {
        match self {
            Party::Trunk(trunk) => format!("trunk:{}", trunk.name),
            Party::Phone(phone) => format!("phone:{}", phone.name),
        }
    }
}
