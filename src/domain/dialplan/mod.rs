//! Which number goes where: rules in order, and what each one dials.

pub mod lookup;
pub mod route;

use crate::base::cause::Cause;
use std::sync::Arc;
use std::time::Duration;

/// All rules of the files in `dialplans/`, in order of file name and place.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Dialplan {
    pub rules: Vec<Rule>,
    pub groups: Vec<Group>,
    pub trunk_groups: Vec<TrunkGroup>,
    /// Dialled strings that are always routed first and never shed, such as "110", "119".
    pub emergency: Vec<Emergency>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Rule {
    pub name: Arc<str>,
    /// Callers it is for: trunk names, "phones", or empty for all.
    pub from: Vec<Box<str>>,
    pub pattern: Pattern,
    pub to: Vec<Destination>,
    pub ring_timeout: Option<Duration>,
}

/// What a dialled number must look like; compared with the E.164 form and with the digits as received.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pattern {
    Any,
    Exact(Box<str>),
    /// `+8150*`: longest literal part wins among prefixes.
    Prefix(Box<str>),
}

/// Tried in order; each is one or more stages of the route.
#[derive(Clone, PartialEq, Debug)]
pub enum Destination {
    Trunk(Arc<str>),
    TrunkGroup(Arc<str>),
    Phone(Arc<str>),
    Group(Arc<str>),
    Reject(Cause),
}

/// Phones that ring together or in turn.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    pub name: Arc<str>,
    pub phones: Vec<Arc<str>>,
    pub together: bool,
    pub ring_timeout: Duration,
}

#[derive(Clone, PartialEq, Debug)]
pub struct TrunkGroup {
    pub name: Arc<str>,
    pub members: Vec<TrunkMember>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct TrunkMember {
    pub trunk: Arc<str>,
    pub priority: u16,
    pub weight: u16,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Emergency {
    pub digits: Box<str>,
    pub to: Vec<Destination>,
}
