//! What the holder of a lease may want of a talk: who hears whom, who takes part, what is said in signalling. Does none of it.

use crate::base::id::LegId;
use crate::domain::flow::act::Recorded;
use crate::domain::routing::order::DialOrder;

#[derive(Clone, PartialEq, Debug)]
pub enum TalkOrder {
    /// The party hears nobody, and nobody hears it; or is back.
    Hold {
        leg: LegId,
        is_on: bool,
    },
    /// Nobody hears the party.
    Mute {
        leg: LegId,
        is_on: bool,
    },
    /// Somebody more is called, and talks with all.
    Add(Box<DialOrder>),
    /// The party is let go; the others talk on.
    Remove(LegId),
    /// Somebody else is called in the place of the party that the caller talks with.
    Transfer(Box<DialOrder>),
    SendDigits {
        leg: LegId,
        digits: Box<str>,
    },
    /// A SIP INFO to the party.
    Inform(Box<Inform>),
    /// Who is recorded from now on, and once somebody is joined.
    Recording(Recorded),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inform {
    pub leg: LegId,
    /// Its type, and what stands in it.
    pub body: Option<(Box<str>, Box<str>)>,
    pub user_to_user: Option<Box<str>>,
}

impl TalkOrder {
    /// As messages write it.
    pub fn name(&self) -> &'static str {
        match self {
            TalkOrder::Hold { .. } => "hold",
            TalkOrder::Mute { .. } => "mute",
            TalkOrder::Add(_) => "add",
            TalkOrder::Remove(_) => "remove",
            TalkOrder::Transfer(_) => "transfer",
            TalkOrder::SendDigits { .. } => "send_digits",
            TalkOrder::Inform(_) => "info",
            TalkOrder::Recording(_) => "recording",
        }
    }
}
