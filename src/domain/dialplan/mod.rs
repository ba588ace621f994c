//! Which number goes where: rules in order, and what each one dials.

pub mod caller_id;
pub mod guard;
pub mod lookup;
pub mod outbound;
pub mod route;

use crate::base::cause::Cause;
use crate::domain::dialplan::caller_id::CallerIds;
use crate::domain::dialplan::guard::Guard;
use crate::domain::dialplan::outbound::Outbound;
use crate::domain::number::country::Country;
use crate::domain::number::kind::Kind;
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
    /// Which numbers may be called out, and what such calls show and may spend.
    pub outbound: Outbound,
    pub caller_ids: CallerIds,
    pub guards: Vec<Guard>,
    pub accounts: Vec<Account>,
    pub rates: Vec<Rate>,
}

impl Dialplan {
    /// Whether nothing about calls to carriers is limited, so that nothing has to be asked.
    pub fn is_open(&self) -> bool {
        self.outbound == Outbound::default() && self.caller_ids == CallerIds::default() && self.guards.is_empty()
    }
}

/// Those who pay together.
#[derive(Clone, PartialEq, Debug)]
pub struct Account {
    pub name: Arc<str>,
    /// Callers as in `Rule.from`.
    pub members: Vec<Box<str>>,
}

/// What a trunk takes for a minute, by where the call goes. The longest prefix counts.
#[derive(Clone, PartialEq, Debug)]
pub struct Rate {
    pub trunk: Arc<str>,
    /// With its plus; "+" is the whole world.
    pub prefix: Box<str>,
    /// In thousandths of the money that the house counts in.
    pub price: u32,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Rule {
    pub name: Arc<str>,
    /// Callers it is for: trunk names, "phones", or empty for all.
    pub from: Vec<Box<str>>,
    pub pattern: Pattern,
    /// Only for numbers of these countries; empty: of all.
    pub countries: Vec<Country>,
    /// Only for numbers of these kinds; empty: of all.
    pub kinds: Vec<Kind>,
    /// Only while somebody is there, or while nobody is.
    pub hours: Option<During>,
    pub to: Vec<Destination>,
    pub ring_timeout: Option<Duration>,
}

/// A set of opening hours, and which side of them is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct During {
    pub hours: Arc<str>,
    pub open: bool,
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
    /// A flow serves the caller.
    Flow(Arc<str>),
    /// The caller waits in a queue.
    Queue(Arc<str>),
    /// An engine decides.
    Engine(Arc<str>),
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
    /// Cheapest first by the rates; priority and weight decide among equals. Otherwise priority comes first.
    pub by_price: bool,
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
