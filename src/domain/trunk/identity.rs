//! Who calls whom, as one peer says it and as another may hear it. Never shows an untrusted peer what was asked to be private.

use crate::base::e164::E164;

#[derive(Clone, PartialEq, Debug)]
pub struct Dialled {
    /// The user part of the Request-URI as received.
    pub digits: Box<str>,
    pub e164: Option<E164>,
}

/// Who calls, normalised from From, P-Asserted-Identity, Remote-Party-ID and Privacy by the trunk's trust.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Identity {
    pub number: Box<str>,
    pub e164: Option<E164>,
    pub display: Box<str>,
    /// Privacy asked for: number and name are not shown to untrusted parties.
    pub private: bool,
}
